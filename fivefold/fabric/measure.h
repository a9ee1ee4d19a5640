// What one asks of a fabric first: how much passes its middle, how far it is across.
#pragma once

#include <vector>

#include "fivefold/fabric/graph.h"

namespace fivefold {

// The most that devices with side[d] = 0 can send to those with side[d] = 1, per direction: a
// maximum flow over the links of levels up to `level` between the devices below side.size().
BytesPerSecond greatest_flow(const Graph& graph, const std::vector<char>& side, int level);

// Between the halves of a level's first block, over its own and inner links; the least of halving
// by number and by each dimension of a mesh. `level` = number of levels - 1: the whole machine. A
// graph without levels is halved by number, whatever `level` is.
BytesPerSecond bisection(const Graph& graph, int level);

struct Diameter {
  int hops = 0;
  Seconds latency;
  bool exact = true;  // false: a large irregular graph, from some of its devices only
};
// Over shortest ways. A pair without a way is left out.
Diameter diameter(const Graph& graph);

}  // namespace fivefold
