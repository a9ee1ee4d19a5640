// MLA over the compressed cache: all heads share one key of kv_rank + rope_dim values whose first
// kv_rank are the value too (DeepSeek-V2, arXiv 2405.04434 section 2.1.2).
#include <algorithm>
#include <cmath>

#include "fivefold/kernel/walk.h"

namespace fivefold {

KernelTime mla_time(const FamilyParameters& p, double cores, const MlaCore& mla) {
  // Sparse: each query walks over the tokens that it chose; queries of a sequence share none.
  const bool sparse = mla.topk > 0;
  const double seen = sparse ? std::min(mla.topk, mla.kv_len) : mla.kv_len;
  const double walks = sparse ? mla.batch * mla.q_len : mla.batch;
  const double queries = sparse ? 1 : mla.q_len;
  const double read = sparse ? std::min(mla.kv_len, mla.q_len * mla.topk) : mla.kv_len;
  const double width = mla.kv_rank + mla.rope_dim;
  const double token_bytes = width * bytes_per_value(mla.cache);
  const double pair_ops = 2 * (width + mla.kv_rank);
  constexpr double kRows = 64;  // query heads that one unit takes; the cache passes it once
  constexpr double kBf16Bytes = 2;
  const double rows = rounded_up(mla.heads * queries, p.tile_m);
  const double units = walks * std::ceil(rows / kRows);
  const double bytes =
      mla.batch * (read * token_bytes + mla.q_len * mla.heads * (width + mla.kv_rank) * kBf16Bytes);
  return decoded(p, cores, units, seen, std::min(rows, kRows) * pair_ops, token_bytes, bytes);
}

namespace {

constexpr float kMlaSequenceKnots[] = {0, 2, 4, 5, 6, 7, 8, 10};
constexpr float kMlaContextKnots[] = {0, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17};
constexpr float kMlaHeadKnots[] = {0, 2, 4, 5, 6, 7};
constexpr float kMlaWaveKnots[] = {-7, -4, -2, -1, 0, 0.58F, 1, 2, 3, 5};
constexpr float kMlaIdleKnots[] = {0, 0.2F, 0.5F, 1, 2};
constexpr Term kMlaTerms[] = {
    {{Axis{0, kMlaSequenceKnots}, Axis{1, kMlaContextKnots}, Axis{2, kMlaHeadKnots}}, 3},
    {{Axis{3, kMlaWaveKnots}, Axis{4, kMlaIdleKnots}}, 2}};

}  // namespace

void mla_features(double cores, const MlaCore& mla, Features& features) {
  const double waves = mla.batch * std::ceil(mla.heads * mla.q_len / 64) / cores;
  features[0] = quick_log2(mla.batch);
  features[1] = quick_log2(mla.topk > 0 ? std::min(mla.topk, mla.kv_len) : mla.kv_len);
  features[2] = quick_log2(mla.heads * mla.q_len);
  features[3] = quick_log2(waves);
  features[4] = quick_log2(std::ceil(waves) / waves);
}

std::span<const Term> mla_terms() {
  return kMlaTerms;
}

}  // namespace fivefold
