// One way to serve a model on a whole machine: equal instances that prefill and decode in turn, or
// pools of instances for each, and how many requests they hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fivefold/economics/economics.h"
#include "fivefold/serving/engine.h"
#include "fivefold/serving/metrics.h"

namespace fivefold {

enum class ServingObjective : std::uint8_t {
  kTokensPerChip,
  kTokensPerKilowatt,
  kTokensPerDollar,
  kLatency,  // the smallest TPOT that gives ServingGoal::least_per_chip
};
std::string_view name(ServingObjective objective);
Result<ServingObjective> serving_objective_named(std::string_view text);

struct ServingGoal {
  ServingWorkload workload;  // draft_tokens: the most that may be drafted a step
  Slo slo;                   // of the means
  ServingObjective objective = ServingObjective::kTokensPerChip;
  double least_per_chip = 0;  // output tokens/s
  bool together = true;       // instances that prefill and decode
  bool apart = true;          // pools
};

// What a search is about. The references outlive it.
struct ServingSpace {
  const ServingModel& serving;
  const Machine& machine;
  const Model& model;
  const EnginePolicy& policy;
  const Catalog* catalog;  // prices and power; null where the objective needs none
};

struct ServingPlan {
  bool apart = false;
  ServingPools pools;  // together: the decode side alone, no instances that prefill
  int drafts = 0;
  double concurrency = 0;  // requests in the machine
  double sequences = 0;    // that an attention group which decodes must hold
  int step_tokens = 0;     // of an attention group: the budget of prompt chunks and decodes
  LoopEstimate loop;       // tokens_per_second: of the machine
  double per_chip = 0;     // output tokens/s, over all chips of the machine
  double value = 0;        // by the objective, more is better

  double per_user() const { return 1 / loop.tpot.value(); }
  Seconds e2e(double output) const { return loop.ttft + (output - 1) * loop.tpot; }
  int devices() const;  // that have work
};

// The largest of the limits' shares used: above 1 a limit is missed, 0 without limits.
double strain(const ServingPlan& plan, const ServingGoal& goal);
// Above this share of its time a pool that prefills has a queue which grows with every request.
inline constexpr double kMostBusy = 0.95;
// Limits hold, the rate is at least what was asked, and prompts do not pile up.
bool holds(const ServingPlan& plan, const ServingGoal& goal);

// Tokens of a step, an attention group: of prompts as many as the estimates take in at once, and
// one of each decoding sequence with its drafts; in whole thousands.
int step_tokens_for(const ServingSpace& space, const ServingWorkload& workload, double sequences);
// The most sequences of an attention group that an engine can hold at input + output tokens, its
// step budget following the batch. 0: not one.
double most_sequences(const ServingSpace& space, const ServingWorkload& workload,
                      const ServingLayout& layout);
// What the engine counts for one device at that batch.
Result<CacheCapacity> capacity_for(const ServingSpace& space, const ServingWorkload& workload,
                                   const ServingLayout& layout, double sequences);

// As many instances as fit, each with `sequences` requests an attention group.
Result<ServingPlan> plan_together(const ServingSpace& space, const ServingGoal& goal, int drafts,
                                  const ServingLayout& layout, double sequences);
// Fails also if the decoding sequences are more than the engine holds (`most`).
Result<ServingPlan> plan_apart(const ServingSpace& space, const ServingGoal& goal, int drafts,
                               const ServingPools& pools, double concurrency, double most);

// Of the whole machine, idle devices counted as idle.
Load load_of(const ServingSpace& space, const ServingWorkload& workload, const ServingPlan& plan);

// Power and money of the machine under a load; what is not known, and why.
struct ServingCost {
  std::optional<Watts> power;  // at the plug, without the site's PUE
  std::optional<UsdPerSecond> usd;
  bool rented = false;  // the price is that of renting, the purchase price is not known
  std::string no_power, no_usd;
};
ServingCost cost_of(const Catalog& catalog, const Machine& machine, const Load& load);

}  // namespace fivefold
