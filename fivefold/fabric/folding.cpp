#include "fivefold/fabric/folding.h"

#include <algorithm>

namespace fivefold {
namespace {

constexpr std::int32_t kNowhere = -1;

// Where each node goes; a group of switches goes where the group of its first device goes.
std::vector<std::int32_t> moved_nodes(const Graph& graph, int unit) {
  std::vector<std::int32_t> to(graph.nodes, kNowhere);
  const auto moved = [&](int device) { return int((std::int64_t(device) + unit) % graph.devices); };
  for (int d = 0; d < graph.devices; ++d) to[d] = moved(d);
  for (const Part& part : graph.parts) {
    for (const Tier& tier : part.tiers) {
      const int copies = tier.turns ? 1 : 2;
      for (int group = 0; group < tier.groups; ++group) {
        const std::int64_t device =
            std::int64_t(group / tier.stride) * tier.span + group % tier.stride;
        if (device >= graph.devices) continue;
        const int image = tier.group_of(moved(int(device)));
        for (int copy = 0; copy < copies; ++copy) {
          const std::int32_t base = tier.first_node + copy * tier.groups * tier.switches;
          for (int i = 0; i < tier.switches; ++i) {
            to[base + group * tier.switches + i] = base + image * tier.switches + i;
          }
        }
      }
    }
  }
  return to;
}

class LinkMap {
 public:
  LinkMap(const Graph& graph, const std::vector<std::int32_t>& node_to)
      : graph_(graph), node_to_(node_to), from_(links_from(graph)), into_(links_into(graph)) {}

  // The link between the images of this one's ends, the k-th of several if this is the k-th.
  std::int32_t image(std::int32_t number) const {
    const Link& link = graph_.links[number];
    const std::int32_t from = node_to_[link.from], to = node_to_[link.to];
    if (from == kNowhere || to == kNowhere) return kNowhere;
    const bool forward = degree(from_, link.from) <= degree(into_, link.to);
    int rank = 0;
    const LinksByNode& here = forward ? from_ : into_;
    const std::int32_t node = forward ? link.from : link.to;
    for (std::int32_t k = here.first[node]; here.links[k] != number; ++k) {
      rank += same_ends(here.links[k], link.from, link.to);
    }
    const std::int32_t there = forward ? from : to;
    for (std::int32_t k = here.first[there]; k < here.first[there + 1]; ++k) {
      if (same_ends(here.links[k], from, to) && rank-- == 0) {
        return alike(link, graph_.links[here.links[k]]) ? here.links[k] : kNowhere;
      }
    }
    return kNowhere;
  }

 private:
  static std::int32_t degree(const LinksByNode& links, std::int32_t node) {
    return links.first[node + 1] - links.first[node];
  }
  bool same_ends(std::int32_t number, std::int32_t from, std::int32_t to) const {
    return graph_.links[number].from == from && graph_.links[number].to == to;
  }
  static bool alike(const Link& a, const Link& b) {
    return a.level == b.level && a.bandwidth == b.bandwidth && a.latency == b.latency;
  }

  const Graph& graph_;
  const std::vector<std::int32_t>& node_to_;
  LinksByNode from_, into_;
};

}  // namespace

std::optional<std::vector<std::int32_t>> folded_links(const Graph& graph, int unit) {
  if (graph.parts.empty() || unit < 1 || unit > graph.devices) return std::nullopt;
  const std::vector<std::int32_t> node_to = moved_nodes(graph, unit);
  const LinkMap map(graph, node_to);
  const std::size_t count = graph.links.size();
  std::vector<std::int32_t> to(count);
  std::vector<bool> hit(count, false);
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = map.image(std::int32_t(i));
    if (to[i] == kNowhere || hit[to[i]]) return std::nullopt;
    hit[to[i]] = true;
  }
  std::vector<std::int32_t> representative(count, kNowhere);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::int32_t k = std::int32_t(i); representative[k] == kNowhere; k = to[k]) {
      representative[k] = std::int32_t(i);
    }
  }
  return representative;
}

}  // namespace fivefold
