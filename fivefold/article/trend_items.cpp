// Statements about where rules went: S33 to S35, S37.
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "fivefold/article/rule_parts.h"

namespace fivefold {
namespace {

// S33: chips above the H20 may be allowed. Who moved from denial after the article's day.
Result<Finding> above_the_h20(const Workbench& bench) {
  const auto rules = ruled_chips(bench);
  if (!rules) return tl::unexpected(rules.error());
  const auto h20 = rules->chip("h20"), h200 = rules->chip("h200"), b30a = rules->chip("b30a");
  for (const auto* chip : {&h20, &h200, &b30a}) {
    if (!*chip) return tl::unexpected(chip->error());
  }
  const Date then = day_of(kArticleDay), last = rules->book.last_day();
  const double weak = number_of(*h20, "tpp");
  int moved = 0, barred = 0;
  for (const Chip* chip : rules->catalog.chips()) {
    const RuleSubject subject = rule_subject(rules->catalog, *chip);
    if (!from_nvidia(subject) || number_of(subject, "tpp") <= weak) continue;
    if (!is_denied(rules->on(subject, then))) continue;
    const bool still = is_denied(rules->on(subject, last));
    moved += !still;
    barred += still;
  }
  const auto reviewed = first_day(*rules, *h200, then, [](const Classification& answer) {
    return answer.access != Access::kDenied;
  });
  Finding finding;
  finding.verdict = reviewed && moved > 0 ? Verdict::kSupported : Verdict::kContradicted;
  finding.values = {date_value("reviewed", reviewed ? to_text(*reviewed) : ""),
                    count_value("days", reviewed ? days_between(then, *reviewed) : 0, "days"),
                    plain_value("h200", number_of(*h200, "tpp") / weak, 2),
                    plain_value("b30a", number_of(*b30a, "tpp") / weak, 3),
                    count_value("moved", moved),
                    count_value("barred", barred),
                    percent_value("tariff", rules->on(*h200, last).tariff, 2)};
  for (const auto* chip : {&h200, &b30a}) add_said(finding, rules->on(**chip, last).findings);
  finding.commands = {"fivefold rules history h200", "fivefold rules classify b30a"};
  return finding;
}

// S34: step by step. The same chips, judged on the first day of each rule and on the last of the
// government that made them.
Result<Finding> step_by_step(const Workbench& bench) {
  const auto rules = ruled_chips(bench);
  if (!rules) return tl::unexpected(rules.error());
  const char* const days[] = {"2022-08-26", "2022-10-21", "2023-11-17", "2025-01-20"};
  const char* const names[] = {"start", "first_rule", "second_rule", "end"};
  Finding finding;
  std::vector<int> counts;
  for (std::size_t i = 0; i < std::size(days); ++i) {
    counts.push_back(count_on(*rules, day_of(days[i]), american, needs_nothing));
    finding.values.push_back(count_value(names[i], counts.back()));
  }
  finding.values.push_back(count_value(
      "all",
      count_on(*rules, day_of(days[0]), american, [](const Classification&) { return true; })));
  const bool never_rises = std::is_sorted(counts.rbegin(), counts.rend());
  finding.verdict = never_rises && counts.back() < counts.front() ? Verdict::kSupported
                    : counts.back() < counts.front()              ? Verdict::kDepends
                                                                  : Verdict::kContradicted;
  finding.commands = {"fivefold rules table --date 2022-08-26",
                      "fivefold rules table --date 2025-01-20"};
  return finding;
}

// S35: tighter at first under Trump, then the other way.
Result<Finding> turned_round(const Workbench& bench) {
  const auto rules = ruled_chips(bench);
  if (!rules) return tl::unexpected(rules.error());
  const auto sold = [&](std::string_view day) {
    return count_on(*rules, day_of(day), american, may_be_sold);
  };
  const auto denied = [&](std::string_view day) {
    return count_on(*rules, day_of(day), american, is_denied);
  };
  const int start = sold("2025-01-20"), spring = sold("2025-04-09"), autumn = sold(kArticleDay);
  const int before = denied("2026-01-14"), after = denied("2026-01-15");
  Finding finding;
  const bool tighter = spring<start, looser = autumn> spring || after < before;
  finding.verdict = tighter && looser ? Verdict::kSupported : Verdict::kContradicted;
  finding.values = {count_value("start", start), count_value("spring", spring),
                    count_value("autumn", autumn), count_value("denied_before", before),
                    count_value("denied_after", after)};
  finding.commands = {"fivefold rules table --date 2025-04-09",
                      "fivefold rules table --date 2026-01-15"};
  return finding;
}

// S37: no accident. That two things fell together is all that dates show.
Result<Finding> no_accident(const Workbench& bench) {
  const auto inquiry = event_of(bench, "T041");
  const auto stop = event_of(bench, "T044");
  if (!inquiry) return tl::unexpected(inquiry.error());
  if (!stop) return tl::unexpected(stop.error());
  const int days = days_between(inquiry->date.first, stop->date.first);
  Finding finding;
  finding.verdict = std::abs(days) <= 14 ? Verdict::kDepends : Verdict::kContradicted;
  finding.values = {date_value("inquiry", inquiry->written), date_value("stop", stop->written),
                    count_value("days", std::abs(days))};
  for (const std::string& id : stop->sources) {
    if (id != "ARTICLE") finding.sources.push_back(id);
  }
  return finding;
}

}  // namespace

void add_trend_items(ItemTable& table) {
  table["S33"] = above_the_h20;
  table["S34"] = step_by_step;
  table["S35"] = turned_round;
  table["S37"] = no_accident;
}

}  // namespace fivefold
