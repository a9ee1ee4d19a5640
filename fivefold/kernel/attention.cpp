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

namespace {

// Prefill walks over (queries, units, prefix), decode over (sequences, cache, KV heads).
enum Feature {
  kQueries,
  kSequences,
  kContext,
  kPrefix,
  kHeads,
  kKvHeads,
  kGroup,
  kWidth,
  kWindow,
  kWaves,
  kIdle,
  kUnits
};

constexpr float kQueryKnots[] = {0, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15};
constexpr float kHeadKnots[] = {0, 2, 4, 6, 8, 10, 12, 14};
constexpr float kPrefixKnots[] = {0, 9, 12, 15};
constexpr float kGroupKnots[] = {0, 1, 2, 3, 4, 6};
constexpr float kWidthKnots[] = {6, 7, 7.58F, 8, 9};
constexpr float kWindowKnots[] = {7, 10, 13, 17};
constexpr float kFillKnots[] = {-7, -4, -2, -1, 0, 0.58F, 1, 2, 3, 5};
constexpr float kRestKnots[] = {0, 0.2F, 0.5F, 1, 2};
constexpr float kSequenceKnots[] = {0, 2, 4, 5, 6, 7, 8, 9, 11};
constexpr float kContextKnots[] = {0, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17};
constexpr float kKvKnots[] = {0, 1, 2, 3, 4, 6};
constexpr float kFewContextKnots[] = {0, 6, 9, 11, 13, 15, 17};

constexpr Term kPrefillTerms[] = {
    {{Axis{kQueries, kQueryKnots}, Axis{kUnits, kHeadKnots}, Axis{kPrefix, kPrefixKnots}}, 3},
    {{Axis{kQueries, kQueryKnots}, Axis{kGroup, kGroupKnots}, Axis{kWidth, kWidthKnots}}, 3},
    {{Axis{kWaves, kFillKnots}, Axis{kIdle, kRestKnots}}, 2},
    {{Axis{kContext, kFewContextKnots}, Axis{kWindow, kWindowKnots}}, 2}};
constexpr Term kDecodeTerms[] = {
    {{Axis{kSequences, kSequenceKnots}, Axis{kContext, kContextKnots}, Axis{kKvHeads, kKvKnots}},
     3},
    {{Axis{kContext, kFewContextKnots}, Axis{kGroup, kGroupKnots}, Axis{kUnits, kHeadKnots}}, 3},
    {{Axis{kContext, kFewContextKnots}, Axis{kWidth, kWidthKnots}, Axis{kSequences, kHeadKnots}},
     3},
    {{Axis{kContext, kFewContextKnots}, Axis{kWindow, kWindowKnots}}, 2},
    {{Axis{kWaves, kFillKnots}, Axis{kIdle, kRestKnots}}, 2}};

}  // namespace

void attention_features(double cores, const AttentionCore& a, Features& features) {
  constexpr double kNoWindow = 131072;
  const bool decode = a.q_len <= kMostDecoded && (a.causal || a.kv_len > a.q_len);
  const double units = a.batch * (decode ? a.kv_heads : a.heads * std::ceil(a.q_len / kQueryTile));
  const double waves = units / cores;
  features[kQueries] = quick_log2(a.q_len);
  features[kSequences] = quick_log2(a.batch);
  features[kContext] = quick_log2(a.kv_len);
  features[kPrefix] = quick_log2(a.kv_len - a.q_len + 1);
  features[kHeads] = quick_log2(a.heads);
  features[kKvHeads] = quick_log2(a.kv_heads);
  features[kGroup] = quick_log2(a.heads / a.kv_heads);
  features[kWidth] = quick_log2(a.qk_dim);
  features[kWindow] = quick_log2(a.window > 0 ? a.window : kNoWindow);
  features[kWaves] = quick_log2(waves);
  features[kIdle] = quick_log2(std::ceil(waves) / waves);
  features[kUnits] = quick_log2(a.batch * (decode ? a.kv_heads : a.heads));
}

std::span<const Term> attention_terms(Family family) {
  if (family == Family::kAttentionDecode) return kDecodeTerms;
  return kPrefillTerms;
}

}  // namespace fivefold
