#include "fivefold/report/rules_view.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/base/text.h"
#include "fivefold/policy/rule_data.h"

namespace fivefold {
namespace {

using RulesJson = nlohmann::ordered_json;

std::string listed(const std::vector<std::string>& items) {
  return fmt::format("{}", fmt::join(items, ", "));
}

std::string_view truth_text(Truth truth) {
  return truth == Truth::kYes ? "yes" : truth == Truth::kNo ? "no" : "unknown";
}

std::string number_text(double value, const RuleField& field) {
  return plain_number(value) + (field.unit.empty() ? "" : " " + field.unit);
}

std::string test_text(const ThresholdTest& test, const RuleField& field) {
  const bool words = !test.against.empty();
  return fmt::format("{} {} {}", field.name, test.op,
                     words ? test.against : number_text(test.threshold, field));
}

std::string found_text(const ThresholdTest& test, const RuleField& field) {
  if (!test.against.empty()) return test.found.empty() ? "-" : test.found;
  if (!test.value) return "not published";
  return number_text(*test.value, field) + (test.unsure ? " (range on both sides)" : "");
}

std::string heading_of(const RuleFinding& finding) {
  std::string what = finding.applies == Truth::kYes  ? finding.outcome
                     : finding.applies == Truth::kNo ? "does not apply"
                                                     : "undecided: " + finding.outcome;
  if (!finding.reached && finding.applies != Truth::kNo) what += " (not an export of the issuer)";
  return fmt::format("{}, {}: {} [{}; {}]", finding.rule, finding.clause, what,
                     listed(finding.sources), name(finding.confidence));
}

Table tests_table(std::string title, const std::vector<RuleFinding>& findings,
                  const RuleBook::Data& data) {
  Table table;
  table.title = std::move(title);
  table.columns = {{"test"}, {"value", Align::kRight}, {"holds"}};
  for (const RuleFinding& finding : findings) {
    if (finding.tests.empty()) table.add({"-", "", ""}, heading_of(finding));
    for (const ThresholdTest& test : finding.tests) {
      const RuleField& field = *data.field(test.field);
      table.add({test_text(test, field), found_text(test, field), truth_text(test.met)},
                heading_of(finding));
    }
  }
  return table;
}

// The numbers that the tests asked for, in the order of the fields.
std::vector<const RuleField*> asked_fields(const Classification& answer,
                                           const RuleBook::Data& data) {
  std::vector<const RuleField*> fields;
  for (const RuleField& field : data.fields) {
    if (field.kind != RuleField::Kind::kNumber || field.id == "year") continue;
    for (const RuleFinding& finding : answer.findings) {
      const bool asked =
          std::any_of(finding.tests.begin(), finding.tests.end(),
                      [&](const ThresholdTest& test) { return test.field == field.id; });
      if (!asked) continue;
      fields.push_back(&field);
      break;
    }
  }
  return fields;
}

Table values_table(const Classification& answer, const RuleSubject& subject,
                   const RuleBook::Data& data) {
  Table table;
  table.title = "What the rules ask of it";
  table.columns = {{"value"},   {"", Align::kRight}, {"range"},
                   {"made of"}, {"confidence"},      {"sources"}};
  const RuleValues values = rule_values(data, subject);
  for (const RuleField* field : asked_fields(answer, data)) {
    const RuleValue& value = values.find(field->id)->second;
    if (!value.value) {
      table.add({field->name, "-", "", "not published", "", ""});
      continue;
    }
    const bool range = value.low && value.high && *value.low < *value.high;
    table.add(
        {field->name, (value.at_least ? "at least " : "") + number_text(*value.value, *field),
         range ? fmt::format("{} to {}", plain_number(*value.low), plain_number(*value.high)) : "",
         value.from, name(value.confidence), listed(value.sources)});
  }
  table.add({"data-centre part", subject.data_center ? "yes" : "no", "",
             subject.data_center_stated ? "stated" : "assumed", "", ""});
  return table;
}

std::string subject_text(const RuleSubject& subject) {
  return subject.id.empty() ? subject.name
                            : fmt::format("{} ({}), {}", subject.name, subject.id, subject.vendor);
}

std::string buyer_text(const Buyer& buyer) {
  std::string text = "to " + buyer.destination;
  if (!buyer.headquarters.empty() && buyer.headquarters != buyer.destination) {
    text += fmt::format(" (headquarters in {})", buyer.headquarters);
  }
  return text + (buyer.state_funded ? ", state-funded" : "");
}

RulesJson finding_json(const RuleFinding& finding) {
  RulesJson json = {{"rule", finding.rule},       {"name", finding.name},
                    {"clause", finding.clause},   {"applies", truth_text(finding.applies)},
                    {"reached", finding.reached}, {"outcome", finding.outcome},
                    {"sources", finding.sources}, {"confidence", name(finding.confidence)}};
  json["tests"] = RulesJson::array();
  for (const ThresholdTest& test : finding.tests) {
    RulesJson one = {{"field", test.field}, {"op", test.op}};
    if (test.against.empty()) {
      one["threshold"] = test.threshold;
      one["value"] = test.value ? RulesJson(*test.value) : RulesJson();
      one["unsure"] = test.unsure;
    } else {
      one["threshold"] = test.against;
      one["value"] = test.found.empty() ? RulesJson() : RulesJson(test.found);
    }
    one["holds"] = truth_text(test.met);
    json["tests"].push_back(std::move(one));
  }
  return json;
}

RulesJson values_json(const Classification& answer, const RuleSubject& subject,
                      const RuleBook::Data& data) {
  RulesJson json = RulesJson::object();
  const RuleValues values = rule_values(data, subject);
  for (const RuleField* field : asked_fields(answer, data)) {
    const RuleValue& value = values.find(field->id)->second;
    const auto number = [](std::optional<double> one) {
      return one ? RulesJson(*one) : RulesJson();
    };
    json[field->id] = {{"value", number(value.value)}, {"low", number(value.low)},
                       {"high", number(value.high)},   {"at_least", value.at_least},
                       {"unit", field->unit},          {"from", value.from},
                       {"sources", value.sources},     {"confidence", name(value.confidence)}};
  }
  return json;
}

}  // namespace

std::string access_text(const Classification& answer) {
  if (!answer.reached && answer.access == Access::kFree) return "out of reach";
  std::string text(name(answer.access));
  if (answer.granted) text += " (issued)";
  if (answer.revenue_share > 0) text += ", " + format_percent(answer.revenue_share) + " of sales";
  if (answer.tariff > 0) text += ", tariff " + format_percent(answer.tariff);
  return text;
}

std::string gate_text(const Classification& answer) {
  if (answer.gates.empty()) return "no rule";
  return std::string(name(answer.gate)) +
         (answer.gate_outcome.empty() ? "" : ": " + answer.gate_outcome);
}

std::string classify_text(const RulesQuestion& question, const RuleSubject& subject) {
  const RuleBook::Data& data = question.book->data();
  const Classification answer = question.book->classify(subject, question.date, question.buyer);
  std::string text = fmt::format("{}, {} on {}\n\n", subject_text(subject),
                                 buyer_text(question.buyer), to_text(question.date));
  const auto line = [&](std::string_view label, const std::string& what) {
    std::string head = fmt::format("{:<10}", label);
    for (const std::string& part : wrap(what, kTextWidth - 10)) {
      text += head + part + "\n";
      head = std::string(10, ' ');
    }
  };
  line("seller", access_text(answer));
  if (!answer.clause.empty()) line("  clause", answer.clause + ": " + answer.outcome);
  if (!answer.reached) {
    line("  as if", fmt::format("{}{}; made in {}, so that it is no export of the rules' issuer",
                                name(answer.as_if),
                                answer.as_if_clause.empty() ? "" : ", " + answer.as_if_clause,
                                subject.maker_country));
  }
  line("buyer", gate_text(answer));
  line("so", fmt::format("{}, {}", answer.exportable() ? "it may be sold" : "it may not be sold",
                         answer.admitted() ? "it may be bought" : "it may not be bought"));
  for (const std::string& caution : answer.cautions) line("note", caution);
  text += "\n" + to_text(values_table(answer, subject, data));
  if (!answer.findings.empty()) {
    text += "\n" + to_text(tests_table("Rules in force, in the order in which they act",
                                       answer.findings, data));
  }
  if (!answer.gates.empty()) {
    text += "\n" + to_text(tests_table("On the buyer's side", answer.gates, data));
  }
  return text + "\n" + kNoLegalAdvice + "\n";
}

std::string classify_json(const RulesQuestion& question, const RuleSubject& subject) {
  const Classification answer = question.book->classify(subject, question.date, question.buyer);
  RulesJson json;
  json["chip"] = subject.id;
  json["name"] = subject.name;
  json["date"] = to_text(question.date);
  json["destination"] = question.buyer.destination;
  json["headquarters"] = question.buyer.headquarters;
  json["state_funded"] = question.buyer.state_funded;
  json["access"] = name(answer.access);
  json["granted"] = answer.granted;
  json["clause"] = answer.clause;
  json["outcome"] = answer.outcome;
  json["least"] = name(answer.least);
  json["most"] = name(answer.most);
  json["reached"] = answer.reached;
  json["as_if"] = name(answer.as_if);
  json["as_if_clause"] = answer.as_if_clause;
  json["revenue_share"] = answer.revenue_share;
  json["tariff"] = answer.tariff;
  json["gate"] = name(answer.gate);
  json["gate_outcome"] = answer.gate_outcome;
  json["exportable"] = answer.exportable();
  json["admitted"] = answer.admitted();
  json["data_center"] = subject.data_center;
  json["data_center_stated"] = subject.data_center_stated;
  json["values"] = values_json(answer, subject, question.book->data());
  json["rules"] = RulesJson::array();
  for (const RuleFinding& finding : answer.findings) json["rules"].push_back(finding_json(finding));
  json["gates"] = RulesJson::array();
  for (const RuleFinding& finding : answer.gates) json["gates"].push_back(finding_json(finding));
  json["cautions"] = answer.cautions;
  json["notes"] = {kNoLegalAdvice};
  return json.dump(2) + "\n";
}

std::string classify_csv(const RulesQuestion& question, const RuleSubject& subject) {
  const Classification answer = question.book->classify(subject, question.date, question.buyer);
  std::string text = csv_record({"side", "rule", "clause", "applies", "field", "op", "threshold",
                                 "value", "holds", "sources", "confidence"});
  const auto add = [&](const char* side, const RuleFinding& finding, const ThresholdTest& test) {
    const bool words = !test.against.empty();
    text +=
        csv_record({side, finding.rule, finding.clause, std::string(truth_text(finding.applies)),
                    test.field, test.op, words ? test.against : exact_text(test.threshold),
                    words        ? test.found
                    : test.value ? exact_text(*test.value)
                                 : "",
                    std::string(truth_text(test.met)), listed(finding.sources),
                    std::string(name(finding.confidence))});
  };
  for (const RuleFinding& finding : answer.findings) {
    for (const ThresholdTest& test : finding.tests) add("seller", finding, test);
  }
  for (const RuleFinding& finding : answer.gates) {
    for (const ThresholdTest& test : finding.tests) add("buyer", finding, test);
  }
  return text;
}

}  // namespace fivefold
