// Tokens drawn to experts, and the messages between ranks that follow: what MoE routing makes of a
// dispatch or a combine, uneven as it is.
#pragma once

#include <cstdint>

#include "fivefold/collective/rounds.h"

namespace fivefold {

struct MoeRouting {
  std::uint64_t seed = 1;
  // Popularity of experts falls as 1 / place^skew (Zipf), their places drawn; 0: all alike.
  double skew = 0;
};

struct MoeTraffic {
  std::vector<Round> rounds;    // one: all messages at once
  std::size_t messages = 0;     // between different ranks
  double busiest_expert = 0;    // copies that it takes in
  double busiest_receiver = 0;  // bytes that enter it, over the mean
};

// Each rank draws the experts of its tokens: `topk` different ones, within `nodes_limit` nodes if
// set; experts lie on the ranks in order, as many on each. At most kMostDraws tokens are drawn in
// all, each then stands for several. With `block` > 0, the ranks of a node that passes tokens on, a
// token goes once to each node (to the rank of the sender's own place) and from there to each rank
// that it needs. A combine sends the same messages backwards. Needs exchange.experts >= 1.
MoeTraffic draw_traffic(const MoeExchange& exchange, int ranks, int block,
                        const MoeRouting& routing);
inline constexpr double kMostDraws = 4e6;

}  // namespace fivefold
