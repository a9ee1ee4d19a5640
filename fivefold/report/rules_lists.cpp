// Tables of the rules: a chip over time, all chips on a day, and the rules themselves.
#include <algorithm>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/policy/rule_data.h"
#include "fivefold/report/rules_view.h"

namespace fivefold {
namespace {

std::string joined(const std::vector<std::string>& items) {
  return fmt::format("{}", fmt::join(items, ", "));
}

std::string asked(const RulesQuestion& question) {
  std::string text = fmt::format("to {} on {}", question.buyer.destination, to_text(question.date));
  return text + (question.buyer.state_funded ? ", state-funded" : "");
}

std::vector<std::string> applied(const std::vector<RuleFinding>& findings) {
  std::vector<std::string> rules;
  for (const RuleFinding& finding : findings) {
    if (finding.applies != Truth::kNo) rules.push_back(finding.rule);
  }
  return rules;
}

// What began or ended for the chip between two answers.
std::string changes(const Classification& before, const Classification& after) {
  std::vector<std::string> parts;
  for (const auto side : {&Classification::findings, &Classification::gates}) {
    const auto old = applied(before.*side), now = applied(after.*side);
    for (const std::string& rule : now) {
      if (std::find(old.begin(), old.end(), rule) == old.end()) parts.push_back(rule);
    }
    for (const std::string& rule : old) {
      if (std::find(now.begin(), now.end(), rule) == now.end()) parts.push_back("end of " + rule);
    }
  }
  return joined(parts);
}

bool same_status(const Classification& a, const Classification& b) {
  return a.access == b.access && a.clause == b.clause && a.granted == b.granted &&
         a.revenue_share == b.revenue_share && a.tariff == b.tariff && a.gate == b.gate &&
         a.gate_outcome == b.gate_outcome && a.as_if == b.as_if;
}

TableCell number_cell(const RuleSubject& subject, const char* field, int digits = 6) {
  const auto found = subject.values.find(field);
  if (found == subject.values.end() || !found->second.value) return {};
  const std::string shown =
      (found->second.at_least ? ">= " : "") + plain_number(*found->second.value, digits);
  return {*found->second.value, shown};
}

struct ClassifiedChip {
  RuleSubject subject;
  Classification answer;
};

std::vector<ClassifiedChip> classified(const RulesQuestion& question) {
  std::vector<ClassifiedChip> all;
  for (const Chip* chip : question.catalog->chips()) {
    RuleSubject subject = rule_subject(*question.catalog, *chip);
    Classification answer = question.book->classify(subject, question.date, question.buyer);
    all.push_back({std::move(subject), std::move(answer)});
  }
  return all;
}

std::string side_text(const Classification& answer) {
  std::string text = access_text(answer);
  if (!answer.reached && answer.as_if != Access::kFree) {
    text += fmt::format("; as if: {}", name(answer.as_if));
  }
  return text;
}

std::string effects_text(const Rule& rule) {
  std::vector<std::string> parts;
  for (const RuleParagraph& paragraph : rule.paragraphs) {
    for (const RuleEffect& effect : paragraph.effects) {
      if (std::find(parts.begin(), parts.end(), effect.outcome) == parts.end()) {
        parts.push_back(effect.outcome);
      }
    }
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

Table rules_history(const RulesQuestion& question, const RuleSubject& subject) {
  Table table;
  table.title = fmt::format("{} ({}) to {}: what changed when", subject.name, subject.id,
                            question.buyer.destination);
  table.columns = {{"from"}, {"seller"}, {"clause"}, {"buyer"}, {"by"}};
  std::optional<Classification> before;
  for (const Date day : question.book->turning_days()) {
    const Classification answer = question.book->classify(subject, day, question.buyer);
    if (before && same_status(*before, answer)) {
      before = answer;
      continue;
    }
    table.add({to_text(day), side_text(answer),
               answer.reached ? answer.clause : answer.as_if_clause, gate_text(answer),
               changes(before.value_or(Classification{}), answer)});
    before = answer;
  }
  table.notes.push_back(kNoLegalAdvice);
  return table;
}

Table rules_chips(const RulesQuestion& question) {
  Table table;
  table.title = "Chips " + asked(question);
  table.columns = {{"chip"},
                   {"TPP", Align::kRight},
                   {"density", Align::kRight, "performance_density"},
                   {"DRAM", Align::kRight, "dram", "GB/s"},
                   {"I/O", Align::kRight, "io", "GB/s"},
                   {"seller"},
                   {"clause"},
                   {"buyer"}};
  for (const ClassifiedChip& chip : classified(question)) {
    const Classification& answer = chip.answer;
    table.add(
        {chip.subject.id, number_cell(chip.subject, "tpp"),
         number_cell(chip.subject, "performance_density", 3),
         number_cell(chip.subject, "dram_bw_gbs"), number_cell(chip.subject, "io_bw_2022_gbs"),
         side_text(answer), answer.reached ? answer.clause : answer.as_if_clause,
         answer.gates.empty() ? "-" : std::string(name(answer.gate))},
        chip.subject.vendor);
  }
  table.notes = {
      "DRAM and I/O in GB/s, I/O in both directions; chips are taken for data-centre "
      "parts unless the catalog says otherwise",
      kNoLegalAdvice};
  return table;
}

Table rules_admitted(const RulesQuestion& question) {
  Table table;
  table.title = "Chips from abroad that may be sold and bought, " + asked(question);
  table.columns = {{"chip"}, {"vendor"}, {"for"}, {"seller"}, {"buyer"}, {"said by"}};
  int nvidia = 0;
  for (const bool on_conditions : {false, true}) {
    for (const ClassifiedChip& chip : classified(question)) {
      const Classification& answer = chip.answer;
      if (!answer.reached || !answer.exportable()) continue;
      const bool conditional = answer.gate == Gate::kConditional;
      if (on_conditions ? !conditional : !answer.admitted()) continue;
      std::vector<std::string> said;
      for (const RuleFinding& gate : answer.gates) {
        if (gate.applies != Truth::kNo) {
          said.push_back(fmt::format("{} ({} confidence)", gate.rule, name(gate.confidence)));
        }
      }
      nvidia += !on_conditions && chip.subject.vendor == "Nvidia" && chip.subject.data_center;
      table.add(
          {chip.subject.id, chip.subject.vendor, chip.subject.data_center ? "data centre" : "desk",
           access_text(answer), gate_text(answer), joined(said)},
          on_conditions ? "on conditions of the buyer's side" : "admitted");
    }
  }
  table.notes = {fmt::format("data-centre parts of Nvidia without condition: {}", nvidia),
                 "chips made in the buyer's own country are not listed", kNoLegalAdvice};
  return table;
}

Table rules_list(const RulesQuestion& question, bool of_the_day) {
  const RuleBook::Data& data = question.book->data();
  Table table;
  table.title = of_the_day ? "Rules on " + to_text(question.date) : "Rules";
  table.columns = {{"id"},      {"from"}, {"to"},      {"name"},      {"status"},
                   {"outcome"}, {"note"}, {"sources"}, {"confidence"}};
  const auto add = [&](const std::vector<Rule>& rules, bool in_force, const std::string& group) {
    for (const Rule& rule : rules) {
      if (rule.in_force != in_force) continue;
      if (of_the_day && (question.date < rule.from || question.date > rule.to)) continue;
      table.add(
          {rule.id, to_text(rule.from), rule.to == Date::max() ? "" : to_text(rule.to), rule.name,
           rule.status, effects_text(rule), rule.note, joined(rule.sources), name(rule.confidence)},
          group);
    }
  };
  add(data.rules, true, "rules, in the order in which they act");
  add(data.gates, true, "on the buyer's side");
  add(data.rules, false, "not in force: bills, rumours, what never applied");
  for (const RuleAction& action : data.actions) {
    if (of_the_day && action.date != question.date) continue;
    table.add({action.id, to_text(action.date), to_text(action.date),
               action.authority + ": " + action.action, "", "for " + action.scope,
               action.chips == "none" ? "" : "chips: " + action.chips, joined(action.sources), ""},
              "actions of the buyer's side");
  }
  table.notes = {data.note, kNoLegalAdvice};
  return table;
}

// A block a rule: a table of so many words would be all wrapped.
std::string rules_list_text(const RulesQuestion& question, bool of_the_day) {
  const Table table = rules_list(question, of_the_day);
  std::string text = table.title + "\n", group;
  const auto add = [&](std::string_view words) {
    for (const std::string& line : wrap(words, kTextWidth - 4)) text += "    " + line + "\n";
  };
  for (const Table::Row& row : table.rows) {
    if (row.group != group) text += "\n" + row.group + "\n";
    group = row.group;
    const auto cell = [&](std::size_t at) -> const std::string& { return row.cells[at].text; };
    const bool one_day = cell(1) == cell(2);
    text += fmt::format("\n  {}, {}{}{}\n", cell(0), one_day ? "" : "from ", cell(1),
                        one_day || cell(2).empty() ? "" : " to " + cell(2));
    add(cell(3) + (cell(4).empty() ? "" : " (" + cell(4) + ")"));
    add(cell(5));
    add(cell(6));
    add("[" + cell(7) + (cell(8).empty() ? "" : "; " + cell(8)) + "]");
  }
  text += "\n";
  for (const std::string& note : table.notes) text += note + "\n";
  return text;
}

}  // namespace fivefold
