#include "fivefold/planner/serving_choice.h"

#include <algorithm>
#include <vector>

#include "fivefold/base/parallel.h"
#include "fivefold/planner/serving_load.h"
#include "fivefold/traffic/traffic.h"

namespace fivefold {
namespace {

// Layouts that the planner would take for requests of the load's mean lengths: for throughput, and
// for speed, within the limits as far as there are any.
std::vector<ServingPlan> candidates(const ServingSpace& space, const LoadSummary& load,
                                    const Slo& slo, const ServingWorkload& workload,
                                    Error& refusal) {
  constexpr int kEach = 6;
  std::vector<ServingPlan> plans;
  for (const ServingObjective objective :
       {ServingObjective::kTokensPerChip, ServingObjective::kLatency}) {
    for (const bool apart : {false, true}) {
      ServingGoal goal;
      goal.workload = workload;
      goal.workload.input = std::max(1.0, load.input_mean);
      goal.workload.output = std::max(2.0, load.output_mean);
      goal.slo = slo;
      goal.objective = objective;
      goal.together = !apart;
      goal.apart = apart;
      const auto search = search_serving(space, goal, kEach);
      if (!search) {
        refusal = search.error();
        continue;
      }
      plans.insert(plans.end(), search->top.begin(), search->top.end());
    }
  }
  return plans;
}

// How a layout serves the begin of the load: at the largest multiple of its arrivals (1, 2, 4, ...)
// at which the asked share of requests holds the limits; 0: at none.
struct Played {
  double factor = 0, within = -1, e2e = 0;
  bool better_than(const Played& other) const {
    if (factor != other.factor) return factor > other.factor;
    return within != other.within ? within > other.within : e2e < other.e2e;
  }
};

Played play(const SimulationSetup& setup, const RequestLoad& begin, const Slo& slo, double share) {
  constexpr double kDensest = 1024;
  Played played;
  for (double factor = 1; factor <= kDensest; factor *= 2) {
    const auto trial = try_load(setup, begin, slo, share, factor);
    if (!trial) return played;  // a request is too long for this layout
    const bool holds = slo.any() && trial->holds;
    const ServingMetrics& m = trial->metrics;
    if (holds || factor == 1) played = {holds ? factor : 0, m.attainment(), m.e2e.mean};
    if (!holds || begin.span() <= 0) break;
  }
  return played;
}

}  // namespace

Result<ServingPlan> choose_plan(
    const ServingSpace& space, const ServingWorkload& workload, const RequestLoad& load,
    const Slo& slo, double share,
    const std::function<SimulationSetup(const ServingPlan&)>& setup_of) {
  constexpr std::size_t kPlayed = 1000;  // requests
  Error refusal;
  const auto plans = candidates(space, summarise(load), slo, workload, refusal);
  if (plans.empty()) return fail(std::move(refusal));
  RequestLoad begin = load;
  begin.requests.resize(std::min(kPlayed, load.requests.size()));
  std::vector<SimulationSetup> setups;
  for (const ServingPlan& plan : plans) setups.push_back(setup_of(plan));
  std::vector<Played> played(plans.size());
  parallel_for(plans.size(),
               [&](std::size_t i) { played[i] = play(setups[i], begin, slo, share); });
  std::size_t best = 0;
  for (std::size_t i = 1; i < plans.size(); ++i) {
    if (played[i].better_than(played[best])) best = i;
  }
  return plans[best];
}

}  // namespace fivefold
