// The way to serve a load of requests, found by playing what the search proposes.
#pragma once

#include <functional>

#include "fivefold/planner/serving_search.h"
#include "fivefold/serving/simulate.h"

namespace fivefold {

// The search knows means; bursts and long prompts decide otherwise. Its best plans for requests of
// the load's mean lengths, together and apart, for throughput and for speed, are played on the
// begin of the load: the one that holds the limits at the largest multiple of its arrivals (1, 2,
// 4, ...) is taken, then the one with most requests within them, then the shortest.
// `setup_of` makes a plan's simulation; it is called for one plan at a time. Fails as the search
// does if no plan holds.
Result<ServingPlan> choose_plan(const ServingSpace& space, const ServingWorkload& workload,
                                const RequestLoad& load, const Slo& slo, double share,
                                const std::function<SimulationSetup(const ServingPlan&)>& setup_of);

}  // namespace fivefold
