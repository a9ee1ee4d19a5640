// Modules of latent attention: what they run beside their products, and the host that issues it.
//
// Pointwise kernels move their bytes. The indexer scores all keys: arithmetic, or the bytes of its
// keys; the selection passes over the scores that it left. The core walks along the keys that a
// query chose (mla.cpp); in prefill each query chooses its own, so that none are shared. Where an
// engine has no kernel for all sequences at once it takes them in turn. A module whose kernels are
// not in a graph takes at least as long as the host needs to issue them, and the products beside
// hide behind that.
#include <algorithm>
#include <cmath>

#include "fivefold/kernel/walk.h"

namespace fivefold {
namespace {

constexpr double kScoreBytes = 4;  // FP32

struct Busy {
  double compute = 0, memory = 0, time = 0;
};

Busy indexer(const FamilyParameters& p, double cores, const ModuleRest& m) {
  if (m.index_heads <= 0) return {};
  const double pairs = m.batch * m.q_len * m.index_keys;
  const double key_bytes = m.batch * m.index_cache * m.index_dim * bytes_per_value(m.index);
  Busy busy;
  busy.compute = 2 * pairs * m.index_heads * m.index_dim / (p.compute_rate * cores * p.scores);
  const double selection = p.passes * pairs * kScoreBytes / p.memory_rate;
  const double keys = p.gather * key_bytes / p.memory_rate;
  busy.memory = keys + selection;
  busy.time = overlapped(busy.compute, keys) + selection;
  return busy;
}

Busy core(const FamilyParameters& p, double cores, const ModuleRest& m) {
  if (m.seen <= 0) return {};
  const UnitRows unit = unit_rows(p, m.heads, 1);
  const double token_bytes = m.key_dim * bytes_per_value(m.cache);
  FamilyParameters behind = p;
  behind.launch = 0;  // counted once, for all kernels of the module
  const KernelTime time =
      decoded(behind, cores,
              {.units = m.batch * m.q_len * unit.units,
               .tokens = m.seen,
               .ops_per_token = 2 * unit.rows * (m.key_dim + m.value_dim),
               .bytes_per_token = token_bytes,
               .moved = {m.batch * std::min(m.kv_len, m.q_len * m.seen) * token_bytes, false}});
  return {time.compute.value(), time.memory.value(), time.time.value()};
}

}  // namespace

KernelTime module_time(const FamilyParameters& p, double cores, const ModuleRest& m) {
  const Busy scores = indexer(p, cores, m), attention = core(p, cores, m);
  const double pointwise = streamed(p, cores, m.moved.value(), m.moved.value());
  constexpr double kPlaceBytes = 4;
  const double tables = p.tables * m.batch * m.kv_len * kPlaceBytes / p.memory_rate;
  const double device = m.beside.value() + p.launch + p.each * m.batch + tables + pointwise +
                        scores.time + attention.time;
  const double host = p.host * m.calls;
  KernelTime result;
  result.compute = Seconds(scores.compute + attention.compute);
  result.memory = Seconds(m.moved.value() / p.memory_rate + scores.memory + attention.memory);
  result.time = Seconds(overlapped(device, host));
  result.overhead = Seconds(p.launch + result.time.value() - device);
  result.limit = limit_of(result.compute.value(), result.memory.value(), result.overhead.value());
  return result;
}

namespace {

struct ModuleFeature {
  enum : int {
    kTokens,
    kContext,
    kHeads,
    kQueries,
    kScored,
    kHidden,
    kProducts,
    kBatch,
    kCache,
    kIndexers
  };
};
// Kinds rather than amounts: stretched, so that knots may differ more.
constexpr float kKindStretch = 4;

struct ModuleKnots : ModuleFeature {
  static constexpr float kTokensAt[] = {0, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 15, 17};
  static constexpr float kFewTokens[] = {0, 3, 6, 8, 10, 12, 14};
  static constexpr float kContextAt[] = {0, 4, 7, 9, 10, 11, 12, 13, 15, 17, 20};
  static constexpr float kFewContext[] = {0, 5, 8, 10, 11, 12, 14, 17, 20};
  static constexpr float kHeadsAt[] = {0, 3, 4, 5, 6, 7};
  static constexpr float kQueriesAt[] = {0, 2, 5, 8, 11, 14};
  static constexpr float kScoredAt[] = {0, 6, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 31};
  static constexpr float kHiddenAt[] = {12 * kKindStretch, 12.585F * kKindStretch,
                                        12.807F * kKindStretch};
  static constexpr float kProductsAt[] = {-kKindStretch, 0, kKindStretch};
  static constexpr float kCacheAt[] = {0, kKindStretch};
  static constexpr float kIndexersAt[] = {0, kKindStretch, 1.2F * kKindStretch};
  static constexpr float kBatchAt[] = {0, 2, 4, 6, 8, 10};
  static constexpr Term kTerms[] = {
      {{Axis{kTokens, kTokensAt}, Axis{kContext, kContextAt}, Axis{kIndexers, kIndexersAt}}, 3},
      {{Axis{kTokens, kTokensAt}, Axis{kHeads, kHeadsAt}, Axis{kProducts, kProductsAt}}, 3},
      {{Axis{kTokens, kFewTokens}, Axis{kHidden, kHiddenAt}, Axis{kProducts, kProductsAt}}, 3},
      {{Axis{kQueries, kQueriesAt}, Axis{kContext, kFewContext}, Axis{kHeads, kHeadsAt}}, 3},
      {{Axis{kTokens, kFewTokens}, Axis{kContext, kFewContext}, Axis{kCache, kCacheAt}}, 3},
      {{Axis{kScored, kScoredAt}, Axis{kBatch, kBatchAt}, Axis{kHidden, kHiddenAt}}, 3}};
};

}  // namespace

void module_features(const ModuleRest& m, Features& features) {
  using F = ModuleFeature;
  features[F::kBatch] = quick_log2(m.batch);
  features[F::kQueries] = quick_log2(m.q_len);
  features[F::kTokens] = features[F::kBatch] + features[F::kQueries];
  features[F::kContext] = quick_log2(m.kv_len);
  features[F::kHeads] = quick_log2(m.heads);
  features[F::kScored] = features[F::kTokens] + features[F::kContext];
  features[F::kHidden] = kKindStretch * quick_log2(m.hidden);
  features[F::kProducts] = kKindStretch * quick_log2(bytes_per_value(m.products));
  features[F::kCache] = kKindStretch * quick_log2(bytes_per_value(m.cache));
  constexpr float kUsualHeads = 5;  // log2: 32 index heads
  features[F::kIndexers] =
      m.index_heads > 0 ? kKindStretch * quick_log2(m.index_heads) / kUsualHeads : 0;
}

std::span<const Term> module_terms() {
  return ModuleKnots::kTerms;
}

}  // namespace fivefold
