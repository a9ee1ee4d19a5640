// GEMM and grouped GEMM as tiles on cores.
//
// A core takes one tile of the result at a time, walks along K and needs the larger of: arithmetic
// at the sustained rate, and the operands brought to it by the on-chip network. Tiles run in waves
// over the cores; the last wave is as long as the others. K may be split among cores, at the price
// of adding the parts up. DRAM traffic is each operand once and overlaps with all of it. The
// library takes the fastest of the tiles that it has. Activations that come in BF16 are put into
// the product's format by a kernel before it, with a launch and bytes of its own. Williams et al.,
// "Roofline" (CACM 2009) is the bound; waves and tiles as in Nvidia's "Matrix Multiplication
// Background User's Guide", sections 3 and 4.
#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "fivefold/kernel/parameters.h"
#include "fivefold/kernel/tiles.h"

namespace fivefold {
namespace {

constexpr double kMostSplit = 16;
constexpr double kLeastK = 256;    // of a part when K is split: beyond that, cores are left idle
constexpr double kSumBytes = 4;    // parts are summed in FP32
constexpr double kGivenBytes = 2;  // of activations that are still to be quantised

}  // namespace

KernelTime gemm_time(const FamilyParameters& p, double cores, const Gemm& gemm) {
  const double bytes_a = bytes_per_value(gemm.a), bytes_b = bytes_per_value(gemm.b);
  const TileWalk walk(p, gemm.m, gemm.n, bytes_a, bytes_b);
  const double most_split = std::min(p.split, kMostSplit), sum_time = kSumBytes / p.feed_rate;
  Product fastest;
  const auto offer = [&](Tile tile, double tiles, double k, double summing) {
    const double spread = tiles / cores, waves = whole(spread), one = walk.time(tile, k);
    const double time = waves * one + summing;
    if (time < fastest.time) fastest = {time, walk.cores(waves, spread, one)};
  };
  for (const Tile tile : kTiles) {
    if (!offers(p, tile)) continue;
    const double tiles = gemm.batch * whole(gemm.m / tile.m) * whole(gemm.n / tile.n);
    offer(tile, tiles, gemm.k, 0);
    const double results = std::min(tile.m, gemm.m) * std::min(tile.n, gemm.n);
    // Once parts are as short as they may be, further ones only add waves.
    for (double split = 2, part = gemm.k;
         split <= most_split && tiles * split <= 2 * cores && part > kLeastK; split *= 2) {
      part = std::max(gemm.k / split, kLeastK);
      offer(tile, tiles * split, part, p.fill + results * split * sum_time);
    }
  }
  const double bytes = gemm.batch * (gemm.m * gemm.k * bytes_a + gemm.n * gemm.k * bytes_b +
                                     gemm.m * gemm.n * bytes_per_value(gemm.out));
  KernelTime result = overlapped_after(p.launch, fastest.time, bytes / p.memory_rate);
  result.limit = limit_with_tail(result, fastest.cores);
  if (gemm.quantises) {
    const Seconds narrowed(gemm.batch * gemm.m * gemm.k * (kGivenBytes + bytes_a) / p.memory_rate);
    result.memory += narrowed;
    result.overhead += Seconds(p.launch);
    result.time += narrowed + Seconds(p.launch);
  }
  return result;
}

namespace {

// The extents, and for each of some tile shapes how many waves of tiles there are and what the last
// one leaves idle.
constexpr Tile kWaveTiles[] = {{128, 128}, {64, 128}, {128, 256}, {256, 128}, {128, 64}, {64, 64}};

constexpr float kRowKnots[] = {0, 4, 5, 6, 7, 8, 9, 10, 12, 15};
constexpr float kExtentKnots[] = {5, 7, 8, 9, 10, 11, 12, 13, 14, 16};
constexpr float kWaveKnots[] = {-6, -3, -2, -1, 0, 0.32F, 0.58F, 1, 1.58F, 2, 3, 6};
constexpr float kIdleKnots[] = {0, 0.1F, 0.25F, 0.5F, 0.75F, 1, 2};

constexpr float kDepthKnots[] = {6, 9, 12};

constexpr int kWaveTileCount = std::size(kWaveTiles);
constexpr int kWaves = 3, kIdle = kWaves + kWaveTileCount;  // features of the first of these tiles

constexpr Term wave_term(int tile) {
  return {{Axis{kWaves + tile, kWaveKnots}, Axis{kIdle + tile, kIdleKnots}, Axis{2, kDepthKnots}},
          3};
}
constexpr Term kTerms[] = {{{Axis{0, kRowKnots}, Axis{1, kExtentKnots}, Axis{2, kExtentKnots}}, 3},
                           wave_term(0),
                           wave_term(1),
                           wave_term(2),
                           wave_term(3),
                           wave_term(4),
                           wave_term(5)};

}  // namespace

void gemm_features(double cores, const Gemm& gemm, Features& features) {
  features[0] = quick_log2(gemm.m);
  features[1] = quick_log2(gemm.n);
  features[2] = quick_log2(gemm.k);
  // Loops of one kind of arithmetic each, which compilers turn into vectors.
  std::array<double, kWaveTileCount> waves;
  for (int i = 0; i < kWaveTileCount; ++i) {
    const Tile tile = kWaveTiles[i];
    waves[i] = gemm.batch * whole(gemm.m / tile.m) * whole(gemm.n / tile.n) / cores;
  }
  for (int i = 0; i < kWaveTileCount; ++i) features[kWaves + i] = quick_log2(waves[i]);
  for (int i = 0; i < kWaveTileCount; ++i)
    features[kIdle + i] = quick_log2(whole(waves[i]) / waves[i]);
}

std::span<const Term> gemm_terms() {
  return kTerms;
}

}  // namespace fivefold
