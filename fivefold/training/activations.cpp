#include "fivefold/training/activations.h"

#include <algorithm>

namespace fivefold {
namespace {

constexpr double kWide = 2;  // bytes of a saved activation; FP8 recipes keep most of them in 16 bit
constexpr double kMask = 1;  // byte of a dropout mask
constexpr double kLogit = 4;

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

// Of one token of width `width` per rank: what enters the activation function and what leaves it.
double ffn_values(double width, bool gated) {
  return (gated ? 3 : 2) * width;
}

}  // namespace

Bytes Activations::of(Recompute recompute) const {
  switch (recompute) {
    case Recompute::kNone:
      return kept;
    case Recompute::kSelective:
      return kept - scores;
    case Recompute::kFull:
      return input;
  }
  return kept;
}

Activations layer_activations(const Model& model, const LayerGroup& layer,
                              const TrainingLayout& layout, const TrainingJob& job) {
  const double tokens = double(layout.micro_batch) * job.seq_len / layout.cp;
  const double shared = tokens / (layout.sequence_parallel ? layout.tp : 1);  // not cut by tp
  const double h = model.hidden;
  const double mask = job.dropout ? kMask : 0;
  Activations a;
  a.input = Bytes(kWide * shared * h);
  double kept = 0;
  if (!std::holds_alternative<std::monostate>(layer.attention)) {
    kept += shared * h * (2 * kWide + mask);  // norm input, projection input, dropout
    kept += tokens * kWide * attention_values(layer.attention, layout.tp);
  }
  const auto* gqa = std::get_if<GqaAttention>(&layer.attention);
  if (gqa != nullptr && !job.fused_attention) {
    const double pairs = tokens * job.seq_len * cut(gqa->heads, layout.tp);
    a.scores = Bytes(pairs * (job.dropout ? 2 * kWide + kMask : kWide));
  }
  if (!std::holds_alternative<std::monostate>(layer.ffn)) kept += shared * h * (2 * kWide + mask);
  if (const auto* ffn = std::get_if<DenseFfn>(&layer.ffn)) {
    kept += tokens * kWide * ffn_values(double(ffn->width) / layout.tp, ffn->gated);
  } else if (const MoeFfn* experts = moe(layer)) {
    const double pairs = tokens * layout.etp / layout.tp * experts->active;
    // The permuted input, what the experts make of it, and their output before it is weighted.
    const double width = double(experts->width) / layout.etp;
    const double seen = expert_hidden(model, *experts);
    kept += pairs * kWide * (2 * seen + ffn_values(width, experts->gated));
    if (experts->latent > 0) kept += tokens * kWide * 2 * seen;
    const double common = double(experts->shared) * experts->shared_width / layout.tp;
    kept += tokens * kWide * ffn_values(common, experts->gated);
    kept += tokens * 2 * 4.0 * experts->experts / layout.tp;  // router logits and weights in FP32
  }
  a.kept = Bytes(kept) + a.scores;
  return a;
}

Bytes embedding_activations(const Model& model, const TrainingLayout& layout,
                            const TrainingJob& job) {
  const double tokens = double(layout.micro_batch) * job.seq_len / layout.cp;
  const double shared = tokens / (layout.sequence_parallel ? layout.tp : 1);
  return Bytes(job.dropout ? kMask * shared * model.hidden : 0);
}

Bytes head_activations(const Model& model, const TrainingLayout& layout, const TrainingJob& job) {
  if (!model.lm_head) return Bytes(0);
  const double tokens = double(layout.micro_batch) * job.seq_len / layout.cp;
  const double shared = tokens / (layout.sequence_parallel ? layout.tp : 1);
  return Bytes(2 * kWide * shared * model.hidden + kLogit * tokens * model.vocabulary / layout.tp);
}

}  // namespace fivefold
