// Closed loops: `concurrency` requests, each replaced when it ends. How many of them decode is what
// does not wait for its first token (Little's law), found by iteration.
#include <algorithm>
#include <cmath>

#include "fivefold/serving/passes.h"

namespace fivefold {
namespace {

using serving::Instance;

constexpr int kIterations = 2;
constexpr double kFullest = 0.95;  // closed loops saturate, they do not overflow

// Mean wait for a server with equal service times, in services (M/D/1, Pollaczek-Khinchine); no
// more than half of the others can be before one.
double waiting_services(double busy, double others) {
  const double share = std::min(busy, kFullest);
  return std::min(share / (2 * (1 - share)), std::max(0.0, others) / 2);
}

// Over which share of a decode's time the requests of all clients end. All start together; each
// round adds its own length's spread to what there is, so that widths grow as the root of rounds.
double spread_of_ends(const ServingWorkload& workload) {
  if (workload.loop_rounds <= 0) return 1;
  const double rounds = std::max(1.0, workload.loop_rounds - 1);
  const double mean_root = 2.0 / 3 * std::sqrt(rounds);  // of 1 to `rounds`
  return std::min(1.0, workload.length_spread * std::max(1.0, mean_root));
}

double batch_tokens(const Instance& in, const ServingWorkload& workload) {
  return std::max(1.0, workload.batch_tokens > 0 ? workload.batch_tokens : in.engine.batch_tokens);
}

// A group's loop at a batch: what the model needs of it in each iteration.
struct Round {
  double batch = 0;  // sequences that decode
  double steps = 0;  // of a sequence
  Seconds step;      // of decoding alone
  double fresh = 0;  // tokens of a prompt
};

// What prompts do to a group: to those that decode, and to themselves.
struct Prompts {
  Seconds stall;  // of a sequence, over all its steps
  Seconds first;  // from the request to the first token
  Seconds wave;   // that the requests of the first round wait for each other, on average
  Seconds work;   // of the instance, each
  Seconds apart;  // of `first`, while others decode
};

// A step of prompts in this share of the groups that step together: each of these puts one through
// attention, experts see what that is on average.
Seconds shared_step(const Instance& in, const ServingWorkload& workload, double fresh,
                    double share) {
  serving::Pass prompt{.q_len = fresh,
                       .context = workload.input - fresh,
                       .expert_imbalance = workload.expert_imbalance};
  const serving::Sides whole = serving::sides_time(in, prompt);
  prompt.q_len = std::max(1.0, fresh * share);
  const serving::Sides spread = serving::sides_time(in, prompt);
  StepParts parts;
  parts.overhead = whole.attention.total() + spread.ffn.total();
  parts.operators = whole.attention.operators + spread.ffn.operators;
  return serving::issued(in, parts).total();
}

// Where groups meet in the exchange of experts, a prompt in any of them holds all of them up,
// unless the engine lets prompts of all groups wait for each other (poll_steps).
void hold_up(const Instance& in, const ServingWorkload& workload, const Round& round,
             Prompts& prompts) {
  if (!in.exchanges || workload.poll_steps > 1 || round.batch <= 0) return;
  const double groups = in.layout.dp;
  const double ends = groups * round.batch / round.steps;  // of requests, a decode step
  const double followed = 1 - std::exp(-ends);             // share of decode steps, by prompts
  const double share = std::min(1.0, ends / (followed * groups));
  const Seconds one = shared_step(in, workload, round.fresh, share);
  const Seconds stall = round.steps * followed * one;
  if (stall <= prompts.stall) return;
  prompts.stall = stall;
  // One's own prompt waits for the step under way.
  const double busy = followed * one / (round.step + followed * one);
  prompts.first = std::max(prompts.first, one + busy * one / 2);
}

// Prompts in steps of their own, before any decoding goes on. Requests end in steps of decoding, so
// that the prompts which follow them are there together: a batch, or several one after the other.
// Those that wait keep nobody else from decoding for as long.
Prompts alone(const Instance& in, const ServingWorkload& workload, const ServingMemory& memory,
              const Round& round, double clients) {
  const double ends = std::max(1.0, spread_of_ends(workload) * round.steps);
  const double crowd = std::clamp(clients * workload.poll_steps / ends, 1.0, clients);
  const double most = std::max(1.0, std::floor(batch_tokens(in, workload) / round.fresh));
  const auto batch_of = [&](double prompts) {
    return serving::prefill_estimate(in, workload, memory, prompts * round.fresh / in.layout.tp);
  };
  const double together = std::min(crowd, most);
  const PrefillEstimate batch = batch_of(together);
  const Seconds waits = (crowd / together - 1) / 2 * batch.time;
  Prompts prompts;
  prompts.work = batch.time / together;
  prompts.apart = (workload.poll_steps - 1) / 2 * round.step;
  prompts.first = batch.time + waits + prompts.apart;
  const Seconds others = std::max(Seconds(0), (clients - 1) * prompts.work - waits);
  prompts.stall = round.batch / clients * others;
  if (workload.loop_rounds > 0) {
    const double filled = std::min(clients, most);
    const Seconds wave = std::max(0.0, clients / filled - 1) / 2 * filled * prompts.work;
    prompts.wave = std::max(Seconds(0), wave - waits) / workload.loop_rounds;
  }
  hold_up(in, workload, round, prompts);
  return prompts;
}

// Prompts that ride in the steps of those that decode, so many in one as arrive in a step: requests
// of equal length end together, but reach the engine one by one.
Prompts riding(const Instance& in, const ServingWorkload& workload, const Round& round,
               double clients) {
  const double arrivals = round.batch / round.steps;  // a step
  const double most = std::max(1.0, std::floor(batch_tokens(in, workload) / round.fresh));
  const double looked = arrivals * workload.poll_steps;
  const double together = looked / (1 - std::exp(-looked));
  const double prompts_a_step = std::clamp(together, 1.0, most);
  const double chunks = std::ceil(round.fresh / batch_tokens(in, workload));
  const auto mixed_step = [&](double prompts) {
    const StepParts parts = serving::issued(
        in, serving::mixed_time(in, {.decodes = round.batch,
                                     .decode_q_len = 1.0 + workload.draft_tokens,
                                     .decode_context = workload.input + workload.output / 2,
                                     .prompt_tokens = prompts * round.fresh / chunks,
                                     .prompt_context = workload.prefix_hit * workload.input +
                                                       round.fresh * (1 - 1 / chunks) / 2,
                                     .prompts = prompts,
                                     .overlap = workload.microbatch_overlap,
                                     .expert_imbalance = workload.expert_imbalance}));
    return parts.total() +
           serving::exposed_host(in, workload, round.batch + prompts, parts.total());
  };
  const Seconds step = mixed_step(prompts_a_step);
  Prompts prompts;
  prompts.work = std::max(Seconds(0), chunks * (step - round.step)) / prompts_a_step;
  prompts.stall = (round.batch - 1) * prompts.work;
  prompts.first = chunks * step;
  // A prompt waits for the step under way, which another one rides in where requests end together.
  const double ends = std::max(1.0, spread_of_ends(workload) * round.steps);
  const double ridden = std::min(1.0, (clients - 1) / prompts_a_step * chunks / ends);
  if (clients > 1) {
    prompts.first += (workload.poll_steps - 1) / 2 * round.step;
    prompts.first += round.step + ridden * (step - round.step);
  }
  prompts.apart = prompts.first;
  if (workload.loop_rounds > 0) {
    const double filled = std::min(most, clients);
    const Seconds full = step + std::max(0.0, filled - prompts_a_step) / chunks * prompts.work;
    prompts.wave = std::max(0.0, clients / filled - 1) / 2 * chunks * full / workload.loop_rounds;
  }
  return prompts;
}

// The first requests of all clients arrive together and are prefilled one batch after the other: on
// average half of them stand before one. Later requests arrive as sequences end. The mean over all
// rounds.
Seconds first_wave(const Instance& in, const ServingWorkload& workload, const ServingMemory& memory,
                   double prompts) {
  if (workload.loop_rounds <= 0 || prompts <= 1) return Seconds(0);
  const double tokens = serving::fresh_tokens(workload);
  const double together = std::clamp(std::floor(in.engine.batch_tokens / tokens), 1.0, prompts);
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
  const double holds = memory.max_sequences;
  double batch = std::min(group, holds);
  LoopEstimate result;
  for (int i = 0; i < kIterations; ++i) {
    const DecodeEstimate step = serving::decode_estimate(*in, workload, memory, batch);
    const double tokens = step.step / step.tpot;
    const Round round{batch, std::max(1.0, workload.output / tokens), step.step,
                      serving::fresh_tokens(workload)};
    const double clients = std::min(group, holds);
    const Prompts prompts = in->engine.mixes_steps ? riding(*in, workload, round, clients)
                                                   : alone(*in, workload, memory, round, clients);
    result.tpot = step.tpot + prompts.stall / workload.output;
    result.prefill_share = batch / workload.output * prompts.work / result.tpot;
    const Seconds request = in->engine.request_overhead + workload.input * in->engine.request_token;
    result.ttft = request + prompts.first + prompts.wave + workload.first_steps * step.step;
    // What memory does not hold waits until a sequence ends.
    const Seconds decoding = workload.output * result.tpot;
    if (group > holds) result.ttft += (group / holds - 1) * (decoding + result.ttft);
    const Seconds life = result.ttft + decoding;
    const Seconds apart = request + prompts.apart;
    const Seconds steps = in->engine.mixes_steps ? decoding : round.steps * step.step;
    batch = std::clamp(group * (steps / (steps + apart)), std::min(1.0, group), holds);
    result.tokens_per_second = concurrency * workload.output / life.value();
    result.decode_step = step.step;
    result.prefill = prompts.work;
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
    const Seconds alone = setting_->engine.request_overhead +
                          workload.input * setting_->engine.request_token + prompt->time +
                          prompt->cache_transfer + (1 + workload.first_steps) * step.step;
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
