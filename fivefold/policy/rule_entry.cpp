// One rule out of YAML: conditions, paragraphs, effects.
#include <algorithm>

#include <fmt/format.h>

#include "fivefold/policy/rule_data.h"

namespace fivefold {
namespace {

using yaml::Node;

const std::vector<std::string> kRuleKeys = {
    "id",   "name",   "family",       "issuer",       "stage",     "status",     "in_force",
    "from", "to",     "destinations", "headquarters", "items",     "applies_if", "unless",
    "note", "action", "paragraphs",   "source",       "confidence"};
const std::vector<std::string> kParagraphKeys = {"clause", "if", "effects"};
const std::vector<std::string> kEffectKeys = {"if",       "destinations", "access",        "gate",
                                              "replaces", "granted",      "revenue_share", "tariff",
                                              "outcome"};
const std::vector<std::string> kNumberOps = {">=", ">", "<=", "<", "=="};
const std::vector<std::string> kTextOps = {"==", "!=", "in"};
const std::vector<std::string> kAccessWords = {"free", "notice", "review", "licence", "denied"};
const std::vector<std::string> kGateWords = {"admitted", "discouraged", "conditional", "blocked",
                                             "banned"};

struct RuleSource {
  const FactReader& reader;
  const Catalog& catalog;
  const RuleBook::Data& data;
};

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// The position of a word in a list, or a problem that shows the list.
std::optional<std::size_t> choice(const Node& node, const FactReader& reader, std::string_view what,
                                  const std::vector<std::string>& words) {
  const std::string word = reader.text(node, what);
  const auto found = std::find(words.begin(), words.end(), word);
  if (found != words.end()) return std::size_t(found - words.begin());
  reader.problem(node, fmt::format("unknown {} '{}'", what, word),
                 fmt::format("known: {}", fmt::join(words, ", ")));
  return std::nullopt;
}

bool yes_no(const Node& node, const FactReader& reader, std::string_view what) {
  if (!node.is_scalar() || node.quoted || (node.scalar != "true" && node.scalar != "false")) {
    reader.problem(node, fmt::format("{} must be true or false", what));
    return false;
  }
  return node.scalar == "true";
}

double share(const Node& node, const FactReader& reader, std::string_view what) {
  const auto value = reader.number(node);
  if (value && *value >= 0 && *value <= 1) return *value;
  reader.problem(node, fmt::format("{} must be a share from 0 to 1", what));
  return 0;
}

// Rules on products name what the catalog has: a slip of the pen would let the chip go free.
void check_names(const Node& node, const RuleSource& source,
                 const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (const auto chip = source.catalog.chip(name); !chip) {
      const Problem& problem = chip.error().problems.front();
      source.reader.problem(node, fmt::format("the catalog has no chip '{}'", name), problem.hint);
    }
  }
}

void read_comparison(const Node& node, const RuleSource& source, RuleCondition& condition) {
  const FactReader& reader = source.reader;
  const Node* field = node.find("f");
  const Node* op = node.find("op");
  const Node* value = node.find("v");
  if (!field || !op || !value) {
    return reader.problem(node, "a comparison needs f, op and v", "{f: tpp, op: '>=', v: 4800}");
  }
  condition.field = reader.text(*field, "f");
  const RuleField* known = source.data.field(condition.field);
  if (!known) {
    std::vector<std::string> ids;
    for (const RuleField& one : source.data.fields) ids.push_back(one.id);
    std::string hint = did_you_mean(condition.field, ids);
    if (hint.empty()) hint = fmt::format("known: {}", fmt::join(ids, ", "));
    return reader.problem(*field, fmt::format("unknown field '{}'", condition.field), hint);
  }
  const bool numeric = known->kind == RuleField::Kind::kNumber;
  const auto ops = numeric                                  ? kNumberOps
                   : known->kind == RuleField::Kind::kYesNo ? std::vector<std::string>{"=="}
                                                            : kTextOps;
  const auto chosen = choice(*op, reader, fmt::format("operator of {}", condition.field), ops);
  if (!chosen) return;
  condition.op = ops[*chosen];
  if (numeric) {
    condition.kind = RuleCondition::Kind::kNumber;
    const auto threshold = reader.number(*value);
    if (!threshold) {
      reader.problem(*value, fmt::format("the threshold of {} must be a number", condition.field));
    } else if (*threshold < 0) {
      reader.problem(*value, fmt::format("the threshold of {} is negative: {}", condition.field,
                                         value->scalar));
    }
    condition.number = threshold.value_or(0);
  } else if (known->kind == RuleField::Kind::kYesNo) {
    condition.kind = RuleCondition::Kind::kYesNo;
    condition.flag = yes_no(*value, reader, condition.field);
  } else {
    condition.kind = RuleCondition::Kind::kText;
    condition.texts = reader.texts(*value, condition.field);
    if (condition.op != "in" && condition.texts.size() != 1) {
      reader.problem(*value, fmt::format("{} {} takes one text", condition.field, condition.op),
                     "use op: in for several");
    }
    if (condition.field == "name") check_names(*value, source, condition.texts);
  }
}

// The reader of YAML bounds how deep conditions may be nested.
RuleCondition read_condition(const Node& node, const RuleSource& source) {
  RuleCondition condition;
  const FactReader& reader = source.reader;
  if (!reader.expect_map(node, "a condition")) return condition;
  const Node* all = node.find("all");
  const Node* any = node.find("any");
  if (!all && !any) {
    expect_keys(node, reader, "a condition", {"f", "op", "v", "all", "any"});
    read_comparison(node, source, condition);
    return condition;
  }
  if (node.keys.size() != 1) {
    reader.problem(node, "a condition is one of all, any or a comparison", "all: [...]");
  }
  condition.kind = all ? RuleCondition::Kind::kAll : RuleCondition::Kind::kAny;
  const Node& parts = all ? *all : *any;
  if (!reader.expect_list(parts, all ? "all" : "any")) return condition;
  if (parts.items.empty()) reader.problem(parts, "nothing to test", "leave the condition out");
  for (const Node& part : parts.items) {
    condition.parts.push_back(read_condition(part, source));
  }
  return condition;
}

RuleEffect read_effect(const Node& node, const RuleSource& source) {
  const FactReader& reader = source.reader;
  RuleEffect effect;
  if (!reader.expect_map(node, "an effect")) return effect;
  expect_keys(node, reader, "an effect", kEffectKeys);
  if (const Node* when = node.find("if")) effect.when = read_condition(*when, source);
  if (const Node* to = node.find("destinations")) {
    effect.destinations = read_destinations(*to, reader, source.data);
  }
  if (const Node* access = node.find("access")) {
    if (const auto at = choice(*access, reader, "access", kAccessWords))
      effect.access = Access(*at);
  }
  if (const Node* gate = node.find("gate")) {
    if (const auto at = choice(*gate, reader, "gate", kGateWords)) effect.gate = Gate(*at);
  }
  if (const Node* on = node.find("replaces")) effect.replaces = yes_no(*on, reader, "replaces");
  if (const Node* on = node.find("granted")) effect.granted = yes_no(*on, reader, "granted");
  if (const Node* part = node.find("revenue_share")) {
    effect.revenue_share = share(*part, reader, "revenue_share");
  }
  if (const Node* part = node.find("tariff")) effect.tariff = share(*part, reader, "tariff");
  const Node* outcome = node.find("outcome");
  if (!outcome) {
    reader.problem(node, "an effect has no outcome", "outcome: licence required");
  } else {
    effect.outcome = reader.text(*outcome, "outcome");
  }
  return effect;
}

RuleParagraph read_paragraph(const Node& node, const RuleSource& source) {
  const FactReader& reader = source.reader;
  RuleParagraph paragraph;
  if (!reader.expect_map(node, "a paragraph")) return paragraph;
  expect_keys(node, reader, "a paragraph", kParagraphKeys);
  const Node* clause = node.find("clause");
  const Node* effects = node.find("effects");
  if (!clause || !effects) {
    reader.problem(node, "a paragraph needs clause and effects",
                   "{clause: 3A090.a, if: {...}, effects: [...]}");
    return paragraph;
  }
  paragraph.clause = reader.text(*clause, "clause");
  if (const Node* when = node.find("if")) paragraph.when = read_condition(*when, source);
  if (!reader.expect_list(*effects, "effects")) return paragraph;
  for (const Node& effect : effects->items) {
    paragraph.effects.push_back(read_effect(effect, source));
  }
  return paragraph;
}

// Who says so, in which stage and family, and since when.
void read_heading(const Node& node, const RuleSource& source, Rule& rule) {
  const FactReader& reader = source.reader;
  for (const auto& [key, into] : {std::pair{"id", &rule.id},
                                  {"name", &rule.name},
                                  {"family", &rule.family},
                                  {"issuer", &rule.issuer},
                                  {"stage", &rule.stage}}) {
    const Node* text = node.find(key);
    if (text) *into = reader.text(*text, key);
    if (into->empty()) reader.problem(node, fmt::format("a rule has no {}", key));
  }
  for (const auto& [key, into] :
       {std::pair{"status", &rule.status}, {"note", &rule.note}, {"action", &rule.action}}) {
    if (const Node* text = node.find(key)) *into = reader.text(*text, key);
  }
  if (!rule.issuer.empty() && !source.data.issuer(rule.issuer)) {
    std::vector<std::string> known;
    for (const RuleIssuer& issuer : source.data.issuers) known.push_back(issuer.id);
    reader.problem(*node.find("issuer"), fmt::format("unknown issuer '{}'", rule.issuer),
                   fmt::format("known: {}", fmt::join(known, ", ")));
  }
  if (!rule.stage.empty() && !contains(source.data.stages, rule.stage)) {
    reader.problem(*node.find("stage"), fmt::format("unknown stage '{}'", rule.stage),
                   fmt::format("known: {}", fmt::join(source.data.stages, ", ")));
  }
  if (const Node* from = node.find("from")) {
    rule.from = read_rule_date(*from, reader, "from");
  } else {
    reader.problem(node, "a rule has no from", "from: '2023-11-17'");
  }
  const Node* to = node.find("to");
  if (!to || to->is_null()) return;
  rule.to = read_rule_date(*to, reader, "to");
  if (rule.to < rule.from) {
    reader.problem(*to, fmt::format("the rule ends on {}, before it begins on {}", to_text(rule.to),
                                    to_text(rule.from)));
  }
}

}  // namespace

Rule read_rule(const Node& node, const FactReader& reader, const Catalog& catalog,
               const RuleBook::Data& data) {
  Rule rule;
  rule.place = reader.place(node);
  if (!reader.expect_map(node, "a rule")) return rule;
  const RuleSource source{reader, catalog, data};
  expect_keys(node, reader, "a rule", kRuleKeys);
  read_heading(node, source, rule);
  if (const Node* on = node.find("in_force")) rule.in_force = yes_no(*on, reader, "in_force");
  if (const Node* on = node.find("headquarters")) {
    rule.headquarters = yes_no(*on, reader, "headquarters");
  }
  if (const Node* to = node.find("destinations")) {
    rule.destinations = read_destinations(*to, reader, data);
  } else {
    reader.problem(node, "a rule has no destinations", "destinations: [CN]");
  }
  if (const Node* items = node.find("items")) rule.items = reader.texts(*items, "items");
  if (const Node* when = node.find("applies_if")) rule.applies_if = read_condition(*when, source);
  if (const Node* when = node.find("unless")) rule.unless = read_condition(*when, source);
  rule.sources = read_rule_sources(node, reader, catalog);
  rule.confidence = read_rule_confidence(node, reader);
  const Node* paragraphs = node.find("paragraphs");
  if (!paragraphs) {
    reader.problem(node, "a rule has no paragraphs",
                   "paragraphs: [{clause: ..., if: {...}, effects: [...]}]");
  } else if (reader.expect_list(*paragraphs, "paragraphs")) {
    for (const Node& paragraph : paragraphs->items) {
      rule.paragraphs.push_back(read_paragraph(paragraph, source));
    }
  }
  return rule;
}

}  // namespace fivefold
