#include "fivefold/fabric/plan.h"

#include <algorithm>

#include <fmt/format.h>

namespace fivefold {
namespace {

Wiring wiring_of(LevelKind kind) {
  switch (kind) {
    case LevelKind::kDirect:
    case LevelKind::kFullMesh:
    case LevelKind::kNdFullMesh:
      return Wiring::kMesh;
    case LevelKind::kTorus:
      return Wiring::kTorus;
    case LevelKind::kPcieSwitch:
      return Wiring::kPcie;
    case LevelKind::kHost:
      return Wiring::kHost;
    case LevelKind::kSwitch:
    case LevelKind::kClos:
    case LevelKind::kUnknown:
      break;
  }
  return Wiring::kSwitch;
}

int whole_fact(const Facts& facts, std::string_view path, int otherwise) {
  const Fact* fact = facts.find(path);
  if (fact == nullptr || !fact->is_number() || fact->number < 1 || fact->number > 1e6) {
    return otherwise;
  }
  return int(fact->number);
}

// What only the catalog's level knows; the machine's levels carry what closed forms need.
void take_catalog(PlanLevel& level, const SystemLevel& from) {
  level.planes = whole_fact(from.facts, "switches", 1);
  level.devices_per_port = from.devices_per_port;
  const Fact* peers = from.facts.find("peer_to_peer");
  if (peers != nullptr && peers->kind == Fact::Kind::kBool) level.peer_to_peer = peers->flag;
  const Fact* medium = from.facts.find("medium");
  if (medium != nullptr) level.medium = medium_named(medium->text).value_or(Medium::kUnknown);
  const Fact* module = from.facts.find("module");
  if (module != nullptr && module->is_number()) level.module = BytesPerSecond(module->number);
  const Fact* share = from.facts.find("optical_share");
  if (share != nullptr && share->is_number()) level.optical_share = share->number;
}

const SystemLevel* catalog_level(const Machine& machine, const Level& level) {
  for (const SystemLevel& from : machine.system->levels) {
    if (from.name == level.name && from.kind == level.kind) return &from;
  }
  return nullptr;
}

}  // namespace

std::string_view name(Wiring wiring) {
  switch (wiring) {
    case Wiring::kMesh:
      return "full mesh";
    case Wiring::kTorus:
      return "torus";
    case Wiring::kSwitch:
      return "switch";
    case Wiring::kPcie:
      return "PCIe switch";
    case Wiring::kHost:
      return "host";
    case Wiring::kDragonfly:
      return "dragonfly";
  }
  return "";
}

std::string_view name(Medium medium) {
  switch (medium) {
    case Medium::kBoard:
      return "board";
    case Medium::kCopper:
      return "copper";
    case Medium::kOptical:
      return "optical";
    case Medium::kUnknown:
      break;
  }
  return "unknown";
}

std::optional<Medium> medium_named(std::string_view text) {
  for (const Medium medium : {Medium::kBoard, Medium::kCopper, Medium::kOptical}) {
    if (name(medium) == text) return medium;
  }
  return std::nullopt;
}

FabricPlan plan_of(const Machine& machine, const GraphOptions& options) {
  FabricPlan plan;
  plan.name = machine.system == nullptr ? std::string() : machine.system->name;
  plan.devices = machine.devices;
  plan.faults = options.faults;
  int inner_planes = 1;
  for (const Level& from : machine.levels) {
    PlanLevel level;
    level.name = from.name;
    level.wiring = wiring_of(from.kind);
    level.size = from.size;
    level.bandwidth = from.bandwidth;
    level.latency = from.latency;
    level.dims = from.dims;
    level.link_bandwidth = from.link_bandwidth.value() > 0 ? from.link_bandwidth : from.bandwidth;
    level.carries_outer = from.carries_outer;
    if (machine.system != nullptr) {
      if (const SystemLevel* facts = catalog_level(machine, from)) {
        take_catalog(level, *facts);
      } else {
        level.medium = Medium::kOptical;
        plan.assumed.push_back(fmt::format("'{}' is taken as optical", from.name));
      }
    }
    const bool carried = !plan.levels.empty() && plan.levels.back().carries_outer;
    // The catalog counts all switches of a level; those above a plane belong to it.
    if (carried) level.planes = std::max(1, level.planes / inner_planes);
    inner_planes = carried ? inner_planes * level.planes : level.planes;
    if (from.kind == LevelKind::kUnknown) {
      plan.assumed.push_back(
          fmt::format("the wiring of '{}' is not published: taken as one switch", from.name));
    }
    if (from.assumed_latency) {
      plan.assumed.push_back(fmt::format("the latency of '{}' is not published: taken as {:g} us",
                                         from.name, from.latency.value() * 1e6));
    }
    if (options.peer_to_peer) level.peer_to_peer = *options.peer_to_peer;
    if (from.kind == LevelKind::kClos && &from == &machine.levels.back()) {
      if (options.scale_out) {
        level.clos = *options.scale_out;
      } else {
        plan.assumed.push_back(fmt::format(
            "'{}' is taken as one stage of switches that lets everything pass", from.name));
      }
    }
    plan.levels.push_back(std::move(level));
  }
  return plan;
}

Result<Graph> build_graph(const Machine& machine, const GraphOptions& options) {
  return build_graph(plan_of(machine, options), options.separate_planes);
}

}  // namespace fivefold
