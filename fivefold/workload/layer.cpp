#include "fivefold/workload/layer.h"

#include <algorithm>

namespace fivefold {
namespace {

// Operations per value of the vector unit, to the nearest small number: they never bind, bytes do.
constexpr double kNormOps = 4;
constexpr double kActivationOps = 6;
constexpr double kRotaryOps = 3;
constexpr double kQuantizeOps = 3;

// What every part of a layer needs while it is written out.
struct Builder {
  const Model& model;
  const Shard& shard;
  const Batch& batch;
  const Precision& precision;
  OpList& ops;

  double tokens() const { return batch.tokens(); }
  double hidden() const { return model.hidden; }
  double act() const { return bytes_per_value(precision.activations); }
  // Share of something with so many heads (or columns) that one tensor-parallel rank holds.
  double cut(double heads) const { return std::max(1.0, heads / shard.tp); }

  // Activations that are wider than `a` are narrowed by the same call.
  void gemm(std::string_view name, double m, double n, double k, Format a, Format b,
            double count = 1) {
    ops.push_back({name, Family::kGemm,
                   Gemm{.m = m,
                        .n = n,
                        .k = k,
                        .batch = count,
                        .a = a,
                        .b = b,
                        .out = precision.activations,
                        .quantises = !precision.fused && bytes_per_value(a) < act()},
                   1});
  }
  // A dense projection of this layer's tokens, in the formats of dense products.
  void project(std::string_view name, double n, double k) {
    gemm(name, tokens(), n, k, precision.gemm_a, precision.gemm_b);
  }
  // In the format of activations: routers, heads and absorbed matrices are not quantised.
  void project_unquantised(std::string_view name, double m, double n, double k, double count = 1) {
    gemm(name, m, n, k, precision.activations, precision.activations, count);
  }
  // `read` and `written` in values of activations.
  void stream(std::string_view name, double read, double written, double ops_count,
              double repeat = 1) {
    ops.push_back(
        {name, Family::kMemoryBound,
         Streaming{
             .read = Bytes(read * act()), .written = Bytes(written * act()), .ops = Ops(ops_count)},
         repeat});
  }
  // Norm with the residual added: reads both, writes both.
  void norm(std::string_view name, double repeat = 1) {
    if (precision.fused && shard.tp > 1) return;
    const double values = tokens() * hidden();
    stream(name, 2 * values, 2 * values, kNormOps * values, repeat);
  }
  // Activations on their way into experts of narrower values.
  void quantise(std::string_view name, double values, Format to) {
    if (bytes_per_value(to) >= act()) return;
    ops.push_back({name, Family::kMemoryBound,
                   Streaming{.read = Bytes(values * act()),
                             .written = stored(values, to),
                             .ops = Ops(kQuantizeOps * values),
                             .quantise = true},
                   1});
  }
  // Tokens attended to in all. Context parallelism balances a causal sequence over its ranks: each
  // scores as many pairs as if its queries were the last of a sequence of this length.
  double kv_len() const { return batch.context + batch.q_len * (shard.cp + 1) / 2; }
};

void add_gqa(Builder& b, const GqaAttention& a) {
  const double t = b.tokens();
  const double heads = b.cut(a.heads), kv_heads = b.cut(a.kv_heads);
  const double q = heads * a.head_dim, kv = kv_heads * a.head_dim;
  b.project("qkv_proj", q * (a.output_gate ? 2 : 1) + 2 * kv, b.hidden());
  if (a.qk_norm_values > 0)
    b.stream("qk_norm", t * (q + kv), t * (q + kv), kNormOps * t * (q + kv));
  // Rotary embedding of Q and K, then K and V go to the cache.
  b.stream("rope_and_cache", t * (q + 2 * kv), t * (q + 2 * kv), kRotaryOps * t * (q + kv));
  const Family family = !a.causal        ? Family::kEncoderAttention
                        : b.batch.decode ? Family::kAttentionDecode
                                         : Family::kAttentionPrefill;
  b.ops.push_back({"attention", family,
                   AttentionCore{.batch = b.batch.sequences,
                                 .q_len = b.batch.q_len,
                                 .kv_len = a.causal ? b.kv_len() : b.batch.q_len * b.shard.cp,
                                 .heads = heads,
                                 .kv_heads = kv_heads,
                                 .qk_dim = double(a.head_dim),
                                 .v_dim = double(a.head_dim),
                                 .window = double(a.window),
                                 .causal = a.causal,
                                 .compute = b.precision.attention,
                                 .cache = a.causal ? b.precision.cache : b.precision.activations},
                   1});
  if (a.output_gate) b.stream("output_gate", 2 * t * q, t * q, kActivationOps * t * q);
  b.project("o_proj", b.hidden(), q);
}

// Bytes of values that pointwise kernels read and write.
Bytes pointwise(const Builder& b, double values) {
  return Bytes(2 * values * b.act());
}

}  // namespace

double module_calls(const OpList& ops, bool indexed) {
  constexpr double kPointwise = 6, kIndexer = 21, kNarrowing = 2;
  double calls = kPointwise + (indexed ? kIndexer : 0);
  for (const Op& op : ops) {
    const auto* gemm = std::get_if<Gemm>(&op.shape);
    if (gemm != nullptr) calls += 1 + (gemm->quantises ? kNarrowing : 0);
  }
  return calls;
}

namespace {

// What a sparse module runs beside its products: `values` pass through its pointwise kernels, an
// index key stands for `ratio` tokens.
struct Sparse {
  ModuleKind kind = ModuleKind::kSparse;
  double heads = 0, key_dim = 0, value_dim = 0;
  double seen = 0;
  double index_heads = 0, index_dim = 0, ratio = 1;
  double values = 0;
};
void add_sparse(Builder& b, const Sparse& sparse) {
  ModuleRest rest{.kind = sparse.kind,
                  .batch = b.batch.sequences,
                  .q_len = b.batch.q_len,
                  .kv_len = b.kv_len(),
                  .hidden = b.hidden(),
                  .heads = sparse.heads,
                  .key_dim = sparse.key_dim,
                  .value_dim = sparse.value_dim,
                  .seen = sparse.seen,
                  .index_heads = sparse.index_heads,
                  .index_dim = sparse.index_dim,
                  .moved = pointwise(b, sparse.values),
                  .calls = module_calls(b.ops, sparse.index_heads > 0),
                  .step = b.batch.decode,
                  .compute = b.precision.attention,
                  .cache = b.precision.cache,
                  .index = index_format(b.precision),
                  .products = b.precision.gemm_b};
  if (sparse.index_heads > 0) {
    // Each query of a causal block scores the keys before it.
    rest.index_keys = std::max(1.0, (b.kv_len() - (b.batch.q_len - 1) / 2) / sparse.ratio);
    rest.index_cache = std::max(1.0, b.kv_len() / sparse.ratio);
  }
  const Family family =
      sparse.kind == ModuleKind::kSparse ? Family::kSparseAttention : Family::kCompressedAttention;
  b.ops.push_back({"sparse_attention", family, rest, 1});
}

void add_mla_core(Builder& b, const MlaAttention& a) {
  const double t = b.tokens(), heads = b.cut(a.heads), kv_len = b.kv_len();
  if (b.batch.decode) {
    b.project_unquantised("absorb_q", t, a.kv_rank, a.nope_dim, heads);
    b.ops.push_back({"attention", Family::kMlaDecode,
                     MlaCore{.batch = b.batch.sequences,
                             .q_len = b.batch.q_len,
                             .kv_len = kv_len,
                             .heads = heads,
                             .kv_rank = double(a.kv_rank),
                             .rope_dim = double(a.rope_dim),
                             .compute = b.precision.attention,
                             .cache = b.precision.cache},
                     1});
    b.project_unquantised("absorb_v", t, a.v_dim, a.kv_rank, heads);
    return;
  }
  // Keys and values of cached tokens are expanded again with those of the new ones.
  const double expanded = t + b.batch.sequences * b.batch.context;
  b.gemm("kv_b_proj", expanded, heads * (a.nope_dim + a.v_dim), a.kv_rank, b.precision.gemm_a,
         b.precision.gemm_b);
  b.ops.push_back({"attention", Family::kMlaPrefill,
                   AttentionCore{.batch = b.batch.sequences,
                                 .q_len = b.batch.q_len,
                                 .kv_len = kv_len,
                                 .heads = heads,
                                 .kv_heads = heads,
                                 .qk_dim = double(a.nope_dim + a.rope_dim),
                                 .v_dim = double(a.v_dim),
                                 .causal = true,
                                 .compute = b.precision.attention,
                                 .cache = b.precision.activations},
                   1});
}

// Where nothing is left out, engines only keep the keys that later tokens score; in training the
// indexer scores all the same, and learns.
void add_dense_indexer(Builder& b, const MlaAttention& a) {
  if (a.index_heads == 0) return;
  const double t = b.tokens(), dim = a.index_dim, heads = a.index_heads;
  b.project_unquantised("index_k_weights_proj", t, dim + heads, b.hidden());
  if (!b.batch.all_logits) return;
  b.project("index_q_proj", heads * dim, a.q_rank > 0 ? a.q_rank : b.hidden());
  add_sparse(b, {.index_heads = heads, .index_dim = dim, .values = t * (heads + 1) * dim});
}

// DeepSeek sparse attention (arXiv 2512.02556 section 2.1). Tensor parallelism does not cut the
// indexer.
void add_sparse_mla(Builder& b, const MlaAttention& a, double values) {
  const double t = b.tokens(), dim = a.index_dim, index_heads = a.index_heads;
  const double heads = b.cut(a.heads);
  if (a.index_heads > 0) {
    b.project("index_q_proj", index_heads * dim, a.q_rank > 0 ? a.q_rank : b.hidden());
    b.project_unquantised("index_k_weights_proj", t, dim + index_heads, b.hidden());
  }
  b.project_unquantised("absorb_q", t, a.kv_rank, a.nope_dim, heads);
  b.project_unquantised("absorb_v", t, a.v_dim, a.kv_rank, heads);
  b.project("o_proj", b.hidden(), heads * a.v_dim);
  add_sparse(b, {.heads = heads,
                 .key_dim = double(a.kv_rank + a.rope_dim),
                 .value_dim = double(a.kv_rank),
                 .seen = std::min(double(a.index_topk), b.kv_len()),
                 .index_heads = index_heads,
                 .index_dim = dim,
                 .values = values + (index_heads > 0 ? t * (index_heads + 1) * dim : 0)});
}

// Whether attention runs over the compressed cache with W_UK and W_UV absorbed into queries and
// outputs: decode always, and sparse prefill once there is more to see than the indexer lets
// through.
bool is_sparse(const MlaAttention& a, const Batch& batch, double kv_len) {
  return a.index_topk > 0 && (batch.decode || kv_len > a.index_topk);
}

void add_mla(Builder& b, const MlaAttention& a) {
  const double t = b.tokens(), heads = b.cut(a.heads);
  const double qk = a.nope_dim + a.rope_dim, latent = a.kv_rank + a.rope_dim;
  const double normed = t * (a.q_rank + a.kv_rank), cached = t * (heads * a.rope_dim + latent);
  if (a.q_rank > 0) {
    b.project("qkv_a_proj", a.q_rank + latent, b.hidden());
    b.project("q_b_proj", heads * qk, a.q_rank);
  } else {
    b.project("q_proj", heads * qk, b.hidden());
    b.project("kv_a_proj", latent, b.hidden());
  }
  if (is_sparse(a, b.batch, b.kv_len())) return add_sparse_mla(b, a, normed + cached);
  b.stream(a.q_rank > 0 ? "q_kv_norm" : "kv_norm", normed, normed, kNormOps * normed);
  b.stream("rope_and_cache", cached, cached, kRotaryOps * t * (heads + 1) * a.rope_dim);
  add_dense_indexer(b, a);
  add_mla_core(b, a);
  b.project("o_proj", b.hidden(), heads * a.v_dim);
}

void add_linear(Builder& b, const LinearAttention& a) {
  const double t = b.tokens(), heads = b.cut(a.v_heads), k_heads = b.cut(a.k_heads);
  const bool delta = a.kind == LinearAttention::Kind::kGatedDeltaNet;
  const double inner = heads * a.v_dim;
  const double columns = 2 * k_heads * a.k_dim + 2 * inner + (delta ? 2 : 1) * heads;
  b.project("in_proj", columns, b.hidden());
  LinearCore core{.batch = b.batch.sequences,
                  .q_len = b.batch.q_len,
                  .k_heads = k_heads,
                  .v_heads = heads,
                  .k_dim = double(a.k_dim),
                  .v_dim = double(a.v_dim),
                  .conv = double(a.conv),
                  .delta_rule = delta,
                  .part = LinearPart::kConvolution,
                  .step = b.batch.decode};
  b.ops.push_back({"linear_convolution", Family::kLinearAttention, core, 1});
  core.part = LinearPart::kRule;
  b.ops.push_back({"linear_attention", Family::kLinearAttention, core, 1});
  b.stream("gated_norm", 2 * t * inner, t * inner, (kNormOps + kActivationOps) * t * inner);
  b.project("out_proj", b.hidden(), inner);
}

// DeepSeek-V4: the window and compressed tokens in one kernel over a shared KV head. To first order
// every query sees as much as the middle one.
double seen_by(const Builder& b, const CompressedAttention& a) {
  const double middle = b.batch.context + (b.batch.q_len * b.shard.cp + 1) / 2;
  const double compressed = a.ratio > 0 ? middle / a.ratio : 0;
  return std::min(double(a.window), middle) +
         (a.index_heads > 0 ? std::min(double(a.index_topk), compressed) : compressed);
}

void add_compressed(Builder& b, const CompressedAttention& a) {
  const double t = b.tokens(), heads = b.cut(a.heads), inner = heads * a.head_dim;
  const double latent = a.q_rank + a.head_dim;
  b.project("qkv_a_proj", latent, b.hidden());
  b.project("q_b_proj", inner, a.q_rank);
  // Norms of what is compressed, then of each head with rotary embedding; the KV head goes to the
  // window's cache.
  double values = t * latent + t * (inner + a.head_dim);
  if (a.ratio > 0) {
    // Compressors are not quantised. Pooling reads values and scores, writes one token of `ratio`.
    const double own = 2 * compressor_width(a, a.head_dim);
    const double index = a.index_heads > 0 ? 2 * compressor_width(a, a.index_dim) : 0;
    b.project_unquantised("compressor", t, own + index, b.hidden());
    values += t * (own + index) / 2 + t * (a.head_dim + a.index_dim) / a.ratio / 2;
  }
  if (a.index_heads > 0) {
    const double index = double(a.index_heads) * a.index_dim;
    b.project("index_q_proj", index, a.q_rank);
    b.project_unquantised("index_weights_proj", t, a.index_heads, b.hidden());
    values += t * index;
  }
  const double groups = b.cut(a.out_groups);
  b.gemm("o_a_proj", t, a.out_rank, inner / groups, b.precision.gemm_a, b.precision.gemm_b, groups);
  b.project("o_b_proj", b.hidden(), groups * a.out_rank);
  add_sparse(b, {.kind = a.index_heads > 0 ? ModuleKind::kCompressed : ModuleKind::kHeavy,
                 .heads = heads,
                 .key_dim = double(a.head_dim),
                 .value_dim = double(a.head_dim),
                 .seen = seen_by(b, a),
                 .index_heads = double(a.index_heads),
                 .index_dim = double(a.index_dim),
                 .ratio = std::max(1.0, double(a.ratio)),
                 .values = values});
}

// Names of the parts of a dense FFN; a shared expert is one too.
struct FfnNames {
  std::string_view up, activation, down;
};
constexpr FfnNames kDenseNames = {"ffn_up", "ffn_activation", "ffn_down"};
constexpr FfnNames kSharedNames = {"shared_up", "shared_activation", "shared_down"};

void add_ffn(Builder& b, const FfnNames& names, double width, bool gated) {
  const double t = b.tokens(), columns = width / b.shard.tp;
  const double up = gated ? 2 * columns : columns;
  b.project(names.up, up, b.hidden());
  b.stream(names.activation, t * up, t * columns, kActivationOps * t * columns);
  b.project(names.down, b.hidden(), columns);
}

void add_moe(Builder& b, const MoeFfn& moe) {
  const double t = b.tokens();
  b.gemm("router", t, moe.experts, b.hidden(), b.precision.activations, b.precision.activations);
  b.ops.push_back({"router_topk", Family::kMemoryBound,
                   Streaming{.read = Bytes(4 * t * moe.experts),
                             .written = Bytes(8 * t * moe.active),
                             .ops = Ops(2 * t * moe.experts)},
                   1});
  const double group_tokens = b.batch.expert_tokens > 0 ? b.batch.expert_tokens : t * b.shard.ep;
  const double seen = expert_hidden(b.model, moe);
  if (moe.latent > 0) b.project_unquantised("latent_down", t, seen, b.hidden());
  b.quantise("expert_quantise", t * seen, b.precision.expert_a);
  b.ops.push_back({"experts", Family::kMoe,
                   MoeBlock{.tokens = group_tokens,
                            .hidden = seen,
                            .width = double(moe.width) / b.shard.etp,
                            .experts = double(moe.experts),
                            .local_experts = double(moe.experts) / b.shard.ep,
                            .topk = double(moe.active),
                            .gated = moe.gated,
                            .imbalance = b.batch.expert_imbalance,
                            .power_law = b.batch.expert_skew,
                            .a = b.precision.expert_a,
                            .b = b.precision.expert_b,
                            .exchanged = b.shard.ep > 1 && !b.batch.gathered,
                            .step = b.batch.decode},
                   1});
  if (moe.latent > 0) b.project_unquantised("latent_up", t, b.hidden(), seen);
  if (moe.shared > 0) {
    add_ffn(b, kSharedNames, double(moe.shared) * moe.shared_width, moe.gated);
    if (moe.shared_gate) {
      b.project_unquantised("shared_gate", t, 1, b.hidden());
    }
    b.stream("shared_add", 2 * t * b.hidden(), t * b.hidden(), t * b.hidden());
  }
}

void add_attention(Builder& b, const Attention& attention) {
  if (const auto* a = std::get_if<GqaAttention>(&attention)) add_gqa(b, *a);
  if (const auto* a = std::get_if<MlaAttention>(&attention)) add_mla(b, *a);
  if (const auto* a = std::get_if<CompressedAttention>(&attention)) add_compressed(b, *a);
  if (const auto* a = std::get_if<LinearAttention>(&attention)) add_linear(b, *a);
}

// Hyper-connections, before attention and before the FFN: all streams are read, mixed into one, and
// after it each is written again; the weights of the mixing come from a thin product with all
// streams.
void add_streams(Builder& b, double streams) {
  const double values = b.tokens() * b.hidden();
  const double mixing = 2 * (2 + streams) * streams * streams * values;
  b.stream("stream_mixing", (2 * streams + 1) * values, (streams + 1) * values, mixing, 2);
}

}  // namespace

OpList layer_ops(const Model& model, const LayerGroup& layer, const Shard& shard,
                 const Batch& batch, const Precision& precision) {
  OpList ops;
  Builder b{model, shard, batch, precision, ops};
  int norms = layer.norms;
  if (layer.streams > 1) add_streams(b, layer.streams);
  if (!std::holds_alternative<std::monostate>(layer.attention)) {
    if (norms-- > 0) b.norm("attention_norm");
    add_attention(b, layer.attention);
  }
  if (!std::holds_alternative<std::monostate>(layer.ffn)) {
    if (norms-- > 0) b.norm("ffn_norm");
    if (const auto* dense = std::get_if<DenseFfn>(&layer.ffn)) {
      add_ffn(b, kDenseNames, dense->width, dense->gated);
    } else {
      add_moe(b, std::get<MoeFfn>(layer.ffn));
    }
  }
  if (norms > 0) b.norm("output_norm", norms);
  return ops;
}

OpList head_ops(const Model& model, const Shard& shard, const Batch& batch,
                const Precision& precision) {
  OpList ops;
  Builder b{model, shard, batch, precision, ops};
  if (model.vocabulary > 0) {
    const double values = b.tokens() * b.hidden();
    b.stream("embedding", values, values, 0);
  }
  const double rows = batch.decode || batch.all_logits ? b.tokens() : batch.sequences;
  if (model.final_norm) {
    const double values = (model.lm_head ? rows : b.tokens()) * b.hidden();
    b.stream("final_norm", 2 * values, values, kNormOps * values);
  }
  if (model.lm_head) {
    const double columns = double(model.vocabulary) / shard.tp;
    b.project_unquantised("lm_head", rows, columns, b.hidden());
    // Sampling (or the loss) reads every logit about twice: the largest, then the sum of
    // exponentials.
    b.stream("sampling", 2 * rows * columns, 0, 4 * rows * columns);
  }
  return ops;
}

}  // namespace fivefold
