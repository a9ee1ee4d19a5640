// What rules share: fields, issuers, groups of countries, the order of evaluation.
#include <functional>

#include <fmt/format.h>

#include "fivefold/policy/rule_layers.h"

namespace fivefold {
namespace {

using yaml::Node;
using Parts = RuleBook::Data;

RuleField read_field(const Node& node, const FactReader& reader) {
  RuleField field;
  expect_keys(node, reader, "a field",
              {"id", "kind", "name", "unit", "fact", "sum", "ratio", "default"});
  field.id = text_at(node, "id", reader);
  field.name = text_at(node, "name", reader);
  field.unit = text_at(node, "unit", reader);
  field.fact = text_at(node, "fact", reader);
  field.standard = text_at(node, "default", reader);
  field.sum = texts_at(node, "sum", reader);
  field.ratio = texts_at(node, "ratio", reader);
  const std::string kind = text_at(node, "kind", reader);
  if (kind == "text") {
    field.kind = RuleField::Kind::kText;
  } else if (kind == "yes_no") {
    field.kind = RuleField::Kind::kYesNo;
  } else if (kind != "number") {
    reader.problem(node, fmt::format("unknown kind '{}' of field '{}'", kind, field.id),
                   "known: number, yes_no, text");
  }
  if (field.id.empty()) reader.problem(node, "a field has no id");
  if (field.name.empty()) field.name = field.id;
  if (!field.ratio.empty() && field.ratio.size() != 2) {
    reader.problem(node, "a ratio is of two fields");
    field.ratio.clear();
  }
  return field;
}

void read_list(const Node& policy, std::string_view key, const FactReader& reader,
               const std::function<void(const Node&)>& read) {
  const Node* list = policy.find(key);
  if (!list || !reader.expect_list(*list, key)) return;
  for (const Node& item : list->items) {
    if (reader.expect_map(item, key)) read(item);
  }
}

}  // namespace

std::string text_at(const Node& node, std::string_view key, const FactReader& reader) {
  const Node* found = node.find(key);
  return found ? reader.text(*found, key) : std::string();
}

std::vector<std::string> texts_at(const Node& node, std::string_view key,
                                  const FactReader& reader) {
  const Node* found = node.find(key);
  return found ? reader.texts(*found, key) : std::vector<std::string>();
}

void expect_code(const std::string& code, const Node& node, const FactReader& reader,
                 const Parts& data) {
  if (std::find(data.countries.begin(), data.countries.end(), code) == data.countries.end()) {
    reader.problem(node, fmt::format("unknown country '{}'", code),
                   "a code of two capitals, such as CN");
  }
}

void read_policy(const Node& policy, int layer, const FactReader& reader, const Catalog& catalog,
                 Parts& data, RuleLayers& layers) {
  if (!reader.expect_map(policy, "policy")) return;
  expect_keys(policy, reader, "policy",
              {"known_to", "note", "stages", "issuers", "groups", "countries", "fields"});
  if (const Node* to = policy.find("known_to")) {
    data.known_to = read_rule_date(*to, reader, "known_to");
  }
  if (const Node* note = policy.find("note")) data.note = reader.text(*note, "note");
  if (const Node* stages = policy.find("stages")) data.stages = reader.texts(*stages, "stages");
  if (const Node* codes = policy.find("countries")) {
    const auto more = reader.texts(*codes, "countries");
    data.countries.insert(data.countries.end(), more.begin(), more.end());
  }
  read_list(policy, "issuers", reader, [&](const Node& node) {
    expect_keys(node, reader, "an issuer", {"id", "name", "makers"});
    RuleIssuer issuer{text_at(node, "id", reader), text_at(node, "name", reader),
                      texts_at(node, "makers", reader)};
    lay(data.issuers, std::move(issuer), layer, layers.issuers, node, reader);
  });
  read_list(policy, "groups", reader, [&](const Node& node) {
    expect_keys(node, reader, "a group", {"id", "members", "source", "note"});
    RuleGroup group{text_at(node, "id", reader), texts_at(node, "members", reader),
                    read_rule_sources(node, reader, catalog)};
    for (const std::string& code : group.members) expect_code(code, node, reader, data);
    lay(data.groups, std::move(group), layer, layers.groups, node, reader);
  });
  read_list(policy, "fields", reader, [&](const Node& node) {
    lay(data.fields, read_field(node, reader), layer, layers.fields, node, reader);
  });
}

}  // namespace fivefold
