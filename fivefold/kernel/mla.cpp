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

void mla_features(double, const MlaCore&, Features&) {}

std::span<const Term> mla_terms() {
  return {};
}

}  // namespace fivefold
