// What a run takes from the catalog where its user says nothing (catalog/reliability/rates.yaml):
// published bounds and assumptions, each with a range.
#pragma once

#include <vector>

#include "fivefold/catalog/catalog.h"
#include "fivefold/reliability/stragglers.h"

namespace fivefold {

struct RunAssumptions {
  Seconds detect, restart, repair;
  BytesPerSecond storage_per_chip;
  BytesPerSecond copy;    // of a device to its host
  Seconds pause;          // of a checkpoint, beside the copy
  Stragglers stragglers;  // of one host: the caller states how many
  double data = 0;
  std::vector<const Fact*> facts;  // live as long as the catalog
};
// Fails where the catalog lacks one, or states it in a wrong unit.
Result<RunAssumptions> run_assumptions(const Catalog& catalog);

}  // namespace fivefold
