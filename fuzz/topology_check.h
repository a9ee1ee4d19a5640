// What every reader of topologies owes to any bytes: a graph that routes, or an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fivefold/fabric/import_forms.h"
#include "fivefold/fabric/routing.h"

namespace fivefold {

inline void check_topology(const Result<Topology>& topology) {
  if (!topology) {
    if (topology.error().problems.empty() || to_text(topology.error()).empty()) std::abort();
    return;
  }
  const Graph& graph = topology->graph;
  if (graph.devices < 1 || graph.nodes < graph.devices) std::abort();
  for (const Link& link : graph.links) {
    if (link.from < 0 || link.from >= graph.nodes || link.to < 0 || link.to >= graph.nodes) {
      std::abort();
    }
    if (!(link.bandwidth.value() > 0) || !(link.latency.value() >= 0)) std::abort();
  }
  if (graph.links.size() > 100'000) return;
  Router router(graph);
  std::vector<Hop> hops;
  if (router.route(0, graph.devices - 1, 0, hops) && graph.devices > 1 && hops.empty())
    std::abort();
}

}  // namespace fivefold
