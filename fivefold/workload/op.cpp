#include "fivefold/workload/op.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fivefold {
namespace {

constexpr double kBf16Bytes = 2;
constexpr double kStateBytes = 4;  // recurrent states are kept in FP32

// The wider of two formats is what a product of both needs.
Format wider(Format a, Format b) {
  return bytes_per_value(a) >= bytes_per_value(b) ? a : b;
}

// Pairs of a query and a key that attention scores, for one sequence and head.
double attended_pairs(double q_len, double kv_len, double window, bool causal) {
  if (!causal) return q_len * (window > 0 ? std::min(window, kv_len) : kv_len);
  // Query i (from 1) sees the cached tokens and i new ones.
  const double cached = kv_len - q_len;
  if (window <= 0 || kv_len <= window) return q_len * cached + q_len * (q_len + 1) / 2;
  const double growing = std::max(0.0, window - cached);  // queries whose window is not yet full
  return growing * cached + growing * (growing + 1) / 2 + (q_len - growing) * window;
}

// Tokens whose keys are read at least once.
double read_tokens(double q_len, double kv_len, double window, bool causal) {
  if (window <= 0 || !causal) return kv_len;
  return std::min(kv_len, window + q_len - 1);
}

Work work_of(const Streaming& s) {
  return {s.ops, Bytes(0), s.read + s.written, Format::kFp32};
}

Work work_of(const Gemm& g) {
  const Format given = g.quantises ? Format::kBf16 : g.a;
  return {Ops(2 * g.batch * g.m * g.n * g.k), stored(g.batch * g.n * g.k, g.b),
          stored(g.batch * g.m * g.k, given) + stored(g.batch * g.m * g.n, g.out), wider(g.a, g.b)};
}

Work work_of(const MoeBlock& moe) {
  const double matrix = moe.hidden * moe.width * (moe.gated ? 3 : 2);
  const double pairs = moe.routed_pairs();
  // An expert's weights are read if any token chose it; tokens choose topk of `experts`
  // independently.
  const double hit = moe.local_experts * (1 - std::pow(1 - moe.topk / moe.experts, moe.tokens));
  return {Ops(2 * pairs * matrix), stored(hit * matrix, moe.b),
          stored(pairs * moe.hidden, moe.a) + Bytes(pairs * moe.hidden * kBf16Bytes),
          wider(moe.a, moe.b)};
}

Work work_of(const AttentionCore& a) {
  const double pairs = attended_pairs(a.q_len, a.kv_len, a.window, a.causal);
  const double keys = read_tokens(a.q_len, a.kv_len, a.window, a.causal);
  const double width = a.qk_dim + a.v_dim;
  const Bytes bytes = Bytes(a.batch * a.q_len * a.heads * width * kBf16Bytes) +
                      stored(a.batch * keys * a.kv_heads * width, a.cache);
  return {Ops(2 * a.batch * a.heads * pairs * width), Bytes(0), a.resident ? Bytes(0) : bytes,
          a.compute};
}

Work work_of(const MlaCore& a) {
  const double width = a.kv_rank + a.rope_dim;
  const double pairs = attended_pairs(a.q_len, a.kv_len, 0, true);
  const Bytes bytes = Bytes(a.batch * a.q_len * a.heads * (width + a.kv_rank) * kBf16Bytes) +
                      stored(a.batch * a.kv_len * width, a.cache);
  return {Ops(2 * a.batch * a.heads * pairs * (width + a.kv_rank)), Bytes(0),
          a.resident ? Bytes(0) : bytes, a.compute};
}

// The recurrent form, the least arithmetic: per token and head a rank-one update of the k x v state
// and a read of it (2 k v each); the delta rule also reads what the key recalls (arXiv 2412.06464
// eq. 10). The convolution keeps the last `conv` - 1 values of each channel.
Work work_of(const LinearCore& a) {
  const double tokens = a.batch * a.q_len;
  const double channels = 2 * a.k_heads * a.k_dim + a.v_heads * a.v_dim;
  Work work;
  if (a.part == LinearPart::kConvolution) {
    work.ops = Ops(2 * tokens * a.conv * channels);
    work.activations =
        Bytes(2 * channels * (tokens + a.batch * std::max(0.0, a.conv - 1)) * kBf16Bytes);
  } else {
    const double state = a.v_heads * a.k_dim * a.v_dim;
    work.ops = Ops(tokens * (a.delta_rule ? 6 : 4) * state);
    work.activations = Bytes(2 * a.batch * state * kStateBytes) +
                       Bytes(tokens * (channels + a.v_heads * a.v_dim) * kBf16Bytes);
  }
  if (a.resident) work.activations = Bytes(0);
  return work;
}

// Scores: one product of query and key for each index head, 2 index_dim operations. An index key
// and the keys that are seen are read once at least.
Work work_of(const ModuleRest& m) {
  const double tokens = m.batch * m.q_len;
  const double scores = 2 * tokens * m.index_keys * m.index_heads * m.index_dim;
  const double core = 2 * tokens * m.heads * m.seen * (m.key_dim + m.value_dim);
  const double keys = m.batch * std::min(m.kv_len, m.q_len * m.seen);
  return {Ops(scores + core), Bytes(0),
          m.moved + stored(m.batch * m.index_cache * m.index_dim, m.index) +
              stored(keys * m.key_dim, m.cache),
          m.index_heads > 0 ? m.index : m.compute};
}

}  // namespace

std::string_view name(Family family) {
  static constexpr std::array<std::string_view, kFamilyCount> kNames = {"gemm",
                                                                        "moe",
                                                                        "attention_prefill",
                                                                        "attention_decode",
                                                                        "mla_prefill",
                                                                        "mla_decode",
                                                                        "attention_module",
                                                                        "linear_attention",
                                                                        "sparse_attention",
                                                                        "encoder_attention",
                                                                        "memory_bound",
                                                                        "compressed_attention"};
  return kNames[static_cast<std::size_t>(family)];
}

Work work(const Shape& shape) {
  return std::visit([](const auto& s) { return work_of(s); }, shape);
}

}  // namespace fivefold
