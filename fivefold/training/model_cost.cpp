#include "fivefold/training/model_cost.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "fivefold/training/backward.h"
#include "fivefold/training/groups.h"

namespace fivefold {
namespace {

constexpr double kActivationBytes = 2;

// What every part of the cost needs while it is computed.
struct Costing {
  const Machine& machine;
  const Model& model;
  const KernelModel& kernels;
  TrainingParameters parameters;
  const TrainingJob& job;
  const TrainingLayout& layout;
  Shard shard;
  Batch batch;
  Precision precision;
  BackwardRule rule;

  // Tokens of one micro batch on one device, before sequence parallelism.
  double tokens() const { return batch.tokens(); }
  Bytes activations(double values) const { return Bytes(kActivationBytes * values); }
  Group tp_group() const { return tensor_group(machine, layout); }
};

Costing costing(const Subject& subject, const TrainingJob& job, const TrainingLayout& layout) {
  Costing c{subject.machine,
            subject.model,
            subject.kernels,
            subject.parameters,
            job,
            layout,
            {},
            {},
            training_precision(job.format),
            {}};
  c.shard = {.tp = layout.tp, .ep = layout.ep, .etp = layout.etp, .cp = layout.cp};
  const double q_len = double(job.seq_len) / layout.cp;
  c.batch = {.sequences = double(layout.micro_batch), .q_len = q_len, .all_logits = true};
  // ep x etp ranks share experts; tp ranks hold the same tokens.
  c.batch.expert_tokens = c.batch.tokens() * layout.ep * layout.etp / layout.tp * job.expert_load();
  c.rule = {.weight_gradient = !job.frozen_base, .activations = c.precision.activations};
  return c;
}

// Rows of tokens are as long as the weight is wide or deep; how many there are does not matter.
bool has_odd_rows(const Op& op, const Gemm& gemm) {
  const auto odd = [](double side) { return std::fmod(side, 2) == 1; };
  const double other = op.name == "weight_gradient" ? gemm.m : gemm.k;
  return bytes_per_value(gemm.a) == 2 && (odd(gemm.n) || odd(other));
}

// What arithmetic limits runs at the sustained rate. Pointwise operators move what the framework
// makes them move.
Seconds time_of(const Costing& c, const Op& op) {
  if (const auto* stream = std::get_if<Streaming>(&op.shape)) {
    Streaming moved = *stream;
    moved.read *= c.parameters.pointwise;
    moved.written *= c.parameters.pointwise;
    return op.repeat * c.kernels.time(op.family, moved).time;
  }
  const KernelTime kernel = c.kernels.time(op);
  const Seconds time = kernel.limit != Limit::kCompute
                           ? kernel.time
                           : kernel.time + kernel.compute * (1 / c.parameters.sustained - 1);
  if (std::holds_alternative<LinearCore>(op.shape)) return time / c.parameters.linear;
  const auto* gemm = std::get_if<Gemm>(&op.shape);
  if (gemm != nullptr && has_odd_rows(op, *gemm)) return time / c.parameters.odd;
  return gemm != nullptr && gemm->batch > 1 ? time / c.parameters.grouped : time;
}

template <class Ops>
Seconds time_of_all(const Costing& c, const Ops& ops) {
  Seconds sum;
  for (const Op& op : ops) sum += time_of(c, op);
  return sum;
}

// Norms work on the sequence-parallel share of the tokens.
bool is_sequence_parallel(const Op& op) {
  static constexpr std::array<std::string_view, 4> kNorms = {"attention_norm", "ffn_norm",
                                                             "output_norm", "final_norm"};
  return std::find(kNorms.begin(), kNorms.end(), op.name) != kNorms.end();
}

void cut_norm(Op& op, int tp) {
  auto& stream = std::get<Streaming>(op.shape);
  stream.read /= tp;
  stream.written /= tp;
  stream.ops /= tp;
}

struct PassTimes {
  Seconds forward, backward, weight_gradient, selective, attention_forward, attention_backward;
  double issued_forward = 0, issued_backward = 0;  // operators
  Seconds wait_forward, wait_backward;             // of the device for operators of their own
  double experts = 0;                              // that the host issues by themselves
};

// Of an operator's forward pass, what the policy of recomputation runs again.
Seconds again(const Costing& c, const Op& op, const LayerGroup* layer, Seconds forward) {
  if (layer == nullptr) return Seconds();
  if (c.layout.recompute == Recompute::kOps) {
    const auto* dense = std::get_if<DenseFfn>(&layer->ffn);
    return share_again(op, layer->attention, dense == nullptr || dense->gated) * forward;
  }
  const auto module = module_of(op.name);
  const bool activation =
      op.name == "expert_activation" && c.layout.recompute_modules.has(Module::kExpertActivation);
  return activation || (module && c.layout.recompute_modules.has(*module)) ? forward : Seconds();
}

Seconds wait_of(const Costing& c, Seconds device) {
  return std::max(Seconds(), c.parameters.host_time - device);
}

template <class Ops>
Seconds wait_of_all(const Costing& c, const Ops& ops) {
  Seconds sum;
  for (const Op& op : ops) sum += wait_of(c, time_of(c, op));
  return sum;
}

double backward_ratio(const Costing& c) {
  const double stated = c.parameters.attention_backward;
  return stated > 0 ? stated : attention_backward_ratio();
}

// One operator forward and backward; without a layer, of what lies around the layers.
void add_op(const Costing& c, Op op, const LayerGroup* layer, PassTimes& times) {
  const auto* core = std::get_if<AttentionCore>(&op.shape);
  if (core != nullptr && !c.job.fused_attention) {
    const UnfusedOps ops = unfused_attention(*core, c.job.dropout);
    const UnfusedOps gradients = unfused_attention_backward(*core, c.job.dropout);
    const Seconds forward = time_of_all(c, ops);
    const Seconds backward = time_of_all(c, gradients);
    times.issued_forward += double(ops.size());
    times.issued_backward += double(gradients.size());
    times.wait_forward += wait_of_all(c, ops);
    times.wait_backward += wait_of_all(c, gradients);
    times.forward += forward;
    times.backward += backward;
    times.selective += forward;
    times.attention_forward += forward;
    times.attention_backward += backward;
    return;
  }
  if (const auto* experts = std::get_if<MoeBlock>(&op.shape)) {
    for (const Op& part : expert_ops(*experts, c.precision.activations)) {
      add_op(c, part, layer, times);
    }
    times.experts += experts->local_experts;
    return;
  }
  if (c.layout.sequence_parallel && is_sequence_parallel(op)) cut_norm(op, c.layout.tp);
  const bool fused = core != nullptr || std::holds_alternative<MlaCore>(op.shape);
  const Seconds forward = time_of(c, op) / (fused ? c.parameters.attention : 1);
  times.forward += forward;
  times.selective += again(c, op, layer, forward);
  times.issued_forward += 1;
  times.issued_backward += 1;
  times.wait_forward += wait_of(c, forward);
  if (fused || std::holds_alternative<ModuleRest>(op.shape)) {
    const Seconds backward = backward_ratio(c) * forward;
    times.backward += backward;
    times.wait_backward += wait_of(c, backward);
    times.attention_forward += forward;
    times.attention_backward += backward;
  } else {
    const BackwardOps gradients = backward_ops(op, c.rule);
    for (const Op& gradient : gradients) {
      const Seconds time = time_of(c, gradient);
      times.backward += time;
      times.wait_backward += wait_of(c, time);
      if (gradient.name == "weight_gradient") times.weight_gradient += time;
    }
    times.issued_backward += double(gradients.size()) - 1;
  }
}

// Of tensor parallelism in one layer: with sequence parallelism an all-gather before and a
// reduce-scatter after each block, and in the backward pass also the block's input gathered again
// for the weight gradient (Korthikanti 2022, section 4.2.2); otherwise an all-reduce.
void add_tensor_communication(const Costing& c, double blocks, const PassTimes& times,
                              LayerCost& cost) {
  if (c.layout.tp == 1 || blocks == 0) return;
  const Group group = c.tp_group();
  const Bytes bytes = c.activations(c.tokens() * c.model.hidden);
  Seconds forward, backward;
  if (c.layout.sequence_parallel) {
    const Seconds gather = collective_time(c.machine, Collective::kAllGather, group, bytes).time;
    const Seconds scatter =
        collective_time(c.machine, Collective::kReduceScatter, group, bytes).time;
    forward = blocks * (gather + scatter);
    // The second gather runs beside the gradient of the input.
    backward = forward;
  } else {
    forward = blocks * collective_time(c.machine, Collective::kAllReduce, group, bytes).time;
    backward = forward;
  }
  if (c.job.overlap_tp) {
    // Cut into tp chunks that pass beside the product: the first one is seen, and what is longer.
    forward = std::max(forward / c.layout.tp, forward - times.forward);
    backward = std::max(backward / c.layout.tp, backward - times.backward);
  }
  cost.tp_forward += forward;
  cost.tp_backward += backward;
  cost.wait_forward += blocks * wait_of(c, forward / blocks);
  cost.wait_backward += blocks * wait_of(c, backward / blocks);
}

double key_value_width(const Attention& attention, int tp) {
  if (const auto* a = std::get_if<GqaAttention>(&attention))
    return 2.0 * std::max(1.0, double(a->kv_heads) / tp) * a->head_dim;
  if (const auto* a = std::get_if<MlaAttention>(&attention)) {
    const double head = a->nope_dim + a->rope_dim + a->v_dim;
    return std::max(1.0, double(a->heads) / tp) * head;
  }
  if (const auto* a = std::get_if<CompressedAttention>(&attention)) return a->head_dim;
  return 0;
}

// Keys and values pass around the ring of cp ranks, each step beside the scores of the last one
// (ring attention, arXiv 2310.01889); backward their gradients pass as well.
void add_context_communication(const Costing& c, const LayerGroup& layer, const PassTimes& times,
                               LayerCost& cost) {
  const int cp = c.layout.cp;
  if (cp == 1) return;
  const Group pair = context_group(c.machine, c.layout);
  const Bytes bytes = c.activations(c.tokens() * key_value_width(layer.attention, c.layout.tp));
  const Seconds step = collective_time(c.machine, Collective::kSendRecv, pair, bytes).time;
  const Seconds none;
  cost.cp_forward += double(cp - 1) * std::max(none, step - times.attention_forward / cp);
  cost.cp_backward += double(cp - 1) * std::max(none, 2 * step - times.attention_backward / cp);
}

// After attention and after the FFN: a value in, a value and its mask out, and as much backward.
Op residual_dropout(const Costing& c) {
  const double values =
      c.tokens() * c.model.hidden / (c.layout.sequence_parallel ? c.layout.tp : 1);
  return {"dropout", Family::kMemoryBound,
          Streaming{.read = c.activations(values),
                    .written = c.activations(values) + Bytes(values),
                    .ops = Ops(values)},
          2};
}

// Tokens are gathered by expert before the products and put back after them, on the side that sends
// and on the side that computes: four passes over every copy (Megatron-Core's token permutation).
Op permutation(const Costing& c, const MoeFfn& experts) {
  const double values = c.job.expert_load() * c.tokens() * c.layout.etp / c.layout.tp *
                        experts.active * expert_hidden(c.model, experts);
  return {"permutation", Family::kMemoryBound,
          Streaming{.read = 4 * c.activations(values),
                    .written = 4 * c.activations(values),
                    .ops = Ops(values),
                    .launches = 4},
          1};
}

void add_expert_communication(const Costing& c, const MoeFfn& experts, const PassTimes& times,
                              LayerCost& cost) {
  const TrainingLayout& l = c.layout;
  const double own = c.tokens() / l.tp;  // tokens that one rank sends
  MoeExchange exchange{.tokens = own,
                       .topk = double(experts.active),
                       .nodes_limit = double(experts.groups_active),
                       .bytes_per_token = c.activations(expert_hidden(c.model, experts)),
                       .imbalance = c.job.expert_load(),
                       .experts = double(experts.experts)};
  const Group group = expert_group(c.machine, l);
  Seconds time = moe_exchange_time(c.machine, group, exchange).time;
  exchange.combine = true;
  time += moe_exchange_time(c.machine, group, exchange).time;
  if (l.etp > 1) {
    const Group slices = stage_group(c.machine, l, l.etp, 1);
    const Bytes bytes =
        c.activations(own * l.etp * experts.active * expert_hidden(c.model, experts));
    time += collective_time(c.machine, Collective::kAllGather, slices, bytes).time +
            collective_time(c.machine, Collective::kReduceScatter, slices, bytes).time;
  }
  time /= c.parameters.exchange;
  const Seconds none;
  const double beside = c.parameters.exchange_overlap;
  cost.ep_forward += std::max(none, time - beside * times.forward);
  cost.ep_backward += std::max(none, time - beside * times.backward);
}

// Blocks of a layer whose input and output tensor parallelism must join.
double tensor_blocks(const LayerGroup& layer) {
  double blocks = std::holds_alternative<std::monostate>(layer.attention) ? 0 : 1;
  if (std::holds_alternative<DenseFfn>(layer.ffn)) blocks += 1;
  const MoeFfn* experts = moe(layer);
  if (experts != nullptr && experts->shared > 0) blocks += 1;
  return blocks;
}

Precision wide_weights() {
  return training_precision(Format::kBf16);
}

LayerCost layer_cost(const Costing& c, const LayerGroup& layer) {
  LayerCost cost;
  PassTimes times;
  for (const Op& op : layer_ops(c.model, layer, c.shard, c.batch, c.precision)) {
    add_op(c, op, &layer, times);
  }
  if (c.job.dropout) {
    const Op dropout = residual_dropout(c);
    times.forward += time_of(c, dropout);
    times.backward += time_of(c, dropout);
  }
  const MoeFfn* experts = moe(layer);
  if (experts != nullptr) {
    const Seconds moved = time_of(c, permutation(c, *experts));
    times.forward += moved;
    times.backward += moved;
  }
  cost.forward = times.forward;
  cost.backward = times.backward;
  cost.weight_gradient = times.weight_gradient;
  cost.selective = times.selective;
  const Seconds experts_issue = times.experts * c.parameters.expert_host_time;
  cost.issue_forward = times.issued_forward * c.parameters.host_time + experts_issue;
  cost.issue_backward = times.issued_backward * c.parameters.host_time + 2.0 * experts_issue;
  cost.wait_forward = times.wait_forward;
  cost.wait_backward = times.wait_backward;
  add_tensor_communication(c, tensor_blocks(layer), times, cost);
  add_context_communication(c, layer, times, cost);
  if (experts != nullptr) {
    add_expert_communication(c, *experts, times, cost);
    if (c.layout.recompute == Recompute::kSelective &&
        c.layout.recompute_modules.has(Module::kExperts)) {
      cost.ep_backward += cost.ep_forward;  // tokens are sent again
    }
    const double matrices = double(experts->experts) * expert_values(c.model, *experts);
    cost.expert_parameters = matrices / (double(c.layout.ep) * c.layout.etp);
  }
  const Bytes weights = layer_weights(c.model, layer, c.shard, wide_weights());
  cost.dense_parameters = weights.value() / kActivationBytes - cost.expert_parameters;
  cost.activations = layer_activations(c.model, layer, c.layout, c.job);
  return cost;
}

void add_share(LayerCost& sum, const LayerCost& cost, double share) {
  sum.forward += share * cost.forward;
  sum.backward += share * cost.backward;
  sum.weight_gradient += share * cost.weight_gradient;
  sum.selective += share * cost.selective;
  sum.tp_forward += share * cost.tp_forward;
  sum.tp_backward += share * cost.tp_backward;
  sum.cp_forward += share * cost.cp_forward;
  sum.cp_backward += share * cost.cp_backward;
  sum.ep_forward += share * cost.ep_forward;
  sum.ep_backward += share * cost.ep_backward;
  sum.issue_forward += share * cost.issue_forward;
  sum.issue_backward += share * cost.issue_backward;
  sum.wait_forward += share * cost.wait_forward;
  sum.wait_backward += share * cost.wait_backward;
  sum.dense_parameters += share * cost.dense_parameters;
  sum.expert_parameters += share * cost.expert_parameters;
  sum.activations.add(cost.activations, share);
}

// The loss over FP32 logits: cast, largest, exponentials and their sum, gradient, in four passes
// over memory (vocabulary-parallel cross entropy).
Op loss(const Costing& c) {
  const double logits = c.tokens() * c.model.vocabulary / c.layout.tp;
  return {"loss", Family::kMemoryBound,
          Streaming{.read = Bytes(14 * logits),
                    .written = Bytes(10 * logits),
                    .ops = Ops(8 * logits),
                    .launches = 4},
          1};
}

// Small operators that the host issues around a micro batch: positions, masks and dropout before
// the layers; after them the loss's maximum, masks, indices, sums and scaling, and their gradients
// (Megatron-LM's get_batch and vocab_parallel_cross_entropy). The device waits for none of them.
constexpr double kInputOperators = 8;
constexpr double kLossOperators = 24;
constexpr double kLossGradients = 8;

void add_embedding_and_head(const Costing& c, ModelCost& cost) {
  PassTimes first, last;
  for (const Op& op : head_ops(c.model, c.shard, c.batch, c.precision)) {
    if (op.name == "sampling") {
      last.forward += time_of(c, loss(c));
      last.issued_forward += kLossOperators;
      last.issued_backward += kLossGradients;
      first.issued_forward += kInputOperators;
    } else {
      add_op(c, op, nullptr, op.name == "embedding" ? first : last);
    }
  }
  cost.embedding.forward = first.forward;
  cost.embedding.backward = first.backward;
  cost.embedding.weight_gradient = first.weight_gradient;
  cost.head.forward = last.forward;
  cost.head.backward = last.backward;
  cost.head.weight_gradient = last.weight_gradient;
  cost.embedding.issue_forward = first.issued_forward * c.parameters.host_time;
  cost.embedding.issue_backward = first.issued_backward * c.parameters.host_time;
  cost.head.issue_forward = last.issued_forward * c.parameters.host_time;
  cost.head.issue_backward = last.issued_backward * c.parameters.host_time;
  cost.embedding.wait_forward = first.wait_forward;
  cost.embedding.wait_backward = first.wait_backward;
  cost.head.wait_forward = last.wait_forward;
  cost.head.wait_backward = last.wait_backward;
  cost.table = double(c.model.vocabulary) * c.model.hidden / c.layout.tp;
  const Bytes both = head_weights(c.model, c.shard, wide_weights());
  const bool own_head = c.model.lm_head && !c.model.tied_embeddings;
  cost.head.dense_parameters = own_head ? cost.table : 0;
  cost.embedding.dense_parameters = both.value() / kActivationBytes - cost.head.dense_parameters;
  cost.embedding.activations.kept = embedding_activations(c.model, c.layout, c.job);
  cost.head.activations.kept = head_activations(c.model, c.layout, c.job);
  // The vocabulary is cut: embedding rows and the head's input pass between tp ranks as a block's
  // do.
  add_tensor_communication(c, 0.5, first, cost.embedding);
  add_tensor_communication(c, 0.5, last, cost.head);
}

// Layers that predict further tokens: what enters is joined to the embedding of the token before
// and projected, what leaves goes through the model's head (DeepSeek-V3, arXiv 2412.19437, section
// 2.2). Embedding and head are those of the model.
void add_prediction(const Costing& c, ModelCost& cost) {
  const double h = c.model.hidden;
  PassTimes projection;
  const double rows = c.tokens() / (c.layout.sequence_parallel ? c.layout.tp : 1);
  add_op(c,
         {"mtp_projection", Family::kGemm,
          Gemm{.m = rows, .n = h, .k = 2 * h, .a = Format::kBf16, .b = Format::kBf16}, 1},
         nullptr, projection);
  for (const LayerGroup& layer : c.model.mtp) {
    add_share(cost.prediction, layer_cost(c, layer), layer.count);
    LayerCost head = cost.head;
    head.dense_parameters = 0;
    head.activations.input = head.activations.ops = head.activations.kept;  // never computed again
    head.forward += projection.forward;
    head.backward += projection.backward;
    head.weight_gradient += projection.weight_gradient;
    add_share(cost.prediction, head, layer.count);
  }
}

}  // namespace

int lead_layers(const Model& model) {
  if (model.layers.size() < 2 || most_experts(model) == 0) return 0;
  const LayerGroup& first = model.layers.front();
  const bool dense = std::holds_alternative<DenseFfn>(first.ffn);
  // A larger share alternates with the others.
  return dense && 8 * first.count <= model.layer_count() ? first.count : 0;
}

ModelCost model_cost(const Subject& subject, const TrainingJob& job, const TrainingLayout& layout) {
  const Costing c = costing(subject, job, layout);
  const Model& model = subject.model;
  ModelCost cost;
  const int lead = lead_layers(model);
  cost.layers = model.layer_count();
  cost.leading = lead;
  for (const LayerGroup& layer : model.layers) {
    if (lead > 0 && &layer == &model.layers.front()) {
      cost.lead = layer_cost(c, layer);
    } else {
      const double share = double(layer.count) / (model.layer_count() - lead);
      add_share(cost.layer, layer_cost(c, layer), share);
    }
  }
  add_embedding_and_head(c, cost);
  if (job.mtp) add_prediction(c, cost);
  const double share = layout.sequence_parallel ? layout.tp : 1;
  cost.boundary = c.activations(c.tokens() * model.hidden / share);
  cost.loss = loss_buffers(model, layout, job);
  return cost;
}

}  // namespace fivefold
