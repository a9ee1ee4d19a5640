// ASTRA-sim's analytical network file: a topology, a count, GB/s of a link and ns for each
// dimension.
#include <algorithm>

#include <fmt/format.h>

#include "fivefold/catalog/fact_reader.h"
#include "fivefold/fabric/import_forms.h"

namespace fivefold {
namespace {

const std::vector<std::string> kAstraKeys = {"topology", "npus_count", "bandwidth", "latency"};

const yaml::Node* dimension_list(const yaml::Node& root, const std::string& key, std::size_t count,
                                 const FactReader& reader) {
  const yaml::Node* node = root.find(key);
  if (node == nullptr) {
    reader.problem(root, fmt::format("no {}", key),
                   fmt::format("{}: [...], one for each dimension", key));
    return nullptr;
  }
  if (!reader.expect_list(*node, key)) return nullptr;
  if (node->items.size() != count) {
    reader.problem(*node,
                   fmt::format("{} has {} entries, topology {}", key, node->items.size(), count),
                   "one for each dimension");
    return nullptr;
  }
  return node;
}

double positive_number(const yaml::Node& node, const FactReader& reader, std::string_view what,
                       double least) {
  const auto value = reader.number(node);
  if (value && *value >= least && *value < 1e12) return *value;
  reader.problem(node, fmt::format("{} '{}' is no {} number", what, node.scalar,
                                   least > 0 ? "positive" : "plain"));
  return 1;
}

// A switch is passed by two links there, and each counts the latency.
void set_topology(const yaml::Node& node, const FactReader& reader, PlanLevel& level) {
  const std::string text = reader.text(node, "topology");
  if (text == "Ring") {
    level.wiring = Wiring::kTorus;
  } else if (text == "FullyConnected") {
    level.wiring = Wiring::kMesh;
  } else if (text == "Switch") {
    level.wiring = Wiring::kSwitch;
    level.latency *= 2;
  } else {
    reader.problem(node, fmt::format("unknown topology '{}'", text),
                   "known: Ring, FullyConnected, Switch");
  }
}

}  // namespace

Result<Topology> read_astra(const yaml::Node& root, const std::string& file, bool separate_planes) {
  std::vector<Problem> problems;
  const FactReader reader(file, 0, problems);
  const yaml::Node* topology = root.find("topology");
  if (topology == nullptr || !topology->is_list() || topology->items.empty()) {
    return fail("topology must be a list", "for example topology: [ Ring, Switch ]",
                {file, root.line, root.column});
  }
  for (std::size_t i = 0; i < root.keys.size(); ++i) {
    bool known = false;
    for (const std::string& key : kAstraKeys) known |= key == root.keys[i];
    if (!known) reader.unknown_key(root, i, "an ASTRA-sim network", kAstraKeys);
  }
  const std::size_t dims = topology->items.size();
  const yaml::Node* counts = dimension_list(root, "npus_count", dims, reader);
  const yaml::Node* bandwidths = dimension_list(root, "bandwidth", dims, reader);
  const yaml::Node* latencies = dimension_list(root, "latency", dims, reader);
  if (counts == nullptr || bandwidths == nullptr || latencies == nullptr) {
    return fail(Error{std::move(problems)});
  }
  FabricPlan plan;
  double devices = 1;
  for (std::size_t i = 0; i < dims; ++i) {
    PlanLevel level;
    const int count = reader.whole_number(counts->items[i], "npus_count", 1, kMostDevices);
    devices *= count;
    if (devices > kMostDevices) {
      reader.problem(counts->items[i], fmt::format("{:.3g} devices", devices),
                     fmt::format("at most {}", kMostDevices));
      break;
    }
    level.name = fmt::format("dimension {} ({})", i + 1, topology->items[i].scalar);
    level.size = int(devices);
    level.dims = {count};
    level.bandwidth = level.link_bandwidth =
        BytesPerSecond(1e9 * positive_number(bandwidths->items[i], reader, "bandwidth", 1e-6));
    level.latency = Seconds(1e-9 * positive_number(latencies->items[i], reader, "latency", 0));
    set_topology(topology->items[i], reader, level);
    if (level.wiring == Wiring::kTorus) level.bandwidth *= double(std::clamp(count - 1, 1, 2));
    if (level.wiring == Wiring::kMesh) level.bandwidth *= double(std::max(1, count - 1));
    if (count > 1) plan.levels.push_back(std::move(level));
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  plan.devices = int(devices);
  auto graph = build_graph(plan, separate_planes);
  if (!graph) {
    for (Problem& problem : graph.error().problems) problem.place = {file, 0, 0};
    return fail(std::move(graph.error()));
  }
  return Topology{{}, "ASTRA-sim", std::move(plan), *std::move(graph)};
}

}  // namespace fivefold
