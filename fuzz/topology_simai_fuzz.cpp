// Any bytes as a topology of SimAI: a graph that routes, or an error.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fivefold/fabric/import_forms.h"
#include "fivefold/fabric/routing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fivefold;
  if (size > 4096) return 0;  // large graphs are slow, not new
  const std::string text(data, data + size);
  const auto topology = read_simai("4 2 1 1 4 H100\n" + text, "fuzz");
  if (!topology) {
    if (topology.error().problems.empty() || to_text(topology.error()).empty()) std::abort();
    return 0;
  }
  const Graph& graph = topology->graph;
  if (graph.devices < 1 || graph.nodes < graph.devices) std::abort();
  for (const Link& link : graph.links) {
    if (link.from < 0 || link.from >= graph.nodes || link.to < 0 || link.to >= graph.nodes) {
      std::abort();
    }
    if (!(link.bandwidth.value() > 0) || !(link.latency.value() >= 0)) std::abort();
  }
  if (graph.links.size() > 100'000) return 0;
  Router router(graph);
  std::vector<Hop> hops;
  if (router.route(0, graph.devices - 1, 0, hops) && graph.devices > 1 && hops.empty())
    std::abort();
  return 0;
}
