#include "fivefold/article/rule_parts.h"

#include <algorithm>
#include <set>

namespace fivefold {

Result<RuleSubject> RuledChips::chip(std::string_view id) const {
  const auto found = catalog.chip(id);
  if (!found) return tl::unexpected(found.error());
  return rule_subject(catalog, **found);
}

Date day_of(std::string_view text) {
  return parse_date(text).value_or(Date{});
}

void add_said(Finding& finding, const std::vector<RuleFinding>& rules) {
  std::set<std::string> known(finding.sources.begin(), finding.sources.end());
  for (const RuleFinding& rule : rules) {
    // What tested nothing of the chip is a clarification and says nothing of it.
    if (rule.applies == Truth::kNo || rule.tests.empty()) continue;
    for (const std::string& id : rule.sources) {
      if (known.insert(id).second) finding.sources.push_back(id);
    }
  }
}

std::optional<Date> first_day(const RuledChips& rules, const RuleSubject& subject, Date from,
                              IsSo is_so) {
  if (is_so(rules.on(subject, from))) return from;
  for (const Date day : rules.book.turning_days()) {
    if (day > from && is_so(rules.on(subject, day))) return day;
  }
  return std::nullopt;
}

int count_on(const RuledChips& rules, Date day, Counts counts, IsSo is_so) {
  int count = 0;
  for (const Chip* chip : rules.catalog.chips()) {
    const RuleSubject subject = rule_subject(rules.catalog, *chip);
    count += counts(subject) && is_so(rules.on(subject, day));
  }
  return count;
}

bool sold_and_bought(const Classification& answer) {
  return answer.exportable() && answer.admitted();
}
bool may_be_sold(const Classification& answer) {
  return answer.exportable();
}
bool needs_nothing(const Classification& answer) {
  return answer.access == Access::kFree;
}
bool is_denied(const Classification& answer) {
  return answer.access == Access::kDenied;
}
bool from_nvidia(const RuleSubject& chip) {
  return chip.vendor == "Nvidia" && chip.data_center;
}
bool nvidia_desk(const RuleSubject& chip) {
  return chip.vendor == "Nvidia" && !chip.data_center;
}
bool american(const RuleSubject& chip) {
  return chip.maker_country == "US" && chip.data_center;
}

Result<RuledChips> ruled_chips(const Workbench& bench) {
  const auto& book = bench.rules();
  if (!book) return tl::unexpected(book.error());
  return RuledChips{bench.catalog, *book};
}

double number_of(const RuleSubject& subject, const char* field) {
  const auto found = subject.values.find(field);
  return found == subject.values.end() ? 0 : found->second.value.value_or(0);
}

ArticleValue percent_value(std::string name, double share, int digits) {
  return plain_value(std::move(name), 100 * share, digits, "%");
}

Result<double> tariff_on_h200(const Workbench& bench) {
  const auto rules = ruled_chips(bench);
  if (!rules) return tl::unexpected(rules.error());
  const auto h200 = rules->chip("h200");
  if (!h200) return tl::unexpected(h200.error());
  return rules->on(*h200, day_of("2026-01-15")).tariff;
}

}  // namespace fivefold
