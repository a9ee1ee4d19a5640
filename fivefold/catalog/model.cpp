#include "fivefold/catalog/model.h"

#include <algorithm>

namespace fivefold {
namespace {

MatrixList matrices(double hidden, const GqaAttention& a) {
  const double q = double(a.heads) * a.head_dim;
  const double kv = double(a.kv_heads) * a.head_dim;
  MatrixList list;
  list.push_back({"q_proj", hidden, q * (a.output_gate ? 2 : 1), double(a.heads)});
  list.push_back({"k_proj", hidden, kv, double(a.kv_heads)});
  list.push_back({"v_proj", hidden, kv, double(a.kv_heads)});
  list.push_back({"o_proj", q, hidden, double(a.heads)});
  return list;
}

// DeepSeek-V2, arXiv 2405.04434 section 2.1; the indexer: DeepSeek-V3.2, arXiv 2512.02556
// section 2.1.
MatrixList matrices(double hidden, const MlaAttention& a) {
  const double heads = a.heads;
  const double qk = a.nope_dim + a.rope_dim;
  MatrixList list;
  if (a.q_rank > 0) {
    list.push_back({"q_a_proj", hidden, double(a.q_rank), 1});
    list.push_back({"q_b_proj", double(a.q_rank), heads * qk, heads});
  } else {
    list.push_back({"q_proj", hidden, heads * qk, heads});
  }
  list.push_back({"kv_a_proj", hidden, double(a.kv_rank + a.rope_dim), 1});
  list.push_back({"kv_b_proj", double(a.kv_rank), heads * (a.nope_dim + a.v_dim), heads});
  list.push_back({"o_proj", heads * a.v_dim, hidden, heads});
  if (a.index_heads > 0) {
    const double q_in = a.q_rank > 0 ? a.q_rank : hidden;
    list.push_back({"index_q_proj", q_in, double(a.index_heads) * a.index_dim, 1});
    list.push_back({"index_k_proj", hidden, double(a.index_dim), 1});
    list.push_back({"index_weights_proj", hidden, double(a.index_heads), 1});
  }
  return list;
}

// DeepSeek-V4 technical report, section 2 (compressed attention): queries through a low rank, one
// KV head for all of them, outputs of each group of heads through a low rank. A compressor turns
// `ratio` tokens into one by gated pooling, over two windows if the ratio is 4; these layers also
// have an indexer, with a compressor of its own.
MatrixList matrices(double hidden, const CompressedAttention& a) {
  const double inner = double(a.heads) * a.head_dim;
  const double out = double(a.out_groups) * a.out_rank;
  MatrixList list;
  list.push_back({"q_a_proj", hidden, double(a.q_rank), 1});
  list.push_back({"q_b_proj", double(a.q_rank), inner, double(a.heads)});
  list.push_back({"kv_proj", hidden, double(a.head_dim), 1});
  list.push_back({"o_a_proj", inner / a.out_groups, out, double(a.out_groups)});
  list.push_back({"o_b_proj", out, hidden, double(a.out_groups)});
  if (a.ratio > 0) {
    list.push_back({"compressor", hidden, 2 * compressor_width(a, a.head_dim), 1});
  }
  if (a.index_heads > 0) {
    list.push_back({"index_q_proj", double(a.q_rank), double(a.index_heads) * a.index_dim, 1});
    list.push_back({"index_weights_proj", hidden, double(a.index_heads), 1});
    list.push_back({"index_compressor", hidden, 2 * compressor_width(a, a.index_dim), 1});
  }
  return list;
}

// Gated delta net: Yang et al., arXiv 2412.06464, as in Qwen3-Next. Mamba-2: Dao and Gu, arXiv
// 2405.21060.
MatrixList matrices(double hidden, const LinearAttention& a) {
  const double heads = a.v_heads;
  const double keys = 2.0 * a.k_heads * a.k_dim;
  const double inner = heads * a.v_dim;
  const double scalars = a.kind == LinearAttention::Kind::kGatedDeltaNet ? 2 * heads : heads;
  MatrixList list;
  list.push_back({"in_proj", hidden, keys + 2 * inner + scalars, heads});
  list.push_back({"conv", double(a.conv), keys + inner, heads});
  list.push_back({"out_proj", inner, hidden, heads});
  return list;
}

double vectors(double hidden, const GqaAttention& a) {
  const double q = double(a.heads) * a.head_dim * (a.output_gate ? 2 : 1);
  const double kv = double(a.kv_heads) * a.head_dim;
  return (a.qkv_bias ? q + 2 * kv : 0) + (a.out_bias ? hidden : 0) + a.qk_norm_values + a.sinks;
}

double vectors(double, const MlaAttention& a) {
  // The indexer's key norm is a LayerNorm: weight and bias.
  return a.q_rank + a.kv_rank + (a.index_heads > 0 ? 2 * a.index_dim : 0);
}

double vectors(double, const CompressedAttention& a) {
  // Norms of Q and KV, sinks; each compressor: positions within its window and a norm.
  double sum = a.q_rank + a.head_dim + a.heads;
  if (a.ratio > 0) sum += a.ratio * compressor_width(a, a.head_dim) + a.head_dim;
  if (a.index_heads > 0) sum += a.ratio * compressor_width(a, a.index_dim) + a.index_dim;
  return sum;
}

double vectors(double, const LinearAttention& a) {
  const double heads = a.v_heads;
  const double inner = heads * a.v_dim;
  // Gated delta net: decay and step bias per head, one output norm shared by heads. Mamba-2: decay,
  // step bias and skip per head, output norm over all, bias of the convolution.
  if (a.kind == LinearAttention::Kind::kGatedDeltaNet) return 2 * heads + a.v_dim;
  return 3 * heads + inner + (2.0 * a.k_heads * a.k_dim + inner);
}

bool has_routed_experts(const Model& model) {
  for (const LayerGroup& layer : model.layers) {
    if (moe(layer)) return true;
  }
  return false;
}

struct FfnCount {
  double dense = 0, experts = 0, active_experts = 0, shared = 0, router = 0;
  double total() const { return dense + experts + shared + router; }
};

FfnCount count_ffn(const Model& model, const Ffn& ffn) {
  FfnCount count;
  if (const auto* dense = std::get_if<DenseFfn>(&ffn)) {
    const double biases =
        dense->bias ? dense->width * (dense->gated ? 2.0 : 1.0) + model.hidden : 0;
    count.dense = ffn_matrix_values(model, dense->width, dense->gated) + biases;
  } else if (const auto* moe = std::get_if<MoeFfn>(&ffn)) {
    const double biases = moe->bias ? moe->width * (moe->gated ? 2.0 : 1.0) + model.hidden : 0;
    const double expert = expert_values(model, *moe) + biases;
    count.experts = expert * moe->experts;
    count.active_experts = expert * moe->active;
    count.shared = moe->shared * ffn_matrix_values(model, moe->shared_width, moe->gated) +
                   (moe->shared_gate ? model.hidden : 0) + latent_values(model, *moe);
    count.router =
        double(model.hidden) * moe->experts + (moe->bias ? moe->experts : 0) + moe->router_bias;
  }
  return count;
}

}  // namespace

int Model::layer_count() const {
  int count = 0;
  for (const LayerGroup& layer : layers) count += layer.count;
  return count;
}

double compressor_width(const CompressedAttention& attention, double dim) {
  return (attention.ratio == 4 ? 2 : 1) * dim;
}

const MoeFfn* moe(const LayerGroup& layer) {
  return std::get_if<MoeFfn>(&layer.ffn);
}

double expert_hidden(const Model& model, const MoeFfn& moe) {
  return moe.latent > 0 ? moe.latent : model.hidden;
}

double expert_values(const Model& model, const MoeFfn& moe) {
  return (moe.gated ? 3 : 2) * double(moe.width) * expert_hidden(model, moe);
}

double latent_values(const Model& model, const MoeFfn& moe) {
  return 2.0 * moe.latent * model.hidden;
}

MatrixList attention_matrices(const Model& model, const Attention& attention) {
  return std::visit(
      [&](const auto& a) {
        if constexpr (std::is_same_v<std::decay_t<decltype(a)>, std::monostate>) {
          return MatrixList{};
        } else {
          return matrices(model.hidden, a);
        }
      },
      attention);
}

double attention_vectors(const Model& model, const Attention& attention) {
  return std::visit(
      [&](const auto& a) -> double {
        if constexpr (std::is_same_v<std::decay_t<decltype(a)>, std::monostate>) {
          return 0;
        } else {
          return vectors(model.hidden, a);
        }
      },
      attention);
}

double attention_parameters(const Model& model, const Attention& attention) {
  double sum = attention_vectors(model, attention);
  for (const Matrix& matrix : attention_matrices(model, attention)) sum += matrix.values();
  return sum;
}

double ffn_matrix_values(const Model& model, double width, bool gated) {
  return (gated ? 3 : 2) * width * model.hidden;
}

double ffn_parameters(const Model& model, const Ffn& ffn) {
  return count_ffn(model, ffn).total();
}

double active_ffn_parameters(const Model& model, const Ffn& ffn) {
  const FfnCount count = count_ffn(model, ffn);
  return count.total() - count.experts + count.active_experts;
}

double norm_parameters(const Model& model, const LayerGroup& layer) {
  return double(layer.norms) * model.hidden * (layer.norm_bias ? 2 : 1);
}

// One matrix from all streams to (2 + streams) x streams weights, with biases and three scales, at
// each of two places (mHC, arXiv 2512.24880, as in DeepSeek-V4).
double stream_parameters(const Model& model, const LayerGroup& layer) {
  if (layer.streams <= 1) return 0;
  const double streams = layer.streams;
  const double weights = (2 + streams) * streams;
  return 2 * (weights * streams * model.hidden + weights + 3);
}

double final_parameters(const Model& model) {
  if (model.layers.empty()) return 0;
  const LayerGroup& layer = model.layers.front();
  const double streams = layer.streams;
  return (model.final_norm ? model.hidden * (layer.norm_bias ? 2.0 : 1.0) : 0) +
         (streams > 1 ? streams * (streams * model.hidden + 1) + 1 : 0);
}

ParameterCount count_parameters(const Model& model) {
  ParameterCount count;
  double inactive = 0;
  for (const LayerGroup& layer : model.layers) {
    const FfnCount ffn = count_ffn(model, layer.ffn);
    count.attention += layer.count * attention_parameters(model, layer.attention);
    count.dense_ffn += layer.count * ffn.dense;
    count.experts += layer.count * ffn.experts;
    count.shared_experts += layer.count * ffn.shared;
    count.router += layer.count * ffn.router;
    count.norms += layer.count * norm_parameters(model, layer);
    count.other += layer.count * (stream_parameters(model, layer) + layer.extra_parameters);
    inactive += layer.count * (ffn.experts - ffn.active_experts);
  }
  for (const LayerGroup& layer : model.mtp) {
    count.mtp += layer.count * (attention_parameters(model, layer.attention) +
                                ffn_parameters(model, layer.ffn) + norm_parameters(model, layer) +
                                stream_parameters(model, layer) + layer.extra_parameters);
  }
  count.norms += final_parameters(model);
  const double table = double(model.vocabulary) * model.hidden;
  count.embedding = table + model.position_parameters;
  count.head = model.lm_head && !model.tied_embeddings ? table : 0;
  for (const Tower& tower : model.towers) count.towers += tower.parameters;
  count.other += model.other_parameters + model.fixed_parameters;
  count.total = count.embedding + count.head + count.attention + count.dense_ffn + count.experts +
                count.shared_experts + count.router + count.norms + count.towers + count.other;
  count.active = count.total - inactive - (has_routed_experts(model) ? count.towers : 0);
  count.active_core = count.active - count.embedding - count.head;
  return count;
}

int most_heads(const Model& model) {
  int heads = 0;
  for (const LayerGroup& layer : model.layers) {
    heads = std::max(heads, std::visit(
                                [](const auto& attention) {
                                  if constexpr (requires { attention.heads; }) {
                                    return attention.heads;
                                  } else if constexpr (requires { attention.v_heads; }) {
                                    return attention.v_heads;
                                  } else {
                                    return 0;
                                  }
                                },
                                layer.attention));
  }
  return heads;
}

int most_experts(const Model& model) {
  int experts = 0;
  for (const LayerGroup& layer : model.layers) {
    if (const auto* moe = std::get_if<MoeFfn>(&layer.ffn))
      experts = std::max(experts, moe->experts);
  }
  return experts;
}

}  // namespace fivefold
