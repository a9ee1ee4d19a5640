// What a neural network is made of: enough to count its parameters, its work and its memory.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fivefold/base/inline_vector.h"
#include "fivefold/catalog/fact.h"
#include "fivefold/catalog/format.h"

namespace fivefold {

// Multi-head attention with grouped keys (MHA when kv_heads == heads, MQA when 1).
struct GqaAttention {
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  bool qkv_bias = false;
  bool out_bias = false;
  int window = 0;  // tokens; causal: the last so many, encoder: blocks of so many; 0: full
  bool output_gate = false;  // Q projection twice as wide (Qwen3.5)
  int qk_norm_values = 0;    // parameters of QK norm per layer
  int sinks = 0;             // learned sinks per layer (gpt-oss)
  bool causal = true;        // false: encoder
  bool operator==(const GqaAttention&) const = default;
};

// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434 section 2.1), with an optional sparse
// indexer (DeepSeek-V3.2, GLM-5).
struct MlaAttention {
  int heads = 0;
  int q_rank = 0;  // 0: no query compression
  int kv_rank = 0;
  int nope_dim = 0;
  int rope_dim = 0;
  int v_dim = 0;
  int index_heads = 0;  // 0: dense
  int index_dim = 0;
  int index_topk = 0;
  bool operator==(const MlaAttention&) const = default;
};

// DeepSeek-V4: one shared KV head, compressed by `ratio` (0 window only, 4 with an indexer, 128).
struct CompressedAttention {
  int heads = 0;
  int head_dim = 0;
  int rope_dim = 0;
  int q_rank = 0;
  int out_groups = 0;
  int out_rank = 0;
  int window = 0;
  int ratio = 0;
  int index_heads = 0;
  int index_dim = 0;
  int index_topk = 0;
  bool operator==(const CompressedAttention&) const = default;
};

// Gated delta net (Qwen3.5) or Mamba-2 (Nemotron-H): a state instead of a cache.
struct LinearAttention {
  enum class Kind { kGatedDeltaNet, kMamba2 } kind = Kind::kGatedDeltaNet;
  int k_heads = 0;  // Mamba-2: groups
  int v_heads = 0;  // Mamba-2: heads
  int k_dim = 0;    // Mamba-2: state size
  int v_dim = 0;    // Mamba-2: head size
  int conv = 0;     // kernel width of the causal convolution
  bool operator==(const LinearAttention&) const = default;
};

using Attention =
    std::variant<std::monostate, GqaAttention, MlaAttention, CompressedAttention, LinearAttention>;

struct DenseFfn {
  int width = 0;
  bool gated = true;  // three matrices, otherwise two
  bool bias = false;
  bool operator==(const DenseFfn&) const = default;
};

struct MoeFfn {
  int experts = 0;
  int active = 0;        // per token
  int width = 0;         // of one expert
  int shared = 0;        // shared experts
  int shared_width = 0;  // of one of them
  bool shared_gate = false;
  bool gated = true;
  bool bias = false;    // experts and router
  int router_bias = 0;  // values of a balancing bias per layer
  int groups = 0;       // node-limited routing: groups of experts; 0: none
  int groups_active = 0;
  bool hash_routed = false;  // a table picks the experts, the router matrix only weighs them
  // Values of a token that experts see, by a projection before them and one after (LatentMoE of
  // Nemotron 3); 0: all.
  int latent = 0;
  bool operator==(const MoeFfn&) const = default;
};

using Ffn = std::variant<std::monostate, DenseFfn, MoeFfn>;

// `count` equal layers. The order of layers does not matter to time, only which kinds there are.
struct LayerGroup {
  std::string name;  // "moe layer"
  int count = 0;
  Attention attention;
  Ffn ffn;
  int norms = 2;           // norm vectors of `hidden` values
  bool norm_bias = false;  // LayerNorm: two vectors each
  int streams = 1;         // residual streams; more than one: hyper-connections (arXiv 2409.19606)
  double extra_parameters = 0;  // per layer, what no other field holds (layer scale)
};

// A vision or text tower beside the language model, or the whole of an encoder.
struct Tower {
  std::string name;
  int layers = 0;
  int hidden = 0;
  int heads = 0;
  int width = 0;
  bool gated = false;
  int tokens = 0;  // per image, after patching
  double parameters = 0;
};

struct Model {
  std::string id;  // "deepseek-ai/DeepSeek-R1"
  std::string name;
  std::vector<std::string> aliases;
  std::string family;  // model_type of its config
  int hidden = 0;
  int vocabulary = 0;
  bool tied_embeddings = false;
  int max_context = 0;
  std::vector<LayerGroup> layers;
  std::vector<LayerGroup>
      mtp;  // multi-token-prediction layers: in the checkpoint, not in the published total
  std::vector<Tower> towers;
  double position_parameters = 0;  // learned positions of the token embedding
  double other_parameters = 0;     // patch embeddings, poolers, necks, projections between towers
  bool final_norm = true;
  bool lm_head = true;                    // false: an encoder
  int image_tokens = 0;                   // of an encoder: tokens per image
  Format native = Format::kBf16;          // of the published weights
  Format native_experts = Format::kBf16;  // of the routed experts
  double fixed_gflops_per_image = 0;      // detectors known only by parameters and FLOPs
  double fixed_parameters = 0;
  double published_total = 0;  // 0: not published
  double published_active = 0;
  std::vector<std::string> sources;
  std::string origin;  // "catalog" or the path of the config.json
  int layer_count() const;
};

// Attention heads of the widest kind of layer: what tensor parallelism divides.
int most_heads(const Model& model);
// Experts of the largest MoE layer; 0: a dense model.
int most_experts(const Model& model);

// Parameters by part. `active` counts what one token uses, embedding and head included, MTP not; in
// a model without routed experts that is everything, as publishers count it, otherwise towers are
// left out. `active_core` leaves embedding and head out: publishers use either.
struct ParameterCount {
  double total = 0;
  double active = 0;
  double active_core = 0;
  double embedding = 0;  // input embedding and learned positions; head apart
  double head = 0;
  double attention = 0;
  double dense_ffn = 0;
  double experts = 0;  // routed
  double shared_experts = 0;
  double router = 0;
  double norms = 0;
  double towers = 0;
  double other = 0;
  double mtp = 0;  // not in total
};
ParameterCount count_parameters(const Model& model);
// Of one layer of a group.
double attention_parameters(const Model& model, const Attention& attention);
double ffn_parameters(const Model& model, const Ffn& ffn);
double active_ffn_parameters(const Model& model, const Ffn& ffn);
double norm_parameters(const Model& model, const LayerGroup& layer);
// Matrices, biases and scales that mix the streams, before attention and before the FFN.
double stream_parameters(const Model& model, const LayerGroup& layer);
// Behind the last layer: its norm, and what joins the streams.
double final_parameters(const Model& model);

// A weight matrix of a layer. Tensor parallelism divides it among at most `ways` ranks (1: each
// rank holds all of it, as a router or the compression of MLA; KV heads cannot be cut finer than
// one).
struct Matrix {
  std::string_view name;  // static text
  double rows = 0;        // inputs of one token
  double columns = 0;     // outputs
  double ways = 1;
  double values() const { return rows * columns; }
};
using MatrixList = InlineVector<Matrix, 12>;
// Values that a compressor of DeepSeek-V4 makes of one token for keys of this size: twice as many
// at the ratio 4, whose windows overlap.
double compressor_width(const CompressedAttention& attention, double dim);
MatrixList attention_matrices(const Model& model, const Attention& attention);
// Biases, QK norms, sinks, decay rates: what attention holds beside its matrices.
double attention_vectors(const Model& model, const Attention& attention);
// Values of the matrices of one expert (or of a dense FFN) of this width.
double ffn_matrix_values(const Model& model, double width, bool gated);

const MoeFfn* moe(const LayerGroup& layer);  // null: no routed experts
// Values of a token that routed experts take and give, those of one expert's matrices, and those of
// the projections to and from the experts' space.
double expert_hidden(const Model& model, const MoeFfn& moe);
double expert_values(const Model& model, const MoeFfn& moe);
double latent_values(const Model& model, const MoeFfn& moe);

// Reads a Hugging Face config.json. Refuses what it does not understand and names the field.
Result<Model> read_hf_config(const std::string& path);
Result<Model> parse_hf_config(std::string_view json, const std::string& path);

}  // namespace fivefold
