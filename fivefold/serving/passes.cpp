// Steps of one instance: what decode and prefill put through the model, and what comes out.
#include "fivefold/serving/passes.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fivefold::serving {
namespace {

// Sequences of one pipeline micro-batch: as many micro-batches as stages keep all stages at work.
Pass decode_pass(const Instance& in, const ServingWorkload& workload, double batch) {
  return {.sequences = std::max(std::min(batch, 1.0), batch / in.layout.pp),
          .q_len = 1.0 + workload.draft_tokens,
          .context = workload.input + workload.output / 2,
          .decode = true,
          .overlap = workload.microbatch_overlap,
          .expert_imbalance = workload.expert_imbalance};
}

struct PrefillPass {
  Pass pass;
  double passes = 1;  // until a prompt is done
  double tokens = 0;  // of an attention group, a pass
};

// Cached tokens are read, not computed. A prompt longer than the batch goes in equal chunks; the
// mean chunk sees half of the other chunks.
PrefillPass prefill_pass(const ServingWorkload& workload, double group_tokens) {
  const double cached = workload.prefix_hit * workload.input;
  const double fresh = std::max(1.0, workload.input - cached);
  PrefillPass plan;
  plan.pass.overlap = workload.microbatch_overlap;
  plan.pass.expert_imbalance = workload.expert_imbalance;
  if (group_tokens >= fresh) {
    plan.pass.sequences = group_tokens / fresh;
    plan.pass.q_len = fresh;
    plan.pass.context = cached;
    plan.tokens = group_tokens;
    return plan;
  }
  plan.passes = std::ceil(fresh / group_tokens);
  plan.pass.q_len = plan.tokens = fresh / plan.passes;
  plan.pass.context = cached + (fresh - plan.tokens) / 2;
  return plan;
}

}  // namespace

double fresh_tokens(const ServingWorkload& workload) {
  return std::max(1.0, workload.input * (1 - workload.prefix_hit));
}

DecodeEstimate decode_estimate(const Instance& in, const ServingWorkload& workload,
                               const ServingMemory& memory, double batch) {
  const Pass pass = decode_pass(in, workload, batch);
  DecodeEstimate estimate;
  estimate.parts = pass_time(in, pass);
  estimate.parts.drafts = draft_time(in, pass, workload.draft_tokens);
  estimate.parts.overhead =
      in.engine.step_overhead + exposed_host(in, workload, batch, estimate.parts.total());
  const double tokens = tokens_per_step(workload.draft_tokens, workload.acceptance);
  estimate.step = estimate.parts.total();
  estimate.tpot = estimate.step / tokens;
  estimate.batch = batch;
  estimate.tokens_per_second = batch * in.layout.dp / estimate.tpot.value();
  estimate.compute = estimate.parts.compute();
  estimate.exposed = estimate.parts.tensor + estimate.parts.exchange;
  estimate.communication = estimate.exposed + estimate.parts.hidden;
  estimate.memory = memory;
  estimate.memory.cache = batch * memory.cache;
  estimate.memory.total = memory.weights + memory.reserve + estimate.memory.cache;
  return estimate;
}

Result<void> check_workload(const Model& model, const ServingWorkload& workload) {
  if (workload.input < 1 || workload.output < 1) {
    return fail("input and output must be at least one token");
  }
  if (workload.draft_tokens > 0 && model.mtp.empty()) {
    return fail(fmt::format("{} has no layer that drafts tokens", model.id));
  }
  return {};
}

Result<void> check_batch(const Instance& in, const ServingMemory& memory, double batch) {
  if (auto fits = check_weights(in, memory); !fits) return fits;
  if (batch <= memory.max_sequences) return {};
  const double missing = (batch - memory.max_sequences) * memory.cache.value() / 1e9;
  return fail(fmt::format(
      "does not fit: the cache of {:.6g} sequences needs {:.1f} GB on each device, "
      "{:.1f} GB more than weights of {:.1f} GB leave",
      batch, batch * memory.cache.value() / 1e9, missing, memory.weights.value() / 1e9));
}

PrefillEstimate prefill_estimate(const Instance& in, const ServingWorkload& workload,
                                 const ServingMemory& memory, double tokens_per_device) {
  const PrefillPass plan = prefill_pass(workload, tokens_per_device * in.layout.tp);
  PrefillEstimate estimate;
  estimate.parts = issued(in, pass_time(in, plan.pass));
  estimate.step = estimate.parts.total();
  estimate.time = plan.passes * estimate.step;
  // Stages work on successive batches at once.
  const Seconds stage = estimate.step / in.layout.pp;
  const double done = plan.tokens / std::max(1e-9, 1 - workload.prefix_hit);
  estimate.tokens_per_second = done * in.layout.dp / stage.value();
  estimate.tokens_per_batch = plan.tokens / in.layout.tp;
  estimate.compute = estimate.parts.compute();
  estimate.exposed = estimate.parts.tensor + estimate.parts.exchange;
  estimate.communication = estimate.exposed + estimate.parts.hidden;
  estimate.cache_transfer = cache_transfer_time(in, workload.input);
  estimate.memory = memory;
  estimate.memory.cache = plan.pass.sequences * memory.cache;
  estimate.memory.total = memory.weights + memory.reserve + estimate.memory.cache;
  return estimate;
}

}  // namespace fivefold::serving
