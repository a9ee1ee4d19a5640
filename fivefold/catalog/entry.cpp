#include "fivefold/catalog/entry.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace fivefold {
namespace {

constexpr int kMostDevicesPerChip = 64;
constexpr int kMostChips = 10'000'000;

const std::vector<std::string> kChipKeys = {
    "id", "name", "vendor", "status", "architecture", "extends", "aliases", "devices_per_chip"};
const std::vector<std::string> kSystemKeys = {
    "id", "name", "vendor", "status", "extends", "aliases", "chips", "levels", "measurements"};
const std::vector<std::string> kLevelKeys = {"name", "kind", "size", "unit", "dims"};

const std::pair<std::string_view, LevelKind> kLevelKinds[] = {
    {"direct", LevelKind::kDirect},
    {"full-mesh", LevelKind::kFullMesh},
    {"nd-full-mesh", LevelKind::kNdFullMesh},
    {"switch", LevelKind::kSwitch},
    {"clos", LevelKind::kClos},
    {"torus", LevelKind::kTorus},
    {"pcie-switch", LevelKind::kPcieSwitch},
    {"host", LevelKind::kHost},
    {"unknown", LevelKind::kUnknown}};

bool is_one_of(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The fields that every entry has. False if the key is none of them.
bool read_common(const yaml::Node& node, std::size_t i, const FactReader& reader, Entry& entry) {
  const std::string& key = node.keys[i];
  const yaml::Node& value = node.items[i];
  if (key == "id") {
    entry.id = reader.text(value, "id");
  } else if (key == "name") {
    entry.name = reader.text(value, "name");
  } else if (key == "vendor") {
    entry.vendor = reader.text(value, "vendor");
  } else if (key == "status") {
    entry.status = reader.text(value, "status");
  } else if (key == "architecture") {
    entry.architecture = reader.text(value, "architecture");
  } else if (key == "extends") {
    entry.extends = reader.text(value, "extends");
    entry.extends_place = reader.place(value);
  } else if (key == "aliases") {
    entry.aliases = reader.texts(value, "aliases");
  } else {
    return false;
  }
  return true;
}

// The fields of `node` that are facts, with the table's names and `bare` as the known ones.
void read_fact_field(const yaml::Node& node, std::size_t i, Scope scope,
                     const std::vector<std::string>& bare, const FactReader& reader,
                     std::vector<Fact>& facts) {
  const std::string& key = node.keys[i];
  if (!rule_for(scope, key) && !is_group(scope, key)) {
    std::vector<std::string> known = bare;
    for (std::string& name : names_under(scope, "")) known.push_back(std::move(name));
    reader.unknown_key(node, i, "this entry", known);
    return;
  }
  yaml::Node one;
  one.kind = yaml::Node::Kind::kMap;
  one.keys = {key};
  one.key_places = {node.key_places[i]};
  one.items = {node.items[i]};
  reader.facts(one, "", scope, facts);
}

bool finish_entry(const yaml::Node& node, const FactReader& reader, std::string_view what,
                  Entry& entry) {
  if (entry.id.empty()) {
    reader.problem(node, fmt::format("a {} without id", what), "add id:");
    return false;
  }
  for (Fact& fact : entry.facts) fact.owner = entry.id;
  for (RawLevel& level : entry.levels) {
    for (Fact& fact : level.facts) fact.owner = entry.id;
  }
  return true;
}

void read_chip_counts(const yaml::Node& node, const FactReader& reader, Entry& entry) {
  if (!reader.expect_list(node, "chips")) return;
  if (node.items.size() != 1) {
    reader.problem(node, "a system has chips of one kind", "write one {id: ..., count: ...}");
    return;
  }
  const yaml::Node& item = node.items.front();
  if (!reader.expect_map(item, "an entry of chips")) return;
  for (std::size_t i = 0; i < item.keys.size(); ++i) {
    if (item.keys[i] == "id") {
      entry.chip = reader.text(item.items[i], "chip id");
      entry.chip_place = reader.place(item.items[i]);
    } else if (item.keys[i] == "count") {
      entry.chips = reader.whole_number(item.items[i], "count", 1, kMostChips);
    } else {
      reader.unknown_key(item, i, "chips", {"id", "count"});
    }
  }
  if (entry.chip.empty() || entry.chips == 0) reader.problem(item, "chips need an id and a count");
}

RawLevel read_level(const yaml::Node& node, const FactReader& reader) {
  RawLevel level;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& key = node.keys[i];
    const yaml::Node& value = node.items[i];
    if (key == "name") {
      level.name = reader.text(value, "name");
    } else if (key == "size" && value.is_null()) {
      level.size = 0;  // not published: the level is left out
    } else if (key == "size") {
      level.size = reader.whole_number(value, "size", 1, kMostChips);
    } else if (key == "unit") {
      const std::string unit = reader.text(value, "unit");
      level.counts_devices = unit == "die" || unit == "device";
      if (!level.counts_devices && unit != "chip") {
        reader.problem(value, fmt::format("unit '{}' of a level must be chip or die", unit));
      }
    } else if (key == "dims") {
      if (!reader.expect_list(value, "dims")) continue;
      for (const yaml::Node& item : value.items) {
        level.dims.push_back(reader.whole_number(item, "an extent of dims", 1, kMostChips));
      }
    } else if (key == "kind") {
      const std::string kind = reader.text(value, "kind");
      std::vector<std::string> known;
      bool found = false;
      for (const auto& [name, number] : kLevelKinds) {
        known.emplace_back(name);
        if (name == kind) level.kind = number, found = true;
      }
      if (!found) {
        reader.problem(value, fmt::format("unknown kind '{}' of a level", kind),
                       fmt::format("known: {}", fmt::join(known, ", ")));
      }
    } else {
      read_fact_field(node, i, Scope::kLevel, kLevelKeys, reader, level.facts);
    }
  }
  return level;
}

void read_levels(const yaml::Node& node, const FactReader& reader, Entry& entry) {
  if (!reader.expect_list(node, "levels")) return;
  for (const yaml::Node& item : node.items) {
    if (!reader.expect_map(item, "a level")) continue;
    entry.levels.push_back(read_level(item, reader));
  }
}

// A measurement is known by what was measured and on how many ranks.
void read_measurements(const yaml::Node& node, const FactReader& reader, Entry& entry) {
  if (!reader.expect_list(node, "measurements")) return;
  for (const yaml::Node& item : node.items) {
    if (!reader.expect_map(item, "a measurement")) continue;
    const yaml::Node* what = item.find("what");
    if (!what) {
      reader.problem(item, "a measurement must say what was measured", "add what:");
      continue;
    }
    std::string path = "measurements." + reader.text(*what, "what");
    if (const yaml::Node* chips = item.find("chips"))
      path += fmt::format(", {} chips", chips->scalar);
    if (auto fact = reader.fact(item, path, nullptr)) {
      if (fact->reading.empty()) fact->reading = "measured";
      entry.facts.push_back(std::move(*fact));
    }
  }
}

bool stays_with_owner(const Fact& fact) {
  return fact.path.starts_with("measurements.") || fact.path.starts_with("claims.");
}

}  // namespace

void read_chips(const yaml::Node& list, const FactReader& reader, std::vector<Entry>& into) {
  if (!reader.expect_list(list, "chips")) return;
  for (const yaml::Node& node : list.items) {
    if (!reader.expect_map(node, "a chip")) continue;
    Entry entry;
    entry.place = reader.place(node);
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      if (read_common(node, i, reader, entry)) continue;
      if (node.keys[i] == "devices_per_chip") {
        entry.devices_per_chip =
            reader.whole_number(node.items[i], "devices_per_chip", 1, kMostDevicesPerChip);
      } else {
        read_fact_field(node, i, Scope::kChip, kChipKeys, reader, entry.facts);
      }
    }
    if (finish_entry(node, reader, "chip", entry)) into.push_back(std::move(entry));
  }
}

void read_systems(const yaml::Node& list, const FactReader& reader, std::vector<Entry>& into) {
  if (!reader.expect_list(list, "systems")) return;
  for (const yaml::Node& node : list.items) {
    if (!reader.expect_map(node, "a system")) continue;
    Entry entry;
    entry.place = reader.place(node);
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const std::string& key = node.keys[i];
      if (read_common(node, i, reader, entry)) continue;
      if (key == "chips") {
        read_chip_counts(node.items[i], reader, entry);
      } else if (key == "levels") {
        read_levels(node.items[i], reader, entry);
      } else if (key == "measurements") {
        read_measurements(node.items[i], reader, entry);
      } else {
        read_fact_field(node, i, Scope::kSystem, kSystemKeys, reader, entry.facts);
      }
    }
    if (finish_entry(node, reader, "system", entry)) into.push_back(std::move(entry));
  }
}

namespace {

void take_missing(std::string& mine, const std::string& other) {
  if (mine.empty()) mine = other;
}

// Facts of `first` win; the order is that of `second`, then what only `first` has.
std::vector<Fact> merged(std::vector<Fact> first, const std::vector<Fact>& second) {
  std::vector<Fact> result;
  result.reserve(first.size() + second.size());
  std::vector<bool> used(first.size(), false);
  for (const Fact& fact : second) {
    const auto own = std::find_if(first.begin(), first.end(),
                                  [&](const Fact& f) { return f.path == fact.path; });
    if (own == first.end()) {
      result.push_back(fact);
    } else {
      used[static_cast<std::size_t>(own - first.begin())] = true;
      result.push_back(*own);
    }
  }
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (!used[i]) result.push_back(std::move(first[i]));
  }
  return result;
}

void take_what_is_missing(Entry& entry, const Entry& other) {
  take_missing(entry.vendor, other.vendor);
  take_missing(entry.status, other.status);
  take_missing(entry.architecture, other.architecture);
  if (!entry.devices_per_chip) entry.devices_per_chip = other.devices_per_chip;
  if (entry.chip.empty()) {
    entry.chip = other.chip;
    entry.chip_place = other.chip_place;
    entry.chips = other.chips;
  }
  if (entry.levels.empty()) entry.levels = other.levels;
}

}  // namespace

void lay_over(Entry& below, Entry above) {
  take_what_is_missing(above, below);
  take_missing(above.name, below.name);
  if (above.extends.empty()) {
    above.extends = below.extends;
    above.extends_place = below.extends_place;
  }
  for (const std::string& alias : below.aliases) {
    if (!is_one_of(above.aliases, alias)) above.aliases.push_back(alias);
  }
  above.facts = merged(std::move(above.facts), below.facts);
  below = std::move(above);
}

void inherit(Entry& heir, const Entry& ancestor) {
  take_what_is_missing(heir, ancestor);
  std::vector<Fact> passed_on;
  for (const Fact& fact : ancestor.facts) {
    if (!stays_with_owner(fact)) passed_on.push_back(fact);
  }
  heir.facts = merged(std::move(heir.facts), passed_on);
}

namespace {

enum class Visit : char { kNew, kOpen, kDone };

struct Resolver {
  std::vector<Entry>& entries;
  std::string_view what;
  std::vector<Problem>& problems;
  std::map<std::string, std::size_t, std::less<>> by_id;
  std::vector<Visit> visits;
  std::vector<std::size_t> path;

  void report_cycle(std::size_t start) {
    std::string cycle;
    const auto first = std::find(path.begin(), path.end(), start);
    for (auto it = first; it != path.end(); ++it) cycle += entries[*it].id + " -> ";
    problems.push_back(
        {entries[path.back()].extends_place,
         fmt::format("extends goes round in a circle: {}{}", cycle, entries[start].id),
         "let one of them stand alone"});
  }

  void resolve(std::size_t i) {
    if (visits[i] == Visit::kDone) return;
    if (visits[i] == Visit::kOpen) return report_cycle(i);
    visits[i] = Visit::kOpen;
    path.push_back(i);
    Entry& entry = entries[i];
    if (!entry.extends.empty()) {
      const auto ancestor = by_id.find(entry.extends);
      if (ancestor == by_id.end()) {
        std::vector<std::string> known;
        for (const auto& [id, index] : by_id) known.push_back(id);
        problems.push_back(
            {entry.extends_place,
             fmt::format("'{}' extends the unknown {} '{}'", entry.id, what, entry.extends),
             did_you_mean(entry.extends, known)});
      } else {
        resolve(ancestor->second);
        inherit(entry, entries[ancestor->second]);
      }
    }
    path.pop_back();
    visits[i] = Visit::kDone;
  }
};

}  // namespace

void resolve_extends(std::vector<Entry>& entries, std::string_view what,
                     std::vector<Problem>& problems) {
  Resolver resolver{entries, what, problems, {}, std::vector<Visit>(entries.size(), Visit::kNew),
                    {}};
  for (std::size_t i = 0; i < entries.size(); ++i) resolver.by_id.emplace(entries[i].id, i);
  for (std::size_t i = 0; i < entries.size(); ++i) resolver.resolve(i);
}

}  // namespace fivefold
