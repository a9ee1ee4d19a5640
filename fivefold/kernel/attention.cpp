// Attention cores as work units on cores.
//
// Prefill: a unit is a tile of queries of one head, or of the heads over one KV head, and walks
// along the keys that the last of them sees (FlashAttention-2, arXiv 2307.08691 section 3.2); tiles
// that the mask empties are skipped, or only some of their work. Decode: a unit is one KV head of
// one sequence over a part of its cache, for all query heads that share it or for some of them;
// parts are then combined (Flash-Decoding, split KV).
#include <algorithm>
#include <cmath>

#include "fivefold/kernel/walk.h"

namespace fivefold {
namespace {

constexpr double kMostDecoded =
    8;  // new tokens of a sequence that decode kernels take (drafts included)

bool is_decoded(const AttentionCore& a) {
  return a.q_len <= kMostDecoded && (a.causal || a.kv_len > a.q_len);
}

// Tokens of a cache that its window lets anybody see.
double kept_tokens(const AttentionCore& a) {
  return a.window > 0 ? std::min(a.kv_len, a.window + a.q_len - 1) : a.kv_len;
}

Moved moved_by(const AttentionCore& a) {
  constexpr double kBf16Bytes = 2;
  const double width = a.qk_dim + a.v_dim;
  return {a.batch * (kept_tokens(a) * a.kv_heads * width * bytes_per_value(a.cache) +
                     a.q_len * a.heads * width * kBf16Bytes),
          a.resident};
}

// The tiles of one head. Counted from the last, tile j sees the keys up to `queries` x j before the
// end, of which a window leaves those within its reach.
struct Tiles {
  double count = 0;
  double longest = 0;  // keys
  double keys = 0;     // of all
};
Tiles tiles_of(const FamilyParameters& p, const AttentionCore& a, double queries) {
  const double n = std::ceil(a.q_len / queries);
  const double all = a.causal ? n * a.kv_len - queries * n * (n - 1) / 2 : n * a.kv_len;
  if (a.window <= 0 || !a.causal) return {n, a.kv_len, all};
  const double reach = std::min(a.window + std::min(p.unit_rows, a.q_len), a.kv_len);
  const double filled = std::clamp(std::ceil((a.kv_len - reach) / queries), 0.0, n);
  const double rest = n - filled;
  const double seen = filled * reach + rest * a.kv_len - queries * rest * (filled + n - 1) / 2;
  return {n, reach + p.masked * (a.kv_len - reach), seen + p.masked * (all - seen)};
}

KernelTime decode_time(const FamilyParameters& p, double cores, const AttentionCore& a) {
  const UnitRows unit = unit_rows(p, a.heads / a.kv_heads, a.q_len);
  const double width = a.qk_dim + a.v_dim;
  return decoded(p, cores,
                 {.units = a.batch * a.kv_heads * unit.units,
                  .tokens = kept_tokens(a),
                  .ops_per_token = 2 * unit.rows * width,
                  .bytes_per_token = width * bytes_per_value(a.cache),
                  .moved = moved_by(a)});
}

}  // namespace

KernelTime attention_time(const FamilyParameters& p, double cores, const AttentionCore& a) {
  if (is_decoded(a)) return decode_time(p, cores, a);
  const double group = std::min(a.heads / a.kv_heads, p.together);
  const double queries = std::min(p.unit_rows / group, a.q_len);
  const Tiles tiles = tiles_of(p, a, queries);
  const double walkers = a.batch * a.heads / group;
  const double key_time = p.unit_rows * pair_time(p, 2 * (a.qk_dim + a.v_dim));
  return walked(p, cores,
                {.units = walkers * tiles.count,
                 .longest = tiles.longest * key_time,
                 .time = walkers * tiles.keys * key_time,
                 .moved = moved_by(a)});
}

namespace {

struct AttentionFeature {
  enum : int {
    kBatch,
    kContext,
    kSeen,  // of the context, by the last query
    kKvHeads,
    kGroup,
    kWidth,
    kWindow,
    kCaches,     // of one KV head each
    kCacheSize,  // values in all
    kTiles,      // of one head each, a core
    kPacked,     // of the heads over one KV head, a core
    kIdle,       // what the last wave of tiles leaves
    kEights,     // of values of a head, as matrix units take them
    kPadding,    // of the last tile
    kHeads
  };
};
constexpr double kFeatureTile = 128;
// A kernel of its own for each width, so that little is smooth along it: stretched, knots lie
// further apart and what they hold may differ more.
constexpr float kWidthStretch = 3, kEightStretch = 6;
constexpr float kHeadWidths[] = {kWidthStretch * 6, kWidthStretch * 7, kWidthStretch * 7.585F,
                                 kWidthStretch * 8, kWidthStretch * 9};

struct DecodeKnots : AttentionFeature {
  static constexpr float kCachesAt[] = {0, 2, 4, 5, 6, 7, 8, 9, 10, 12};
  static constexpr float kFewCaches[] = {0, 3, 5, 7, 9, 11};
  static constexpr float kFewestCaches[] = {0, 3, 6, 9, 12};
  static constexpr float kSeenAt[] = {1, 5, 7, 8, 9, 10, 11, 12, 13, 15, 17};
  static constexpr float kFewSeen[] = {1, 6, 8, 10, 12, 14, 17};
  static constexpr float kFewestSeen[] = {1, 6, 9, 12, 17};
  static constexpr float kGroupAt[] = {0, 1, 1.585F, 2, 3, 4, 5, 5.585F, 7};
  static constexpr float kWindowAt[] = {7, 8.5F, 10, 13, 17};
  static constexpr float kBatchAt[] = {0, 2, 4, 6, 8, 10};
  static constexpr float kKvHeadsAt[] = {0, 1, 2, 3, 4, 6};
  static constexpr float kSizeAt[] = {8,  12, 14, 16, 18, 19, 20, 21, 22, 23,
                                      24, 25, 26, 27, 28, 29, 30, 31, 33, 36};
  static constexpr Term kTerms[] = {
      {{Axis{kCaches, kCachesAt}, Axis{kSeen, kSeenAt}, Axis{kWidth, kHeadWidths}}, 3},
      {{Axis{kCaches, kFewCaches}, Axis{kSeen, kFewSeen}, Axis{kGroup, kGroupAt}}, 3},
      {{Axis{kContext, kFewSeen}, Axis{kWindow, kWindowAt}, Axis{kCaches, kFewCaches}}, 3},
      {{Axis{kBatch, kBatchAt}, Axis{kKvHeads, kKvHeadsAt}, Axis{kSeen, kFewestSeen}}, 3},
      {{Axis{kWidth, kHeadWidths}, Axis{kGroup, kGroupAt}, Axis{kCaches, kFewestCaches}}, 3},
      {{Axis{kWidth, kHeadWidths}, Axis{kGroup, kGroupAt}, Axis{kSeen, kFewestSeen}}, 3},
      {{Axis{kCacheSize, kSizeAt}, Axis{kCaches, kFewCaches}}, 2}};
};

struct PrefillKnots : AttentionFeature {
  static constexpr float kContextAt[] = {0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
  static constexpr float kFewContext[] = {0, 5, 7, 9, 11, 14};
  static constexpr float kManyContext[] = {0,  4,       5,  6,       7,  8,      9,  10, 10.585F,
                                           11, 11.585F, 12, 12.585F, 13, 13.32F, 14, 15};
  static constexpr float kTilesAt[] = {-7, -4, -2, -1, 0, 1, 2, 3, 4, 6, 8, 11};
  static constexpr float kFewTiles[] = {-7, -4, -2, -1, 0, 1, 2, 3, 5, 8};
  static constexpr float kWavesAt[] = {-7, -4, -2, -1, 0, 0.58F, 1, 2, 3, 5};
  static constexpr float kIdleAt[] = {0, 0.2F, 0.5F, 1};
  static constexpr float kGroupAt[] = {0, 1, 2, 3, 4, 5, 7};
  static constexpr float kWindowAt[] = {7, 10, 13, 17};
  static constexpr float kBatchAt[] = {0, 2, 4, 6, 8, 10};
  static constexpr float kKvHeadsAt[] = {0, 1, 2, 3, 4, 6};
  static constexpr float kHeadsAt[] = {0, 2, 3, 4, 5, 6, 7};
  static constexpr float kEightsAt[] = {kEightStretch * 8, kEightStretch * 9, kEightStretch * 10,
                                        kEightStretch * 16};
  static constexpr float kPaddingAt[] = {0, 0.05F, 0.15F, 0.4F, 1, 4};
  static constexpr Term kWaves = {{Axis{kTiles, kWavesAt}, Axis{kIdle, kIdleAt}}, 2};
  static constexpr Term kTerms[] = {
      {{Axis{kContext, kContextAt}, Axis{kTiles, kFewTiles}, Axis{kWidth, kHeadWidths}}, 3},
      {{Axis{kContext, kFewContext}, Axis{kPacked, kFewTiles}, Axis{kGroup, kGroupAt}}, 3},
      {{Axis{kContext, kFewContext}, Axis{kWindow, kWindowAt}, Axis{kWidth, kHeadWidths}}, 3},
      {{Axis{kBatch, kBatchAt}, Axis{kKvHeads, kKvHeadsAt}, Axis{kContext, kFewContext}}, 3},
      kWaves};
  static constexpr Term kMlaTerms[] = {
      {{Axis{kContext, kManyContext}, Axis{kTiles, kTilesAt}}, 2},
      {{Axis{kBatch, kBatchAt}, Axis{kHeads, kHeadsAt}, Axis{kContext, kFewContext}}, 3},
      kWaves};
  static constexpr Term kEncoderTerms[] = {
      {{Axis{kContext, kContextAt}, Axis{kTiles, kTilesAt}, Axis{kEights, kEightsAt}}, 3},
      {{Axis{kPadding, kPaddingAt}, Axis{kTiles, kFewTiles}}, 2},
      kWaves};
};

}  // namespace

void attention_features(double cores, const AttentionCore& a, Features& features) {
  using F = AttentionFeature;
  constexpr double kNoWindow = 131072;
  const double group = a.heads / a.kv_heads;
  const double seen = a.window > 0 ? std::min(a.window, a.kv_len) : a.kv_len;
  const double tiles = std::ceil(a.q_len / kFeatureTile);
  const double waves = a.batch * a.heads * tiles / cores;
  const double packed = a.batch * a.kv_heads * std::ceil(a.q_len * group / kFeatureTile) / cores;
  features[F::kBatch] = quick_log2(a.batch);
  features[F::kContext] = quick_log2(a.kv_len);
  features[F::kSeen] = quick_log2(seen);
  features[F::kKvHeads] = quick_log2(a.kv_heads);
  features[F::kGroup] = quick_log2(group);
  features[F::kWidth] = kWidthStretch * quick_log2(a.qk_dim);
  features[F::kWindow] = quick_log2(a.window > 0 ? a.window : kNoWindow);
  features[F::kCaches] = features[F::kBatch] + features[F::kKvHeads];
  features[F::kCacheSize] = features[F::kCaches] + features[F::kSeen] + quick_log2(a.qk_dim) + 1;
  features[F::kTiles] = quick_log2(waves);
  features[F::kPacked] = quick_log2(packed);
  features[F::kIdle] = quick_log2(std::ceil(waves) / waves);
  features[F::kEights] = kEightStretch * static_cast<float>(a.qk_dim / 8);
  features[F::kPadding] = quick_log2(tiles * kFeatureTile / a.q_len);
  features[F::kHeads] = quick_log2(a.heads);
}

std::span<const Term> attention_terms(Family family) {
  switch (family) {
    case Family::kAttentionDecode:
      return DecodeKnots::kTerms;
    case Family::kMlaPrefill:
      return PrefillKnots::kMlaTerms;
    case Family::kEncoderAttention:
      return PrefillKnots::kEncoderTerms;
    default:
      return PrefillKnots::kTerms;
  }
}

}  // namespace fivefold
