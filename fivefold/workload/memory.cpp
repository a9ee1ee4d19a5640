// Weights and caches that a device must hold, and the closed forms of work per token.
#include <algorithm>

#include "fivefold/workload/layer.h"

namespace fivefold {
namespace {

double cut(double heads, int tp) {
  return std::max(1.0, heads / tp);
}

// Values of one token that a layer caches for as long as the sequence lives, on one device.
struct TokenCache {
  double values = 0;        // in the cache's format
  double index_values = 0;  // keys of an indexer
};

TokenCache token_cache(const Attention& attention, int tp) {
  if (const auto* a = std::get_if<GqaAttention>(&attention)) {
    if (!a->causal || a->window > 0) return {};
    return {2 * cut(a->kv_heads, tp) * a->head_dim, 0};
  }
  if (const auto* a = std::get_if<MlaAttention>(&attention)) {
    return {double(a->kv_rank + a->rope_dim), a->index_heads > 0 ? double(a->index_dim) : 0};
  }
  if (const auto* a = std::get_if<CompressedAttention>(&attention); a && a->ratio > 0) {
    return {double(a->head_dim) / a->ratio,
            a->index_heads > 0 ? double(a->index_dim) / a->ratio : 0};
  }
  return {};
}

}  // namespace

Bytes layer_weights(const Model& model, const LayerGroup& layer, const Shard& shard,
                    const Precision& precision) {
  double dense = 0, small = attention_vectors(model, layer.attention) +
                            norm_parameters(model, layer) + stream_parameters(model, layer) +
                            layer.extra_parameters;
  for (const Matrix& matrix : attention_matrices(model, layer.attention)) {
    dense += matrix.values() / std::min(double(shard.tp), matrix.ways);
  }
  Bytes experts{0};
  if (const auto* ffn = std::get_if<DenseFfn>(&layer.ffn)) {
    const double matrices = ffn_matrix_values(model, ffn->width, ffn->gated);
    dense += matrices / shard.tp;
    small += ffn_parameters(model, layer.ffn) - matrices;
  } else if (const MoeFfn* moe_ffn = moe(layer)) {
    const double routed = double(moe_ffn->experts) * expert_values(model, *moe_ffn);
    const double shared =
        moe_ffn->shared * ffn_matrix_values(model, moe_ffn->shared_width, moe_ffn->gated);
    experts = stored(routed / (shard.ep * shard.etp), precision.expert_b);
    dense += shared / shard.tp;
    small += ffn_parameters(model, layer.ffn) - routed - shared;
  }
  return stored(dense, precision.gemm_b) + stored(small, precision.activations) + experts;
}

Bytes head_weights(const Model& model, const Shard& shard, const Precision& precision) {
  const double table = double(model.vocabulary) * model.hidden;
  const double tables = model.lm_head && !model.tied_embeddings ? 2 * table : table;
  double whole = model.position_parameters + model.other_parameters + model.fixed_parameters +
                 final_parameters(model);
  for (const Tower& tower : model.towers) whole += tower.parameters;
  return stored(tables / shard.tp + whole, precision.activations);
}

Bytes cache_per_token(const Model&, const LayerGroup& layer, const Shard& shard,
                      const Precision& precision) {
  const TokenCache cache = token_cache(layer.attention, shard.tp);
  return stored(cache.values, precision.cache) +
         stored(cache.index_values, index_format(precision));
}

Bytes cache_per_sequence(const Model&, const LayerGroup& layer, const Shard& shard,
                         const Precision& precision) {
  if (const auto* a = std::get_if<GqaAttention>(&layer.attention)) {
    if (!a->causal || a->window == 0) return Bytes(0);
    return stored(2.0 * a->window * cut(a->kv_heads, shard.tp) * a->head_dim, precision.cache);
  }
  if (const auto* a = std::get_if<CompressedAttention>(&layer.attention)) {
    // The window, and what each compressor has gathered of the tokens that it will pool: values and
    // scores in FP32.
    const double ratio_tokens = compressor_width(*a, a->ratio);
    const double pooled = compressor_width(*a, a->head_dim) +
                          (a->index_heads > 0 ? compressor_width(*a, a->index_dim) : 0);
    return stored(double(a->window) * a->head_dim, precision.cache) +
           stored(2 * ratio_tokens * pooled, Format::kFp32);
  }
  if (const auto* a = std::get_if<LinearAttention>(&layer.attention)) {
    const double heads = cut(a->v_heads, shard.tp);
    const double channels = 2 * cut(a->k_heads, shard.tp) * a->k_dim + heads * a->v_dim;
    // The state in FP32, and the last inputs of the convolution.
    return stored(heads * a->k_dim * a->v_dim, Format::kFp32) +
           stored(channels * std::max(0, a->conv - 1), precision.activations);
  }
  return Bytes(0);
}

Bytes total_weights(const Model& model, const Precision& precision) {
  Bytes sum = head_weights(model, {}, precision);
  for (const LayerGroup& layer : model.layers) {
    sum += layer.count * layer_weights(model, layer, {}, precision);
  }
  return sum;
}

Bytes total_cache_per_token(const Model& model, const Precision& precision) {
  Bytes sum{0};
  for (const LayerGroup& layer : model.layers) {
    sum += layer.count * cache_per_token(model, layer, {}, precision);
  }
  return sum;
}

Bytes total_cache_per_sequence(const Model& model, const Precision& precision) {
  Bytes sum{0};
  for (const LayerGroup& layer : model.layers) {
    sum += layer.count * cache_per_sequence(model, layer, {}, precision);
  }
  return sum;
}

}  // namespace fivefold
