// The chain from an answer to its sources: a statement, the formula behind it, the parts that went into
// the formula, and at the leaves the facts of the catalog.
#pragma once

#include <string>
#include <vector>

#include "fivefold/catalog/fact.h"

namespace fivefold {

struct Explanation {
  std::string statement;  // "HBM bandwidth of 384 chips: 1.23 PB/s"
  std::string formula;    // "384 chips x 3.2 TB/s"; may be empty
  std::vector<Explanation> parts;
  std::vector<Fact> facts;
};

}  // namespace fivefold
