// The rules of all files: what they share is read first, then rules, gates and actions; a user's
// layer replaces what has the same id.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "fivefold/policy/rule_layers.h"

namespace fivefold {
namespace {

using yaml::Node;
using Parts = RuleBook::Data;

struct RuleFile {
  const CatalogFile* file = nullptr;
  Node root;
};

RuleAction read_action(const Node& node, const FactReader& reader, const Catalog& catalog) {
  RuleAction action;
  action.place = reader.place(node);
  if (!reader.expect_map(node, "an action")) return action;
  expect_keys(node, reader, "an action",
              {"id", "date", "authority", "action", "chips", "scope", "source"});
  action.id = text_at(node, "id", reader);
  if (action.id.empty()) reader.problem(node, "an action has no id");
  action.authority = text_at(node, "authority", reader);
  action.action = text_at(node, "action", reader);
  action.chips = text_at(node, "chips", reader);
  action.scope = text_at(node, "scope", reader);
  if (const Node* date = node.find("date")) {
    action.date = read_rule_date(*date, reader, "date");
  } else {
    reader.problem(node, "an action has no date");
  }
  action.sources = read_rule_sources(node, reader, catalog);
  return action;
}

void read_rules(const RuleFile& file, const FactReader& reader, const Catalog& catalog, Parts& data,
                std::map<std::string, int>& layers) {
  const int layer = file.file->layer;
  if (const Node* list = file.root.find("actions"); list && reader.expect_list(*list, "actions")) {
    for (const Node& node : list->items) {
      lay(data.actions, read_action(node, reader, catalog), layer, layers, node, reader);
    }
  }
  for (const auto& [key, into] : {std::pair{"rules", &data.rules}, {"gates", &data.gates}}) {
    const Node* list = file.root.find(key);
    if (!list || !reader.expect_list(*list, key)) continue;
    for (const Node& node : list->items) {
      lay(*into, read_rule(node, reader, catalog, data), layer, layers, node, reader);
    }
  }
}

// Two versions of one rule may not be in force on one day.
void check_versions(const std::vector<Rule>& rules, std::vector<Problem>& problems) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const Rule &a = rules[j], &b = rules[i];
      if (a.family != b.family || !a.in_force || !b.in_force) continue;
      const Date from = std::max(a.from, b.from), to = std::min(a.to, b.to);
      if (from > to) continue;
      problems.push_back(
          {b.place,
           fmt::format("'{}' and '{}' are versions of one rule ('{}') and both in force on {}",
                       a.id, b.id, b.family, to_text(from)),
           fmt::format("end '{}' ({}:{}) before, or give it another family", a.id, a.place.file,
                       a.place.line)});
    }
  }
}

void check_fields(const Parts& data, const Place& place, std::vector<Problem>& problems) {
  for (const RuleField& field : data.fields) {
    for (const auto* parts : {&field.sum, &field.ratio}) {
      for (const std::string& part : *parts) {
        const RuleField* known = data.field(part);
        if (!known || known->kind != RuleField::Kind::kNumber || !known->sum.empty() ||
            !known->ratio.empty()) {
          problems.push_back(
              {place,
               fmt::format("field '{}' is made of '{}', which is no plain number", field.id, part),
               {}});
        }
      }
    }
  }
}

void sort_by_stage(std::vector<Rule>& rules, const Parts& data) {
  const auto stage = [&](const Rule& rule) {
    return std::find(data.stages.begin(), data.stages.end(), rule.stage) - data.stages.begin();
  };
  std::stable_sort(rules.begin(), rules.end(),
                   [&](const Rule& a, const Rule& b) { return stage(a) < stage(b); });
}

std::vector<RuleFile> rule_files(const Catalog& catalog, std::vector<Problem>& problems) {
  std::vector<const CatalogFile*> files;
  for (const char* key : {"policy", "rules", "gates", "actions"}) {
    for (const CatalogFile* file : catalog.files_with(key)) {
      if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
    }
  }
  std::stable_sort(files.begin(), files.end(),
                   [](const CatalogFile* a, const CatalogFile* b) { return a->layer < b->layer; });
  std::vector<RuleFile> trees;
  for (const CatalogFile* file : files) {
    trees.push_back({file, yaml::parse(file->text, file->name, problems)});
  }
  return trees;
}

}  // namespace

const RuleField* RuleBook::Data::field(std::string_view id) const {
  return with_id(fields, id);
}
const RuleAction* RuleBook::Data::action(std::string_view id) const {
  return with_id(actions, id);
}
const RuleIssuer* RuleBook::Data::issuer(std::string_view id) const {
  return with_id(issuers, id);
}

void expect_keys(const Node& map, const FactReader& reader, std::string_view what,
                 const std::vector<std::string>& known) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (std::find(known.begin(), known.end(), map.keys[i]) == known.end()) {
      reader.unknown_key(map, i, what, known);
    }
  }
}

Date read_rule_date(const Node& node, const FactReader& reader, std::string_view what) {
  const std::string text = reader.text(node, what);
  const auto date = parse_date(text, reader.place(node));
  if (date) return *date;
  const Problem& problem = date.error().problems.front();
  reader.problem(node, fmt::format("{}: {}", what, problem.what), problem.hint);
  return Date{};
}

Confidence read_rule_confidence(const Node& node, const FactReader& reader) {
  const Node* found = node.find("confidence");
  if (!found) return Confidence::kLow;
  const std::string word = reader.text(*found, "confidence");
  for (const Confidence one : {Confidence::kHigh, Confidence::kMedium, Confidence::kLow}) {
    if (name(one) == word) return one;
  }
  reader.problem(*found, fmt::format("confidence '{}' must be high, medium or low", word));
  return Confidence::kLow;
}

std::vector<std::string> read_rule_sources(const Node& node, const FactReader& reader,
                                           const Catalog& catalog) {
  const Node* found = node.find("source");
  if (!found) {
    reader.problem(node, "no source is named", "add source:, or source: assumption");
    return {};
  }
  const std::vector<std::string> sources = reader.texts(*found, "source");
  if (sources.empty()) reader.problem(*found, "no source is named");
  for (const std::string& id : sources) {
    if (catalog.source(id)) continue;
    std::vector<std::string> known;
    for (const Source* source : catalog.sources()) known.push_back(source->id);
    reader.problem(*found, fmt::format("unknown source '{}'", id), did_you_mean(id, known));
  }
  return sources;
}

std::vector<std::string> read_destinations(const Node& node, const FactReader& reader,
                                           const Parts& data) {
  std::vector<std::string> codes;
  for (const std::string& name : reader.texts(node, "destinations")) {
    if (const RuleGroup* group = with_id(data.groups, name)) {
      codes.insert(codes.end(), group->members.begin(), group->members.end());
    } else {
      expect_code(name, node, reader, data);
      codes.push_back(name);
    }
  }
  std::sort(codes.begin(), codes.end());
  codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
  if (codes.empty()) reader.problem(node, "no destination is named", "destinations: [CN]");
  return codes;
}

Result<RuleBook> RuleBook::load(const Catalog& catalog) {
  std::vector<Problem> problems;
  const std::vector<RuleFile> files = rule_files(catalog, problems);
  auto data = std::make_shared<Data>();
  RuleLayers shared;
  Place place;
  for (const RuleFile& file : files) {
    const Node* policy = file.root.find("policy");
    if (!policy) continue;
    const FactReader reader(file.file->name, 0, problems);
    place = reader.place(*policy);
    read_policy(*policy, file.file->layer, reader, catalog, *data, shared);
  }
  check_fields(*data, place, problems);
  std::map<std::string, int> layers;
  for (const RuleFile& file : files) {
    read_rules(file, FactReader(file.file->name, 0, problems), catalog, *data, layers);
  }
  check_versions(data->rules, problems);
  check_versions(data->gates, problems);
  for (const Rule& gate : data->gates) {
    if (!gate.action.empty() && !data->action(gate.action)) {
      problems.push_back({gate.place, fmt::format("unknown action '{}'", gate.action), {}});
    }
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  if (data->rules.empty()) return fail("the catalog has no rules");
  sort_by_stage(data->rules, *data);
  sort_by_stage(data->gates, *data);
  data->known_from = Date::max();
  for (const Rule& rule : data->rules) {
    if (rule.in_force) data->known_from = std::min(data->known_from, rule.from);
  }
  RuleBook book;
  book.data_ = std::move(data);
  return book;
}

}  // namespace fivefold
