// Conditions in three truths, and the values that they ask.
#include <algorithm>

#include <fmt/format.h>

#include "fivefold/base/unit_text.h"
#include "fivefold/policy/rule_run.h"

namespace fivefold {
namespace {

Truth truth_of(bool yes) {
  return yes ? Truth::kYes : Truth::kNo;
}

void add_test(std::vector<ThresholdTest>& tests, ThresholdTest test) {
  const bool known = std::any_of(tests.begin(), tests.end(), [&](const ThresholdTest& one) {
    return one.field == test.field && one.op == test.op && one.threshold == test.threshold &&
           one.against == test.against;
  });
  if (!known) tests.push_back(std::move(test));
}

bool holds(double value, std::string_view op, double threshold) {
  if (op == ">=") return value >= threshold;
  if (op == ">") return value > threshold;
  if (op == "<=") return value <= threshold;
  if (op == "<") return value < threshold;
  return value == threshold;
}

std::string text_value(const RuleQuestion& question, const RuleWorld& world,
                       const std::string& field) {
  if (field == "clause") return world.clause.empty() ? kNoClause : world.clause;
  if (field == "destination") return question.buyer.destination;
  if (field == "headquarters") return question.headquarters;
  if (field == "vendor") return question.subject.vendor;
  if (field == "maker") return question.subject.maker_country;
  if (field == "name") return question.subject.name;
  const auto value = question.values.find(field);
  return value == question.values.end() ? std::string() : value->second.text;
}

Truth text_test(const RuleCondition& condition, const RuleQuestion& question,
                const RuleWorld& world, std::vector<ThresholdTest>& tests) {
  const std::string found = text_value(question, world, condition.field);
  const bool among = condition.field == "name"
                         ? is_named(question.subject, condition.texts)
                         : std::find(condition.texts.begin(), condition.texts.end(), found) !=
                               condition.texts.end();
  Truth met = truth_of(among != (condition.op == "!="));
  if (found.empty() && condition.field != "name") met = Truth::kUnknown;
  // What the engine decided before is no value of the chip.
  if (condition.field == "clause") return met;
  add_test(tests, {.field = condition.field,
                   .op = condition.op,
                   .against = fmt::format("{}", fmt::join(condition.texts, ", ")),
                   .found = found,
                   .met = met});
  return met;
}

Truth number_test(const RuleCondition& condition, const RuleQuestion& question,
                  std::vector<ThresholdTest>& tests) {
  ThresholdTest test{.field = condition.field, .op = condition.op, .threshold = condition.number};
  const auto found = question.values.find(condition.field);
  if (found != question.values.end()) {
    const RuleValue& value = found->second;
    test.value = value.value;
    test.met = compare(value, condition.op, condition.number);
    for (const auto& end : {value.low, value.high}) {
      test.unsure |= value.value && end &&
                     holds(*end, condition.op, condition.number) !=
                         holds(*value.value, condition.op, condition.number);
    }
  }
  const Truth met = test.met;
  add_test(tests, std::move(test));
  return met;
}

Truth yes_no_test(const RuleCondition& condition, const RuleQuestion& question,
                  std::vector<ThresholdTest>& tests) {
  ThresholdTest test{.field = condition.field, .op = condition.op};
  test.against = condition.flag ? "yes" : "no";
  const auto found = question.values.find(condition.field);
  if (found != question.values.end() && found->second.value) {
    const bool flag = *found->second.value > 0;
    test.found = flag ? "yes" : "no";
    test.met = truth_of(flag == condition.flag);
  }
  const Truth met = test.met;
  add_test(tests, std::move(test));
  return met;
}

Truth evaluate(const RuleCondition& condition, const RuleQuestion& question, const RuleWorld& world,
               std::vector<ThresholdTest>& tests) {
  switch (condition.kind) {
    case RuleCondition::Kind::kNumber:
      return number_test(condition, question, tests);
    case RuleCondition::Kind::kYesNo:
      return yes_no_test(condition, question, tests);
    case RuleCondition::Kind::kText:
      return text_test(condition, question, world, tests);
    case RuleCondition::Kind::kAll:
    case RuleCondition::Kind::kAny:
      break;
  }
  const bool all = condition.kind == RuleCondition::Kind::kAll;
  Truth met = truth_of(all);
  for (const RuleCondition& part : condition.parts) {  // all parts: each test is shown
    const Truth one = evaluate(part, question, world, tests);
    met = all ? both(met, one) : inverse(both(inverse(met), inverse(one)));
  }
  return met;
}

}  // namespace

Truth both(Truth a, Truth b) {
  if (a == Truth::kNo || b == Truth::kNo) return Truth::kNo;
  return a == Truth::kYes && b == Truth::kYes ? Truth::kYes : Truth::kUnknown;
}
Truth inverse(Truth a) {
  return a == Truth::kUnknown ? a : a == Truth::kYes ? Truth::kNo : Truth::kYes;
}
Truth evaluate(const std::optional<RuleCondition>& condition, const RuleQuestion& question,
               const RuleWorld& world, std::vector<ThresholdTest>& tests) {
  return condition ? evaluate(*condition, question, world, tests) : Truth::kYes;
}

bool is_among(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

Truth compare(const RuleValue& value, std::string_view op, double threshold) {
  if (!value.value) return Truth::kUnknown;
  const Truth met = truth_of(holds(*value.value, op, threshold));
  if (!value.at_least) return met;
  // More may be added: only what more cannot undo is decided.
  const bool upward = op == ">=" || op == ">";
  const bool downward = op == "<=" || op == "<";
  if ((upward && met == Truth::kYes) || (downward && met == Truth::kNo)) return met;
  return Truth::kUnknown;
}

RuleValues rule_values(const RuleBook::Data& data, const RuleSubject& subject) {
  RuleValues values = subject.values;
  for (const RuleField& field : data.fields) {
    RuleValue& value = values[field.id];
    if (value.value || !value.text.empty()) continue;
    const auto fact = subject.values.find(field.fact);
    if (!field.fact.empty() && fact != subject.values.end() && fact->second.value) {
      const double scale = field.unit.empty() ? 1 : parse_unit(field.unit).scale;
      value = fact->second;
      for (auto* number : {&value.value, &value.low, &value.high}) {
        if (*number) **number /= scale;
      }
    } else if (!field.standard.empty()) {
      value.text = field.standard;
    }
  }
  for (const RuleField& field : data.fields) {
    RuleValue& value = values[field.id];
    if (value.value) continue;
    if (field.ratio.size() == 2) value = ratio_of(values[field.ratio[0]], values[field.ratio[1]]);
    for (std::size_t i = 0; i < field.sum.size(); ++i) {
      value = i == 0 ? values[field.sum[i]] : sum_of(value, values[field.sum[i]]);
    }
  }
  return values;
}

}  // namespace fivefold
