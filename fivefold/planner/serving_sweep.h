// Inside the planner: the plans that a serving search looks at.
#pragma once

#include <vector>

#include "fivefold/planner/search.h"
#include "fivefold/planner/serving_plan.h"

namespace fivefold::serving_sweep {

struct Sweep {
  std::vector<ServingPlan> plans;
  SearchReport report;
};

// Batches that are looked at: whole, about three in each doubling, and the largest.
std::vector<double> batches(double most);
// Limits are so far behind that larger batches are of no interest.
bool hopeless(const ServingPlan& plan, const ServingGoal& goal);

// Instances that prefill and decode, of every size and cut.
Sweep together(const ServingSpace& space, const ServingGoal& goal, int drafts);
// Pools, their sizes balanced.
Sweep apart(const ServingSpace& space, const ServingGoal& goal, int drafts);

// Of a plan, another with as many requests as the limits allow; for latency as few as give the
// rate.
ServingPlan settled(const ServingSpace& space, const ServingGoal& goal, const ServingPlan& plan,
                    long& evaluated);

}  // namespace fivefold::serving_sweep
