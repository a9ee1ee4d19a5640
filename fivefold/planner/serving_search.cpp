#include "fivefold/planner/serving_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "fivefold/base/parallel.h"
#include "fivefold/planner/serving_sweep.h"
#include "fivefold/serving/text.h"

namespace fivefold {
namespace {

constexpr std::size_t kSettled = 24;  // configurations whose batch is found exactly
constexpr std::size_t kFrontPoints = 14;

bool same_configuration(const ServingPlan& a, const ServingPlan& b) {
  return a.apart == b.apart && a.drafts == b.drafts && a.pools.decode == b.pools.decode &&
         (!a.apart || a.pools.prefill == b.pools.prefill);
}

// More by the objective; of equals who is faster, then the smaller layout as it was found first.
bool better(const ServingPlan& a, const ServingPlan& b) {
  if (a.value != b.value) return a.value > b.value;
  if (a.loop.tpot != b.loop.tpot) return a.loop.tpot < b.loop.tpot;
  return a.per_chip > b.per_chip;
}

// The best plan of each configuration, best first.
std::vector<ServingPlan> by_configuration(std::vector<ServingPlan> plans) {
  std::stable_sort(plans.begin(), plans.end(), better);
  std::vector<ServingPlan> kept;
  for (const ServingPlan& plan : plans) {
    const auto same = [&](const ServingPlan& other) { return same_configuration(other, plan); };
    if (std::none_of(kept.begin(), kept.end(), same)) kept.push_back(plan);
  }
  return kept;
}

// Plans whose number of requests is to be found exactly, and what each may come to at most. Of
// instances: the best of a layout that holds, and what the next batch that does not hold gives. Of
// pools: any that is near the limits, less where it is beyond.
std::vector<ServingPlan> to_settle(const std::vector<ServingPlan>& plans, const ServingGoal& goal) {
  constexpr double kNear = 1.3;
  struct Start {
    ServingPlan plan;
    double bound;
  };
  std::vector<Start> starts;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const ServingPlan& plan = plans[i];
    const bool held = holds(plan, goal);
    if (plan.apart) {
      const double over = std::max({1.0, strain(plan, goal), plan.loop.prefill_share / kMostBusy,
                                    goal.least_per_chip / plan.per_chip});
      if (over < kNear) starts.push_back({plan, plan.value / over});
      continue;
    }
    // Plans of a layout follow each other, smallest batch first.
    const bool last = i + 1 == plans.size() || !same_configuration(plan, plans[i + 1]);
    const bool first = i == 0 || !same_configuration(plan, plans[i - 1]);
    const bool next_held = !last && holds(plans[i + 1], goal);
    const bool before_held = !first && holds(plans[i - 1], goal);
    if (held && !next_held) {
      starts.push_back({plan, last ? plan.value : std::max(plan.value, plans[i + 1].value)});
    } else if (held && !before_held) {
      starts.push_back({plan, first ? plan.value : std::max(plan.value, plans[i - 1].value)});
    }
  }
  std::stable_sort(starts.begin(), starts.end(),
                   [](const Start& a, const Start& b) { return a.bound > b.bound; });
  std::vector<ServingPlan> chosen;
  for (const Start& start : starts) {
    if (chosen.size() < kSettled) chosen.push_back(start.plan);
  }
  return chosen;
}

double height(const ServingPlan& plan, const ServingGoal& goal) {
  return goal.objective == ServingObjective::kLatency ? plan.per_chip : plan.value;
}

// An even selection, by speed, that keeps the ends and the best.
std::vector<ServingPlan> thinned(const std::vector<ServingPlan>& front, const ServingPlan& best) {
  if (front.size() <= kFrontPoints) return front;
  const double low = std::log(front.front().per_user());
  const double high = std::log(front.back().per_user());
  std::vector<ServingPlan> kept;
  int last = -1;
  for (std::size_t i = 0; i < front.size(); ++i) {
    const double place = (std::log(front[i].per_user()) - low) / std::max(1e-9, high - low);
    const int slot = int(std::floor(place * (kFrontPoints - 2)));
    const bool is_best = front[i].per_user() == best.per_user() && front[i].value == best.value;
    if (slot == last && !is_best && i + 1 < front.size()) continue;
    last = slot;
    kept.push_back(front[i]);
  }
  return kept;
}

std::vector<ServingPlan> front_of(std::vector<ServingPlan> plans, const ServingGoal& goal) {
  ServingGoal axis_free = goal;
  axis_free.slo.tpot = Seconds(0);
  axis_free.least_per_chip = 0;
  std::erase_if(plans, [&](const ServingPlan& plan) { return !holds(plan, axis_free); });
  std::stable_sort(plans.begin(), plans.end(), [&](const ServingPlan& a, const ServingPlan& b) {
    if (a.loop.tpot != b.loop.tpot) return a.loop.tpot < b.loop.tpot;
    return height(a, goal) > height(b, goal);
  });
  std::vector<ServingPlan> front;
  for (const ServingPlan& plan : plans) {
    if (front.empty() || height(plan, goal) > height(front.back(), goal)) front.push_back(plan);
  }
  std::reverse(front.begin(), front.end());
  return front;
}

std::string time_text(Seconds time) {
  return time < Seconds(1) ? fmt::format("{:.1f} ms", time.value() * 1e3)
                           : fmt::format("{:.2f} s", time.value());
}

// The limit that a plan misses most.
std::string missed(const ServingPlan& plan, const ServingGoal& goal) {
  struct Limit {
    const char* name;
    Seconds time, limit;
  };
  const Limit limits[] = {{"TPOT", plan.loop.tpot, goal.slo.tpot},
                          {"TTFT", plan.loop.ttft, goal.slo.ttft},
                          {"E2E", plan.e2e(goal.workload.output), goal.slo.e2e}};
  const Limit* worst = nullptr;
  for (const Limit& l : limits) {
    if (l.limit <= Seconds(0)) continue;
    if (worst == nullptr || l.time / l.limit > worst->time / worst->limit) worst = &l;
  }
  if (worst == nullptr) return "nothing";
  return fmt::format("{} of {} is {} over the limit of {}", worst->name, time_text(worst->time),
                     time_text(worst->time - worst->limit), time_text(worst->limit));
}

// What the layout that needs the least memory beyond a device's is short of.
Error nearest_memory(const ServingSpace& space, const ServingGoal& goal) {
  ServingWorkload workload = goal.workload;
  workload.draft_tokens = 0;
  Error nearest = make_error("no layout divides the model over the machine");
  Bytes least(std::numeric_limits<double>::infinity());
  for (const int size : instance_sizes(space.machine, space.machine.devices)) {
    for (const ServingLayout& layout : serving_layouts(space.machine, space.model, size)) {
      const auto memory = space.serving.memory(workload, layout);
      if (!memory || memory->total >= least) continue;
      if (most_sequences(space, workload, layout) >= 1) {
        return make_error(
            fmt::format("no room for two pools: the smallest instance takes {} of {} devices", size,
                        space.machine.devices));
      }
      least = memory->total;
      const auto room = capacity_for(space, workload, layout, 1);
      const auto decode = space.serving.decode(workload, layout, 1);
      nearest = !room     ? room.error()
                : !decode ? decode.error()
                          : make_error("does not fit: not one sequence at its longest");
      nearest.problems.front().what += fmt::format(" ({})", to_text(layout));
    }
  }
  return nearest;
}

Error refusal(const ServingSpace& space, const ServingGoal& goal,
              const std::vector<ServingPlan>& plans) {
  if (plans.empty()) return nearest_memory(space, goal);
  const ServingPlan* nearest = &plans.front();
  const ServingPlan* most = nullptr;
  for (const ServingPlan& plan : plans) {
    if (strain(plan, goal) < strain(*nearest, goal)) nearest = &plan;
    if (strain(plan, goal) <= 1 && (most == nullptr || plan.per_chip > most->per_chip)) {
      most = &plan;
    }
  }
  if (most == nullptr) {
    return make_error(fmt::format("no plan holds the limits: {} even with {} ({:.0f} requests)",
                                  missed(*nearest, goal), to_text(nearest->pools),
                                  nearest->concurrency));
  }
  return make_error(fmt::format(
      "no plan gives {:g} tokens/s a chip within the limits: the most is {:.1f} with {}",
      goal.least_per_chip, most->per_chip, to_text(most->pools)));
}

// What one more step of requests would run into.
std::string bound_of(const ServingSpace& space, const ServingGoal& goal, const ServingPlan& best) {
  constexpr double kStep = 1.02;
  if (goal.objective == ServingObjective::kLatency) {
    return goal.least_per_chip > 0 ? "fewer requests give fewer tokens/s than asked"
                                   : "no plan is faster for one request";
  }
  ServingWorkload workload = goal.workload;
  workload.draft_tokens = best.drafts;
  const double most = most_sequences(space, workload, best.pools.decode);
  const double now = best.apart ? best.concurrency : best.sequences;
  const double next = std::max(now + 1, std::ceil(now * kStep));
  if (!best.apart && next > most) {
    return fmt::format("memory: {:.0f} sequences an attention group are the most that fit", most);
  }
  const auto more = best.apart ? plan_apart(space, goal, best.drafts, best.pools, next, most)
                               : plan_together(space, goal, best.drafts, best.pools.decode, next);
  if (!more) return more.error().problems.front().what;
  if (strain(*more, goal) > 1) return "with more requests " + missed(*more, goal);
  constexpr double kBusy = 0.8;  // from here on the queue takes what more requests would add
  if (more->apart && (more->loop.prefill_share > kMostBusy || best.loop.prefill_share > kBusy)) {
    return fmt::format("prefill: its pool is busy {:.0f}% of the time, more requests only queue",
                       100 * best.loop.prefill_share);
  }
  return "more requests wait longer and give no more tokens";
}

std::string instances_text(double count, const ServingLayout& layout) {
  return fmt::format("{:.0f} x {}", count, to_text(layout));
}

}  // namespace

std::string to_text(const ServingPools& pools) {
  if (pools.prefill_instances <= 0) return instances_text(pools.decode_instances, pools.decode);
  return instances_text(pools.prefill_instances, pools.prefill) + " prefill, " +
         instances_text(pools.decode_instances, pools.decode) + " decode";
}

Result<ServingSearch> search_serving(const ServingSpace& space, const ServingGoal& goal,
                                     int wanted) {
  ServingSearch search;
  std::vector<ServingPlan> plans, starts;
  const auto take = [&](const serving_sweep::Sweep& sweep) {
    search.report.evaluated += sweep.report.evaluated;
    search.report.refused += sweep.report.refused;
    plans.insert(plans.end(), sweep.plans.begin(), sweep.plans.end());
    const auto chosen = to_settle(sweep.plans, goal);
    starts.insert(starts.end(), chosen.begin(), chosen.end());
  };
  const int most_drafts = space.model.mtp.empty() ? 0 : goal.workload.draft_tokens;
  for (int drafts = 0; drafts <= most_drafts; ++drafts) {
    if (goal.together) take(serving_sweep::together(space, goal, drafts));
    if (goal.apart) take(serving_sweep::apart(space, goal, drafts));
  }
  std::vector<ServingPlan> settled(starts.size());
  std::vector<long> evaluated(starts.size());
  parallel_for(starts.size(), [&](std::size_t i) {
    settled[i] = serving_sweep::settled(space, goal, starts[i], evaluated[i]);
  });
  for (const long count : evaluated) search.report.evaluated += count;
  plans.insert(plans.end(), settled.begin(), settled.end());

  std::vector<ServingPlan> good = plans;
  std::erase_if(good, [&](const ServingPlan& plan) { return !holds(plan, goal); });
  if (good.empty()) return fail(refusal(space, goal, plans));
  search.top = by_configuration(std::move(good));
  search.best = search.top.front();
  if (search.top.size() > std::size_t(wanted)) search.top.resize(std::size_t(wanted));
  search.front = thinned(front_of(std::move(plans), goal), search.best);
  search.bound = bound_of(space, goal, search.best);
  return search;
}

}  // namespace fivefold
