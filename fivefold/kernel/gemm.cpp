// GEMM and grouped GEMM as tiles on cores.
//
// A core takes one tile of the result at a time, walks along K and needs the larger of: arithmetic
// at the sustained rate, and the operands brought to it by the on-chip network. Tiles run in waves
// over the cores; the last wave is as long as the others. K may be split among cores, at the price
// of adding the parts up. DRAM traffic is each operand once and overlaps with all of it. The
// library takes the fastest tile. Williams et al., "Roofline" (CACM 2009) is the bound; waves and
// tiles as in Nvidia's "Matrix Multiplication Background User's Guide", sections 3 and 4.
#include <cmath>

#include "fivefold/kernel/parameters.h"
#include "fivefold/kernel/tiles.h"

namespace fivefold {
namespace {

constexpr double kSplits[] = {1, 2, 4, 8, 16};
constexpr double kLeastK = 256;  // of a part when K is split: beyond that, cores are left idle
constexpr double kSumBytes = 4;  // parts are summed in FP32

}  // namespace

KernelTime gemm_time(const FamilyParameters& p, double cores, const Gemm& gemm) {
  const double bytes_a = bytes_per_value(gemm.a), bytes_b = bytes_per_value(gemm.b);
  double fastest = INFINITY;
  for (const Tile tile : kTiles) {
    const double tiles = gemm.batch * std::ceil(gemm.m / tile.m) * std::ceil(gemm.n / tile.n);
    for (const double split : kSplits) {
      if (split > p.split) break;
      if (split > 1 && tiles * split > 2 * cores) break;
      const double waves = std::ceil(tiles * split / cores);
      const double part = std::min(gemm.k, std::max(gemm.k / split, kLeastK));
      double time = waves * tile_time(p, tile, gemm.m, gemm.n, part, bytes_a, bytes_b);
      if (split > 1) {
        const double parts =
            std::min(tile.m, gemm.m) * std::min(tile.n, gemm.n) * split * kSumBytes;
        time += p.fill + parts / p.feed_rate;
      }
      fastest = std::min(fastest, time);
    }
  }
  const double bytes = gemm.batch * (gemm.m * gemm.k * bytes_a + gemm.n * gemm.k * bytes_b +
                                     gemm.m * gemm.n * bytes_per_value(gemm.out));
  KernelTime result;
  result.compute = Seconds(fastest);
  result.memory = Seconds(bytes / p.memory_rate);
  result.overhead = Seconds(p.launch);
  result.time = Seconds(p.launch + overlapped(fastest, bytes / p.memory_rate));
  result.limit = limit_of(fastest, bytes / p.memory_rate, p.launch);
  return result;
}

}  // namespace fivefold
