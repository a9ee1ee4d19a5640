#include "fivefold/replay/network.h"

#include <algorithm>

#include "fivefold/fabric/routing.h"

namespace fivefold {
namespace {

LevelKind kind_of(const PlanLevel& level) {
  switch (level.wiring) {
    case Wiring::kMesh:
      return level.dims.size() > 1 ? LevelKind::kNdFullMesh : LevelKind::kFullMesh;
    case Wiring::kTorus:
      return LevelKind::kTorus;
    case Wiring::kPcie:
      return LevelKind::kPcieSwitch;
    case Wiring::kHost:
      return LevelKind::kHost;
    case Wiring::kSwitch:
    case Wiring::kDragonfly:
      break;
  }
  return LevelKind::kSwitch;
}

void set_ideal(Level& level) {
  for (LinkParameters& link : level.link.of) {
    link.protocols[0].share = 1;
    link.protocols[0].step = level.latency;
  }
}

Level level_of(const PlanLevel& from, int inside) {
  Level level;
  level.name = from.name;
  level.kind = kind_of(from);
  level.size = from.size;
  level.fanout = std::max(1, from.size / std::max(1, inside));
  level.bandwidth = from.bandwidth;
  level.link_bandwidth = from.link_bandwidth;
  const bool mesh = from.wiring == Wiring::kMesh || from.wiring == Wiring::kTorus;
  if (mesh) level.dims = from.dims.empty() ? std::vector<int>{level.fanout} : from.dims;
  level.latency = from.latency;
  level.carries_outer = from.carries_outer;
  set_ideal(level);
  return level;
}

Level level_of(const Graph& graph) {
  std::vector<double> out(std::size_t(graph.nodes), 0.0);
  for (const Link& link : graph.links) out[std::size_t(link.from)] += link.bandwidth.value();
  Level level;
  level.name = "network";
  level.kind = LevelKind::kSwitch;
  level.size = level.fanout = graph.devices;
  level.bandwidth = BytesPerSecond(*std::min_element(out.begin(), out.begin() + graph.devices));
  Router router(graph);
  std::vector<Hop> hops;
  for (int to = 1; to < graph.devices; ++to) {
    hops.clear();
    if (!router.route(0, to, 0, hops)) continue;
    level.latency = std::max(level.latency, path_length(graph, 0, to, hops).latency);
  }
  set_ideal(level);
  return level;
}

}  // namespace

Machine machine_of(const Topology& topology) {
  Machine machine;
  machine.devices = machine.chips = topology.graph.devices;
  if (!topology.plan) {
    if (topology.graph.devices > 1) machine.levels.push_back(level_of(topology.graph));
    return machine;
  }
  int inside = 1;
  for (const PlanLevel& from : topology.plan->levels) {
    if (from.size <= inside) continue;
    machine.levels.push_back(level_of(from, inside));
    inside = from.size;
  }
  return machine;
}

}  // namespace fivefold
