// Tiles of a product on the cores of a device: what plain and grouped products share.
#pragma once

#include <algorithm>
#include <array>

#include "fivefold/kernel/parameters.h"

namespace fivefold {

struct Tile {
  double m, n;
};

// Shapes that CUTLASS, cuBLAS and CANN choose from; wide ones feed best, narrow ones waste least.
inline constexpr std::array<Tile, 9> kTiles = {{{256, 256},
                                                {256, 128},
                                                {128, 256},
                                                {128, 128},
                                                {64, 256},
                                                {128, 64},
                                                {64, 128},
                                                {64, 64},
                                                {16, 128}}};
// Whether a kernel has this tile.
inline bool offers(const FamilyParameters& p, Tile tile) {
  return tile.m >= p.tile_m && tile.n >= p.tile_n && std::max(tile.m, tile.n) <= p.widest;
}
// One core's time for a tile of at most this extent over k.
inline double tile_time(const FamilyParameters& p, Tile tile, double m, double n, double k,
                        double bytes_a, double bytes_b) {
  const double arithmetic = 2 * tile.m * tile.n * k / p.compute_rate;
  const double operands =
      k * (std::min(tile.m, m) * bytes_a + std::min(tile.n, n) * bytes_b) / p.feed_rate;
  return std::max(arithmetic, operands) + p.fill;
}

}  // namespace fivefold
