// The fused block of routed experts: grouped products up and down, sorting, activation and sum.
#include <array>
#include <cmath>

#include "fivefold/kernel/parameters.h"
#include "fivefold/kernel/tiles.h"

namespace fivefold {
namespace {

// How the tokens of a device fall on its experts: up to so many kinds of experts that are equally
// busy.
constexpr int kKinds = 8;
struct ExpertKinds {
  std::array<double, kKinds> experts{},
      pairs{};                          // how many of a kind, and (token, expert) pairs each
  std::array<double, kKinds> active{};  // share of a kind that any token chose; others are not read
  int count = 1;
};

// Load of an expert at quantile u of a power law: density x^-power on [1, 0.8 tokens], as
// benchmarks of fused experts draw it (aiconfigurator, collector/helper.py).
double power_law_load(double u, double power, double tokens) {
  const double most = std::max(1.0, 0.8 * tokens);
  if (std::abs(power - 1) < 1e-6) return std::pow(most, u);
  const double edge = std::pow(most, 1 - power);
  return std::pow(1 + u * (edge - 1), 1 / (1 - power));
}

// Each token chooses an expert with the same chance, none twice.
double active_share(double pairs, double tokens) {
  if (pairs <= 0 || tokens <= 0) return 0;
  return 1 - std::pow(1 - std::min(1.0, pairs / tokens), std::max(1.0, tokens));
}

// Scales the loads of so many experts of each kind to `pairs` in all. No expert takes a token
// twice: what would exceed `most` falls on the others.
void scale_loads(std::array<double, kKinds>& loads, const std::array<double, kKinds>& experts,
                 double most, double pairs) {
  std::array<bool, kKinds> full{};
  for (int round = 0; round < kKinds; ++round) {
    double free = 0, left = pairs;
    for (int i = 0; i < kKinds; ++i) {
      if (full[i]) {
        left -= experts[i] * loads[i];
      } else {
        free += experts[i] * loads[i];
      }
    }
    if (free <= 0) return;
    bool exceeded = false;
    for (int i = 0; i < kKinds; ++i) {
      if (full[i]) continue;
      loads[i] *= std::max(0.0, left) / free;
      full[i] = loads[i] > most;
      exceeded = exceeded || full[i];
      loads[i] = std::min(loads[i], most);
    }
    if (!exceeded) return;
  }
}

// Balanced: one kind. Power law: the busiest device holds the most loaded expert of all; its others
// are a sample of the whole, taken at quantiles.
ExpertKinds kinds_of(const MoeBlock& moe) {
  ExpertKinds kinds;
  if (moe.power_law <= 0 || moe.local_experts < 2) {
    kinds.experts[0] = moe.local_experts;
    kinds.pairs[0] = moe.routed_pairs() / moe.local_experts;
    kinds.active[0] = active_share(kinds.pairs[0], moe.tokens);
    return kinds;
  }
  constexpr int kQuantiles = kKinds - 1;
  std::array<double, kKinds> of_all{};  // experts of each kind in the whole model
  for (int i = 0; i < kQuantiles; ++i) {
    kinds.pairs[i + 1] = power_law_load((i + 0.5) / kQuantiles, moe.power_law, moe.tokens);
    kinds.experts[i + 1] = (moe.local_experts - 1) / kQuantiles;
    of_all[i + 1] = (moe.experts - 1) / kQuantiles;
  }
  kinds.count = kKinds;
  kinds.experts[0] = of_all[0] = 1;
  kinds.pairs[0] = power_law_load(1 - 0.5 / moe.experts, moe.power_law, moe.tokens);
  scale_loads(kinds.pairs, of_all, moe.tokens, moe.tokens * moe.topk);
  for (int i = 0; i < kKinds; ++i) kinds.active[i] = active_share(kinds.pairs[i], moe.tokens);
  return kinds;
}

double pairs_of(const ExpertKinds& kinds) {
  double pairs = 0;
  for (int i = 0; i < kinds.count; ++i) pairs += kinds.experts[i] * kinds.pairs[i];
  return pairs;
}

// One grouped product: every active expert has its own tiles.
struct Grouped {
  double time = 0, weight_bytes = 0;
};

Grouped grouped_product(const FamilyParameters& p, double cores, const ExpertKinds& kinds, double n,
                        double k, double bytes_a, double bytes_b) {
  Grouped result;
  result.time = INFINITY;
  for (const Tile tile : kTiles) {
    const double columns = std::ceil(n / tile.n);
    double tiles = 0, widest = 0;
    for (int i = 0; i < kinds.count; ++i) {
      const double active = kinds.active[i];
      const double rows = active > 0 ? kinds.pairs[i] / active : 0;
      const double tall = rows <= tile.m / 2 ? 1 : rows / tile.m + 0.5;  // expected number of tiles
      tiles += kinds.experts[i] * active * tall * columns;
      widest = std::max(widest, rows);
    }
    const double waves =
        tiles > cores ? tiles / cores + 0.5 : 1;  // persistent kernels: half a tile of tail
    result.time = std::min(result.time, waves * tile_time(p, tile, widest, n, k, bytes_a, bytes_b));
  }
  double active_experts = 0;
  for (int i = 0; i < kinds.count; ++i) active_experts += kinds.experts[i] * kinds.active[i];
  result.weight_bytes = active_experts * n * k * bytes_b;
  return result;
}

}  // namespace

KernelTime moe_time(const FamilyParameters& p, double cores, const MoeBlock& moe) {
  const ExpertKinds kinds = kinds_of(moe);
  const double bytes_a = bytes_per_value(moe.a), bytes_b = bytes_per_value(moe.b);
  const double pairs = pairs_of(kinds);
  const double up_width = moe.gated ? 2 * moe.width : moe.width;
  const Grouped up = grouped_product(p, cores, kinds, up_width, moe.hidden, bytes_a, bytes_b);
  const Grouped down = grouped_product(p, cores, kinds, moe.hidden, moe.width, bytes_a, bytes_b);
  constexpr double kBf16Bytes = 2;
  const double up_bytes = up.weight_bytes + pairs * (moe.hidden * bytes_a + up_width * kBf16Bytes);
  const double down_bytes =
      down.weight_bytes + pairs * (moe.width * bytes_a + moe.hidden * kBf16Bytes);
  // Sorting tokens to experts, activation between the products, and the weighted sum after them. A
  // fused block without an exchange walks all pairs of its tokens, those of experts that are
  // elsewhere too.
  const double handled = moe.exchanged ? pairs : moe.tokens * moe.topk;
  const double tokens = moe.exchanged ? pairs / moe.topk : moe.tokens;
  const double moved = handled * ((up_width + moe.width) + 2 * moe.hidden) * kBf16Bytes +
                       2 * tokens * moe.hidden * kBf16Bytes;
  KernelTime result;
  result.compute = Seconds(up.time + down.time);
  result.memory = Seconds((up_bytes + down_bytes) / p.memory_rate);
  result.overhead = Seconds(p.launch + moved / p.memory_rate);
  result.time = result.overhead + Seconds(overlapped(up.time, up_bytes / p.memory_rate) +
                                          overlapped(down.time, down_bytes / p.memory_rate));
  result.limit = limit_of(result.compute.value(), result.memory.value(), p.launch);
  return result;
}

namespace {

enum MoeFeature { kTokens, kHidden, kWidth, kLocal, kTopk, kSkew, kPairs };

constexpr float kTokenKnots[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
constexpr float kLocalKnots[] = {0, 2, 4, 5, 6, 7, 8, 9};
constexpr float kShareKnots[] = {-9, -7, -5, -3, -1, 0};
constexpr float kFewTokenKnots[] = {0, 2, 4, 6, 8, 10, 12, 14};
constexpr float kHiddenKnots[] = {11, 11.6F, 12, 12.6F, 13};
constexpr float kWidthKnots[] = {4, 6, 8, 9, 10, 11, 12, 14};
constexpr float kSkewKnots[] = {0, 1.01F, 1.2F};
constexpr float kPairKnots[] = {-8, -6, -4, -2, 0, 2, 4, 5, 6, 7, 8, 10, 12, 14};

constexpr Term kMoeTerms[] = {
    {{Axis{kTokens, kTokenKnots}, Axis{kLocal, kLocalKnots}, Axis{kTopk, kShareKnots}}, 3},
    {{Axis{kTokens, kFewTokenKnots}, Axis{kWidth, kWidthKnots}, Axis{kHidden, kHiddenKnots}}, 3},
    {{Axis{kTokens, kFewTokenKnots}, Axis{kLocal, kLocalKnots}, Axis{kSkew, kSkewKnots}}, 3},
    {{Axis{kPairs, kPairKnots}, Axis{kWidth, kWidthKnots}}, 2}};

}  // namespace

void moe_features(double, const MoeBlock& moe, Features& features) {
  features[kTokens] = quick_log2(moe.tokens);
  features[kHidden] = quick_log2(moe.hidden);
  features[kWidth] = quick_log2(moe.width);
  features[kLocal] = quick_log2(moe.local_experts);
  features[kTopk] = quick_log2(moe.topk / moe.experts);
  features[kSkew] = static_cast<float>(moe.power_law);
  features[kPairs] = quick_log2(moe.tokens * moe.topk / moe.experts);
}

std::span<const Term> moe_terms() {
  return kMoeTerms;
}

}  // namespace fivefold
