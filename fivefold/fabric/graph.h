// The links of a machine as a graph: devices, switches and the directed links between them.
//
// Invariants:
// 1. Nodes 0 .. devices-1 are the devices, numbered as ranks are: from the inside out.
// 2. A cable is two links, one per direction; bandwidth is of one direction, nominal.
// 3. A link's `level` is its index in the machine's levels (-1: the graph was not built from
// levels), so that what a library reaches on a level can be applied to its links.
#pragma once

#include <cstdint>
#include <vector>

#include "fivefold/base/units.h"

namespace fivefold {

struct Link {
  std::int32_t from = 0;
  std::int32_t to = 0;
  std::int32_t level = -1;
  BytesPerSecond bandwidth;
  Seconds latency;
};

// A part of a flow's way: a link and the share of the flow's bytes that cross it. The share is 1
// but where one flow is spread over several ways.
struct Hop {
  std::int32_t link = 0;
  float share = 1;
};

struct Graph {
  int devices = 0;
  int nodes = 0;  // devices included
  std::vector<Link> links;
};

}  // namespace fivefold
