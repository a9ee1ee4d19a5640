#include "fivefold/planner/serving_plan.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/planner/answer.h"

namespace fivefold {
namespace {

constexpr double kMostSequences = 8192;  // of an attention group; beyond, no weight is read less
constexpr int kTokenStep = 1024;

constexpr std::array<std::pair<std::string_view, ServingObjective>, 4> kObjectives = {
    {{"tokens-per-chip", ServingObjective::kTokensPerChip},
     {"tokens-per-kw", ServingObjective::kTokensPerKilowatt},
     {"tokens-per-dollar", ServingObjective::kTokensPerDollar},
     {"latency", ServingObjective::kLatency}}};

double fresh_tokens(const ServingWorkload& workload) {
  return std::max(1.0, workload.input * (1 - workload.prefix_hit));
}

// Of a sequence at its longest, in whole pages.
Bytes longest_sequence(const CacheCapacity& capacity, const ServingWorkload& workload,
                       int page_tokens) {
  const double pages = std::ceil((workload.input + workload.output) / page_tokens);
  return pages * page_tokens * capacity.per_token + capacity.per_sequence;
}

double value_of(const ServingSpace& space, const ServingGoal& goal, const ServingWorkload& workload,
                const ServingPlan& plan) {
  if (goal.objective == ServingObjective::kLatency) return plan.per_user();
  if (goal.objective == ServingObjective::kTokensPerChip || space.catalog == nullptr) {
    return plan.per_chip;
  }
  const ServingCost cost = cost_of(*space.catalog, space.machine, load_of(space, workload, plan));
  if (goal.objective == ServingObjective::kTokensPerKilowatt) {
    return cost.power ? plan.loop.tokens_per_second / (cost.power->value() / 1e3) : 0;
  }
  return cost.usd ? plan.loop.tokens_per_second / cost.usd->value() : 0;
}

ServingWorkload with_drafts(const ServingGoal& goal, int drafts) {
  ServingWorkload workload = goal.workload;
  workload.draft_tokens = drafts;
  return workload;
}

}  // namespace

std::string_view name(ServingObjective objective) {
  for (const auto& [text, known] : kObjectives) {
    if (known == objective) return text;
  }
  return "";
}

Result<ServingObjective> serving_objective_named(std::string_view text) {
  for (const auto& [known, objective] : kObjectives) {
    if (known == text) return objective;
  }
  return fail(fmt::format("objective '{}' is unknown", text),
              "tokens-per-chip, tokens-per-kw, tokens-per-dollar or latency");
}

int ServingPlan::devices() const {
  return int(pools.prefill_instances) * pools.prefill.devices() +
         int(pools.decode_instances) * pools.decode.devices();
}

double strain(const ServingPlan& plan, const ServingGoal& goal) {
  const auto share = [](Seconds time, Seconds limit) {
    return limit > Seconds(0) ? time / limit : 0.0;
  };
  return std::max({share(plan.loop.ttft, goal.slo.ttft), share(plan.loop.tpot, goal.slo.tpot),
                   share(plan.e2e(goal.workload.output), goal.slo.e2e)});
}

bool holds(const ServingPlan& plan, const ServingGoal& goal) {
  const bool piles_up = plan.apart && plan.loop.prefill_share > kMostBusy;
  return strain(plan, goal) <= 1 && plan.per_chip >= goal.least_per_chip && !piles_up;
}

int step_tokens_for(const ServingSpace& space, const ServingWorkload& workload, double sequences) {
  const double tokens =
      space.serving.engine().batch_tokens + sequences * (1 + workload.draft_tokens);
  return int(std::ceil(tokens / kTokenStep)) * kTokenStep;
}

Result<CacheCapacity> capacity_for(const ServingSpace& space, const ServingWorkload& workload,
                                   const ServingLayout& layout, double sequences) {
  EnginePolicy policy = space.policy;
  policy.max_sequences = int(std::ceil(sequences));
  policy.max_step_tokens = step_tokens_for(space, workload, sequences);
  return cache_capacity(space.serving, layout, policy, workload.draft_tokens);
}

double most_sequences(const ServingSpace& space, const ServingWorkload& workload,
                      const ServingLayout& layout) {
  const auto fits = [&](double sequences) {
    const auto capacity = capacity_for(space, workload, layout, sequences);
    return capacity &&
           sequences * longest_sequence(*capacity, workload, space.policy.page_tokens) <=
               capacity->cache;
  };
  const auto memory = space.serving.memory(workload, layout);
  if (!memory || memory->max_sequences < 1 || !fits(1)) return 0;
  double over = std::floor(std::min(memory->max_sequences, kMostSequences)) + 1, most = 1;
  while (over - most > 1) {
    const double middle = std::floor((most + over) / 2);
    (fits(middle) ? most : over) = middle;
  }
  return most;
}

Result<ServingPlan> plan_together(const ServingSpace& space, const ServingGoal& goal, int drafts,
                                  const ServingLayout& layout, double sequences) {
  const ServingWorkload workload = with_drafts(goal, drafts);
  const double concurrency = sequences * layout.dp;
  auto loop = space.serving.mixed(workload, layout, concurrency);
  if (!loop) return fail(std::move(loop.error()));
  ServingPlan plan;
  const int instances = space.machine.devices / layout.devices();
  plan.pools = {.prefill = {},
                .decode = layout,
                .prefill_instances = 0,
                .decode_instances = double(instances)};
  plan.drafts = drafts;
  plan.concurrency = instances * concurrency;
  plan.sequences = sequences;
  plan.step_tokens = step_tokens_for(space, workload, sequences);
  plan.loop = *loop;
  plan.loop.tokens_per_second *= instances;
  plan.per_chip = plan.loop.tokens_per_second / space.machine.chips;
  plan.value = value_of(space, goal, workload, plan);
  return plan;
}

Result<ServingPlan> plan_apart(const ServingSpace& space, const ServingGoal& goal, int drafts,
                               const ServingPools& pools, double concurrency, double most) {
  const ServingWorkload workload = with_drafts(goal, drafts);
  auto loop = space.serving.split(workload, pools, concurrency);
  if (!loop) return fail(std::move(loop.error()));
  ServingPlan plan;
  plan.apart = true;
  plan.pools = pools;
  plan.drafts = drafts;
  plan.concurrency = concurrency;
  plan.loop = *loop;
  const double decoding = loop->tokens_per_second * loop->tpot.value();
  plan.sequences = std::ceil(decoding / (pools.decode_instances * pools.decode.dp) - 1e-6);
  if (plan.sequences > most) {
    return fail(fmt::format("does not fit: {} sequences an attention group, memory holds {}",
                            plan.sequences, most));
  }
  plan.step_tokens = step_tokens_for(space, workload, 0);  // of the pool that prefills
  plan.per_chip = loop->tokens_per_second / space.machine.chips;
  plan.value = value_of(space, goal, workload, plan);
  return plan;
}

Load load_of(const ServingSpace& space, const ServingWorkload& workload, const ServingPlan& plan) {
  const ServingPools& pools = plan.pools;
  const ServingLayout& prompts = plan.apart ? pools.prefill : pools.decode;
  const double groups = pools.decode_instances * pools.decode.dp;
  const double batch = plan.loop.tokens_per_second * plan.loop.tpot.value() / groups;
  ServingWorkload drafted = workload;
  drafted.draft_tokens = plan.drafts;
  const auto decode = space.serving.decode(
      drafted, pools.decode, std::min(std::max(batch, 1e-3), plan.loop.memory.max_sequences));
  const auto prefill =
      space.serving.prefill(workload, prompts, fresh_tokens(workload) / prompts.tp);
  if (!decode || !prefill) return {};
  const Load decoding = load_of(decode->parts), prefilling = load_of(prefill->parts);
  const double all = space.machine.devices;
  const double busy = plan.loop.prefill_share;
  const double decoders = pools.decode_instances * pools.decode.devices() / all;
  const double for_prompts =
      busy * (plan.apart ? pools.prefill_instances * pools.prefill.devices() / all : decoders);
  const double for_tokens = plan.apart ? decoders : decoders * (1 - busy);
  return {.compute = for_prompts * prefilling.compute + for_tokens * decoding.compute,
          .memory = for_prompts * prefilling.memory + for_tokens * decoding.memory};
}

ServingCost cost_of(const Catalog& catalog, const Machine& machine, const Load& load) {
  ServingCost cost;
  const auto power = power_under_load(catalog, *machine.system, load);
  if (power) cost.power = machine.systems * power->value;
  if (!power) cost.no_power = to_text(power.error());
  if (const auto owned = running_cost(catalog, *machine.system, load, Site{})) {
    cost.usd = machine.systems * owned->total();
  } else if (const auto rent = rental_cost(catalog, *machine.system)) {
    cost.usd = machine.systems * rent->value;
    cost.rented = true;
  } else {
    cost.no_usd = to_text(owned.error());
  }
  return cost;
}

}  // namespace fivefold
