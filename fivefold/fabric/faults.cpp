// Broken links, ports and planes.
#include <algorithm>

#include <fmt/format.h>

#include "fivefold/fabric/build_parts.h"

namespace fivefold {
namespace {

struct Scales {
  std::vector<double> of;  // by cable: what is left of its bandwidth
  bool even = true;        // whole levels only: the graph stays regular
};

void scale_between(const Graph& graph, const Fault& fault, Scales& scales, int& found) {
  for (std::size_t i = 0; i < graph.links.size(); i += 2) {
    const Link& link = graph.links[i];
    if ((link.from == fault.from && link.to == fault.to) ||
        (link.from == fault.to && link.to == fault.from)) {
      scales.of[i / 2] *= fault.left;
      ++found;
    }
  }
}

void scale_device(const Graph& graph, const Fault& fault, Scales& scales, int& found) {
  for (std::size_t i = 0; i < graph.links.size(); i += 2) {
    const Link& link = graph.links[i];
    const bool here = link.from == fault.device || link.to == fault.device;
    if (here && (fault.level < 0 || link.level == fault.level)) {
      scales.of[i / 2] *= fault.left;
      ++found;
    }
  }
}

// Cables from what is below a stage up to it.
struct CableRange {
  std::size_t first = 0, count = 0;
};

CableRange cables_of_planes(const Graph& graph, int level, int planes) {
  for (const Part& part : graph.parts) {
    std::size_t below = graph.devices;
    for (const Tier& tier : part.tiers) {
      if (tier.level == level && tier.width == planes) {
        return {std::size_t(tier.first_cable), below * std::size_t(tier.width)};
      }
      below = std::size_t(tier.groups) * tier.switches;
    }
  }
  return {};
}

// Where planes stand for themselves the first ones go; else all lose their share, and with them
// what hangs on them (the levels that this one carries).
void scale_planes(const FabricPlan& plan, bool separate, const Graph& graph, const Fault& fault,
                  Scales& scales, int& found) {
  const int planes = plan.levels[fault.level].planes;
  if (separate && planes > 1) {
    const CableRange cables = cables_of_planes(graph, fault.level, planes);
    for (std::size_t i = 0; i < cables.count; ++i) {
      if (int(i % planes) < fault.planes) scales.of[cables.first + i] *= fault.left;
      ++found;
    }
    return;
  }
  const double share = 1 - double(fault.planes) / planes * (1 - fault.left);
  int last = fault.level;
  while (plan.levels[last].carries_outer && last + 1 < int(plan.levels.size())) ++last;
  for (std::size_t i = 0; i < graph.links.size(); i += 2) {
    if (graph.links[i].level < fault.level || graph.links[i].level > last) continue;
    scales.of[i / 2] *= share;
    ++found;
  }
}

Result<void> check_fault(const FabricPlan& plan, const Graph& graph, const Fault& fault) {
  const auto outside = [&](int node) { return node >= graph.nodes; };
  if (outside(fault.from) || outside(fault.to)) {
    return fail(fmt::format("a fault between {} and {}, but the graph has {} nodes", fault.from,
                            fault.to, graph.nodes));
  }
  if (fault.device >= plan.devices) {
    return fail(
        fmt::format("a fault of device {}, but there are {} devices", fault.device, plan.devices),
        fmt::format("devices are 0 to {}", plan.devices - 1));
  }
  if (fault.level >= int(plan.levels.size())) {
    return fail(fmt::format("a fault on level {}; levels: {}", fault.level,
                            plan.levels.size()),
                "levels count from 0, the innermost");
  }
  if (fault.planes > 0 && fault.level >= 0 && fault.planes > plan.levels[fault.level].planes) {
    return fail(fmt::format("{} planes of level '{}' fail, but it has {}", fault.planes,
                            plan.levels[fault.level].name, plan.levels[fault.level].planes));
  }
  if (!(fault.left >= 0) || !(fault.left <= 1)) {
    return fail(fmt::format("a fault leaves {} of the bandwidth", fault.left),
                "a share from 0 to 1");
  }
  return {};
}

}  // namespace

Result<void> apply_faults(const FabricPlan& plan, bool separate_planes, Graph& graph) {
  Scales scales;
  scales.of.assign(graph.links.size() / 2, 1.0);
  for (const Fault& fault : plan.faults) {
    if (auto sound = check_fault(plan, graph, fault); !sound) return sound;
    int found = 0;
    if (fault.from >= 0 && fault.to >= 0) {
      scale_between(graph, fault, scales, found);
    } else if (fault.device >= 0) {
      scale_device(graph, fault, scales, found);
    } else if (fault.level >= 0 && fault.planes > 0) {
      scale_planes(plan, separate_planes, graph, fault, scales, found);
    }
    if (found == 0) {
      return fail(
          fault.device >= 0
              ? fmt::format("a fault of device {}, which has no such link", fault.device)
              : fmt::format("a fault between {} and {}, which have no link", fault.from, fault.to),
          "name the two ends of a link, a device and its level, or a level and its planes");
    }
    scales.even &= fault.planes > 0 && !separate_planes;
  }
  if (!scales.even) graph.parts.clear();
  std::size_t kept = 0;
  for (std::size_t cable = 0; cable < scales.of.size(); ++cable) {
    if (!(scales.of[cable] > 0)) {
      graph.parts.clear();
      continue;
    }
    for (const std::size_t way : {0, 1}) {
      Link link = graph.links[2 * cable + way];
      link.bandwidth *= scales.of[cable];
      graph.links[kept++] = link;
    }
  }
  graph.links.resize(kept);
  return {};
}

}  // namespace fivefold
