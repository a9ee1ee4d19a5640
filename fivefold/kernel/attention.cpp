// Attention cores as work units on cores.
//
// Prefill: a unit is 128 queries of one head and walks over the keys that its mask lets it see
// (FlashAttention-2, arXiv 2307.08691 section 3.2). Decode: a unit is one KV head of one sequence
// over a part of its cache; queries that share the head, at most 128 in a unit, are padded to the
// matrix unit's rows; parts are then combined (Flash-Decoding, split KV). MLA decode: all heads
// share one key of kv_rank + rope_dim values whose first kv_rank are the value too (DeepSeek-V2,
// arXiv 2405.04434 section 2.1.2).
#include <algorithm>
#include <cmath>

#include "fivefold/kernel/walk.h"

namespace fivefold {
namespace {

constexpr double kQueryTile = 128;
constexpr double kMostDecoded =
    8;  // new tokens of a sequence that decode kernels take (drafts included)

// (query, key) pairs of a sequence whose last q_len tokens are the queries.
double visible_pairs(double q_len, double kv_len, double window, bool causal) {
  const double reach = window > 0 ? std::min(window, kv_len) : kv_len;
  if (!causal) return q_len * reach;
  const double before = kv_len - q_len;  // tokens that every query sees
  if (window <= 0 || kv_len <= window) return q_len * before + q_len * (q_len + 1) / 2;
  const double growing =
      std::clamp(window - before, 0.0, q_len);  // queries that do not fill their window yet
  return growing * before + growing * (growing + 1) / 2 + (q_len - growing) * window;
}

}  // namespace

KernelTime attention_time(const FamilyParameters& p, double cores, const AttentionCore& a) {
  const double kv_seen = a.window > 0 ? std::min(a.kv_len, a.window + a.q_len) : a.kv_len;
  const double cache_bytes =
      a.batch * kv_seen * a.kv_heads * (a.qk_dim + a.v_dim) * bytes_per_value(a.cache);
  constexpr double kBf16Bytes = 2;
  const double query_bytes = a.batch * a.q_len * a.heads * (a.qk_dim + a.v_dim) * kBf16Bytes;
  const double group = a.heads / a.kv_heads;
  const bool looks_back = a.causal || a.kv_len > a.q_len;  // not an encoder
  if (a.q_len <= kMostDecoded && looks_back) {
    const double rows = rounded_up(a.q_len * group, p.tile_m);
    const double units = a.batch * a.kv_heads * std::ceil(rows / kQueryTile);
    return decoded(p, cores, units, kv_seen, 2 * std::min(rows, kQueryTile) * (a.qk_dim + a.v_dim),
                   (a.qk_dim + a.v_dim) * bytes_per_value(a.cache), cache_bytes + query_bytes);
  }
  const double pair_ops = 2 * (a.qk_dim + a.v_dim);
  const double tiles = std::ceil(a.q_len / kQueryTile);
  const double padding = tiles * kQueryTile / a.q_len;
  Walk walk;
  walk.units = a.batch * a.heads * tiles;
  walk.ops =
      a.batch * a.heads * visible_pairs(a.q_len, a.kv_len, a.window, a.causal) * pair_ops * padding;
  walk.unit_ops = kQueryTile * kv_seen * pair_ops;
  walk.bytes = cache_bytes + query_bytes;
  return walked(p, cores, walk);
}

void attention_features(double, const AttentionCore&, Features&) {}

std::span<const Term> attention_terms(Family) {
  return {};
}

}  // namespace fivefold
