// Prefill and decode on pools of their own: sides are timed alone, pools are balanced by their
// rates, and the best pairs are estimated as closed loops.
#include <algorithm>
#include <cmath>
#include <map>

#include "fivefold/base/parallel.h"
#include "fivefold/planner/serving_sweep.h"

namespace fivefold::serving_sweep {
namespace {

constexpr double kBucket = 0.06;        // of TPOT, in its logarithm
constexpr std::size_t kEachBucket = 4;  // pairs that are estimated

struct PrefillSide {
  ServingLayout layout;
  double rate = 0;      // requests/s of an instance
  Seconds step, alone;  // alone: to the first token without a queue
};

struct DecodeSide {
  ServingLayout layout;
  double sequences = 0, most = 0;
  double rate = 0;
  Seconds tpot;
};

struct Pair {
  ServingPools pools;
  double most = 0, concurrency = 0;
  double rate = 0;  // requests/s of the machine
  Seconds tpot;
};

double fresh_tokens(const ServingWorkload& workload) {
  return std::max(1.0, workload.input * (1 - workload.prefix_hit));
}

// Sides that are no better than a smaller instance with a higher rate a device and a shorter time
// are left out.
std::vector<PrefillSide> prefill_sides(const ServingSpace& space, const ServingWorkload& workload,
                                       const ServingGoal& goal, SearchReport& report) {
  std::vector<PrefillSide> kept;
  for (const int size : instance_sizes(space.machine, space.machine.devices)) {
    for (const ServingLayout& layout : serving_layouts(space.machine, space.model, size)) {
      ++report.evaluated;
      const auto estimate =
          space.serving.prefill(workload, layout, fresh_tokens(workload) / layout.tp);
      if (!estimate || !capacity_for(space, workload, layout, 1)) {
        ++report.refused;
        continue;
      }
      const EngineParameters& engine = space.serving.engine();
      const PrefillSide side{layout, layout.dp / estimate->step.value(), estimate->step,
                             engine.request_overhead + workload.input * engine.request_token +
                                 estimate->time + estimate->cache_transfer};
      if (goal.slo.ttft > Seconds(0) && side.alone > goal.slo.ttft) continue;
      const auto beaten = [&](const PrefillSide& other) {
        return other.rate / other.layout.devices() >= side.rate / size && other.alone <= side.alone;
      };
      if (std::none_of(kept.begin(), kept.end(), beaten)) kept.push_back(side);
    }
  }
  return kept;
}

std::vector<DecodeSide> decode_sides(const ServingSpace& space, const ServingWorkload& workload,
                                     const ServingGoal& goal, const ServingLayout& layout,
                                     SearchReport& report) {
  std::vector<DecodeSide> sides;
  const double most = most_sequences(space, workload, layout);
  for (const double sequences : batches(most)) {
    if (most < 1) break;
    ++report.evaluated;
    const auto estimate = space.serving.decode(workload, layout, sequences);
    if (!estimate) break;
    sides.push_back(
        {layout, sequences, most, estimate->tokens_per_second / workload.output, estimate->tpot});
    ServingPlan plan;
    plan.loop.tpot = estimate->tpot;
    if (hopeless(plan, goal)) break;
  }
  if (sides.empty()) ++report.refused;
  return sides;
}

// The share of prefill's time that may be busy so that the queue keeps within the limit of TTFT
// (M/D/1, as the closed loop has it).
double busiest(const PrefillSide& prompts, const ServingGoal& goal) {
  if (goal.slo.ttft <= Seconds(0)) return kMostBusy;
  const double waits = std::max(0.0, (goal.slo.ttft - prompts.alone) / prompts.step);
  return std::min(kMostBusy, 2 * waits / (1 + 2 * waits));
}

// How many instances of each: the decode side as large as prefill can feed, and one larger.
Pair balanced(const ServingSpace& space, const ServingGoal& goal, const PrefillSide& prompts,
              const DecodeSide& tokens) {
  const int devices = space.machine.devices;
  const int p = prompts.layout.devices(), d = tokens.layout.devices();
  const double fed = busiest(prompts, goal) * prompts.rate;
  const auto prefills = [&](int decodes) { return (devices - decodes * d) / p; };
  Pair best;
  if (fed <= 0) return best;
  const double ideal = fed * devices / (tokens.rate * p + fed * d);
  for (int decodes = std::max(1, int(ideal) - 2); decodes <= int(ideal) + 1; ++decodes) {
    if (decodes * d > devices || prefills(decodes) < 1) break;
    const double rate = std::min(decodes * tokens.rate, prefills(decodes) * fed);
    if (rate <= best.rate) continue;
    best.rate = rate;
    best.pools = {prompts.layout, tokens.layout, double(prefills(decodes)), double(decodes)};
  }
  if (best.rate <= 0) return best;
  best.tpot = tokens.tpot;
  best.most = tokens.most;
  const double life = (prompts.alone + goal.workload.output * tokens.tpot).value();
  best.concurrency = std::max(1.0, std::round(best.rate * life));
  return best;
}

// The best pairs of each range of TPOT.
std::vector<Pair> promising(std::vector<Pair> pairs) {
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.rate > b.rate; });
  std::map<int, std::size_t> taken;
  std::vector<Pair> kept;
  for (const Pair& pair : pairs) {
    const int bucket = int(std::floor(std::log(pair.tpot.value()) / kBucket));
    if (taken[bucket]++ < kEachBucket) kept.push_back(pair);
  }
  return kept;
}

}  // namespace

Sweep apart(const ServingSpace& space, const ServingGoal& goal, int drafts) {
  ServingWorkload workload = goal.workload;
  workload.draft_tokens = drafts;
  Sweep sweep;
  const auto prompts = prefill_sides(space, workload, goal, sweep.report);
  if (prompts.empty()) return sweep;
  std::vector<ServingLayout> layouts;
  for (const int size : instance_sizes(space.machine, space.machine.devices - 1)) {
    const auto cuts = serving_layouts(space.machine, space.model, size);
    layouts.insert(layouts.end(), cuts.begin(), cuts.end());
  }
  std::vector<std::vector<Pair>> found(layouts.size());
  std::vector<SearchReport> reports(layouts.size());
  parallel_for(layouts.size(), [&](std::size_t i) {
    for (const DecodeSide& tokens : decode_sides(space, workload, goal, layouts[i], reports[i])) {
      Pair best;
      for (const PrefillSide& side : prompts) {
        const Pair pair = balanced(space, goal, side, tokens);
        if (pair.rate > best.rate) best = pair;
      }
      if (best.rate > 0) found[i].push_back(best);
    }
  });
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    pairs.insert(pairs.end(), found[i].begin(), found[i].end());
    sweep.report.evaluated += reports[i].evaluated;
    sweep.report.refused += reports[i].refused;
  }
  pairs = promising(std::move(pairs));
  std::vector<std::optional<ServingPlan>> plans(pairs.size());
  parallel_for(pairs.size(), [&](std::size_t i) {
    const auto plan =
        plan_apart(space, goal, drafts, pairs[i].pools, pairs[i].concurrency, pairs[i].most);
    if (plan) plans[i] = *plan;
  });
  for (const auto& plan : plans) {
    ++sweep.report.evaluated;
    if (plan) sweep.plans.push_back(*plan);
    if (!plan) ++sweep.report.refused;
  }
  return sweep;
}

}  // namespace fivefold::serving_sweep
