#include "fivefold/planner/serving_sweep.h"

#include <algorithm>
#include <cmath>

#include "fivefold/base/parallel.h"

namespace fivefold::serving_sweep {
namespace {

constexpr double kTooSlow = 2;  // times the limit of TPOT: the front is shown so far

std::vector<ServingLayout> layouts_of(const ServingSpace& space) {
  std::vector<ServingLayout> all;
  for (const int size : instance_sizes(space.machine, space.machine.devices)) {
    const auto layouts = serving_layouts(space.machine, space.model, size);
    all.insert(all.end(), layouts.begin(), layouts.end());
  }
  return all;
}

Sweep sweep_layout(const ServingSpace& space, const ServingGoal& goal, int drafts,
                   const ServingLayout& layout) {
  ServingWorkload workload = goal.workload;
  workload.draft_tokens = drafts;
  Sweep sweep;
  const double most = most_sequences(space, workload, layout);
  if (most < 1) {
    sweep.report = {.evaluated = 1, .refused = 1, .nearest_refusal = {}};
    return sweep;
  }
  for (const double sequences : batches(most)) {
    const auto plan = plan_together(space, goal, drafts, layout, sequences);
    ++sweep.report.evaluated;
    if (!plan) {
      ++sweep.report.refused;
      sweep.report.nearest_refusal = plan.error().problems.front().what;
      break;
    }
    sweep.plans.push_back(*plan);
    if (hopeless(*plan, goal)) break;
  }
  return sweep;
}

// The same plan with another number of requests; null if it cannot be.
std::optional<ServingPlan> refilled(const ServingSpace& space, const ServingGoal& goal,
                                    const ServingPlan& plan, double requests, double most) {
  const auto other = plan.apart ? plan_apart(space, goal, plan.drafts, plan.pools, requests, most)
                     : requests <= most
                         ? plan_together(space, goal, plan.drafts, plan.pools.decode, requests)
                         : Result<ServingPlan>(fail("does not fit"));
  return other ? std::optional(*other) : std::nullopt;
}

}  // namespace

std::vector<double> batches(double most) {
  std::vector<double> found;
  for (double two = 1; two <= most; two *= 2) {
    for (const double share : {1.0, 1.25, 1.5, 1.75}) {
      const double batch = two * share;
      // Small ones each, large ones thinner.
      if (two > 8 && (share == 1.25 || share == 1.75)) continue;
      if (batch == std::floor(batch) && batch <= most) found.push_back(batch);
    }
  }
  if (found.empty() || found.back() < most) found.push_back(most);
  return found;
}

bool hopeless(const ServingPlan& plan, const ServingGoal& goal) {
  const Slo& slo = goal.slo;
  return (slo.tpot > Seconds(0) && plan.loop.tpot > kTooSlow * slo.tpot) ||
         (slo.ttft > Seconds(0) && plan.loop.ttft > slo.ttft) ||
         (slo.e2e > Seconds(0) && plan.e2e(goal.workload.output) > slo.e2e);
}

Sweep together(const ServingSpace& space, const ServingGoal& goal, int drafts) {
  const std::vector<ServingLayout> layouts = layouts_of(space);
  std::vector<Sweep> sweeps(layouts.size());
  parallel_for(layouts.size(),
               [&](std::size_t i) { sweeps[i] = sweep_layout(space, goal, drafts, layouts[i]); });
  Sweep all;
  for (Sweep& sweep : sweeps) {
    all.report.evaluated += sweep.report.evaluated;
    all.report.refused += sweep.report.refused;
    all.plans.insert(all.plans.end(), sweep.plans.begin(), sweep.plans.end());
  }
  return all;
}

ServingPlan settled(const ServingSpace& space, const ServingGoal& goal, const ServingPlan& plan,
                    long& evaluated) {
  constexpr double kStride = 1.25, kEnough = 1.0005;
  ServingWorkload workload = goal.workload;
  workload.draft_tokens = plan.drafts;
  const double most = most_sequences(space, workload, plan.pools.decode);
  const bool fewer = goal.objective == ServingObjective::kLatency;
  const auto requests_of = [&](const ServingPlan& p) {
    return p.apart ? p.concurrency : p.sequences;
  };
  // Walk from the plan until limits no longer hold (or until they do), then halve the interval.
  ServingPlan best = plan;
  bool held = holds(plan, goal);
  double good = held ? requests_of(plan) : 0, bad = held ? 0 : requests_of(plan);
  const auto look = [&](double requests) {
    const auto other = refilled(space, goal, plan, requests, most);
    ++evaluated;
    if (!other || !holds(*other, goal)) {
      bad = requests;
      return false;
    }
    good = requests;
    const bool more = !held || other->value > best.value * kEnough;
    if (!held || other->value > best.value) best = *other;
    held = true;
    return more;
  };
  const bool bad_goes_up = strain(plan, goal) <= 1 && plan.per_chip < goal.least_per_chip;
  for (int step = 0; step < 24; ++step) {
    const double from = held ? good : bad;
    const bool up = held ? !fewer : bad_goes_up;
    double next = up ? std::ceil(from * kStride) : std::floor(from / kStride);
    if (!plan.apart && up && from < most) next = std::min(next, most);
    if (next < 1 || next == from) break;
    const bool was_held = held;
    const bool improved = look(next);
    if (was_held && !improved) break;
    if (!was_held && held) break;
  }
  if (!held) return plan;
  while (bad > 0 && good > 0 && std::abs(bad - good) > std::max(1.0, 0.0005 * good)) {
    look(std::floor((good + bad) / 2));
  }
  return best;
}

}  // namespace fivefold::serving_sweep
