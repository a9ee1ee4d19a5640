// Closed forms of the work of one token, apart from the operators that layer_ops lists: each checks
// the other.
#include <algorithm>

#include "fivefold/workload/layer.h"

namespace fivefold {
namespace {

double attended(double context, int window) {
  return window > 0 ? std::min(context, double(window)) : context;
}

// Scores and weighted values: 2 operations for each head, attended token and value of QK and V.
double attention_ops(const GqaAttention& a, double context) {
  return 4.0 * a.heads * a.head_dim * attended(context, a.window);
}

double attention_ops(const MlaAttention& a, double context) {
  const double index = 2.0 * a.index_heads * a.index_dim * context;
  const double seen = a.index_heads > 0 ? attended(context, a.index_topk) : context;
  return 2.0 * a.heads * (a.nope_dim + a.rope_dim + a.v_dim) * seen + index;
}

// Keys and values are the same shared vector; the window and the compressed tokens, of which an
// indexer picks `index_topk`.
double attention_ops(const CompressedAttention& a, double context) {
  const double compressed = a.ratio > 0 ? context / a.ratio : 0;
  const double index = 2.0 * a.index_heads * a.index_dim * compressed;
  const double seen = attended(context, a.window) +
                      (a.index_heads > 0 ? attended(compressed, a.index_topk) : compressed);
  return 4.0 * a.heads * a.head_dim * seen + index;
}

double attention_ops(const LinearAttention& a, double) {
  const double updates = a.kind == LinearAttention::Kind::kGatedDeltaNet ? 6 : 4;
  return updates * a.v_heads * a.k_dim * a.v_dim;
}

double attention_ops(const std::monostate&, double) {
  return 0;
}

double layer_forward(const Model& model, const LayerGroup& layer, double context) {
  double weights = 0;
  for (const Matrix& matrix : attention_matrices(model, layer.attention))
    weights += matrix.values();
  if (const auto* ffn = std::get_if<DenseFfn>(&layer.ffn)) {
    weights += ffn_matrix_values(model, ffn->width, ffn->gated);
  } else if (const MoeFfn* experts = moe(layer)) {
    weights += experts->active * expert_values(model, *experts) + latent_values(model, *experts) +
               experts->shared * ffn_matrix_values(model, experts->shared_width, experts->gated) +
               (experts->shared_gate ? model.hidden : 0) + double(model.hidden) * experts->experts;
  }
  const double core =
      std::visit([&](const auto& a) { return attention_ops(a, context); }, layer.attention);
  return 2 * weights + core;
}

}  // namespace

Ops forward_ops_per_token(const Model& model, double context) {
  if (model.layers.empty()) return Ops(model.fixed_gflops_per_image * 1e9);
  double sum = 0;
  for (const LayerGroup& layer : model.layers) {
    sum += layer.count * layer_forward(model, layer, context);
  }
  if (model.lm_head) sum += 2.0 * model.vocabulary * model.hidden;
  return Ops(sum);
}

}  // namespace fivefold
