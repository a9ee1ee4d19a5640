// MLA over the compressed cache: all heads share one key of kv_rank + rope_dim values whose first
// kv_rank are the value too (DeepSeek-V2, arXiv 2405.04434 section 2.1.2). A unit takes some of the
// heads of one sequence over a part of its cache; with 128 heads each byte that it reads meets so
// much arithmetic that decode is bound by it where bandwidth is not scarce (FlashMLA: 660 of an
// H800's 989 TFLOPS).
#include <algorithm>
#include <cmath>

#include "fivefold/kernel/walk.h"

namespace fivefold {

KernelTime mla_time(const FamilyParameters& p, double cores, const MlaCore& mla) {
  const double width = mla.kv_rank + mla.rope_dim;
  const double token_bytes = width * bytes_per_value(mla.cache);
  const double pair_ops = 2 * (width + mla.kv_rank);
  constexpr double kBf16Bytes = 2;
  const UnitRows unit = unit_rows(p, mla.heads, mla.q_len);
  const double bytes = mla.batch * (mla.kv_len * token_bytes +
                                    mla.q_len * mla.heads * (width + mla.kv_rank) * kBf16Bytes);
  return decoded(p, cores,
                 {.units = mla.batch * unit.units,
                  .tokens = mla.kv_len,
                  .ops_per_token = unit.rows * pair_ops,
                  .bytes_per_token = token_bytes,
                  .moved = {bytes, mla.resident}});
}

namespace {

struct MlaFeature {
  enum : int { kBatch, kContext, kHeads, kPairs, kWaves, kIdle };
};
// As many heads as a unit takes make a step, not a slope: stretched, so that knots may differ more.
constexpr float kHeadStretch = 2;
struct MlaKnots : MlaFeature {
  static constexpr float kBatchAt[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  static constexpr float kFewBatch[] = {0, 2, 4, 5, 6, 7, 8, 9, 10};
  static constexpr float kContextAt[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
  static constexpr float kFewContext[] = {1, 4, 7, 8, 9, 10, 11, 12, 13, 15, 17};
  static constexpr float kFewestContext[] = {1, 6, 8, 10, 12, 14, 17};
  static constexpr float kHeadsAt[] = {
      0, kHeadStretch * 3, kHeadStretch * 4, kHeadStretch * 5, kHeadStretch * 6, kHeadStretch * 7};
  static constexpr float kPairsAt[] = {0, 2, 4, 6, 8, 10, 12, 14, 17};
  static constexpr float kWavesAt[] = {-7, -4, -2, -1, 0, 0.58F, 1, 2, 3, 5};
  static constexpr float kIdleAt[] = {0, 0.2F, 0.5F, 1};
  static constexpr Term kTerms[] = {
      {{Axis{kBatch, kBatchAt}, Axis{kContext, kContextAt}}, 2},
      {{Axis{kBatch, kFewBatch}, Axis{kContext, kFewContext}, Axis{kHeads, kHeadsAt}}, 3},
      {{Axis{kPairs, kPairsAt}, Axis{kContext, kFewestContext}, Axis{kHeads, kHeadsAt}}, 3},
      {{Axis{kWaves, kWavesAt}, Axis{kIdle, kIdleAt}}, 2}};
};

}  // namespace

void mla_features(double cores, const MlaCore& mla, Features& features) {
  using F = MlaFeature;
  const double waves = mla.batch * std::ceil(mla.heads * mla.q_len / 64) / cores;
  features[F::kBatch] = quick_log2(mla.batch);
  features[F::kContext] = quick_log2(mla.kv_len);
  const float heads = quick_log2(mla.heads * mla.q_len);
  features[F::kHeads] = kHeadStretch * heads;
  features[F::kPairs] = features[F::kBatch] + heads;
  features[F::kWaves] = quick_log2(waves);
  features[F::kIdle] = quick_log2(std::ceil(waves) / waves);
}

std::span<const Term> mla_terms() {
  return MlaKnots::kTerms;
}

}  // namespace fivefold
