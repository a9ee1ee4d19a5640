#include "fivefold/reliability/assumptions.h"

#include <fmt/format.h>

#include "fivefold/base/unit_text.h"

namespace fivefold {

Result<RunAssumptions> run_assumptions(const Catalog& catalog) {
  RunAssumptions found;
  double detect = 0, restart = 0, repair = 0, storage = 0, copy = 0, pause = 0;
  struct Wanted {
    const char* id;
    Dim dim;
    double* into;
  };
  const Wanted wanted[] = {{"run.detect", Seconds::kDim, &detect},
                           {"run.restart", Seconds::kDim, &restart},
                           {"run.repair", Seconds::kDim, &repair},
                           {"run.storage", BytesPerSecond::kDim, &storage},
                           {"run.copy", BytesPerSecond::kDim, &copy},
                           {"run.pause", Seconds::kDim, &pause},
                           {"run.slow.share", Dim{}, &found.stragglers.slow_share},
                           {"run.slow.by", Dim{}, &found.stragglers.slow_by},
                           {"run.jitter", Dim{}, &found.stragglers.jitter},
                           {"run.data", Dim{}, &found.data}};
  for (const Wanted& one : wanted) {
    const auto fact = catalog.economics(one.id);
    if (!fact) return fail(fact.error());
    if (!(*fact)->is_number() || (*fact)->dim != one.dim) {
      return fail(fmt::format("'{}' must be {}", one.id, describe(one.dim)), example_of(one.dim),
                  (*fact)->place);
    }
    *one.into = (*fact)->number;
    found.facts.push_back(*fact);
  }
  found.detect = Seconds(detect);
  found.restart = Seconds(restart);
  found.repair = Seconds(repair);
  found.storage_per_chip = BytesPerSecond(storage);
  found.copy = BytesPerSecond(copy);
  found.pause = Seconds(pause);
  return found;
}

}  // namespace fivefold
