// Tiles of a product on the cores of a device: what plain and grouped products share.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

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
// The least whole number that is not below `value`, of those below 2^52; above, all are whole.
// std::ceil is a call unless the compiler may count on SSE4.1, and products ask for dozens.
inline double whole(double value) {
  constexpr double kLeastWhole = 4503599627370496.0;
  const double nearest = (value + kLeastWhole) - kLeastWhole;
  return nearest < value ? nearest + 1 : nearest;
}
// The fastest way that was found to do a product, and what its cores do meanwhile.
struct Product {
  double time = INFINITY;
  CoreTime cores;
};
// What one core does with a tile of a product of at most m x n, walking along K.
class TileWalk {
 public:
  TileWalk(const FamilyParameters& p, double m, double n, double bytes_a, double bytes_b)
      : m_(m),
        n_(n),
        fill_(p.fill),
        op_time_(1 / p.compute_rate),
        row_time_(bytes_a / p.feed_rate),
        column_time_(bytes_b / p.feed_rate) {}
  double time(Tile tile, double k) const {
    const double arithmetic = 2 * tile.m * tile.n * op_time_;
    const double operands = std::min(tile.m, m_) * row_time_ + std::min(tile.n, n_) * column_time_;
    return k * std::max(arithmetic, operands) + fill_;
  }
  // Of so many waves that would be `spread` if the last one were cut evenly, at a time for each.
  CoreTime cores(double waves, double spread, double tile_time) const {
    return {spread * (tile_time - fill_), (waves - spread) * tile_time};
  }

 private:
  double m_, n_, fill_;
  double op_time_, row_time_, column_time_;  // of an operation; of a row's and a column's value
};

}  // namespace fivefold
