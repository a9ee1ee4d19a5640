// Closed loops: `concurrency` requests, each replaced when it ends. How many of them decode is what
// does not wait for its first token (Little's law), found by iteration.
#include <algorithm>
#include <cmath>

#include "fivefold/serving/passes.h"

namespace fivefold {
namespace {

using serving::Instance;

constexpr int kIterations = 4;
constexpr double kFullest = 0.95;  // closed loops saturate, they do not overflow

// Mean wait for a server with equal service times, in services (M/D/1, Pollaczek-Khinchine); no
// more than half of the others can be before one.
double waiting_services(double busy, double others) {
  const double share = std::min(busy, kFullest);
  return std::min(share / (2 * (1 - share)), std::max(0.0, others) / 2);
}

// What one prompt adds to the decode steps of its instance.
Seconds prefill_work(const Instance& in, const ServingWorkload& workload,
                     const PrefillEstimate& prompt, const DecodeEstimate& step) {
  if (!in.engine.mixes_steps) return prompt.step;
  // The prompt rides in a decode step: weights are read once for both, and the products take in the
  // decoding sequences as so many more rows.
  const double rows = 1 + step.batch / serving::fresh_tokens(workload);
  return std::max(Seconds(0), prompt.step * rows + step.parts.attention - step.step);
}

// The first requests of all clients arrive together and are prefilled one batch after the other: on
// average half of them stand before one. Later requests arrive as sequences end. The mean over all
// rounds.
Seconds first_wave(const Instance& in, const ServingWorkload& workload, const ServingMemory& memory,
                   double prompts) {
  constexpr double kBatchTokens = 8192;  // of a prefill batch; engines default to 8 to 16 Ki
  if (workload.loop_rounds <= 0 || prompts <= 1) return Seconds(0);
  const double tokens = serving::fresh_tokens(workload);
  const double together = std::clamp(std::floor(kBatchTokens / tokens), 1.0, prompts);
  const PrefillEstimate batch =
      serving::prefill_estimate(in, workload, memory, together * tokens / in.layout.tp);
  return (prompts - 1) / 2 / together * batch.step / workload.loop_rounds;
}

}  // namespace

// Of the steps that a sequence lives through, every other sequence of its group takes one prefill.
// A prompt waits for the step under way and for prompts before it.
Result<LoopEstimate> ServingModel::mixed(const ServingWorkload& workload,
                                         const ServingLayout& layout, double concurrency) const {
  const auto in = serving::make_instance(*setting_, layout);
  if (!in) return fail(in.error());
  if (auto valid = serving::check_workload(setting_->model, workload); !valid)
    return fail(valid.error());
  const ServingMemory memory = serving::memory_of(*in, workload);
  if (auto fits = serving::check_batch(*in, memory, 1); !fits) return fail(fits.error());
  const double group = std::max(1.0, concurrency / layout.dp);
  const PrefillEstimate prompt =
      serving::prefill_estimate(*in, workload, memory, serving::fresh_tokens(workload) / layout.tp);
  const Seconds wave = first_wave(*in, workload, memory, std::min(group, memory.max_sequences));
  double batch = std::min(group, memory.max_sequences);
  LoopEstimate result;
  for (int i = 0; i < kIterations; ++i) {
    const DecodeEstimate step = serving::decode_estimate(*in, workload, memory, batch);
    const Seconds work = prefill_work(*in, workload, prompt, step);
    const double others = std::max(0.0, batch - 1);
    result.tpot = step.tpot + others / workload.output * work;
    result.prefill_share = batch / workload.output * work / result.tpot;
    result.ttft = in->engine.request_overhead + prompt.time +
                  waiting_services(result.prefill_share, others) * work + wave;
    if (others > 0) result.ttft += step.step / 2;
    // What memory does not hold waits until a sequence ends.
    const Seconds decoding = workload.output * result.tpot;
    const double holds = memory.max_sequences;
    if (group > holds) result.ttft += (group / holds - 1) * (decoding + result.ttft);
    const Seconds life = result.ttft + decoding;
    batch = std::clamp(group * (decoding / life), std::min(1.0, group), holds);
    result.tokens_per_second = concurrency * workload.output / life.value();
    result.decode_step = step.step;
    result.prefill = prompt.step;
    result.memory = step.memory;
  }
  return result;
}

Result<LoopEstimate> ServingModel::split(const ServingWorkload& workload, const ServingPools& pools,
                                         double concurrency) const {
  const auto decodes = serving::make_instance(*setting_, pools.decode);
  if (!decodes) return fail(decodes.error());
  if (auto valid = serving::check_workload(setting_->model, workload); !valid)
    return fail(valid.error());
  const auto prefills = serving::make_instance(*setting_, pools.prefill);
  if (!prefills) return fail(prefills.error());
  const auto prompt =
      prefill(workload, pools.prefill, serving::fresh_tokens(workload) / pools.prefill.tp);
  if (!prompt) return fail(prompt.error());
  const ServingMemory memory = serving::memory_of(*decodes, workload);
  if (auto fits = serving::check_batch(*decodes, memory, 1); !fits) return fail(fits.error());
  const double groups = pools.decode_instances * pools.decode.dp;
  const double servers = pools.prefill_instances * pools.prefill.dp;
  const Seconds wave = first_wave(*prefills, workload, prompt->memory, concurrency / servers);
  const double prompts_per_second = servers / prompt->step.value();
  double batch =
      std::clamp(concurrency / groups, std::min(1.0, memory.max_sequences), memory.max_sequences);
  LoopEstimate result;
  for (int i = 0; i < kIterations; ++i) {
    const DecodeEstimate step = serving::decode_estimate(*decodes, workload, memory, batch);
    const Seconds decoding = workload.output * step.tpot;
    const Seconds alone =
        setting_->engine.request_overhead + prompt->time + prompt->cache_transfer + step.step;
    const double rate = concurrency / (alone + decoding).value();
    const double busy = rate / prompts_per_second;
    const Seconds queued = waiting_services(busy, concurrency / servers - 1) * prompt->step;
    // Where prefill is the narrow place, requests wait for it in step.
    const Seconds saturated = Seconds(concurrency / prompts_per_second) - decoding;
    result.tpot = step.tpot;
    result.ttft = std::max(alone + queued + wave, saturated);
    result.prefill_share = std::min(1.0, busy);
    const Seconds life = result.ttft + decoding;
    batch = std::clamp(concurrency / groups * (decoding / life),
                       std::min(1.0, memory.max_sequences), memory.max_sequences);
    result.tokens_per_second = concurrency * workload.output / life.value();
    result.decode_step = step.step;
    result.prefill = prompt->step;
    result.memory = step.memory;
  }
  return result;
}

}  // namespace fivefold
