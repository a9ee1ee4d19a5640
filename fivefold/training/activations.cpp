#include "fivefold/training/activations.h"

#include <algorithm>

namespace fivefold {
namespace {

constexpr double kWide = 2;  // bytes of a saved activation
constexpr double kLogit = 4;
constexpr double kMask = 1;  // byte of a dropout mask

double cut(double heads, int tp) {
  return std::max(1.0, heads / tp);
}

// Values of one token that attention saves beside its input: queries, keys, values and its output.
double attention_values(const Attention& attention, int tp) {
  if (const auto* a = std::get_if<GqaAttention>(&attention)) {
    return (2 * cut(a->heads, tp) + 2 * cut(a->kv_heads, tp)) * a->head_dim;
  }
  if (const auto* a = std::get_if<MlaAttention>(&attention)) {
    // Compressed queries and keys before and after their norms; expanded ones; the output.
    const double latent = 2.0 * (a->q_rank + a->kv_rank) + a->rope_dim;
    const double head = 2.0 * (a->nope_dim + a->rope_dim) + 2.0 * a->v_dim;
    return latent + cut(a->heads, tp) * head;
  }
  if (const auto* a = std::get_if<CompressedAttention>(&attention)) {
    return 2.0 * a->q_rank + (2 * cut(a->heads, tp) + 2) * a->head_dim;
  }
  if (const auto* a = std::get_if<LinearAttention>(&attention)) {
    const double keys = 2 * cut(a->k_heads, tp) * a->k_dim;
    return 2 * keys + 4 * cut(a->v_heads, tp) * a->v_dim;  // before and after the convolution; gate
  }
  return 0;
}

// Of one token of width `width` per rank: what enters the activation function.
double ffn_values(double width, bool gated) {
  return (gated ? 2 : 1) * width;
}

// What a layer keeps, part by part.
struct Kept {
  const TrainingLayout& layout;
  const TrainingJob& job;
  const Model& model;
  double tokens = 0;          // of a micro batch on the device
  double shared = 0;          // of what tensor parallelism does not cut
  double input = kWide;       // bytes of a saved input of a product
  double activation = kWide;  // of an activation function
  Activations a;

  void add(double bytes) { a.kept += Bytes(bytes); }
  void add(Module module, double bytes) {
    add(bytes);
    a.modules[std::size_t(module)] += Bytes(bytes);
  }
};

void add_attention(Kept& k, const Attention& attention) {
  if (std::holds_alternative<std::monostate>(attention)) return;
  const double h = k.model.hidden;
  const double mask = k.job.dropout ? kMask : 0;
  k.add(k.shared * h * (kWide + mask));  // norm input, dropout
  k.add(Module::kNorms, k.shared * h * k.input);
  double values = attention_values(attention, k.layout.tp);
  if (const auto* a = std::get_if<MlaAttention>(&attention)) {
    const double head = 2.0 * (a->nope_dim + a->rope_dim) + a->v_dim;
    const double expanded = cut(a->heads, k.layout.tp) * head;
    k.add(Module::kMlaUp, k.tokens * kWide * expanded);
    values -= expanded;
  }
  k.add(k.tokens * kWide * values);
  const auto* gqa = std::get_if<GqaAttention>(&attention);
  if (gqa == nullptr || k.job.fused_attention) return;
  const double pairs = k.tokens * k.job.seq_len * cut(gqa->heads, k.layout.tp);
  k.a.scores = Bytes(pairs * (k.job.dropout ? 2 * kWide + kMask : kWide));
  k.a.kept += k.a.scores;
}

void add_experts(Kept& k, const MoeFfn& moe) {
  const TrainingLayout& l = k.layout;
  const double pairs = k.job.expert_load() * k.tokens * l.etp / l.tp * moe.active;
  const double seen = expert_hidden(k.model, moe);
  const double width = double(moe.width) / l.etp;
  const Bytes before = k.a.kept;
  // The permuted input and what the experts make of it. Tokens are weighted inside the experts
  // (Megatron-Core passes the probabilities to the activation), so that no gradient reads the
  // output.
  k.add(pairs * (k.input * seen + k.activation * ffn_values(width, moe.gated)));
  k.add(Module::kExpertActivation, pairs * k.input * width);
  if (moe.latent > 0) k.add(k.tokens * kWide * 2 * seen);
  k.add(k.tokens * 2 * 4.0 * moe.experts / l.tp);  // router logits and weights in FP32
  k.a.modules[std::size_t(Module::kExperts)] = k.a.kept - before;
  const double common = double(moe.shared) * moe.shared_width / l.tp;
  k.add(Module::kShared,
        k.tokens * (k.activation * ffn_values(common, moe.gated) + k.input * common));
}

void add_ffn(Kept& k, const Ffn& ffn) {
  if (std::holds_alternative<std::monostate>(ffn)) return;
  const double h = k.model.hidden;
  const double mask = k.job.dropout ? kMask : 0;
  k.add(k.shared * h * (kWide + mask));
  // LoRA adapts attention (arXiv 2106.09685, section 4.2): no gradient of a weight asks for what
  // enters the products of the FFN.
  const auto* dense = std::get_if<DenseFfn>(&ffn);
  const bool adapted = !k.job.frozen_base || dense == nullptr;
  if (adapted) k.add(Module::kNorms, k.shared * h * k.input);
  if (dense != nullptr) {
    const double width = double(dense->width) / k.layout.tp;
    const double entering = adapted ? k.input * width : 0;
    k.add(Module::kFfn, k.tokens * (k.activation * ffn_values(width, dense->gated) + entering));
  } else {
    add_experts(k, std::get<MoeFfn>(ffn));
  }
}

// Outputs of attention and of every second product, in the order q, k, v, output, gate, up, down.
// A compiler drops what no gradient reads: the last product's output, which only joins the stream.
double kept_by_operator(const Kept& k, const LayerGroup& layer) {
  double values = 0;
  if (const auto* a = std::get_if<GqaAttention>(&layer.attention)) {
    values += (2 * cut(a->heads, k.layout.tp) + cut(a->kv_heads, k.layout.tp)) * a->head_dim;
  } else {
    values += attention_values(layer.attention, k.layout.tp) / 2;
  }
  if (const auto* dense = std::get_if<DenseFfn>(&layer.ffn)) {
    values += double(dense->width) / k.layout.tp;
  }
  const double last = k.job.eager ? k.shared * k.model.hidden : 0;
  return kWide * (k.tokens * values + last);
}

double device_tokens(const TrainingLayout& layout, const TrainingJob& job) {
  return double(layout.micro_batch) * job.seq_len / layout.cp;
}
double uncut_tokens(const TrainingLayout& layout, const TrainingJob& job) {
  return device_tokens(layout, job) / (layout.sequence_parallel ? layout.tp : 1);
}

}  // namespace

Bytes Activations::of(Recompute recompute, Modules again) const {
  Bytes left = kept - scores;
  switch (recompute) {
    case Recompute::kNone:
      return kept;
    case Recompute::kSelective:
      for (int m = 0; m < kModules; ++m) {
        // An activation inside of experts that run again is free already.
        const bool inside = m == int(Module::kExpertActivation) && again.has(Module::kExperts);
        if (again.has(Module(m)) && !inside) left -= modules[std::size_t(m)];
      }
      return left;
    case Recompute::kFull:
      return input;
    case Recompute::kOps:
      return ops;
  }
  return kept;
}

void Activations::add(const Activations& other, double share) {
  kept += share * other.kept;
  scores += share * other.scores;
  input += share * other.input;
  ops += share * other.ops;
  for (int m = 0; m < kModules; ++m) {
    modules[std::size_t(m)] += share * other.modules[std::size_t(m)];
  }
}

Activations layer_activations(const Model& model, const LayerGroup& layer,
                              const TrainingLayout& layout, const TrainingJob& job) {
  Kept k{layout, job, model, device_tokens(layout, job), uncut_tokens(layout, job)};
  const double narrow = std::min(kWide, bytes_per_value(job.format));
  if (job.narrow_saved) k.input = narrow;
  if (job.narrow_activations) k.activation = narrow;
  k.a.input = Bytes(kWide * k.shared * model.hidden);
  add_attention(k, layer.attention);
  add_ffn(k, layer.ffn);
  k.a.ops = k.a.input + Bytes(kept_by_operator(k, layer));
  return k.a;
}

Bytes embedding_activations(const Model& model, const TrainingLayout& layout,
                            const TrainingJob& job) {
  return Bytes(job.dropout ? kMask * uncut_tokens(layout, job) * model.hidden : 0);
}

Bytes head_activations(const Model& model, const TrainingLayout& layout, const TrainingJob& job) {
  if (!model.lm_head) return Bytes(0);
  const double logits = device_tokens(layout, job) * model.vocabulary / layout.tp;
  return Bytes(2 * kWide * uncut_tokens(layout, job) * model.hidden + kLogit * logits);
}

Bytes loss_buffers(const Model& model, const TrainingLayout& layout, const TrainingJob& job) {
  if (!model.lm_head) return Bytes(0);
  const double logits = device_tokens(layout, job) * model.vocabulary / layout.tp;
  return Bytes(std::max(0.0, job.logit_bytes - kLogit) * logits);
}

}  // namespace fivefold
