#include "fivefold/serving/step.h"

#include <algorithm>
#include <cmath>

#include "fivefold/serving/merge.h"

namespace fivefold::serving {
namespace {

// Kernels and communication of one layer for one batch.
struct LayerTime {
  Seconds attention, projections, experts, streaming, tensor, exchange;
  Seconds arithmetic, traffic;
  double operators = 0;
  Seconds compute() const { return attention + projections + experts + streaming; }
};

void add_op(const KernelModel& kernels, Op op, LayerTime& time) {
  if (auto* rest = std::get_if<ModuleRest>(&op.shape))
    rest->beside = time.attention + time.projections;
  const KernelTime kernel = kernels.time(op);
  const Seconds taken = kernel.time;
  time.arithmetic += kernel.compute;
  time.traffic += kernel.memory;
  time.operators += op.repeat;
  switch (op.family) {
    case Family::kGemm:
      time.projections += taken;
      break;
    case Family::kMoe:
      time.experts += taken;
      break;
    case Family::kMemoryBound:
      time.streaming += taken;
      break;
    default:
      // The rest of a module may hide launches of its products.
      (taken < Seconds(0) ? time.projections : time.attention) += taken;
  }
}

// Groups of experts that a token may reach are laid on nodes; where there are more nodes than
// groups, a group spans several.
double reachable_nodes(const MoeFfn& moe, const Instance& instance) {
  if (moe.groups <= 0 || moe.groups_active <= 0) return 0;
  const double node = std::max(1, instance.machine.levels.front().size);
  const double nodes = std::ceil(instance.experts.size / node);
  return moe.groups_active * std::max(1.0, nodes / moe.groups);
}

// Dispatch in the format that experts take, combine in that of activations (DeepSeek-V3,
// section 3.2.2). Low-latency kernels exist for decode only (DeepEP). Inside a node engines also
// gather all tokens and scatter the sums; the fastest way is taken.
Seconds exchange_time(const Instance& in, const MoeFfn& moe, double tokens, double imbalance,
                      bool decode) {
  const double hidden = expert_hidden(in.model, moe);
  const Bytes activations = stored(hidden, in.precision.activations);
  const double gathered = tokens * in.layout.dp;
  Seconds best =
      collective_time(in.machine, Collective::kAllGather, in.data, gathered * activations).time +
      collective_time(in.machine, Collective::kReduceScatter, in.data, gathered * activations).time;
  if (in.layout.ep == 1) return best;
  MoeExchange dispatch{.tokens = tokens / in.layout.tp,
                       .topk = double(moe.active),
                       .nodes_limit = reachable_nodes(moe, in),
                       .bytes_per_token = stored(hidden, in.precision.expert_a),
                       .imbalance = imbalance};
  MoeExchange combine = dispatch;
  combine.bytes_per_token = activations;
  combine.combine = true;
  for (const bool low_latency : {false, true}) {
    if (low_latency && !decode) continue;
    dispatch.low_latency = combine.low_latency = low_latency;
    best = std::min(best, moe_exchange_time(in.machine, in.experts, dispatch).time +
                              moe_exchange_time(in.machine, in.experts, combine).time);
  }
  return best;
}

double imbalance_of(const Instance& in, const MoeFfn& moe, const Pass& pass, double tokens) {
  if (pass.expert_imbalance > 0) return pass.expert_imbalance;
  return routing_imbalance(tokens * moe.active, in.shard.ep);
}

// Real tokens fall on experts by a power law: few are busy, many are left out of a small batch. The
// exponent is the one that aiconfigurator takes for DeepSeek-V3 (sdk/models.py at 095f58a). Where
// there are more devices than experts, the copies take in the busy ones.
double skew_of(const Instance& in, const MoeFfn& moe, const Pass& pass) {
  constexpr double kSkew = 1.01;
  return pass.expert_imbalance > 0 || in.layout.ep > moe.experts ? 0 : kSkew;
}

Batch batch_of(const Pass& pass) {
  return {.sequences = pass.sequences,
          .q_len = pass.q_len,
          .context = pass.context,
          .decode = pass.decode};
}

// One or two passes that share a step: what depends on tokens only sees those of both.
struct Step {
  Pass first;
  const Pass* second = nullptr;
  double tokens() const {
    const double alone = first.sequences * first.q_len;
    return second == nullptr ? alone : alone + second->sequences * second->q_len;
  }
  bool decode() const { return first.decode && second == nullptr; }
};

// Calls `use` with each operator of the step.
template <class OpsOf, class Use>
void for_each_op(const Step& step, OpsOf ops_of, Use use) {
  const OpList first = ops_of(batch_of(step.first));
  if (step.second == nullptr) {
    for (const Op& op : first) use(op);
  } else {
    for (const Op& op : merged_ops(first, ops_of(batch_of(*step.second)))) use(op);
  }
}

// All-reduce of the tokens' activations within an attention group.
Seconds reduce_time(const Instance& in, double tokens) {
  if (in.layout.tp == 1) return Seconds(0);
  const Bytes activations = stored(tokens * in.model.hidden, in.precision.activations);
  return collective_time(in.machine, Collective::kAllReduce, in.tensor, activations).time;
}

LayerTime attention_time(const Instance& in, const LayerGroup& layer, const Step& step) {
  LayerTime time;
  if (std::holds_alternative<std::monostate>(layer.attention)) return time;
  const auto ops_of = [&](const Batch& batch) {
    return layer_ops(in.model, layer, in.shard, batch, in.precision);
  };
  for_each_op(step, ops_of, [&](const Op& op) { add_op(in.kernels, op, time); });
  time.tensor = reduce_time(in, step.tokens());
  return time;
}

LayerTime ffn_time(const Instance& in, const LayerGroup& layer, const Step& step) {
  LayerTime time;
  if (std::holds_alternative<std::monostate>(layer.ffn)) return time;
  Batch batch{.sequences = step.tokens(), .decode = step.decode()};
  const MoeFfn* experts = moe(layer);
  if (experts != nullptr) {
    batch.expert_tokens = batch.tokens() * in.layout.dp;
    batch.expert_imbalance = imbalance_of(in, *experts, step.first, batch.expert_tokens);
    batch.expert_skew = skew_of(in, *experts, step.first);
    batch.gathered = !in.exchanges;
    // Copies of an expert share its tokens.
    const double ranks = double(in.layout.tp) * in.layout.dp;
    batch.expert_tokens *= in.shard.ep * in.shard.etp / ranks;
  }
  for (const Op& op : layer_ops(in.model, layer, in.shard, batch, in.precision)) {
    add_op(in.kernels, op, time);
  }
  // Around an exchange, attention's all-reduce becomes a reduce-scatter before it and an all-gather
  // after it.
  if (experts != nullptr && in.exchanges) {
    time.exchange =
        exchange_time(in, *experts, batch.tokens(), batch.expert_imbalance, step.decode());
  } else {
    time.tensor = reduce_time(in, batch.tokens());
  }
  return time;
}

LayerTime sum(const LayerTime& a, const LayerTime& b) {
  return {a.attention + b.attention,   a.projections + b.projections, a.experts + b.experts,
          a.streaming + b.streaming,   a.tensor + b.tensor,           a.exchange + b.exchange,
          a.arithmetic + b.arithmetic, a.traffic + b.traffic,         a.operators + b.operators};
}

// One layer of each group, in order.
template <class Use>
void for_each_layer(const Instance& in, const LayerHalves& halves, const Step& step, Use use) {
  InlineVector<LayerTime, kMostGroups> attention;
  for (std::size_t i = 0; i < halves.ffn.size(); ++i) {
    const std::size_t alike = halves.first_alike[i];
    attention.push_back(alike < i ? attention[alike]
                                  : attention_time(in, halves.attention[i], step));
    use(halves.ffn[i].count, sum(attention[i], ffn_time(in, halves.ffn[i], step)));
  }
}

void add_layers(StepParts& parts, const LayerTime& time, double count) {
  parts.attention += count * time.attention;
  parts.projections += count * time.projections;
  parts.experts += count * time.experts;
  parts.streaming += count * time.streaming;
  parts.tensor += count * time.tensor;
  parts.arithmetic += count * time.arithmetic;
  parts.traffic += count * time.traffic;
  parts.operators += count * time.operators;
}

StepParts layers_in_turn(const Instance& in, const Step& step) {
  StepParts parts;
  for_each_layer(in, in.setting.layers, step, [&](int count, const LayerTime& time) {
    add_layers(parts, time, count);
    parts.exchange += count * time.exchange;
  });
  return parts;
}

// Two micro-batches of half the sequences: while one computes, the other's tokens travel. A layer
// takes twice the longer of the two; once, at the start, nothing hides the first exchange. In
// prefill the exchange's kernels hold a share of the cores while they run; those of decode hold
// none (DeepEP).
StepParts layers_overlapped(const Instance& in, const Step& whole) {
  StepParts parts;
  Step step = whole;
  step.first.sequences /= 2;
  Pass second;
  if (whole.second != nullptr) {
    second = *whole.second;
    second.sequences /= 2;
    step.second = &second;
  }
  Seconds fill{0};
  for_each_layer(in, in.setting.layers, step, [&](int count, const LayerTime& time) {
    add_layers(parts, time, 2.0 * count);
    if (time.exchange <= Seconds(0)) return;
    const Seconds busy = time.compute() + time.tensor;
    const double left = step.decode() ? 1 : in.engine.overlap_compute;
    const Seconds shared = std::min(busy / left, time.exchange);
    const Seconds slowed = busy + shared * (1 - left);
    // In decode its kernels that send and receive still stand in the stream of compute.
    const Seconds kernels =
        step.decode() ? std::min(in.engine.exchange_kernels, time.exchange) : Seconds(0);
    const Seconds exposed = std::max(slowed + kernels, time.exchange) - busy;
    parts.exchange += 2.0 * count * exposed;
    parts.hidden += 2.0 * count * std::max(Seconds(0), time.exchange - exposed);
    fill = std::max(fill, time.exchange);
  });
  parts.exchange += fill;
  return parts;
}

Seconds head_time(const Instance& in, const Step& step) {
  Seconds time{0};
  const auto ops_of = [&](const Batch& batch) {
    return head_ops(in.model, in.shard, batch, in.precision);
  };
  for_each_op(step, ops_of, [&](const Op& op) { time += in.kernels.time(op).time; });
  return time;
}

double logit_rows(const Pass& pass) {
  return pass.decode ? pass.sequences * pass.q_len : pass.sequences;
}

// Each rank of an attention group holds its part of the logits.
Seconds logits_time(const Instance& in, const Step& step) {
  if (in.layout.tp == 1 || !in.model.lm_head) return Seconds(0);
  const double rows =
      logit_rows(step.first) + (step.second == nullptr ? 0 : logit_rows(*step.second));
  const Bytes logits = stored(rows * in.model.vocabulary, in.precision.activations);
  return collective_time(in.machine, Collective::kAllGather, in.tensor, logits).time;
}

StepParts step_time(const Instance& in, const Step& step, bool overlap) {
  StepParts parts = layers_in_turn(in, step);
  if (overlap && in.exchanges && parts.exchange > Seconds(0)) {
    const StepParts overlapped = layers_overlapped(in, step);
    if (overlapped.total() < parts.total()) parts = overlapped;
  }
  parts.head += head_time(in, step);
  parts.tensor += logits_time(in, step);
  if (in.layout.pp > 1) {
    const Bytes activations =
        stored(step.tokens() * in.model.hidden / in.layout.tp, in.precision.activations);
    parts.tensor += (in.layout.pp - 1) *
                    collective_time(in.machine, Collective::kSendRecv, in.stages, activations).time;
  }
  return parts;
}

}  // namespace

Sides sides_time(const Instance& in, const Pass& pass) {
  Sides sides;
  const LayerHalves& layers = in.setting.layers;
  InlineVector<LayerTime, kMostGroups> attention;
  for (std::size_t i = 0; i < layers.ffn.size(); ++i) {
    const std::size_t alike = layers.first_alike[i];
    attention.push_back(alike < i ? attention[alike]
                                  : attention_time(in, layers.attention[i], {pass}));
    add_layers(sides.attention, attention[i], layers.ffn[i].count);
    const LayerTime ffn = ffn_time(in, layers.ffn[i], {pass});
    add_layers(sides.ffn, ffn, layers.ffn[i].count);
    sides.ffn.exchange += layers.ffn[i].count * ffn.exchange;
  }
  return sides;
}

Seconds head_and_logits_time(const Instance& in, const Pass& pass) {
  return head_time(in, {pass}) + logits_time(in, {pass});
}

StepParts pass_time(const Instance& in, const Pass& pass) {
  return step_time(in, {pass}, pass.overlap);
}

StepParts mixed_time(const Instance& in, const MixedPass& mixed) {
  const Pass decode{.sequences = mixed.decodes,
                    .q_len = mixed.decode_q_len,
                    .context = mixed.decode_context,
                    .decode = true,
                    .expert_imbalance = mixed.expert_imbalance};
  const double prompts = std::max(1e-9, mixed.prompts);
  const Pass prompt{.sequences = prompts,
                    .q_len = mixed.prompt_tokens / prompts,
                    .context = mixed.prompt_context,
                    .expert_imbalance = mixed.expert_imbalance};
  if (mixed.prompt_tokens <= 0) return step_time(in, {decode}, mixed.overlap);
  if (mixed.decodes <= 0) return step_time(in, {prompt}, mixed.overlap);
  return step_time(in, {decode, &prompt}, mixed.overlap);
}

Seconds draft_time(const Instance& in, const Pass& pass, int drafts) {
  Seconds time{0};
  for (int draft = 0; draft < drafts; ++draft) {
    // The first run also takes in the tokens that were just accepted.
    Pass one = pass;
    if (draft > 0) one.q_len = 1;
    for_each_layer(in, in.setting.drafts, {one}, [&](int count, const LayerTime& layer) {
      time += count * (layer.compute() + layer.tensor + layer.exchange);
    });
    one.q_len = 1;
    time += head_time(in, {one}) + logits_time(in, {one});
  }
  return time;
}

}  // namespace fivefold::serving
