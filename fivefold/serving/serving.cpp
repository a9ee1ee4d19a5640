#include "fivefold/serving/serving.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/serving/step.h"

namespace fivefold {
namespace {

using serving::Instance;
using serving::Pass;

// Sequences of one pipeline micro-batch: as many micro-batches as stages keep all stages at work.
Pass decode_pass(const Instance& in, const ServingWorkload& workload, double batch) {
  return {.sequences = std::max(std::min(batch, 1.0), batch / in.layout.pp),
          .q_len = 1.0 + workload.draft_tokens,
          .context = workload.input + workload.output / 2,
          .decode = true,
          .overlap = workload.microbatch_overlap,
          .expert_imbalance = workload.expert_imbalance};
}

DecodeEstimate decode_estimate(const Instance& in, const ServingWorkload& workload,
                               const ServingMemory& memory, double batch) {
  const Pass pass = decode_pass(in, workload, batch);
  DecodeEstimate estimate;
  estimate.parts = serving::pass_time(in, pass);
  estimate.parts.drafts = serving::draft_time(in, pass, workload.draft_tokens);
  estimate.parts.overhead = in.engine.step_overhead;
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

double milliseconds(Seconds time) {
  return time.value() * 1e3;
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
  if (auto fits = serving::check_weights(in, memory); !fits) return fits;
  if (batch <= memory.max_sequences) return {};
  const double missing = (batch - memory.max_sequences) * memory.cache.value() / 1e9;
  return fail(fmt::format(
      "does not fit: the cache of {:.6g} sequences needs {:.1f} GB on each device, "
      "{:.1f} GB more than weights of {:.1f} GB leave",
      batch, batch * memory.cache.value() / 1e9, missing, memory.weights.value() / 1e9));
}

// The largest whole batch in [1, most] that holds the limit, by false position: step time is close
// to linear in the batch, so that few evaluations are needed. `fits` holds the limit, `over` does
// not.
DecodeEstimate search_batch(const Instance& in, const ServingWorkload& workload,
                            const ServingMemory& memory, DecodeEstimate fits, DecodeEstimate over) {
  constexpr double kCloseEnough = 0.998;
  const double limit = workload.tpot_limit.value();
  for (bool halve = false; over.batch - fits.batch > 1; halve = !halve) {
    if (fits.tpot.value() > kCloseEnough * limit) break;
    const double slope = (over.tpot - fits.tpot).value() / (over.batch - fits.batch);
    const double straight = fits.batch + (limit - fits.tpot.value()) / slope;
    const double middle = halve ? (fits.batch + over.batch) / 2 : straight;
    const double batch = std::clamp(std::floor(middle), fits.batch + 1, over.batch - 1);
    DecodeEstimate tried = decode_estimate(in, workload, memory, batch);
    (tried.tpot <= workload.tpot_limit ? fits : over) = tried;
  }
  return fits;
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

PrefillEstimate prefill_estimate(const Instance& in, const ServingWorkload& workload,
                                 const ServingMemory& memory, double tokens_per_device) {
  const PrefillPass plan = prefill_pass(workload, tokens_per_device * in.layout.tp);
  PrefillEstimate estimate;
  estimate.parts = serving::pass_time(in, plan.pass);
  estimate.parts.overhead = in.engine.prefill_overhead;
  estimate.step = estimate.parts.total();
  estimate.time = plan.passes * estimate.step + in.engine.request_overhead;
  // Stages work on successive batches at once.
  const Seconds stage = estimate.step / in.layout.pp;
  const double done = plan.tokens / std::max(1e-9, 1 - workload.prefix_hit);
  estimate.tokens_per_second = done * in.layout.dp / stage.value();
  estimate.tokens_per_batch = plan.tokens / in.layout.tp;
  estimate.compute = estimate.parts.compute();
  estimate.exposed = estimate.parts.tensor + estimate.parts.exchange;
  estimate.communication = estimate.exposed + estimate.parts.hidden;
  estimate.cache_transfer = serving::cache_transfer_time(in, workload.input);
  estimate.memory = memory;
  estimate.memory.cache = plan.pass.sequences * memory.cache;
  estimate.memory.total = memory.weights + memory.reserve + estimate.memory.cache;
  return estimate;
}

}  // namespace

ServingModel::ServingModel(const Machine& machine, const Model& model, const KernelModel& kernels,
                           const Precision& precision)
    : machine_(&machine),
      model_(&model),
      kernels_(&kernels),
      precision_(precision),
      engine_(engine_parameters(kernels.stack(), machine.device)) {}

Result<ServingMemory> ServingModel::memory(const ServingWorkload& workload,
                                           const ServingLayout& layout) const {
  const auto in =
      serving::make_instance(*machine_, *model_, *kernels_, precision_, engine_, layout);
  if (!in) return fail(in.error());
  return serving::memory_of(*in, workload);
}

Result<PrefillEstimate> ServingModel::prefill(const ServingWorkload& workload,
                                              const ServingLayout& layout,
                                              double tokens_per_device) const {
  const auto in =
      serving::make_instance(*machine_, *model_, *kernels_, precision_, engine_, layout);
  if (!in) return fail(in.error());
  if (auto valid = check_workload(*model_, workload); !valid) return fail(valid.error());
  if (tokens_per_device <= 0) return fail("a batch must hold at least one token");
  ServingWorkload prompt = workload;
  prompt.output = 0;
  prompt.draft_tokens = 0;
  const ServingMemory memory = serving::memory_of(*in, prompt);
  const double sequences =
      std::max(1.0, tokens_per_device * layout.tp / std::max(1.0, workload.input));
  if (auto fits = check_batch(*in, memory, sequences); !fits) return fail(fits.error());
  return prefill_estimate(*in, prompt, memory, tokens_per_device);
}

Result<DecodeEstimate> ServingModel::decode(const ServingWorkload& workload,
                                            const ServingLayout& layout, double batch) const {
  const auto in =
      serving::make_instance(*machine_, *model_, *kernels_, precision_, engine_, layout);
  if (!in) return fail(in.error());
  if (auto valid = check_workload(*model_, workload); !valid) return fail(valid.error());
  if (batch <= 0) return fail("a batch must hold a sequence");
  const ServingMemory memory = serving::memory_of(*in, workload);
  if (auto fits = check_batch(*in, memory, batch); !fits) return fail(fits.error());
  return decode_estimate(*in, workload, memory, batch);
}

Result<DecodeEstimate> ServingModel::best_decode(const ServingWorkload& workload,
                                                 const ServingLayout& layout) const {
  // Beyond this the step time per sequence no longer falls: every weight has been read once for
  // thousands of tokens.
  constexpr double kLargestBatch = 8192;
  const auto in =
      serving::make_instance(*machine_, *model_, *kernels_, precision_, engine_, layout);
  if (!in) return fail(in.error());
  if (auto valid = check_workload(*model_, workload); !valid) return fail(valid.error());
  const ServingMemory memory = serving::memory_of(*in, workload);
  if (auto fits = check_batch(*in, memory, 1); !fits) return fail(fits.error());
  const double most = std::floor(std::min(memory.max_sequences, kLargestBatch));
  const DecodeEstimate largest = decode_estimate(*in, workload, memory, most);
  if (workload.tpot_limit <= Seconds(0) || largest.tpot <= workload.tpot_limit) return largest;
  const DecodeEstimate one = decode_estimate(*in, workload, memory, 1);
  if (one.tpot > workload.tpot_limit) {
    return fail(fmt::format(
        "too slow: one sequence takes {:.1f} ms a token, {:.1f} ms over the limit of {:.1f} ms",
        milliseconds(one.tpot), milliseconds(one.tpot - workload.tpot_limit),
        milliseconds(workload.tpot_limit)));
  }
  return search_batch(*in, workload, memory, one, largest);
}

// Each sequence that ends makes room for a prompt: of the steps that a sequence lives through,
// every other sequence of its group takes one prefill. A prompt waits for the step under way and
// for prompts before it (M/D/1: rho/2(1-rho) of a prefill, at most half of all others). The batch
// that decodes is what does not wait: Little's law, solved by iteration.
Result<MixedEstimate> ServingModel::mixed(const ServingWorkload& workload,
                                          const ServingLayout& layout, double concurrency) const {
  const auto in =
      serving::make_instance(*machine_, *model_, *kernels_, precision_, engine_, layout);
  if (!in) return fail(in.error());
  if (auto valid = check_workload(*model_, workload); !valid) return fail(valid.error());
  const ServingMemory memory = serving::memory_of(*in, workload);
  if (auto fits = check_batch(*in, memory, 1); !fits) return fail(fits.error());
  constexpr int kIterations = 4;
  const double group = std::max(1.0, concurrency / layout.dp);
  const PrefillEstimate prompt = prefill_estimate(
      *in, workload, memory, workload.input * (1 - workload.prefix_hit) / layout.tp);
  double batch = std::min(group, memory.max_sequences);
  MixedEstimate result;
  for (int i = 0; i < kIterations; ++i) {
    const DecodeEstimate step = decode_estimate(*in, workload, memory, batch);
    Seconds work = prompt.step;
    if (in->engine.mixes_steps) {
      // The chunk rides in a decode step: weights are read once for both.
      const double extra = batch / (workload.input * (1 - workload.prefix_hit));
      work = std::max(Seconds(0), prompt.step * (1 + extra) + step.parts.attention - step.step);
    }
    const double others = std::max(0.0, batch - 1);
    result.tpot = step.tpot + others / workload.output * work;
    const double busy = std::min(0.95, batch / workload.output * work / result.tpot);
    const double waiting = std::min(busy / (2 * (1 - busy)), others / 2);
    result.ttft = prompt.time + waiting * work + (others > 0 ? step.step / 2 : Seconds(0));
    result.decode_step = step.step;
    result.prefill = prompt.step;
    result.prefill_share = busy;
    result.memory = step.memory;
    const Seconds life = result.ttft + workload.output * result.tpot;
    batch = std::clamp(group * (workload.output * result.tpot / life), std::min(1.0, group),
                       memory.max_sequences);
    result.tokens_per_second = group * layout.dp * workload.output / life.value();
  }
  return result;
}

}  // namespace fivefold
