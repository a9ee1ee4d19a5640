#include "fivefold/fabric/machine.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fivefold {
namespace {

// End-to-end latency where neither the catalog nor the library knows one: between a switch hop
// inside a node (about 1 us measured on UB) and one of Ethernet across a data centre (5.6 us, arXiv
// 2505.09343 table 5).
constexpr Seconds kAssumedLatencyInside{1e-6};
constexpr Seconds kAssumedLatencyOutside{4e-6};

bool is_switched(LevelKind kind) {
  return kind == LevelKind::kSwitch || kind == LevelKind::kClos || kind == LevelKind::kPcieSwitch ||
         kind == LevelKind::kHost;
}

int product(const std::vector<int>& dims) {
  int result = 1;
  for (const int dim : dims) result *= dim;
  return result;
}

// Links of one device at a mesh or torus: one to each other member of each dimension, or two of a
// ring.
int links_of(LevelKind kind, const std::vector<int>& dims) {
  int links = 0;
  for (const int dim : dims) {
    links += kind == LevelKind::kTorus ? std::min(dim - 1, 2) : dim - 1;
  }
  return links;
}

bool has_links(LevelKind kind) {
  return kind == LevelKind::kFullMesh || kind == LevelKind::kNdFullMesh ||
         kind == LevelKind::kTorus;
}

void set_latency(Level& level, Seconds known, const System& system, const Stack& stack,
                 Seconds assumed) {
  level.latency = known;
  if (known.value() > 0) return;
  if (const auto fitted = link_parameter(stack, system, level.fabric, "latency")) {
    level.latency = Seconds(*fitted);
    return;
  }
  level.latency = assumed;
  level.assumed_latency = true;
}

void set_library(Level& level, const System& system, const Stack& stack) {
  level.link = link_table(stack, system, level.fabric, level.latency);
  level.efficiency = level.link[Traffic::kSendRecv].efficiency;
  level.in_network_reduction = level.link[Traffic::kAllReduce].in_network_efficiency > 0;
}

// The links of a mesh belong to the whole level, also where a machine uses a part of it.
void set_links(Level& level, const SystemLevel& from, int inner_size) {
  const int members = std::max(1, from.size / std::max(1, inner_size));
  level.dims = from.dims;
  if (product(level.dims) != members) level.dims = {members};
  const int links = std::max(1, links_of(level.kind, level.dims));
  level.link_bandwidth =
      from.link_bandwidth.value() > 0 ? from.link_bandwidth : level.bandwidth / double(links);
}

Result<Level> build_level(const System& system, const SystemLevel& from, int inner_size,
                          int devices, const Stack& stack) {
  const std::string fabric = fabric_key(*system.chip, name(from.kind));
  BytesPerSecond bandwidth = from.bandwidth;
  if (bandwidth.value() <= 0) {
    bandwidth = BytesPerSecond(link_parameter(stack, system, fabric, "bandwidth").value_or(0));
  }
  if (bandwidth.value() <= 0) {
    return fail(
        fmt::format("the bandwidth of level '{}' of {} is not published", from.name, system.id),
        "give it in a file of your own: fivefold --catalog DIR");
  }
  Level level;
  level.name = from.name;
  level.kind = from.kind;
  level.fabric = fabric;
  level.size = std::min(from.size, devices);
  level.fanout = (level.size + inner_size - 1) / inner_size;
  level.bandwidth = bandwidth / std::max(1.0, from.oversubscription);
  if (has_links(level.kind)) set_links(level, from, inner_size);
  set_latency(level, from.latency, system, stack, kAssumedLatencyInside);
  set_library(level, system, stack);
  return level;
}

Result<Level> build_scale_out(const System& system, int devices, const Stack& stack) {
  if (system.scale_out_per_device.value() <= 0) {
    return fail(
        fmt::format("{} devices need more than one {} and its scale-out bandwidth is not published",
                    devices, system.id),
        fmt::format("one {} has {} devices", system.id, system.devices()));
  }
  Level level;
  level.name = system.scale_out_name.empty() ? "scale-out" : system.scale_out_name;
  level.kind = LevelKind::kClos;
  level.fabric = fabric_key(*system.chip, "scale_out");
  level.size = devices;
  level.fanout = (devices + system.devices() - 1) / system.devices();
  level.bandwidth = system.scale_out_per_device;
  set_latency(level, Seconds(0), system, stack, kAssumedLatencyOutside);
  set_library(level, system, stack);
  return level;
}

}  // namespace

Result<Machine> build_machine(const System& system, int chips, const Stack& stack) {
  if (system.chip == nullptr || system.chips <= 0) {
    return fail(fmt::format("system '{}' has no chips", system.id));
  }
  if (chips <= 0)
    return fail(fmt::format("a machine of {} chips", chips), "give at least one chip");
  Machine machine;
  machine.system = &system;
  machine.device = system.chip->device;
  machine.chips = chips;
  machine.devices = chips * system.chip->devices_per_chip;
  machine.systems = double(chips) / system.chips;
  int inner_size = 1;
  for (const SystemLevel& from : system.levels) {
    if (inner_size >= machine.devices) break;
    if (from.size <= inner_size) continue;
    auto level = build_level(system, from, inner_size, machine.devices, stack);
    if (!level) return fail(std::move(level.error()));
    inner_size = level->size;
    machine.levels.push_back(*std::move(level));
  }
  for (std::size_t i = 0; i + 1 < machine.levels.size(); ++i) {
    machine.levels[i].carries_outer =
        is_switched(machine.levels[i].kind) && is_switched(machine.levels[i + 1].kind);
  }
  if (machine.devices > inner_size) {
    auto level = build_scale_out(system, machine.devices, stack);
    if (!level) return fail(std::move(level.error()));
    machine.levels.push_back(*std::move(level));
  }
  return machine;
}

namespace {

struct Usage {
  double links = 0;  // that reductions can keep busy
  double exchange =
      0;  // seconds x link bandwidth to exchange one byte in all: the busiest dimension's load
};

// Members fill a level's dimensions from the first on.
Usage usage(const Level& level, int members) {
  Usage result;
  int left = members;
  for (const int dim : level.dims) {
    const int used = std::min(dim, left);
    if (used <= 1) break;
    left = (left + used - 1) / used;
    const bool ring = level.kind == LevelKind::kTorus;
    result.links += ring ? std::min(used - 1, 2) : used - 1;
    // All-to-all routed dimension by dimension. Full mesh: 1/d of the buffer on each link. Ring:
    // half of the buffers cross its bisection of two links each way, d/8 of a buffer a link; a part
    // of a ring is a line, whose bisection is half of that.
    const double ring_load = used == dim ? used / 8.0 : used / 4.0;
    const double load = ring && used > 2 ? ring_load : 1.0 / used;
    result.exchange = std::max(result.exchange, load);
  }
  return result;
}

}  // namespace

BytesPerSecond usable_bandwidth(const Level& level, int members, Pattern pattern) {
  if (!has_links(level.kind) || members <= 1) return level.bandwidth;
  if (pattern == Pattern::kPair) return std::min(level.link_bandwidth, level.bandwidth);
  const Usage used = usage(level, members);
  const BytesPerSecond port = std::min(level.link_bandwidth * used.links, level.bandwidth);
  if (pattern == Pattern::kReduction) return port;
  // (n-1)/n of the buffer leaves each device.
  const BytesPerSecond exchange =
      level.link_bandwidth * ((members - 1.0) / members / used.exchange);
  return std::min(port, exchange);
}

}  // namespace fivefold
