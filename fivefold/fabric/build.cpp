// From a plan to a graph: what cannot be built is refused before anything is.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/fabric/build_parts.h"

namespace fivefold {
namespace {

bool hangs_on_ports(const PlanLevel& level) {
  return level.wiring == Wiring::kSwitch || level.wiring == Wiring::kPcie ||
         level.wiring == Wiring::kHost;
}

// Collects what is wrong with a plan.
class PlanCheck {
 public:
  PlanCheck(const FabricPlan& plan, bool separate_planes)
      : plan_(plan), separate_(separate_planes) {}

  // The number of links, about.
  Result<double> run() {
    if (plan_.devices < 1) problem("a fabric of no devices", "give at least one");
    if (plan_.devices > 1 && plan_.levels.empty()) {
      problem(fmt::format("{} devices and no level that joins them", plan_.devices));
    }
    int inner = 1;
    for (const PlanLevel& level : plan_.levels) {
      check(level, inner);
      inner = std::max(1, level.size);
    }
    if (error_.problems.empty() && !plan_.levels.empty() && inner < plan_.devices) {
      problem(
          fmt::format("device 0 and device {} are not joined: the outermost level '{}' joins {} "
                      "of {} devices",
                      inner, plan_.levels.back().name, inner, plan_.devices),
          "add a level that joins all");
    }
    if (error_.problems.empty()) check_links();
    if (error_.problems.empty()) return links_;
    return fail(std::move(error_));
  }

 private:
  void problem(std::string what, std::string hint = {}) {
    error_.problems.push_back({{}, std::move(what), std::move(hint)});
  }

  void check(const PlanLevel& level, int inner) {
    if (level.size <= inner && !(level.size == 1 && plan_.devices == 1)) {
      problem(fmt::format("level '{}' joins {} devices, and the level inside already {}",
                          level.name, level.size, inner),
              "sizes count devices, from the inside out");
    } else if (level.size % inner != 0 && level.size < plan_.devices) {
      problem(fmt::format("level '{}' joins {} devices, which is no multiple of the {} inside",
                          level.name, level.size, inner));
    }
    const bool direct =
        !level.circuits.empty() || level.wiring == Wiring::kMesh || level.wiring == Wiring::kTorus;
    const double bandwidth = (direct ? level.link_bandwidth : level.bandwidth).value();
    if (!(bandwidth > 0) || !std::isfinite(bandwidth)) {
      problem(fmt::format("level '{}' has no bandwidth", level.name), "for example 50 GB/s");
    }
    if (!(level.latency.value() >= 0) || !std::isfinite(level.latency.value())) {
      problem(fmt::format("level '{}' has no latency that can be", level.name), "for example 1 us");
    }
    check_dims(level, inner);
    if (!level.circuits.empty()) check_circuits(level, inner);
    if (level.wiring == Wiring::kDragonfly) check_dragonfly(level, inner);
    if (level.planes < 1 || level.devices_per_port < 1) {
      problem(fmt::format("level '{}' needs at least one plane and one device for each port",
                          level.name));
    }
    check_clos(level, inner);
  }

  void check_dims(const PlanLevel& level, int inner) {
    if (level.dims.empty()) return;
    double members = 1;
    for (const int dim : level.dims) members *= dim;
    const double joined = std::ceil(double(level.size) / inner);
    if (members < joined || *std::min_element(level.dims.begin(), level.dims.end()) < 1) {
      problem(fmt::format("level '{}' joins {:.0f} blocks, but {} make {:.0f}", level.name, joined,
                          fmt::join(level.dims, " x "), members));
    }
  }

  void check_circuits(const PlanLevel& level, int inner) {
    const int blocks = level.size / inner;
    for (const auto& [a, b] : level.circuits) {
      if (a < 0 || b < 0 || a >= blocks || b >= blocks || a == b) {
        problem(fmt::format("level '{}': a circuit joins blocks {} and {}", level.name, a, b),
                fmt::format("two different ones of 0 to {}", blocks - 1));
      }
    }
  }

  void check_dragonfly(const PlanLevel& level, int inner) {
    const Dragonfly& shape = level.dragonfly;
    if (shape.p < 1 || shape.a < 1 || shape.h < 1) {
      return problem(
          fmt::format("level '{}': p, a and h of a dragonfly are at least 1", level.name));
    }
    const double most = double(shape.p) * shape.a * (double(shape.a) * shape.h + 1);
    if (level.size > most) {
      problem(fmt::format("level '{}' has {} devices; p {}, a {}, h {} make at most {:.0f}",
                          level.name, level.size, shape.p, shape.a, shape.h, most),
              "groups are at most a x h + 1");
    }
    if (level.size != plan_.devices || inner != 1) {
      problem(fmt::format("level '{}': a dragonfly joins all devices, without levels inside",
                          level.name));
    }
  }

  void check_clos(const PlanLevel& level, int inner) {
    const Clos& clos = level.clos;
    if (clos.leaf == 0) return;
    const double span = double(clos.leaf) * (clos.rails ? inner : 1);
    if (clos.leaf < 1 || clos.spines < 1 || clos.cores < 1 || clos.pod < 0) {
      problem(fmt::format("level '{}': leaf, spines and cores are at least 1", level.name));
    } else if (clos.pod > 0 && std::fmod(clos.pod, span) != 0) {
      problem(fmt::format("level '{}': a pod of {} devices does not hold whole leaves of {:.0f}",
                          level.name, clos.pod, span));
    }
    if (!(clos.oversubscription > 0) || !(clos.pod_oversubscription > 0)) {
      problem(fmt::format("level '{}': oversubscription is above 0", level.name), "1: none");
    }
  }

  void check_links() {
    double links = 0;
    int inner = 1;
    for (const PlanLevel& level : plan_.levels) {
      if (!level.circuits.empty()) {
        links += 2.0 * double(level.circuits.size()) * inner;
      } else if (hangs_on_ports(level)) {
        const double parallel = separate_ ? level.planes * (1.0 + level.clos.spines) : 1.25;
        links += 2.0 * plan_.devices * parallel;
      } else if (level.wiring == Wiring::kDragonfly) {
        links += 2.0 * plan_.devices * (1.0 + level.dragonfly.a + level.dragonfly.h);
      } else {
        links += mesh_links(level, inner, plan_.devices);
      }
      inner = level.size;
    }
    links_ = links;
    if (links > kMostLinks) {
      problem(fmt::format("{} devices would take {:.2g} links; at most {:.0g} can be built",
                          plan_.devices, links, kMostLinks),
              "fewer devices, or a switched level instead of a mesh");
    }
  }

  const FabricPlan& plan_;
  bool separate_;
  double links_ = 0;
  Error error_;
};

Result<void> check_joined(const Graph& graph) {
  const std::vector<std::int32_t> joined = joined_with(graph);
  for (int d = 1; d < graph.devices; ++d) {
    if (joined[d] != joined[0]) {
      return fail(fmt::format("{} and {} are not joined: no link leads from one to the other",
                              node_name(graph, 0), node_name(graph, d)),
                  "add a link between them, or remove a fault");
    }
  }
  return {};
}

// Whether all links lie where arithmetic finds them.
bool add_levels(const FabricPlan& plan, bool separate_planes, Graph& graph) {
  bool regular = true;
  for (int i = 0; i < int(plan.levels.size()); ++i) {
    const PlanLevel& level = plan.levels[i];
    const int inner_size = i == 0 ? 1 : plan.levels[i - 1].size;
    Part part;
    if (!level.circuits.empty()) {
      add_circuits(level, i, inner_size, graph);
      regular = false;
    } else if (level.wiring == Wiring::kDragonfly) {
      add_dragonfly(level, i, graph);
      regular = false;
    } else if (hangs_on_ports(level)) {
      int last = i;
      while (plan.levels[last].carries_outer && last + 1 < int(plan.levels.size()) &&
             hangs_on_ports(plan.levels[last + 1])) {
        ++last;
      }
      add_tree(plan, i, last, separate_planes, graph, part);
      i = last;
    } else {
      // Neighbouring meshes are one mesh of more dimensions.
      const bool extends = !graph.parts.empty() && !graph.parts.back().dims.empty();
      if (extends) {
        part = std::move(graph.parts.back());
        graph.parts.pop_back();
      }
      regular &= add_mesh(level, i, inner_size, graph, part);
    }
    part.size = plan.levels[i].size;
    graph.parts.push_back(std::move(part));
  }
  return regular;
}

}  // namespace

Result<Graph> build_graph(const FabricPlan& plan, bool separate_planes) {
  auto count = PlanCheck(plan, separate_planes).run();
  if (!count) return fail(std::move(count.error()));
  Graph graph;
  graph.devices = graph.nodes = plan.devices;
  // Memory is slow at its first touch: none is touched twice by growing.
  graph.links.reserve(std::size_t(*count));
  graph.kinds.reserve(std::size_t(plan.devices) * 5 / 4);
  graph.kinds.assign(plan.devices, NodeKind::kDevice);
  graph.assumed = plan.assumed;
  const bool regular = add_levels(plan, separate_planes, graph);
  for (const PlanLevel& level : plan.levels) graph.levels.push_back({level.name, level.size});
  if (!plan.faults.empty()) {
    if (auto applied = apply_faults(plan, separate_planes, graph); !applied) {
      return fail(std::move(applied.error()));
    }
  }
  if (!regular) graph.parts.clear();
  if (graph.parts.empty()) {
    if (auto joined = check_joined(graph); !joined) return fail(std::move(joined.error()));
  }
  return graph;
}

}  // namespace fivefold
