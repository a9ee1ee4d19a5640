#include "fivefold/evidence/full_load.h"

#include <algorithm>
#include <cmath>

namespace fivefold {
namespace {

double fresh_tokens(const ServingWorkload& workload) {
  return std::max(1.0, workload.input * (1 - workload.prefix_hit));
}

// Cache blocks taken as a sequence grows: over its life it holds half of its output.
ServingWorkload as_held(ServingWorkload workload, const EngineLimits& limits) {
  if (!limits.grows) return workload;
  workload.input += workload.output / 2 - 0.5;
  workload.output = 1;
  return workload;
}

// Prompt tokens that come with each step, for a sequence that decodes.
double prompt_share(const ServingWorkload& workload) {
  const double a_step = tokens_per_step(workload.draft_tokens, workload.acceptance);
  return a_step / workload.output * fresh_tokens(workload);
}

// What the host takes of a mixed step beyond its kernels: they hide what it prepares for the next
// one, and it issues each operator, as no graph holds prompts.
Seconds host_beside(const EngineParameters& engine, const ServingWorkload& workload,
                    Seconds kernels, double sequences, double operators) {
  const Seconds stream = engine.host_stream / std::max(1.0, workload.stream_interval);
  const Seconds host = engine.host_step + sequences * (engine.host_sequence + stream);
  const Seconds exposed = engine.host_overlaps ? std::max(Seconds(0), host - kernels) : host;
  return engine.step_overhead + exposed + std::max(Seconds(0), operators * engine.issue - kernels);
}

// Decoding sequences and chunks of prompts in one pass: weights are read once for both, attention
// runs for each.
Result<Seconds> mixed_step(const ServingModel& serving, const ServingWorkload& workload,
                           const ServingLayout& layout, const DecodeEstimate& decode,
                           double prompts) {
  const double rows = (prompts + decode.batch * (1 + workload.draft_tokens)) / layout.pp;
  ServingWorkload products = workload;
  products.input = std::max(1.0, std::min(fresh_tokens(workload), rows));
  products.prefix_hit = 0;
  const auto pass = serving.prefill(products, layout, rows / layout.tp);
  if (!pass) return fail(pass.error());
  const auto prompt = serving.prefill(workload, layout, prompts / layout.pp / layout.tp);
  if (!prompt) return fail(prompt.error());
  const double part = prompts / layout.pp / (prompt->tokens_per_batch * layout.tp);
  const StepParts& p = pass->parts;
  const Seconds kernels = p.projections + p.experts + p.streaming + p.tensor + p.exchange +
                          part * prompt->parts.attention + decode.parts.attention +
                          decode.parts.head + decode.parts.drafts;
  const double ends =
      decode.batch * tokens_per_step(workload.draft_tokens, workload.acceptance) / workload.output;
  return kernels +
         host_beside(serving.engine(), workload, kernels, decode.batch + ends, p.operators);
}

// Prompts in batches of their own between the steps.
Result<Seconds> step_in_turn(const ServingModel& serving, const ServingWorkload& workload,
                             const ServingLayout& layout, const EngineLimits& limits,
                             const DecodeEstimate& decode, double prompts) {
  const auto batch = serving.prefill(workload, layout, limits.batch_tokens / layout.tp);
  if (!batch) return fail(batch.error());
  const double part = prompts / (batch->tokens_per_batch * layout.tp);
  return decode.step + part / layout.pp * batch->step;
}

Result<double> most_sequences(const ServingModel& serving, const ServingWorkload& workload,
                              const ServingLayout& layout, const EngineLimits& limits) {
  const auto memory = serving.memory(as_held(workload, limits), layout);
  if (!memory) return fail(memory.error());
  const double holds = std::floor(memory->max_sequences);
  return limits.sequences > 0 ? std::min(holds, limits.sequences) : holds;
}

}  // namespace

Result<FullLoad> load_at(const ServingModel& serving, const ServingWorkload& workload,
                         const ServingLayout& layout, const EngineLimits& limits, double batch) {
  const bool mixes = serving.engine().mixes_steps;
  const double share = prompt_share(workload);
  if (mixes) batch = std::min(batch, limits.batch_tokens / (share + 1 + workload.draft_tokens));
  const auto decode = serving.decode(as_held(workload, limits), layout, batch);
  if (!decode) return fail(decode.error());
  const double prompts = share * batch;
  const auto step = mixes ? mixed_step(serving, workload, layout, *decode, prompts)
                          : step_in_turn(serving, workload, layout, limits, *decode, prompts);
  if (!step) return fail(step.error());
  FullLoad load{.batch = batch, .step = *step, .decode = decode->step};
  load.tpot = *step / tokens_per_step(workload.draft_tokens, workload.acceptance);
  load.tokens_per_second = batch * layout.dp / load.tpot.value();
  return load;
}

Result<FullLoad> full_load(const ServingModel& serving, const ServingWorkload& workload,
                           const ServingLayout& layout, const EngineLimits& limits) {
  const auto most = most_sequences(serving, workload, layout, limits);
  if (!most) return fail(most.error());
  return load_at(serving, workload, layout, limits, std::max(1.0, *most));
}

namespace {

constexpr double kQuantile = 2.326;  // standard normal, 99%

// As many prompts come while a sequence lives as sequences are in flight (Little's law); those of
// its own micro-batch hold it up.
Seconds late_tpot(const FullLoad& load, int stages) {
  const double more = 1 + kQuantile / std::sqrt(std::max(1.0, load.batch / stages));
  const Seconds step = load.decode + more * (load.step - load.decode);
  return load.tpot * (step / load.step);
}

// Tail of M/D/1 under load: decays as exp(-2 (1 - busy) t / service). A prompt passes all stages,
// which others share meanwhile.
Seconds late_ttft(const FullLoad& load, const ServingWorkload& workload, int stages) {
  const double steps =
      workload.output / tokens_per_step(workload.draft_tokens, workload.acceptance);
  const Seconds service = (load.step - load.decode) * steps / load.batch;
  const double busy = (load.step - load.decode) / load.step;
  const double services = std::log(std::max(1.0, 100 * busy)) / (2 * std::max(1e-3, 1 - busy));
  return load.decode + service * (stages + services);
}

}  // namespace

Result<FullLoad> load_within_limits(const ServingModel& serving, const ServingWorkload& workload,
                                    const ServingLayout& layout, const EngineLimits& limits) {
  const auto most = most_sequences(serving, workload, layout, limits);
  if (!most) return fail(most.error());
  const auto holds = [&](const FullLoad& load) {
    return (workload.tpot_limit <= Seconds(0) ||
            late_tpot(load, layout.pp) <= workload.tpot_limit) &&
           (workload.ttft_limit <= Seconds(0) ||
            late_ttft(load, workload, layout.pp) <= workload.ttft_limit);
  };
  // batch + q sqrt(batch) = most
  const double root = (std::sqrt(kQuantile * kQuantile + 4 * *most) - kQuantile) / 2;
  double low = 0, high = std::max(1.0, root * root);
  auto best = load_at(serving, workload, layout, limits, high);
  if (!best || holds(*best)) return best;
  for (int i = 0; i < 20; ++i) {
    const double middle = (low + high) / 2;
    auto load = load_at(serving, workload, layout, limits, middle);
    if (!load) return load;
    (holds(*load) ? low : high) = middle;
    if (low == middle) best = std::move(load);
  }
  if (low <= 0) return fail("no batch holds the latency limits");
  return best;
}

}  // namespace fivefold
