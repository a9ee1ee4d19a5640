// Rules as read: conditions over named fields, in paragraphs with effects. For the sources of the
// room `policy`, and for what shows the rules themselves.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/catalog/fact_reader.h"
#include "fivefold/policy/rules.h"

namespace fivefold {

struct RuleCondition {
  enum class Kind { kAll, kAny, kNumber, kYesNo, kText };
  Kind kind = Kind::kAll;
  std::vector<RuleCondition> parts;  // of all and any
  std::string field, op;             // of a comparison
  double number = 0;
  bool flag = false;
  std::vector<std::string> texts;
};

struct RuleEffect {
  std::optional<RuleCondition> when;
  std::vector<std::string> destinations;  // empty: those of the rule
  std::optional<Access> access;
  std::optional<Gate> gate;
  bool replaces = false;  // instead of what stood before, even if that was stricter
  bool granted = false;
  double revenue_share = 0, tariff = 0;
  std::string outcome;
};

struct RuleParagraph {
  std::string clause;
  std::optional<RuleCondition> when;
  std::vector<RuleEffect> effects;
};

struct Rule {
  std::string id, name, family, issuer, stage, status, note;
  std::string action;    // that a gate came from
  bool in_force = true;  // bills and what never applied are shown, not used
  Date from, to = Date::max();
  std::vector<std::string> destinations;  // country codes
  bool headquarters = false;              // reaches buyers whose ultimate parent is there
  std::vector<std::string> items;         // empty: chips ("ic")
  std::optional<RuleCondition> applies_if, unless;
  std::vector<RuleParagraph> paragraphs;
  std::vector<std::string> sources;
  Confidence confidence = Confidence::kLow;
  Place place;
};

struct RuleField {
  enum class Kind { kNumber, kYesNo, kText };
  std::string id, name, unit;
  Kind kind = Kind::kNumber;
  std::string fact;  // path of a chip's fact, shown in `unit`
  std::vector<std::string> sum, ratio;
  std::string standard;  // if nobody states it
};

struct RuleAction {
  std::string id, authority, action, chips, scope;
  Date date;
  std::vector<std::string> sources;
  Place place;
};

struct RuleIssuer {
  std::string id, name;
  std::vector<std::string> makers;  // whose exports its rules reach; empty: all
};

struct RuleGroup {
  std::string id;
  std::vector<std::string> members, sources;
};

struct RuleBook::Data {
  std::vector<Rule> rules, gates;  // in the order of evaluation
  std::vector<RuleAction> actions;
  std::vector<RuleField> fields;
  std::vector<RuleIssuer> issuers;
  std::vector<RuleGroup> groups;
  std::vector<std::string> stages, countries;
  Date known_from, known_to;
  std::string note;

  const RuleField* field(std::string_view id) const;
  const RuleAction* action(std::string_view id) const;
  const RuleIssuer* issuer(std::string_view id) const;
};

// Reads one rule or gate; problems go to the reader's list.
Rule read_rule(const yaml::Node& node, const FactReader& reader, const Catalog& catalog,
               const RuleBook::Data& data);
// Codes of countries; groups are written out.
std::vector<std::string> read_destinations(const yaml::Node& node, const FactReader& reader,
                                           const RuleBook::Data& data);
Date read_rule_date(const yaml::Node& node, const FactReader& reader, std::string_view what);
Confidence read_rule_confidence(const yaml::Node& node, const FactReader& reader);
std::vector<std::string> read_rule_sources(const yaml::Node& node, const FactReader& reader,
                                           const Catalog& catalog);
// Names that keys of `map` must be among; others are problems.
void expect_keys(const yaml::Node& map, const FactReader& reader, std::string_view what,
                 const std::vector<std::string>& known);

// All values that conditions may ask of a subject: stated, of its facts, sums, ratios, standards.
using RuleValues = std::map<std::string, RuleValue, std::less<>>;
RuleValues rule_values(const RuleBook::Data& data, const RuleSubject& subject);
RuleValue ratio_of(const RuleValue& above, const RuleValue& below);
RuleValue sum_of(const RuleValue& a, const RuleValue& b);
Truth compare(const RuleValue& value, std::string_view op, double threshold);
// Whether a product's id or alias is one of these, as the catalog compares names.
bool is_named(const RuleSubject& subject, const std::vector<std::string>& names);

}  // namespace fivefold
