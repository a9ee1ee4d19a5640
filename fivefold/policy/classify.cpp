// What the rules in force say of a chip on a day.
//
// Rules act one after the other on a state (clause, access, gate). Where a value that decides is
// not published the state splits: both ways are followed, and the answer is known if all end alike.
#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/policy/rule_run.h"

namespace fivefold {
namespace {

constexpr std::size_t kMostWorlds = 256;

bool goes_to(const std::vector<std::string>& destinations, const Rule& rule,
             const RuleQuestion& question) {
  return is_among(destinations, question.buyer.destination) ||
         (rule.headquarters && is_among(destinations, question.headquarters));
}

bool concerns(const Rule& rule, const RuleQuestion& question) {
  if (!rule.in_force || question.date < rule.from || question.date > rule.to) return false;
  if (!goes_to(rule.destinations, rule, question)) return false;
  const auto item = question.values.find("item");
  const std::string kind = item == question.values.end() ? "ic" : item->second.text;
  return rule.items.empty() ? kind == "ic" : is_among(rule.items, kind);
}

bool reaches(const Rule& rule, const RuleQuestion& question) {
  const RuleIssuer* issuer = question.data.issuer(rule.issuer);
  const std::string& maker = question.subject.maker_country;
  return issuer->makers.empty() || maker.empty() || is_among(issuer->makers, maker);
}

RuleWorld after(RuleWorld world, const RuleEffect& effect, const std::string& clause) {
  if (effect.access && (effect.replaces || *effect.access > world.access)) {
    world.access = *effect.access;
    world.clause = clause;
    world.outcome = effect.outcome;
    world.granted = false;
  }
  if (effect.gate && (effect.replaces || *effect.gate > world.gate)) {
    world.gate = *effect.gate;
    world.gate_outcome = effect.outcome;
  }
  if (effect.granted) {
    world.granted = true;
    world.outcome += "; " + effect.outcome;
  }
  world.revenue_share = std::max(world.revenue_share, effect.revenue_share);
  world.tariff = std::max(world.tariff, effect.tariff);
  return world;
}

// The ways from one state through one rule, and whether it applied.
struct RuleStep {
  std::vector<RuleWorld> ways;
  Truth applies = Truth::kNo;
  std::string clause, outcome;  // of the first effect that may apply

  void take(const RuleParagraph& paragraph, const RuleEffect& effect, const RuleWorld& world) {
    ways.push_back(after(world, effect, paragraph.clause));
    if (!outcome.empty()) return;
    clause = paragraph.clause;
    outcome = effect.outcome;
  }
};

// False if it is certain that a paragraph or effect before took the state.
bool take_paragraph(const RuleParagraph& paragraph, const Rule& rule, const RuleQuestion& question,
                    const RuleWorld& world, std::vector<ThresholdTest>& tests, RuleStep& step) {
  const Truth met = evaluate(paragraph.when, question, world, tests);
  if (met == Truth::kNo) return true;
  for (const RuleEffect& effect : paragraph.effects) {
    if (!effect.destinations.empty() && !goes_to(effect.destinations, rule, question)) continue;
    const Truth fits = evaluate(effect.when, question, world, tests);
    if (fits == Truth::kNo) continue;
    step.take(paragraph, effect, world);
    if (fits == Truth::kYes) return met == Truth::kUnknown;
  }
  return true;
}

RuleStep step_of(const Rule& rule, const RuleQuestion& question, const RuleWorld& world,
                 std::vector<ThresholdTest>& tests) {
  RuleStep step;
  Truth scope = evaluate(rule.applies_if, question, world, tests);
  if (rule.unless && scope != Truth::kNo) {
    scope = both(scope, inverse(evaluate(*rule.unless, question, world, tests)));
  }
  bool open = true;  // whether the state may pass the rule unchanged
  if (scope != Truth::kNo) {
    for (const RuleParagraph& paragraph : rule.paragraphs) {
      open = take_paragraph(paragraph, rule, question, world, tests, step);
      if (!open) break;
    }
  }
  open = open || scope == Truth::kUnknown;
  if (open) step.ways.push_back(world);
  step.applies = step.outcome.empty() ? Truth::kNo : open ? Truth::kUnknown : Truth::kYes;
  return step;
}

struct Run {
  std::vector<RuleWorld> worlds = {RuleWorld{}};
  std::vector<RuleFinding> findings;
  bool too_many = false;
};

void keep_different(std::vector<RuleWorld>& worlds) {
  const auto less = [](const RuleWorld& a, const RuleWorld& b) { return a.key() < b.key(); };
  const auto same = [](const RuleWorld& a, const RuleWorld& b) { return a.key() == b.key(); };
  std::sort(worlds.begin(), worlds.end(), less);
  worlds.erase(std::unique(worlds.begin(), worlds.end(), same), worlds.end());
}

Run run_rules(const std::vector<Rule>& rules, const RuleQuestion& question, bool as_if_reached) {
  Run run;
  for (const Rule& rule : rules) {
    if (!concerns(rule, question)) continue;
    RuleFinding finding{.rule = rule.id,
                        .clause = rule.paragraphs.empty() ? "" : rule.paragraphs.front().clause,
                        .name = rule.name,
                        .sources = rule.sources,
                        .confidence = rule.confidence,
                        .place = rule.place};
    finding.reached = reaches(rule, question);
    std::vector<RuleWorld> next;
    bool first = true;
    for (const RuleWorld& world : run.worlds) {
      const RuleStep step = step_of(rule, question, world, finding.tests);
      if (!step.outcome.empty() && finding.outcome.empty()) {
        finding.clause = step.clause;
        finding.outcome = step.outcome;
      }
      finding.applies = first || finding.applies == step.applies ? step.applies : Truth::kUnknown;
      first = false;
      if (finding.reached || as_if_reached) {
        next.insert(next.end(), step.ways.begin(), step.ways.end());
      } else {
        next.push_back(world);
      }
    }
    keep_different(next);
    if (next.size() > kMostWorlds) {
      next.resize(kMostWorlds);
      run.too_many = true;
    }
    run.worlds = std::move(next);
    run.findings.push_back(std::move(finding));
  }
  return run;
}

bool all_alike(const std::vector<RuleWorld>& worlds) {
  return std::all_of(worlds.begin(), worlds.end(),
                     [&](const RuleWorld& world) { return world.access == worlds.front().access; });
}

std::string clauses_of(const std::vector<RuleWorld>& worlds) {
  std::vector<std::string> clauses;
  for (const RuleWorld& world : worlds) {
    const std::string clause = world.clause.empty() ? kNoClause : world.clause;
    if (!is_among(clauses, clause)) clauses.push_back(clause);
  }
  if (clauses.size() == 1) return worlds.front().clause;
  return fmt::format("{}", fmt::join(clauses, " or "));
}

// Names of the values without which a test of these findings is open.
std::string missing_values(const std::vector<RuleFinding>& findings, const RuleBook::Data& data) {
  std::vector<std::string> names;
  for (const RuleFinding& finding : findings) {
    if (finding.applies != Truth::kUnknown) continue;
    for (const ThresholdTest& test : finding.tests) {
      if (test.met != Truth::kUnknown) continue;
      const std::string& shown = data.field(test.field)->name;
      if (!is_among(names, shown)) names.push_back(shown);
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

void answer_access(const Run& run, const RuleBook::Data& data, Classification& answer) {
  const auto less = [](const RuleWorld& a, const RuleWorld& b) { return a.access < b.access; };
  const auto [least, most] = std::minmax_element(run.worlds.begin(), run.worlds.end(), less);
  answer.least = least->access;
  answer.most = run.too_many ? Access::kDenied : most->access;
  answer.clause = clauses_of(run.worlds);
  if (run.too_many || !all_alike(run.worlds)) {
    answer.access = Access::kUnknown;
    answer.outcome =
        fmt::format("cannot be decided, from '{}' to '{}': not published: {}", name(answer.least),
                    name(answer.most), missing_values(run.findings, data));
    return;
  }
  answer.access = least->access;
  answer.outcome = least->outcome;
  answer.granted = std::all_of(run.worlds.begin(), run.worlds.end(),
                               [](const RuleWorld& world) { return world.granted; });
  for (const RuleWorld& world : run.worlds) {
    answer.revenue_share = std::max(answer.revenue_share, world.revenue_share);
    answer.tariff = std::max(answer.tariff, world.tariff);
  }
}

// The strictest that may hold: a gate that cannot be excluded may close.
void answer_gate(const Run& run, Classification& answer) {
  for (const RuleWorld& world : run.worlds) {
    if (world.gate < answer.gate) continue;
    answer.gate = world.gate;
    answer.gate_outcome = world.gate_outcome;
  }
}

void add_caution(Classification& answer, std::string text) {
  if (!is_among(answer.cautions, text)) answer.cautions.push_back(std::move(text));
}

void add_cautions(const RuleQuestion& question, Classification& answer) {
  for (const RuleFinding& finding : answer.findings) {
    for (const ThresholdTest& test : finding.tests) {
      const RuleField& field = *question.data.field(test.field);
      if (test.field == "data_center" && !question.subject.data_center_stated) {
        add_caution(answer, "that it is a data-centre part is assumed (fact data_center)");
      }
      if (!test.unsure) continue;
      const RuleValue& value = question.values.find(test.field)->second;
      add_caution(answer, fmt::format("{}: {} ({} to {} by other sources) lies on both sides of {}",
                                      field.name, plain_number(*value.value),
                                      plain_number(value.low.value_or(*value.value)),
                                      plain_number(value.high.value_or(*value.value)),
                                      plain_number(test.threshold)));
    }
  }
}

RuleQuestion question_of(const RuleBook::Data& data, const RuleSubject& subject, Date date,
                         const Buyer& buyer) {
  RuleQuestion question{data, subject, buyer, date, rule_values(data, subject), {}};
  question.headquarters = buyer.headquarters.empty() ? buyer.destination : buyer.headquarters;
  const auto set = [&](const char* field, double value) {
    RuleValue& one = question.values[field];
    one.value = value;
    one.low = one.high = std::nullopt;
  };
  set("year", int(std::chrono::year_month_day(date).year()));
  set("state_funded", buyer.state_funded ? 1 : 0);
  set("data_center", subject.data_center ? 1 : 0);
  return question;
}

}  // namespace

Classification RuleBook::classify(const RuleSubject& subject, Date date, const Buyer& buyer) const {
  const RuleQuestion question = question_of(*data_, subject, date, buyer);
  Classification answer;
  answer.date = date;
  answer.buyer = buyer;
  Run run = run_rules(data_->rules, question, true);
  answer_access(run, *data_, answer);
  answer.as_if = answer.access;
  answer.as_if_clause = answer.clause;
  const bool out_of_reach = std::any_of(run.findings.begin(), run.findings.end(),
                                        [](const RuleFinding& one) { return !one.reached; });
  if (out_of_reach) {
    Classification own;
    run = run_rules(data_->rules, question, false);
    answer_access(run, *data_, own);
    answer.reached = false;
    answer.access = own.access;
    answer.least = own.least;
    answer.most = own.most;
    answer.clause = own.clause;
    answer.outcome = own.outcome;
    answer.granted = own.granted;
    answer.revenue_share = own.revenue_share;
    answer.tariff = own.tariff;
  }
  Run gates = run_rules(data_->gates, question, false);
  answer_gate(gates, answer);
  answer.findings = std::move(run.findings);
  answer.gates = std::move(gates.findings);
  add_cautions(question, answer);
  return answer;
}

bool Classification::exportable() const {
  if (access == Access::kFree || access == Access::kNotice) return true;
  return (access == Access::kReview || access == Access::kLicence) && granted;
}

bool Classification::admitted() const {
  return gate == Gate::kAdmitted || gate == Gate::kDiscouraged;
}

}  // namespace fivefold
