// The fused block of routed experts: grouped products up and down, sorting, activation and sum.
#include "fivefold/kernel/moe.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "fivefold/kernel/parameters.h"
#include "fivefold/kernel/tiles.h"

namespace fivefold {
namespace {

struct GroupedTile {
  int rows;  // which of kTileRows
  double n;
};
constexpr GroupedTile kGroupedTiles[] = {{0, 128}, {1, 128}, {2, 128}, {2, 256},
                                         {3, 128}, {3, 256}, {4, 128}};

// How the tokens of a device fall on its experts: up to so many kinds of experts that are equally
// busy.
constexpr int kKinds = 8;
struct ExpertKinds {
  std::array<double, kKinds> experts{};  // of each kind
  std::array<double, kKinds> load{};     // (token, expert) pairs of one expert
  int count = 1;
};

// Parts of [0, 1], narrow where loads are steep, and the logarithm of the middle of each.
constexpr std::array<double, kKinds> kShares = {0.2, 0.2, 0.2, 0.16, 0.12, 0.07, 0.035, 0.015};
constexpr std::array<double, kKinds> kLogQuantiles = {-2.302585093, -1.203972804, -0.693147181,
                                                      -0.385662481, -0.198450939, -0.088831214,
                                                      -0.033039854, -0.007528265};

// Density x^-power on [1, most]: its value at quantiles, over its mean.
class PowerLaw {
 public:
  PowerLaw(double power, double most)
      : power_(away_from(away_from(power, 1), 2)),
        reach_(std::pow(most, 1 - power_) - 1),
        root_(1 / (1 - power_)),
        over_mean_((2 - power_) * root_ * reach_ / ((reach_ + 1) * most - 1)) {}
  double at(double u) const { return std::exp(std::log(1 + u * reach_) * root_) * over_mean_; }

 private:
  static double away_from(double power, double pole) {  // of the closed form, which is continuous
    return std::abs(power - pole) < 1e-6 ? pole + 1e-6 : power;
  }
  double power_, reach_, root_, over_mean_;
};

// Scales loads, which ascend, to `pairs` an expert on average. No expert takes a token twice: what
// would exceed `most` falls on the others.
void scale_loads(std::array<double, kKinds>& loads, double most, double pairs) {
  double free = 0;  // average of those that are not full
  for (int i = 0; i < kKinds; ++i) free += kShares[i] * loads[i];
  for (int last = kKinds - 1; last >= 0; --last) {
    const double factor = std::max(0.0, pairs) / free;
    if (loads[last] * factor <= most || last == 0) {
      for (int i = 0; i <= last; ++i) loads[i] = std::min(most, loads[i] * factor);
      return;
    }
    free -= kShares[last] * loads[last];
    pairs -= kShares[last] * most;
    loads[last] = most;
  }
}

// The expert that is busiest of `ranks` drawn ones is at quantile v^(1/ranks); of devices with
// several experts the busiest differs less from the others. Exponents, and what chance adds where
// loads are a few tokens, are fitted to such draws: within 8% of their pairs on average.
ExpertKinds power_law_kinds(const MoeBlock& moe) {
  const double ranks = moe.experts / moe.local_experts;
  const PowerLaw law(moe.power_law, 0.8 * std::max({moe.tokens, moe.experts / moe.topk, 8.0}));
  const double lift = std::pow(ranks, -0.85 * std::pow(moe.local_experts, -0.4));
  const double mean = moe.tokens * moe.topk / moe.experts;
  ExpertKinds kinds;
  kinds.count = kKinds;
  double drawn = 0;
  for (int i = 0; i < kKinds; ++i) {
    kinds.experts[i] = kShares[i] * moe.local_experts;
    kinds.load[i] = law.at(std::exp(kLogQuantiles[i] * lift));
    drawn += kShares[i] * kinds.load[i];
  }
  double target = mean;
  if (ranks > 1) {
    const double load = mean * std::max(1.0, drawn);
    const double chance = std::sqrt(std::log(ranks) * load / moe.local_experts);
    target = std::min(load + 0.85 * chance / (1 + 0.65 * load), mean * ranks);
  }
  const double most = std::max(moe.tokens, mean);
  scale_loads(kinds.load, most, std::min(target, most));
  return kinds;
}

// Balanced, and the mean device's load where `imbalance` says how much busier the busiest is.
ExpertKinds kinds_of(const MoeBlock& moe) {
  if (moe.power_law > 0) return power_law_kinds(moe);
  ExpertKinds kinds{{moe.local_experts}, {moe.routed_pairs() / moe.local_experts}, 1};
  // Shares that are dealt out in turn: the first device has a whole pair of each token first.
  if (moe.even)
    kinds.load[0] = std::max(kinds.load[0], std::min(1.0, moe.tokens) / moe.local_experts);
  return kinds;
}

// Share of experts with this load that any token chose: none in turn is left out, at random some
// are. Each token chooses an expert with the same chance, none twice.
double active_share(const MoeBlock& moe, double load) {
  constexpr double kMany = 35;  // e^-35 of experts would be left out
  if (load <= 0 || moe.tokens <= 0) return 0;
  if (moe.even) return std::min(1.0, load);
  if (load > kMany) return 1;
  const double tokens = std::max(1.0, moe.tokens), chance = std::min(1.0, load / tokens);
  return 1 - std::exp(tokens * std::log(1 - chance));
}

// Expected number of tiles where the last one is filled by chance.
double tiles_of(double rows, double tile) {
  return rows <= tile / 2 ? 1 : rows / tile + 0.5;
}

void add_absent(const MoeBlock& moe, Routing& routing) {
  const double chosen = routing.pairs / moe.tokens;  // of the experts here, by each token
  const double present = moe.even ? std::min(1.0, chosen) : 1 - std::exp(-chosen);
  const double absent = present * moe.tokens * moe.topk - routing.pairs;
  if (absent <= 0) return;
  const double active = std::min(1.0, absent);
  routing.pairs += absent;
  routing.active += active;
  routing.most = std::max(routing.most, absent);
  for (std::size_t t = 0; t < kTileRows.size(); ++t)
    routing.row_tiles[t] += active * tiles_of(absent / active, kTileRows[t]);
}

Routing routed(const MoeBlock& moe) {
  const ExpertKinds kinds = kinds_of(moe);
  Routing routing;
  for (int i = 0; i < kinds.count; ++i) {
    const double load = kinds.load[i], active = active_share(moe, load) * kinds.experts[i];
    routing.pairs += load * kinds.experts[i];
    routing.active += active;
    const double rows = active > 0 ? load * kinds.experts[i] / active : 0;
    routing.most = std::max(routing.most, rows);
    for (std::size_t t = 0; t < kTileRows.size(); ++t)
      routing.row_tiles[t] += active * tiles_of(rows, kTileRows[t]);
  }
  if (moe.absent_rows && moe.local_experts < moe.experts && moe.tokens > 0)
    add_absent(moe, routing);
  return routing;
}

}  // namespace

Routing routing_of(const MoeBlock& moe) {
  // The mechanism and its correction ask for the same one after the other, and a power law is half
  // of the work of either.
  struct Last {
    std::array<double, 8> asked{};
    Routing routing;
  };
  thread_local Last last;
  const std::array<double, 8> asked = {
      moe.tokens,    moe.experts,   moe.local_experts,    moe.topk,
      moe.imbalance, moe.power_law, moe.even ? 1.0 : 0.0, moe.absent_rows ? 1.0 : 0.0};
  if (asked != last.asked) last = {asked, routed(moe)};
  return last.routing;
}

namespace {

// One grouped product: every active expert has its own tiles.
Product grouped_product(const FamilyParameters& p, double cores, const Routing& routing, double n,
                        double k, double bytes_a, double bytes_b) {
  const TileWalk walk(p, routing.most, n, bytes_a, bytes_b);
  Product fastest;
  for (const GroupedTile& shape : kGroupedTiles) {
    const Tile tile{kTileRows[shape.rows], shape.n};
    const double tiles = routing.row_tiles[shape.rows] * whole(n / tile.n);
    const double waves =
        tiles > cores ? tiles / cores + 0.5 : 1;  // persistent kernels: half a tile of tail
    const double one = walk.time(tile, k);
    if (waves * one < fastest.time) fastest = {waves * one, walk.cores(waves, tiles / cores, one)};
  }
  return fastest;
}

}  // namespace

KernelTime moe_time(const FamilyParameters& p, double cores, const MoeBlock& moe) {
  const Routing routing = routing_of(moe);
  const double bytes_a = bytes_per_value(moe.a), bytes_b = bytes_per_value(moe.b);
  const double up_width = moe.gated ? 2 * moe.width : moe.width;
  const Product up = grouped_product(p, cores, routing, up_width, moe.hidden, bytes_a, bytes_b);
  const Product down = grouped_product(p, cores, routing, moe.hidden, moe.width, bytes_a, bytes_b);
  constexpr double kBf16Bytes = 2;
  const double up_bytes = routing.active * up_width * moe.hidden * bytes_b +
                          routing.pairs * (moe.hidden * bytes_a + up_width * kBf16Bytes);
  const double down_bytes = routing.active * moe.hidden * moe.width * bytes_b +
                            routing.pairs * (moe.width * bytes_a + moe.hidden * kBf16Bytes);
  // Sorting tokens to experts, activation between the products, and the weighted sum after them. A
  // fused block without an exchange walks all pairs of its tokens, those of experts that are
  // elsewhere too.
  const double handled = moe.exchanged ? routing.pairs : moe.tokens * moe.topk;
  const double tokens = moe.exchanged ? std::min(routing.pairs, moe.tokens) : moe.tokens;
  const double moved = p.passes * handled * (up_width + moe.width + moe.hidden) * kBf16Bytes +
                       2 * tokens * moe.hidden * kBf16Bytes;
  KernelTime result;
  result.compute = Seconds(up.time + down.time);
  result.memory = Seconds((up_bytes + down_bytes) / p.memory_rate);
  result.overhead = Seconds(p.launch + moved / p.memory_rate);
  result.time = result.overhead + Seconds(overlapped(up.time, up_bytes / p.memory_rate) +
                                          overlapped(down.time, down_bytes / p.memory_rate));
  result.limit = limit_of(result.compute.value(), result.memory.value(), p.launch);
  result.limit =
      limit_with_tail(result, {up.cores.busy + down.cores.busy, up.cores.idle + down.cores.idle});
  return result;
}

namespace {

enum MoeFeature {
  kTokens,
  kHidden,
  kWidth,
  kLocal,
  kTopk,
  kSkew,
  kActive,
  kMoeRows,
  kMoeWaves,
  kMoeWavesDown
};

constexpr float kTokenKnots[] = {0, 2, 4, 6, 8, 10, 12, 14};
constexpr float kLocalKnots[] = {0, 2, 4, 5, 6, 7, 8, 9};
constexpr float kShareKnots[] = {-9, -7, -5, -3, -1, 0};
constexpr float kHiddenKnots[] = {11, 11.6F, 12, 12.6F, 13};
constexpr float kWidthKnots[] = {4, 6, 8, 9, 10, 11, 12, 14};
constexpr float kSkewKnots[] = {0, 1.01F, 1.2F};
constexpr float kActiveKnots[] = {-2, 0, 2, 3, 4, 5, 6, 7, 9};
constexpr float kMoeRowKnots[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14};
constexpr float kFewRowKnots[] = {0, 3, 6, 9};
constexpr float kMoeWaveKnots[] = {-6, -4, -2, -1, -0.5F, 0, 0.5F, 1, 1.5F, 2, 3, 4, 6, 8};

constexpr Term kMoeTerms[] = {
    {{Axis{kMoeRows, kMoeRowKnots}, Axis{kActive, kActiveKnots}, Axis{kWidth, kWidthKnots}}, 3},
    {{Axis{kTokens, kTokenKnots}, Axis{kWidth, kWidthKnots}, Axis{kHidden, kHiddenKnots}}, 3},
    {{Axis{kTokens, kTokenKnots}, Axis{kLocal, kLocalKnots}, Axis{kTopk, kShareKnots}}, 3},
    {{Axis{kTokens, kTokenKnots}, Axis{kLocal, kLocalKnots}, Axis{kSkew, kSkewKnots}}, 3},
    {{Axis{kMoeWaves, kMoeWaveKnots}, Axis{kMoeRows, kFewRowKnots}}, 2},
    {{Axis{kMoeWavesDown, kMoeWaveKnots}, Axis{kMoeRows, kFewRowKnots}}, 2}};

}  // namespace

void moe_features(double cores, const MoeBlock& moe, Features& features) {
  const Routing routing = routing_of(moe);
  constexpr double kColumns = 128;
  constexpr int kRowTile = 2;  // of kTileRows
  const double up_width = moe.gated ? 2 * moe.width : moe.width;
  const double row_tiles = std::max(routing.row_tiles[kRowTile], 0.25);
  features[kTokens] = quick_log2(moe.tokens);
  features[kHidden] = quick_log2(moe.hidden);
  features[kWidth] = quick_log2(moe.width);
  features[kLocal] = quick_log2(moe.local_experts);
  features[kTopk] = quick_log2(moe.topk / moe.experts);
  features[kSkew] = static_cast<float>(moe.power_law);
  features[kActive] = quick_log2(routing.active + 0.25);
  features[kMoeRows] = quick_log2(std::max(routing.pairs, 0.25) / (routing.active + 0.25));
  features[kMoeWaves] = quick_log2(row_tiles * std::ceil(up_width / kColumns) / cores);
  features[kMoeWavesDown] = quick_log2(row_tiles * std::ceil(moe.hidden / kColumns) / cores);
}

std::span<const Term> moe_terms() {
  return kMoeTerms;
}

}  // namespace fivefold
