// The best way to serve a model on a whole machine: every cut of the model over instances of every
// size, prefill and decode together or apart, at every batch. Deterministic on any number of
// threads.
#pragma once

#include <string>
#include <vector>

#include "fivefold/planner/search.h"
#include "fivefold/planner/serving_plan.h"

namespace fivefold {

struct ServingSearch {
  ServingPlan best;
  // Each gives more by the objective (tokens/s per chip for latency) than all that are faster for a
  // user; slowest for a user first. The limits of TTFT and E2E hold, that of TPOT need not: it is
  // the axis. A selection that has the best one.
  std::vector<ServingPlan> front;
  // The best plan of each pair of layouts, best first.
  std::vector<ServingPlan> top;
  std::string bound;  // what keeps the best plan from more
  SearchReport report;
};

// Fails if no plan holds the limits: by how much the nearest misses which.
Result<ServingSearch> search_serving(const ServingSpace& space, const ServingGoal& goal,
                                     int wanted = 5);

// "2 x tp=2,dp=16,ep=32" or "3 x tp=8,ep=8 prefill, 2 x dp=64,ep=64 decode".
std::string to_text(const ServingPools& pools);

}  // namespace fivefold
