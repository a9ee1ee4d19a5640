// Our own YAML forms: levels from the inside out, or links between named nodes.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/base/unit_text.h"
#include "fivefold/catalog/fact_reader.h"
#include "fivefold/fabric/import_forms.h"

namespace fivefold {
namespace {

const std::vector<std::string> kRootKeys = {"fabric", "devices", "levels", "fail"};
const std::vector<std::string> kLinkRootKeys = {"fabric", "devices", "switches", "links"};
const std::vector<std::string> kFaultKeys = {"between", "device", "level", "planes", "left"};
const std::vector<std::string> kLevelFields = {"name",
                                               "kind",
                                               "size",
                                               "dims",
                                               "bandwidth",
                                               "link",
                                               "latency",
                                               "planes",
                                               "oversubscription",
                                               "carries_outer",
                                               "leaf",
                                               "rails",
                                               "pod",
                                               "spines",
                                               "cores",
                                               "p",
                                               "a",
                                               "h",
                                               "local_link",
                                               "global_link",
                                               "circuits",
                                               "peer_to_peer",
                                               "devices_per_port",
                                               "medium",
                                               "module",
                                               "optical_share",
                                               "pod_oversubscription"};

struct KindName {
  std::string_view name;
  Wiring wiring;
};
constexpr KindName kWirings[] = {{"full-mesh", Wiring::kMesh},      {"nd-full-mesh", Wiring::kMesh},
                                 {"direct", Wiring::kMesh},         {"torus", Wiring::kTorus},
                                 {"switch", Wiring::kSwitch},       {"clos", Wiring::kSwitch},
                                 {"pcie-switch", Wiring::kPcie},    {"host", Wiring::kHost},
                                 {"dragonfly", Wiring::kDragonfly}, {"circuits", Wiring::kMesh}};

template <class Q>
Q quantity(const yaml::Node& node, const FactReader& reader, std::string_view what) {
  const auto value = parse_quantity_as<Q>(reader.text(node, what));
  if (value) return *value;
  const Problem& found = value.error().problems.front();
  reader.problem(node, fmt::format("{}: {}", what, found.what), found.hint);
  return Q(1);  // another problem of the same field would say nothing new
}

bool yes(const yaml::Node& node, const FactReader& reader, std::string_view what) {
  if (node.scalar == "true" || node.scalar == "yes") return true;
  if (node.scalar != "false" && node.scalar != "no") {
    reader.problem(node, fmt::format("{} '{}' must be true or false", what, node.scalar));
  }
  return false;
}

double plain_number(const yaml::Node& node, const FactReader& reader, std::string_view what,
                    double least, double most) {
  const auto value = reader.number(node);
  if (value && *value >= least && *value <= most) return *value;
  reader.problem(node, fmt::format("{} '{}' must be a number from {:g} to {:g}", what, node.scalar,
                                   least, most));
  return least;
}

class LevelReader {
 public:
  LevelReader(const FactReader& reader, const std::vector<Problem>& problems, int number)
      : reader_(reader), problems_(problems) {
    level_.name = fmt::format("level {}", number);
    level_.latency = Seconds(0);
  }

  PlanLevel read(const yaml::Node& node, int inner_size) {
    const std::size_t problems_before = problems_.size();
    for (std::size_t i = 0; i < node.keys.size(); ++i) field(node, i);
    // What follows from a wrong field would only repeat it.
    if (problems_.size() == problems_before) check(node, inner_size);
    level_.bandwidth /= std::max(1.0, oversubscription_);
    level_.clos.oversubscription = level_.clos.leaf > 0 ? oversubscription_ : 1;
    if (level_.clos.leaf > 0) level_.bandwidth *= std::max(1.0, oversubscription_);
    return level_;
  }

 private:
  void field(const yaml::Node& node, std::size_t i) {
    const std::string& key = node.keys[i];
    const yaml::Node& value = node.items[i];
    const auto whole = [&](int& into) { into = reader_.whole_number(value, key, 1, kMostDevices); };
    if (key == "name") {
      level_.name = reader_.text(value, key);
    } else if (key == "kind") {
      kind(value);
    } else if (key == "size") {
      whole(level_.size);
    } else if (key == "dims") {
      dims(value);
    } else if (key == "planes") {
      whole(level_.planes);
    } else if (key == "devices_per_port") {
      whole(level_.devices_per_port);
    } else if (key == "circuits") {
      circuits(value);
    } else if (key == "carries_outer") {
      level_.carries_outer = yes(value, reader_, key);
    } else if (key == "peer_to_peer") {
      level_.peer_to_peer = yes(value, reader_, key);
    } else if (key == "oversubscription") {
      oversubscription_ = plain_number(value, reader_, key, 1, 1000);
    } else if (!clos_field(key, value) && !dragonfly_field(key, value) &&
               !quantity_field(key, value)) {
      reader_.unknown_key(node, i, "a level", kLevelFields);
    }
  }

  bool clos_field(const std::string& key, const yaml::Node& value) {
    Clos& clos = level_.clos;
    int* const counts[] = {&clos.leaf, &clos.pod, &clos.spines, &clos.cores};
    constexpr std::string_view kNames[] = {"leaf", "pod", "spines", "cores"};
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
      if (key != kNames[i]) continue;
      *counts[i] = reader_.whole_number(value, key, 1, kMostDevices);
      return true;
    }
    if (key == "rails") {
      clos.rails = yes(value, reader_, key);
    } else if (key == "pod_oversubscription") {
      clos.pod_oversubscription = plain_number(value, reader_, key, 1, 1000);
    } else {
      return false;
    }
    return true;
  }

  bool dragonfly_field(const std::string& key, const yaml::Node& value) {
    Dragonfly& shape = level_.dragonfly;
    if (key == "p" || key == "a" || key == "h") {
      int& into = key == "p" ? shape.p : key == "a" ? shape.a : shape.h;
      into = reader_.whole_number(value, key, 1, 100'000);
    } else if (key == "local_link") {
      shape.local = quantity<BytesPerSecond>(value, reader_, key);
    } else if (key == "global_link") {
      shape.global = quantity<BytesPerSecond>(value, reader_, key);
    } else {
      return false;
    }
    return true;
  }

  bool quantity_field(const std::string& key, const yaml::Node& value) {
    if (key == "bandwidth") {
      level_.bandwidth = positive(value, key);
    } else if (key == "link") {
      level_.link_bandwidth = positive(value, key);
    } else if (key == "module") {
      level_.module = positive(value, key);
    } else if (key == "latency") {
      level_.latency = quantity<Seconds>(value, reader_, key);
    } else if (key == "optical_share") {
      level_.optical_share = plain_number(value, reader_, key, 0, 1);
    } else if (key == "medium") {
      const std::string text = reader_.text(value, key);
      level_.medium = medium_named(text).value_or(Medium::kUnknown);
      if (level_.medium == Medium::kUnknown) {
        reader_.problem(value, fmt::format("unknown medium '{}'", text),
                        "known: board, copper, optical");
      }
    } else {
      return false;
    }
    return true;
  }

  BytesPerSecond positive(const yaml::Node& value, const std::string& key) {
    const auto bandwidth = quantity<BytesPerSecond>(value, reader_, key);
    if (bandwidth.value() > 0) return bandwidth;
    reader_.problem(value, fmt::format("a {} of zero", key), "for example 50 GB/s");
    return BytesPerSecond(1);
  }

  void kind(const yaml::Node& value) {
    const std::string text = reader_.text(value, "kind");
    std::vector<std::string> known;
    for (const KindName& kind : kWirings) {
      known.emplace_back(kind.name);
      if (kind.name == text) {
        level_.wiring = kind.wiring;
        has_kind_ = true;
        wants_circuits_ = text == "circuits";
      }
    }
    if (!has_kind_) {
      reader_.problem(value, fmt::format("unknown kind '{}' of a level", text),
                      fmt::format("known: {}", fmt::join(known, ", ")));
      has_kind_ = true;
    }
  }

  void dims(const yaml::Node& value) {
    if (!reader_.expect_list(value, "dims")) return;
    for (const yaml::Node& item : value.items) {
      level_.dims.push_back(reader_.whole_number(item, "an extent of dims", 1, kMostDevices));
    }
  }

  void circuits(const yaml::Node& value) {
    if (!reader_.expect_list(value, "circuits")) return;
    for (const yaml::Node& item : value.items) {
      if (!item.is_list() || item.items.size() != 2) {
        reader_.problem(item, "a circuit joins two blocks", "for example [0, 1]");
        continue;
      }
      level_.circuits.emplace_back(reader_.whole_number(item.items[0], "a block", 0, kMostDevices),
                                   reader_.whole_number(item.items[1], "a block", 0, kMostDevices));
    }
  }

  bool direct() const { return level_.wiring == Wiring::kMesh || level_.wiring == Wiring::kTorus; }

  // What one field leaves open the others say.
  void check(const yaml::Node& node, int inner_size) {
    if (!has_kind_) reader_.problem(node, "a level without kind", "for example kind: switch");
    if (level_.size == 1 && !level_.dims.empty()) {
      double size = inner_size;
      for (const int dim : level_.dims) size *= dim;
      level_.size = size <= kMostDevices ? int(size) : kMostDevices;
    }
    if (level_.size <= inner_size) {
      reader_.problem(node,
                      fmt::format("level '{}' joins {} devices, and the level inside already {}",
                                  level_.name, level_.size, inner_size),
                      "size counts devices, all inner levels included");
    }
    if (wants_circuits_ && level_.circuits.empty()) {
      reader_.problem(node, "no circuits are set up", "for example circuits: [[0, 1], [1, 2]]");
    }
    double links = 0;
    for (const int dim : level_.dims) {
      links += level_.wiring == Wiring::kTorus ? std::min(dim - 1, 2) : dim - 1;
    }
    if (level_.dims.empty()) {
      const double members = std::max(1, level_.size / std::max(1, inner_size));
      links = level_.wiring == Wiring::kTorus ? std::min(members - 1, 2.0) : members - 1;
    }
    if (direct() && level_.link_bandwidth.value() <= 0) {
      level_.link_bandwidth = level_.bandwidth / std::max(1.0, links);
    }
    if (direct() && level_.bandwidth.value() <= 0) {
      level_.bandwidth = level_.link_bandwidth * std::max(1.0, links);
    }
    if (level_.bandwidth.value() <= 0) {
      reader_.problem(node, fmt::format("level '{}' has no bandwidth", level_.name),
                      direct() ? "link: of one link, or bandwidth: of one device"
                               : "bandwidth: of one device, per direction");
    }
  }

  const FactReader& reader_;
  const std::vector<Problem>& problems_;
  PlanLevel level_;
  double oversubscription_ = 1;
  bool has_kind_ = false;
  bool wants_circuits_ = false;
};

Fault read_fault(const yaml::Node& node, const FactReader& reader) {
  Fault fault;
  if (!reader.expect_map(node, "an entry of fail")) return fault;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& key = node.keys[i];
    const yaml::Node& value = node.items[i];
    if (key == "between") {
      if (!value.is_list() || value.items.size() != 2) {
        reader.problem(value, "a fault is between two nodes", "for example between: [0, 1]");
        continue;
      }
      fault.from = reader.whole_number(value.items[0], "a node", 0, kMostDevices);
      fault.to = reader.whole_number(value.items[1], "a node", 0, kMostDevices);
    } else if (key == "device") {
      fault.device = reader.whole_number(value, key, 0, kMostDevices);
    } else if (key == "level") {
      fault.level = reader.whole_number(value, key, 0, 64);
    } else if (key == "planes") {
      fault.planes = reader.whole_number(value, key, 1, kMostDevices);
    } else if (key == "left") {
      fault.left = plain_number(value, reader, key, 0, 1);
    } else {
      reader.unknown_key(node, i, "a fault", kFaultKeys);
    }
  }
  return fault;
}

// Numbers or names of devices and switches.
class LinkReader {
 public:
  explicit LinkReader(const FactReader& reader) : reader_(reader) {}

  void devices(const yaml::Node& node) {
    if (node.is_list()) return names(node, NodeKind::kDevice);
    const int count = reader_.whole_number(node, "devices", 1, kMostDevices);
    for (int i = 0; i < count; ++i) nodes_[std::to_string(i)] = graph_.add_device({});
  }

  void switches(const yaml::Node& node) { names(node, NodeKind::kSwitch); }

  void link(const yaml::Node& node) {
    if (!node.is_list() || node.items.size() < 3 || node.items.size() > 4) {
      return reader_.problem(node, "a link is a list of two nodes, a bandwidth and a latency",
                             "for example [0, s0, 50 GB/s, 1 us]");
    }
    const int from = find(node.items[0]), to = find(node.items[1]);
    const auto bandwidth = quantity<BytesPerSecond>(node.items[2], reader_, "bandwidth");
    if (!(bandwidth.value() > 0)) reader_.problem(node.items[2], "a link of no bandwidth");
    const auto latency =
        node.items.size() > 3 ? quantity<Seconds>(node.items[3], reader_, "latency") : Seconds(0);
    if (from >= 0 && from == to) reader_.problem(node, "a link from a node to itself");
    if (from >= 0 && to >= 0) graph_.add_cable(from, to, bandwidth, latency);
  }

  const NamedGraph& graph() const { return graph_; }

 private:
  void names(const yaml::Node& node, NodeKind kind) {
    if (!reader_.expect_list(node, kind == NodeKind::kDevice ? "devices" : "switches")) return;
    for (const yaml::Node& item : node.items) {
      const std::string name = reader_.text(item, "a name");
      const auto [entry, fresh] = nodes_.try_emplace(name, 0);
      if (!fresh) {
        reader_.problem(item, fmt::format("'{}' is there twice", name));
        continue;
      }
      entry->second =
          kind == NodeKind::kDevice ? graph_.add_device(name) : graph_.add_node(name, kind);
    }
  }

  int find(const yaml::Node& node) {
    const auto found = nodes_.find(node.scalar);
    if (found != nodes_.end()) return found->second;
    std::vector<std::string> known;
    for (const auto& [name, number] : nodes_) known.push_back(name);
    reader_.problem(node, fmt::format("no device and no switch '{}'", node.scalar),
                    did_you_mean(node.scalar, known));
    return -1;
  }

  const FactReader& reader_;
  NamedGraph graph_;
  std::map<std::string, int, std::less<>> nodes_;
};

}  // namespace

Result<Topology> read_levels(const yaml::Node& root, const std::string& file,
                             bool separate_planes) {
  std::vector<Problem> problems;
  const FactReader reader(file, 0, problems);
  FabricPlan plan;
  for (std::size_t i = 0; i < root.keys.size(); ++i) {
    const std::string& key = root.keys[i];
    const yaml::Node& value = root.items[i];
    if (key == "fabric") {
      plan.name = reader.text(value, key);
    } else if (key == "devices") {
      plan.devices = reader.whole_number(value, key, 1, kMostDevices);
    } else if (key == "levels" && reader.expect_list(value, key)) {
      for (const yaml::Node& item : value.items) {
        if (!reader.expect_map(item, "a level")) continue;
        const int inner = plan.levels.empty() ? 1 : plan.levels.back().size;
        plan.levels.push_back(
            LevelReader(reader, problems, int(plan.levels.size())).read(item, inner));
      }
    } else if (key == "fail" && reader.expect_list(value, key)) {
      for (const yaml::Node& item : value.items) plan.faults.push_back(read_fault(item, reader));
    } else if (key != "levels" && key != "fail") {
      reader.unknown_key(root, i, "a fabric", kRootKeys);
    }
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  if (plan.devices == 0 && !plan.levels.empty()) plan.devices = plan.levels.back().size;
  auto graph = build_graph(plan, separate_planes);
  if (!graph) {
    for (Problem& problem : graph.error().problems) problem.place = {file, 0, 0};
    return fail(std::move(graph.error()));
  }
  std::string name = plan.name;
  return Topology{std::move(name), "levels", std::move(plan), *std::move(graph)};
}

Result<Topology> read_links(const yaml::Node& root, const std::string& file) {
  std::vector<Problem> problems;
  const FactReader reader(file, 0, problems);
  LinkReader links(reader);
  std::string name;
  // Nodes first, wherever they stand.
  if (const yaml::Node* devices = root.find("devices")) {
    links.devices(*devices);
  } else {
    reader.problem(root, "a fabric of links without devices", "devices: 8, or a list of names");
  }
  if (const yaml::Node* switches = root.find("switches")) links.switches(*switches);
  for (std::size_t i = 0; i < root.keys.size(); ++i) {
    const std::string& key = root.keys[i];
    if (key == "fabric") {
      name = reader.text(root.items[i], key);
    } else if (key == "links" && reader.expect_list(root.items[i], key)) {
      for (const yaml::Node& item : root.items[i].items) links.link(item);
    } else if (key != "links" && key != "devices" && key != "switches") {
      reader.unknown_key(root, i, "a fabric", kLinkRootKeys);
    }
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  auto graph = links.graph().finish(file);
  if (!graph) return fail(std::move(graph.error()));
  return Topology{std::move(name), "links", std::nullopt, *std::move(graph)};
}

}  // namespace fivefold
