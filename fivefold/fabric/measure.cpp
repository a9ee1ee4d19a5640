#include "fivefold/fabric/measure.h"

#include <algorithm>
#include <limits>

#include "fivefold/fabric/routing.h"

namespace fivefold {
namespace {

// Dinic's algorithm on the graph in which all devices of a side are one node.
class MaximumFlow {
 public:
  explicit MaximumFlow(int nodes) : first_(nodes, -1) {}

  void add(int from, int to, double capacity) {
    edges_.push_back({to, first_[from], capacity});
    first_[from] = int(edges_.size()) - 1;
    edges_.push_back({from, first_[to], 0});
    first_[to] = int(edges_.size()) - 1;
    largest_ = std::max(largest_, capacity);
  }

  double run(int source, int sink) {
    double total = 0;
    while (find_depths(source, sink)) {
      next_ = first_;
      for (double pushed = 1; pushed > 0; total += pushed) pushed = push(source, sink);
    }
    return total;
  }

 private:
  struct Edge {
    int to, next;
    double left;
  };
  // What rounding leaves of a full edge is no capacity.
  bool open(const Edge& edge) const { return edge.left > largest_ * 1e-12; }

  bool find_depths(int source, int sink) {
    depth_.assign(first_.size(), -1);
    depth_[source] = 0;
    std::vector<int> queue{source};
    for (std::size_t i = 0; i < queue.size(); ++i) {
      for (int e = first_[queue[i]]; e >= 0; e = edges_[e].next) {
        if (!open(edges_[e]) || depth_[edges_[e].to] >= 0) continue;
        depth_[edges_[e].to] = depth_[queue[i]] + 1;
        queue.push_back(edges_[e].to);
      }
    }
    return depth_[sink] >= 0;
  }

  // Along one way of open edges, as much as its narrowest takes.
  double push(int source, int sink) {
    std::vector<int> way;
    int node = source;
    while (node != sink) {
      int& e = next_[node];
      while (e >= 0 && !(open(edges_[e]) && depth_[edges_[e].to] == depth_[node] + 1)) {
        e = edges_[e].next;
      }
      if (e >= 0) {
        way.push_back(e);
        node = edges_[e].to;
        continue;
      }
      if (way.empty()) return 0;
      depth_[node] = -1;  // a dead end
      node = edges_[way.back() ^ 1].to;
      way.pop_back();
    }
    double least = std::numeric_limits<double>::infinity();
    for (const int e : way) least = std::min(least, edges_[e].left);
    for (const int e : way) {
      edges_[e].left -= least;
      edges_[e ^ 1].left += least;
    }
    return least;
  }

  std::vector<int> first_, next_, depth_;
  std::vector<Edge> edges_;
  double largest_ = 0;
};

std::vector<char> halves_by_number(int devices) {
  std::vector<char> side(devices, 0);
  std::fill(side.begin() + devices / 2, side.end(), char(1));
  return side;
}

std::vector<char> halves_by_dim(int devices, const MeshDim& dim) {
  std::vector<char> side(devices);
  for (int d = 0; d < devices; ++d) {
    side[d] = char(d / dim.stride % dim.extent >= dim.extent / 2);
  }
  return side;
}

constexpr int kAllSources = 512;  // devices of an irregular graph that are all searched from
constexpr int kSomeSources = 32;  // of a larger one, to kAllSources others

}  // namespace

BytesPerSecond greatest_flow(const Graph& graph, const std::vector<char>& side, int level) {
  constexpr int kSource = 0, kSink = 1;
  const int block = int(side.size());
  const int switches = graph.nodes - graph.devices;
  // What leaves the sink's side or enters the source's cannot add to the flow.
  std::vector<double> in(switches, 0), out(switches, 0);
  double direct = 0;
  MaximumFlow flow(2 + switches);
  for (const Link& link : graph.links) {
    if (link.level > level) continue;
    const bool from_device = link.from < graph.devices, to_device = link.to < graph.devices;
    if ((from_device && link.from >= block) || (to_device && link.to >= block)) continue;
    if ((from_device && side[link.from] != 0) || (to_device && side[link.to] == 0)) continue;
    const double bandwidth = link.bandwidth.value();
    if (from_device && to_device) {
      direct += bandwidth;
    } else if (from_device) {
      in[link.to - graph.devices] += bandwidth;
    } else if (to_device) {
      out[link.from - graph.devices] += bandwidth;
    } else {
      flow.add(2 + link.from - graph.devices, 2 + link.to - graph.devices, bandwidth);
    }
  }
  for (int i = 0; i < switches; ++i) {
    if (in[i] > 0) flow.add(kSource, 2 + i, in[i]);
    if (out[i] > 0) flow.add(2 + i, kSink, out[i]);
  }
  return BytesPerSecond(direct + flow.run(kSource, kSink));
}

BytesPerSecond bisection(const Graph& graph, int level) {
  const bool levelled = level >= 0 && level < int(graph.levels.size());
  const int limit = levelled ? level : std::numeric_limits<int>::max();
  const int block = levelled ? std::min(graph.devices, graph.levels[level].size) : graph.devices;
  if (block < 2) return BytesPerSecond(0);
  BytesPerSecond least = greatest_flow(graph, halves_by_number(block), limit);
  for (const Part& part : graph.parts) {
    for (const MeshDim& dim : part.dims) {
      if (dim.level > limit || dim.extent % 2 != 0) continue;
      least = std::min(least, greatest_flow(graph, halves_by_dim(block, dim), limit));
    }
  }
  return least;
}

Diameter diameter(const Graph& graph) {
  Diameter result;
  Router router(graph, Routing::kDeterministic);
  std::vector<int> sources;
  int target_step = 1;
  if (!graph.parts.empty()) {
    // Blocks of a level look alike but for a last one that is not full.
    sources = {0, graph.devices / 2, graph.devices - 1};
  } else {
    const int step = graph.devices <= kAllSources ? 1 : graph.devices / kSomeSources;
    for (int d = 0; d < graph.devices; d += step) sources.push_back(d);
    result.exact = step == 1;
    target_step = std::max(1, graph.devices / kAllSources);
  }
  std::vector<Hop> hops;
  // Tables are by destination: each is made once.
  for (int to = 0; to < graph.devices; to += target_step) {
    for (const int from : sources) {
      hops.clear();
      if (!router.route(from, to, 0, hops)) continue;
      Seconds latency;
      for (const Hop& hop : hops) latency += graph.links[hop.link].latency;
      result.hops = std::max(result.hops, int(hops.size()));
      result.latency = std::max(result.latency, latency);
    }
  }
  return result;
}

}  // namespace fivefold
