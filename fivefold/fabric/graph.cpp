#include "fivefold/fabric/graph.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace fivefold {
namespace {

template <class End>
LinksByNode sorted_by(const Graph& graph, End end) {
  LinksByNode result;
  result.first.assign(graph.nodes + 1, 0);
  result.links.resize(graph.links.size());
  for (const Link& link : graph.links) ++result.first[end(link) + 1];
  std::partial_sum(result.first.begin(), result.first.end(), result.first.begin());
  std::vector<std::int32_t> next(result.first.begin(), result.first.end() - 1);
  for (std::size_t i = 0; i < graph.links.size(); ++i) {
    result.links[next[end(graph.links[i])]++] = std::int32_t(i);
  }
  return result;
}

std::string_view kind_name(NodeKind kind) {
  switch (kind) {
    case NodeKind::kDevice:
      return "device";
    case NodeKind::kPort:
      return "port";
    case NodeKind::kSwitch:
      return "switch";
    case NodeKind::kPcieSwitch:
      return "PCIe switch";
    case NodeKind::kHost:
      return "host";
  }
  return "node";
}

}  // namespace

std::string node_name(const Graph& graph, int node) {
  if (std::size_t(node) < graph.names.size() && !graph.names[node].empty()) {
    return graph.names[node];
  }
  const NodeKind kind = node < graph.devices ? NodeKind::kDevice : graph.kinds[node];
  return fmt::format("{} {}", kind_name(kind), node);
}

LinksByNode links_from(const Graph& graph) {
  return sorted_by(graph, [](const Link& link) { return link.from; });
}

LinksByNode links_into(const Graph& graph) {
  return sorted_by(graph, [](const Link& link) { return link.to; });
}

std::vector<std::int32_t> joined_with(const Graph& graph) {
  std::vector<std::int32_t> root(graph.nodes);
  std::iota(root.begin(), root.end(), 0);
  const auto find = [&root](std::int32_t node) {
    while (root[node] != node) node = root[node] = root[root[node]];
    return node;
  };
  for (const Link& link : graph.links) {
    const std::int32_t a = find(link.from), b = find(link.to);
    if (a != b) root[std::max(a, b)] = std::min(a, b);
  }
  for (std::int32_t node = 0; node < graph.nodes; ++node) root[node] = find(node);
  return root;
}

}  // namespace fivefold
