// How the tokens of a fused block of experts fall on the experts of one device, the busiest.
//
// Even: in turn. At random: each token chooses with the same chance. Power law: experts of the
// whole model draw their loads from density x^-power on [1, 0.8 tokens] and the busiest of all
// devices is timed, as benchmarks of fused experts do (aiconfigurator, collector/helper.py). Such a
// benchmark takes the mean of five draws, whose pairs have a standard deviation of 4 to 9% where a
// model is cut over devices: less than that no model can miss them by.
#pragma once

#include <array>

#include "fivefold/workload/op.h"

namespace fivefold {

// Rows of tiles of grouped products, to which each expert's are padded.
inline constexpr std::array<double, 5> kTileRows = {16, 32, 64, 128, 256};

struct Routing {
  double pairs = 0;   // (token, expert) pairs
  double active = 0;  // experts that any token chose; others are not read
  double most = 0;    // pairs of an active expert of the busiest kind
  std::array<double, kTileRows.size()> row_tiles{};
};

Routing routing_of(const MoeBlock& moe);

}  // namespace fivefold
