// Switched levels as stages of switches.
#include <algorithm>

#include "fivefold/fabric/build_parts.h"

namespace fivefold {
namespace {

struct Stage {
  Tier tier;
  NodeKind kind = NodeKind::kSwitch;
  BytesPerSecond bandwidth;  // upwards, for each device below
  Seconds latency;
  int shared_by = 0;  // what is below is a port that so many devices share
};

class TreeBuilder {
 public:
  TreeBuilder(const FabricPlan& plan, bool separate_planes, Graph& graph, Part& part)
      : plan_(plan), separate_(separate_planes), graph_(graph), part_(part) {}

  void build(int first, int last) {
    last_ = last;
    for (int number = first; number <= last; ++number) {
      add_level(number, number == first, number == 0 ? 1 : plan_.levels[number - 1].size);
    }
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      add_nodes(stages_[i], i == 0 ? 1 : stages_[i - 1].tier.switches);
      add_cables(i);
      part_.tiers.push_back(stages_[i].tier);
    }
  }

 private:
  void push(int number, int span, int stride, int width, NodeKind kind, double share) {
    const PlanLevel& level = plan_.levels[number];
    Stage stage;
    stage.tier = {.level = number,
                  .span = span,
                  .stride = stride,
                  .width = separate_ ? std::max(1, width) : 1};
    stage.kind = kind;
    stage.bandwidth = level.bandwidth / share;
    stages_.push_back(stage);
  }

  void add_level(int number, bool own_ports, int inner_size) {
    const PlanLevel& level = plan_.levels[number];
    const std::size_t begin = stages_.size();
    const bool shares = own_ports && level.devices_per_port > 1;
    if (shares) {
      push(number, level.devices_per_port, 1, 1, NodeKind::kPort, 1.0 / level.devices_per_port);
    }
    const std::size_t above_port = stages_.size();
    switch (level.wiring) {
      case Wiring::kPcie:
        push(number, level.size, 1, level.planes, NodeKind::kPcieSwitch, 1);
        stages_.back().tier.turns = level.peer_to_peer;
        if (!level.peer_to_peer && number == last_) {
          push(number, level.size, 1, 1, NodeKind::kHost, 1);
        }
        break;
      case Wiring::kHost:
        push(number, level.size, 1, 1, NodeKind::kHost, 1);
        break;
      default:
        add_clos(number, inner_size);
    }
    if (shares) stages_[above_port].shared_by = level.devices_per_port;
    spread_latency(begin, shares, level.latency);
  }

  void add_clos(int number, int inner_size) {
    const PlanLevel& level = plan_.levels[number];
    const Clos& clos = level.clos;
    if (clos.leaf == 0) return push(number, level.size, 1, level.planes, NodeKind::kSwitch, 1);
    const int stride = clos.rails ? inner_size : 1;
    push(number, clos.leaf * stride, stride, level.planes, NodeKind::kSwitch, 1);
    const double up = std::max(1e-9, clos.oversubscription);
    if (clos.pod > 0 && clos.pod < level.size) {
      push(number, clos.pod, 1, clos.spines, NodeKind::kSwitch, up);
      push(number, level.size, 1, clos.cores, NodeKind::kSwitch, up * clos.pod_oversubscription);
    } else {
      push(number, level.size, 1, clos.spines, NodeKind::kSwitch, up);
    }
  }

  // The level's latency is end to end: what its inner stages have not taken falls on its own
  // stages, up and down alike.
  void spread_latency(std::size_t begin, bool shares, Seconds latency) {
    Seconds inside;
    for (std::size_t i = 0; i < begin; ++i) inside += 2.0 * stages_[i].latency;
    if (shares) ++begin;
    const double links = 2.0 * double(stages_.size() - begin);
    const Seconds each = std::max(Seconds(0), (latency - inside) / links);
    for (std::size_t i = begin; i < stages_.size(); ++i) stages_[i].latency = each;
  }

  void add_nodes(Stage& stage, int switches_below) {
    Tier& tier = stage.tier;
    tier.groups = (graph_.devices + tier.span - 1) / tier.span * tier.stride;
    tier.switches = switches_below * tier.width;
    tier.first_node = graph_.nodes;
    graph_.nodes += tier.groups * tier.switches * (tier.turns ? 1 : 2);
    graph_.kinds.resize(graph_.nodes, stage.kind);
  }

  std::vector<int> members(const Tier& tier) const {
    std::vector<int> count(tier.groups, 0);
    for (int d = 0; d < graph_.devices; ++d) ++count[tier.group_of(d)];
    return count;
  }

  void add_cables(std::size_t number) {
    Stage& stage = stages_[number];
    Tier& tier = stage.tier;
    tier.first_cable = std::int32_t(graph_.links.size() / 2);
    const double each = 1.0 / tier.switches;
    if (number == 0) {
      for (int d = 0; d < graph_.devices; ++d) {
        add_bundle(d, d, tier, tier.group_of(d) * tier.switches, stage.bandwidth * each,
                   stage.latency);
      }
      return;
    }
    const Tier& below = stages_[number - 1].tier;
    const std::vector<int> count = members(below);
    for (int group = 0; group < below.groups; ++group) {
      const int device = group / below.stride * below.span + group % below.stride;
      const int devices = stage.shared_by > 0 ? stage.shared_by : std::max(1, count[group]);
      for (int path = 0; path < below.switches; ++path) {
        const int element = group * below.switches + path;
        const int up = below.first_node + element;
        const int down = below.turns ? up : up + below.groups * below.switches;
        add_bundle(up, down, tier, tier.group_of(device) * tier.switches + path * tier.width,
                   stage.bandwidth * (devices * each), stage.latency);
      }
    }
  }

  // From `up` to the switches element .. element + width - 1 of the tier, and back to `down`.
  void add_bundle(int up, int down, const Tier& tier, int element, BytesPerSecond bandwidth,
                  Seconds latency) {
    const int twin = tier.turns ? 0 : tier.groups * tier.switches;
    for (int i = 0; i < tier.width; ++i) {
      const int node = tier.first_node + element + i;
      graph_.links.push_back({up, node, tier.level, bandwidth, latency});
      graph_.links.push_back({node + twin, down, tier.level, bandwidth, latency});
    }
  }

  const FabricPlan& plan_;
  bool separate_;
  Graph& graph_;
  Part& part_;
  std::vector<Stage> stages_;
  int last_ = 0;
};

}  // namespace

void add_tree(const FabricPlan& plan, int first, int last, bool separate_planes, Graph& graph,
              Part& part) {
  TreeBuilder(plan, separate_planes, graph, part).build(first, last);
}

}  // namespace fivefold
