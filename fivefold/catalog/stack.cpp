#include "fivefold/catalog/stack.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "fivefold/catalog/stack_reader.h"

namespace fivefold {
namespace {

const std::vector<std::string> kStackKeys = {
    "id", "name", "vendor", "extends", "aliases", "default", "entries", "calibration", "like"};
const std::vector<std::string> kLikeKeys = {"stack", "chip", "formats"};
const std::vector<std::string> kEntryKeys = {"family",     "architecture", "format",    "source",
                                             "confidence", "note",         "parameters"};
const std::vector<std::string> kCalibrationKeys = {"form", "data", "family", "chip", "held_out"};
const std::vector<std::string> kForms = {"kernels", "collectives", "training", "serving"};

// What an entry says once for all its parameters, as a fact without value.
Fact common_of(const yaml::Node& node, const FactReader& reader) {
  Fact common;
  if (const yaml::Node* source = node.find("source"))
    common.sources = reader.texts(*source, "source");
  if (const yaml::Node* note = node.find("note")) common.note = reader.text(*note, "note");
  if (const yaml::Node* confidence = node.find("confidence")) {
    const std::string word = reader.text(*confidence, "confidence");
    common.confidence = word == "high"     ? Confidence::kHigh
                        : word == "medium" ? Confidence::kMedium
                                           : Confidence::kLow;
  }
  return common;
}

void read_parameters(const yaml::Node& node, const Fact& common, const FactReader& reader,
                     StackEntry& entry) {
  if (!reader.expect_map(node, "parameters")) return;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const yaml::Node& item = node.items[i];
    std::optional<Fact> fact;
    if (const auto bare = reader.number(item)) {
      fact = common;
      fact->path = node.keys[i];
      fact->place = reader.place(item);
      fact->kind = Fact::Kind::kNumber;
      fact->number = fact->written = *bare;
    } else {
      fact = reader.fact(item, node.keys[i], nullptr);
    }
    if (!fact) continue;
    if (fact->sources.empty()) fact->sources = common.sources;
    if (item.is_map() && !item.find("confidence")) fact->confidence = common.confidence;
    if (fact->note.empty()) fact->note = common.note;
    if (fact->sources == std::vector<std::string>{"assumption"}) fact->reading = "assumption";
    entry.parameters.own().all.push_back(std::move(*fact));
  }
}

StackEntry read_entry(const yaml::Node& node, const FactReader& reader) {
  StackEntry entry{"*", "*", "*", {}};
  const Fact common = common_of(node, reader);
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& key = node.keys[i];
    const yaml::Node& value = node.items[i];
    if (key == "family") {
      entry.family = reader.text(value, key);
    } else if (key == "architecture") {
      entry.architecture = reader.text(value, key);
    } else if (key == "format") {
      entry.format = reader.text(value, key);
      if (entry.format != "*" && entry.format != kNarrowFormats && !format_from_name(entry.format))
        reader.problem(value, fmt::format("unknown format '{}'", entry.format));
    } else if (key == "parameters") {
      read_parameters(value, common, reader, entry);
    } else if (std::find(kEntryKeys.begin(), kEntryKeys.end(), key) == kEntryKeys.end()) {
      reader.unknown_key(node, i, "an entry of a stack", kEntryKeys);
    }
  }
  return entry;
}

Calibration read_calibration(const yaml::Node& node, const FactReader& reader) {
  Calibration calibration;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& key = node.keys[i];
    const yaml::Node& value = node.items[i];
    if (key == "form") {
      calibration.form = reader.text(value, key);
      if (std::find(kForms.begin(), kForms.end(), calibration.form) == kForms.end()) {
        reader.problem(value, fmt::format("unknown form '{}' of calibration", calibration.form),
                       fmt::format("known: {}", fmt::join(kForms, ", ")));
      }
    } else if (key == "data") {
      calibration.data = reader.text(value, key);
    } else if (key == "family") {
      calibration.family = reader.text(value, key);
    } else if (key == "chip") {
      calibration.chip = reader.text(value, key);
    } else if (key == "held_out") {
      const auto share = reader.number(value);
      if (!share || *share < 0 || *share > 1) {
        reader.problem(value, "held_out must be a number from 0 to 1");
      } else {
        calibration.held_out = *share;
      }
    } else {
      reader.unknown_key(node, i, "calibration", kCalibrationKeys);
    }
  }
  return calibration;
}

void read_like_formats(const yaml::Node& node, const FactReader& reader, LikeStack& like) {
  if (!reader.expect_map(node, "formats")) return;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string there = reader.text(node.items[i], "formats");
    for (const std::string& name : {node.keys[i], there}) {
      if (!format_from_name(name))
        reader.problem(node.items[i], fmt::format("unknown format '{}'", name));
    }
    like.formats.emplace_back(node.keys[i], there);
  }
}

std::optional<LikeStack> read_like(const yaml::Node& node, const FactReader& reader) {
  if (!reader.expect_map(node, "like")) return std::nullopt;
  LikeStack like;
  like.place = reader.place(node);
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& key = node.keys[i];
    if (key == "stack") {
      like.stack = reader.text(node.items[i], key);
    } else if (key == "chip") {
      like.chip = reader.text(node.items[i], key);
    } else if (key == "formats") {
      read_like_formats(node.items[i], reader, like);
    } else {
      reader.unknown_key(node, i, "like", kLikeKeys);
    }
  }
  return like;
}

RawStack read_stack(const yaml::Node& node, const FactReader& reader) {
  RawStack raw;
  Stack& stack = raw.stack;
  stack.vendor = "*";
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& key = node.keys[i];
    const yaml::Node& value = node.items[i];
    if (key == "id") {
      stack.id = reader.text(value, key);
    } else if (key == "name") {
      stack.name = reader.text(value, key);
    } else if (key == "vendor") {
      stack.vendor = reader.text(value, key);
    } else if (key == "aliases") {
      stack.aliases = reader.texts(value, key);
    } else if (key == "extends") {
      raw.extends = reader.texts(value, key);
      raw.extends_place = reader.place(value);
    } else if (key == "like") {
      raw.like = read_like(value, reader);
    } else if (key == "default") {
      stack.is_default = value.scalar == "true";
      if (value.scalar != "true" && value.scalar != "false")
        reader.problem(value, "default must be true or false");
    } else if (key == "entries" && reader.expect_list(value, key)) {
      for (const yaml::Node& item : value.items) {
        if (reader.expect_map(item, "an entry of a stack"))
          stack.entries.push_back(read_entry(item, reader));
      }
    } else if (key == "calibration" && reader.expect_list(value, key)) {
      for (const yaml::Node& item : value.items) {
        if (reader.expect_map(item, "calibration"))
          stack.calibration.push_back(read_calibration(item, reader));
      }
    } else if (std::find(kStackKeys.begin(), kStackKeys.end(), key) == kStackKeys.end()) {
      reader.unknown_key(node, i, "a stack", kStackKeys);
    }
  }
  for (StackEntry& entry : stack.entries) {
    for (Fact& fact : entry.parameters.own().all) fact.owner = stack.id;
  }
  return raw;
}

}  // namespace

Facts& SharedFacts::own() {
  if (facts_.use_count() > 1) facts_ = std::make_shared<Facts>(*facts_);
  return *facts_;
}

bool concerns(const StackEntry& entry, const Device& device) {
  return entry.architecture == "*" || entry.architecture == device.architecture ||
         entry.architecture == device.chip;
}

bool concerns(const StackEntry& entry, Format format) {
  if (entry.format == "*" || entry.format == name(format)) return true;
  return entry.format == kNarrowFormats && is_narrow(format);
}

void read_stacks(const yaml::Node& list, const FactReader& reader, std::vector<RawStack>& into) {
  if (!reader.expect_list(list, "stacks")) return;
  for (const yaml::Node& node : list.items) {
    if (!reader.expect_map(node, "a stack")) continue;
    RawStack raw = read_stack(node, reader);
    raw.place = reader.place(node);
    if (raw.stack.id.empty()) {
      reader.problem(node, "a stack without id", "add id:");
    } else {
      into.push_back(std::move(raw));
    }
  }
}

void lay_over(RawStack& below, RawStack above) {
  Stack& stack = below.stack;
  if (!above.stack.name.empty()) stack.name = above.stack.name;
  if (above.stack.vendor != "*") stack.vendor = above.stack.vendor;
  if (!above.extends.empty()) {
    below.extends = above.extends;
    below.extends_place = above.extends_place;
  }
  if (above.like) below.like = above.like;
  stack.is_default = stack.is_default || above.stack.is_default;
  std::move(above.stack.aliases.begin(), above.stack.aliases.end(),
            std::back_inserter(stack.aliases));
  std::move(above.stack.entries.begin(), above.stack.entries.end(),
            std::back_inserter(stack.entries));
  std::move(above.stack.calibration.begin(), above.stack.calibration.end(),
            std::back_inserter(stack.calibration));
}

namespace {

// Gathers the entries of a stack and, before them, of all that it extends, deepest first. Where two
// of them extend the same, its entries come once, before both.
struct StackResolver {
  const std::vector<RawStack>& raw;
  const std::vector<Chip>& chips;
  std::vector<Problem>& problems;
  std::vector<std::string> ids;
  std::vector<std::string> path;  // from the stack that is resolved to the one at hand

  std::vector<std::string> gathered;

  void gather(const RawStack& one, Stack& into) {
    if (std::find(gathered.begin(), gathered.end(), one.stack.id) != gathered.end()) return;
    path.push_back(one.stack.id);
    for (const std::string& name : one.extends) {
      const auto next = std::find(ids.begin(), ids.end(), name);
      if (next == ids.end()) {
        problem(one, fmt::format("'{}' extends the unknown stack '{}'", one.stack.id, name),
                did_you_mean(name, ids));
      } else if (std::find(path.begin(), path.end(), name) != path.end()) {
        problem(
            one,
            fmt::format("extends goes round in a circle: {} -> {}", fmt::join(path, " -> "), name),
            "let one of them stand alone");
      } else {
        gather(raw[static_cast<std::size_t>(next - ids.begin())], into);
      }
    }
    if (one.like) take_over(one, into);
    path.pop_back();
    if (!path.empty()) into.lineage.push_back(one.stack.id);
    gathered.push_back(one.stack.id);
    into.entries.insert(into.entries.end(), one.stack.entries.begin(), one.stack.entries.end());
    into.calibration.insert(into.calibration.end(), one.stack.calibration.begin(),
                            one.stack.calibration.end());
  }

  // Entries of kernels that apply to the chip of `like`, for every chip of this stack.
  void take_over(const RawStack& one, Stack& into) {
    const LikeStack& like = *one.like;
    const auto known = std::find(ids.begin(), ids.end(), like.stack);
    if (known == ids.end()) {
      likeness_problem(one,
                       fmt::format("'{}' is like the unknown stack '{}'", one.stack.id, like.stack),
                       did_you_mean(like.stack, ids));
      return;
    }
    if (std::find(path.begin(), path.end(), like.stack) != path.end()) {
      likeness_problem(
          one, fmt::format("'{}' is like '{}', which rests on it", one.stack.id, like.stack),
          "let one of them stand alone");
      return;
    }
    const auto chip =
        std::find_if(chips.begin(), chips.end(), [&](const Chip& c) { return c.id == like.chip; });
    if (chip == chips.end() || core_ops(chip->device) <= 0) {
      std::vector<std::string> names;
      for (const Chip& c : chips) {
        if (core_ops(c.device) > 0) names.push_back(c.id);
      }
      likeness_problem(
          one,
          fmt::format("like: '{}' is no chip whose BF16 rate, cores and clock are known",
                      like.chip),
          did_you_mean(like.chip, names));
      return;
    }
    Stack there;
    StackResolver inner{raw, chips, problems, ids, path, {}};
    inner.gather(raw[static_cast<std::size_t>(known - ids.begin())], there);
    for (const StackEntry& entry : there.entries) take_entry(like, chip->device, entry, into);
  }

  static double core_ops(const Device& device) {
    const double clocks = device.cores * device.clock.value();
    return clocks > 0 ? device.peak_for(Format::kBf16).value() / clocks : 0;
  }

  static void take_entry(const LikeStack& like, const Device& chip, const StackEntry& entry,
                         Stack& into) {
    if (!concerns(entry, chip) || entry.family == "serving" || entry.family == "training") return;
    StackEntry taken{entry.family, "*", entry.format, {}, core_ops(chip)};
    for (const Fact& fact : entry.parameters->all) {
      const bool of_chip = fact.path == "cores" || fact.path == "clock" || fact.path == "kernel";
      if (!of_chip && !fact.owner.starts_with("comm/") && !fact.owner.starts_with("engine/"))
        taken.parameters.own().all.push_back(fact);
    }
    if (taken.parameters->all.empty()) return;
    const auto renamed = [&](const auto& pair) { return pair.first == taken.format; };
    if (std::none_of(like.formats.begin(), like.formats.end(), renamed))
      into.entries.push_back(taken);
    for (const auto& [here, as_there] : like.formats) {
      if (as_there != entry.format) continue;
      taken.format = here;
      into.entries.push_back(taken);
    }
  }

  void likeness_problem(const RawStack& one, std::string what, std::string hint) {
    problems.push_back(Problem{one.like->place, std::move(what), std::move(hint)});
  }

  void problem(const RawStack& one, std::string what, std::string hint) {
    problems.push_back(Problem{one.extends_place, std::move(what), std::move(hint)});
  }
};

}  // namespace

std::vector<Stack> resolve_stacks(const std::vector<RawStack>& raw, const std::vector<Chip>& chips,
                                  std::vector<Problem>& problems) {
  StackResolver resolver{raw, chips, problems, {}, {}, {}};
  for (const RawStack& one : raw) resolver.ids.push_back(one.stack.id);
  std::vector<Stack> stacks;
  for (const RawStack& one : raw) {
    Stack stack = one.stack;
    stack.entries.clear();
    stack.calibration.clear();
    resolver.gathered.clear();
    resolver.gather(one, stack);
    if (stack.name.empty()) stack.name = stack.id;
    stacks.push_back(std::move(stack));
  }
  return stacks;
}

}  // namespace fivefold
