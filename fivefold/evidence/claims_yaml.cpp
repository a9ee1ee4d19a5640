#include <algorithm>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "fivefold/base/unit_text.h"
#include "fivefold/catalog/embedded.h"
#include "fivefold/evidence/claims.h"

namespace fivefold {
namespace {

Place place_of(const std::string& file, const YAML::Node& node) {
  return {file, node.Mark().line + 1, node.Mark().column + 1};
}

const std::vector<std::string>& known_keys() {
  static const std::vector<std::string> keys = {"id",      "group",  "text",  "said",   "value",
                                                "low",     "high",   "unit",  "source", "note",
                                                "formula", "prefer", "inputs"};
  return keys;
}

std::string text_of(const YAML::Node& node) {
  return node && node.IsScalar() ? node.Scalar() : std::string{};
}

std::vector<std::string> list_of(const YAML::Node& node) {
  std::vector<std::string> items;
  if (!node) return items;
  if (node.IsScalar()) return {node.Scalar()};
  for (const YAML::Node& item : node) items.push_back(text_of(item));
  return items;
}

Result<double> number_of(const std::string& file, const YAML::Node& node, std::string_view key) {
  double value = 0;
  if (node.IsScalar() && YAML::convert<double>::decode(node, value)) return value;
  return fail(fmt::format("'{}' is not a number: '{}'", key, text_of(node)), {},
              place_of(file, node));
}

Result<Fact> read_input(const std::string& file, const std::string& claim, const std::string& path,
                        const YAML::Node& node) {
  Fact fact;
  fact.path = path;
  fact.owner = "claim " + claim;
  fact.kind = Fact::Kind::kNumber;
  fact.place = place_of(file, node);
  if (!node.IsMap() || !node["value"]) {
    return fail(fmt::format("input '{}' of claim {} has no value", path, claim),
                "{value: 1, unit: .., source: ..}", fact.place);
  }
  const auto value = number_of(file, node["value"], "value");
  if (!value) return tl::unexpected(value.error());
  fact.written = *value;
  fact.unit = text_of(node["unit"]);
  const Unit unit = parse_unit(fact.unit);
  if (!unit.known && !fact.unit.empty()) {
    return fail(
        fmt::format("input '{}' of claim {} has the unknown unit '{}'", path, claim, fact.unit), {},
        fact.place);
  }
  fact.dim = unit.dim;
  fact.number = fact.written * unit.scale;
  fact.sources = list_of(node["source"]);
  fact.note = text_of(node["note"]);
  const std::string confidence = text_of(node["confidence"]);
  fact.confidence = confidence == "high"     ? Confidence::kHigh
                    : confidence == "medium" ? Confidence::kMedium
                                             : Confidence::kLow;
  return fact;
}

Result<Claim> read_claim(const std::string& file, const YAML::Node& node) {
  Claim claim;
  claim.place = place_of(file, node);
  if (!node.IsMap()) return fail("a claim is a mapping with id, text, said, ...", {}, claim.place);
  for (const auto& entry : node) {
    const std::string key = text_of(entry.first);
    if (std::find(known_keys().begin(), known_keys().end(), key) == known_keys().end()) {
      return fail(fmt::format("unknown key '{}' in a claim", key), did_you_mean(key, known_keys()),
                  place_of(file, entry.first));
    }
  }
  claim.id = text_of(node["id"]);
  claim.heading = text_of(node["group"]);
  claim.text = text_of(node["text"]);
  claim.said = text_of(node["said"]);
  claim.unit = text_of(node["unit"]);
  claim.sources = list_of(node["source"]);
  claim.note = text_of(node["note"]);
  claim.formula = text_of(node["formula"]);
  claim.prefer = list_of(node["prefer"]);
  if (claim.id.empty() || claim.text.empty() || claim.said.empty()) {
    return fail("a claim needs id, text and said", {}, claim.place);
  }
  if (!claim.formula.empty() && !node["value"]) {
    return fail(fmt::format("claim {} has a formula but no value to compare it with", claim.id), {},
                claim.place);
  }
  for (const auto& [key, target] :
       {std::pair<const char*, std::optional<double>*>{"low", &claim.published_low},
        {"high", &claim.published_high}}) {
    if (!node[key]) continue;
    const auto value = number_of(file, node[key], key);
    if (!value) return tl::unexpected(value.error());
    *target = *value;
  }
  if (node["value"]) {
    const auto value = number_of(file, node["value"], "value");
    if (!value) return tl::unexpected(value.error());
    claim.published = *value;
  }
  if (node["inputs"]) {
    for (const auto& entry : node["inputs"]) {
      const auto input = read_input(file, claim.id, text_of(entry.first), entry.second);
      if (!input) return tl::unexpected(input.error());
      claim.inputs.push_back(*input);
    }
  }
  return claim;
}

}  // namespace

Result<std::vector<Claim>> read_claims(const std::string& file, std::string_view text) {
  std::vector<Claim> claims;
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (!root.IsMap() || !root["claims"] || !root["claims"].IsSequence()) {
      return fail("no list 'claims'", "claims: [{id: .., text: .., said: ..}]", {file, 1, 1});
    }
    for (const YAML::Node& node : root["claims"]) {
      auto claim = read_claim(file, node);
      if (!claim) return tl::unexpected(claim.error());
      claims.push_back(std::move(*claim));
    }
  } catch (const YAML::Exception& error) {
    return fail(error.msg, {}, {file, error.mark.line + 1, error.mark.column + 1});
  }
  return claims;
}

Result<std::vector<Claim>> load_claims() {
  std::vector<Claim> claims;
  for (const EmbeddedFile& file : embedded_catalog()) {
    if (!file.path.starts_with("claims/")) continue;
    const auto read = read_claims("catalog/" + std::string(file.path), file.text);
    if (!read) return tl::unexpected(read.error());
    claims.insert(claims.end(), read->begin(), read->end());
  }
  return claims;
}

}  // namespace fivefold
