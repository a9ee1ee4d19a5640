// The links of a machine as a graph: devices, switches and the directed links between them.
//
// Invariants:
// 1. Nodes 0 .. devices-1 are the devices, numbered as ranks are: from the inside out.
// 2. A cable is two links, one per direction; bandwidth is of one direction, nominal. Links 2c and
// 2c+1 are one cable.
// 3. A link's `level` is its index in the machine's levels (-1: the graph was not built from
// levels), so that what a library reaches on a level can be applied to its links.
// 4. Devices pass on only what came to them over a direct link from another device (a mesh); what
// came from a switch ends there, unless there is no other way.
#pragma once

#include <cstdint>
#include <string>
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

// A port is what several devices share on their way to a switch (one network card, two devices).
enum class NodeKind : std::uint8_t { kDevice, kPort, kSwitch, kPcieSwitch, kHost };

// One dimension of a mesh or torus: devices that differ in this coordinate only, (d / stride) mod
// extent, are joined each with each, or with their neighbours on a line or ring. The cables of one
// such line of devices follow each other.
struct MeshDim {
  enum class Form : std::uint8_t { kFull, kLine, kRing };
  std::int32_t level = 0;
  int extent = 1;
  int stride = 1;
  Form form = Form::kFull;
  std::int32_t first_cable = 0;
};

// One stage of switches. Devices d with equal group_of(d) hang, through the stages below, on the
// same `width` parallel switches (each again for each switch below it: an extended generalised fat
// tree). What is below (device or switch) number e has the cables first_cable + e x width + (0 ..
// width-1) up. A stage that does not turn (PCIe without peer-to-peer) passes everything upwards;
// its way down is by twins of its switches.
struct Tier {
  std::int32_t level = 0;
  int span = 1;    // consecutive devices that a group's members lie in
  int stride = 1;  // groups that share such a span (rails): one device of each `stride`
  int groups = 1;
  int width = 1;
  int switches = 1;  // of one group: the product of widths up to here
  bool turns = true;
  std::int32_t first_node = 0;
  std::int32_t first_cable = 0;
  int group_of(int device) const { return device / span * stride + device % stride; }
};

// Levels that a flow crosses in one go: the dimensions of a mesh, or the stages of a tree that
// begin at the devices' own ports.
struct Part {
  int size = 1;  // devices joined by this part and those before it
  std::vector<MeshDim> dims;
  std::vector<Tier> tiers;
};

struct GraphLevel {
  std::string name;
  int size = 1;  // devices joined, inner levels included
};

struct Graph {
  int devices = 0;
  int nodes = 0;  // devices included
  std::vector<Link> links;
  std::vector<NodeKind> kinds;       // by node
  std::vector<std::string> names;    // by node; empty: the graph has no names of its own
  std::vector<GraphLevel> levels;    // from the inside out; empty if not built from levels
  std::vector<Part> parts;           // empty: irregular, only a search finds ways
  std::vector<std::string> assumed;  // what the builder took for granted
};

// "device 3", "switch 17", or the node's own name.
std::string node_name(const Graph& graph, int node);

// Links by the node that they leave: of node n, links[first[n]] .. links[first[n+1]-1], ascending.
struct LinksByNode {
  std::vector<std::int32_t> first;
  std::vector<std::int32_t> links;
};
LinksByNode links_from(const Graph& graph);
LinksByNode links_into(const Graph& graph);

// For each node the lowest number of a node that it is joined with; of a joined graph, all 0.
std::vector<std::int32_t> joined_with(const Graph& graph);

}  // namespace fivefold
