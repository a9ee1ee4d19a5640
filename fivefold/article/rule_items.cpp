// Statements that export rules and the buyer's gates decide by date: S01, S03 to S08, S33 to S35,
// S37. Chips are those of the catalog, judged by each day's rules.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "fivefold/article/items.h"

namespace fivefold {
namespace {

constexpr std::string_view kArticleDay = "2025-09-18";

struct Rules {
  const Catalog& catalog;
  const RuleBook& book;

  Classification on(const RuleSubject& subject, Date day) const {
    return book.classify(subject, day);
  }
  Result<RuleSubject> chip(std::string_view id) const {
    const auto found = catalog.chip(id);
    if (!found) return tl::unexpected(found.error());
    return rule_subject(catalog, **found);
  }
};

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

// The first day from `from` on on which the answer for the subject is so.
std::optional<Date> first_day(const Rules& rules, const RuleSubject& subject, Date from,
                              bool (*is_so)(const Classification&)) {
  if (is_so(rules.on(subject, from))) return from;
  for (const Date day : rules.book.turning_days()) {
    if (day > from && is_so(rules.on(subject, day))) return day;
  }
  return std::nullopt;
}

// How many chips of the catalog are so on a day, of those that `counts` takes.
int count_on(const Rules& rules, Date day, bool (*counts)(const RuleSubject&),
             bool (*is_so)(const Classification&)) {
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

Result<Rules> rules_of(const Workbench& bench) {
  const auto& book = bench.rules();
  if (!book) return tl::unexpected(book.error());
  return Rules{bench.catalog, *book};
}

double number_of(const RuleSubject& subject, const char* field) {
  const auto found = subject.values.find(field);
  return found == subject.values.end() ? 0 : found->second.value.value_or(0);
}

ArticleValue ranged(std::string name, const RuleSubject& subject, const char* field, int digits,
                    std::string unit = {}) {
  ArticleValue value = plain_value(std::move(name), number_of(subject, field), digits, unit);
  const auto found = subject.values.find(field);
  if (found == subject.values.end()) return value;
  value.low = found->second.low;
  value.high = found->second.high;
  return value;
}

ArticleValue percent(std::string name, double share, int digits = 3) {
  return plain_value(std::move(name), 100 * share, digits, "%");
}

// S01: Nvidia is shut out entirely. What could be sold and bought on the article's day and after
// the customs checks; cards for desks besides.
Result<Finding> shut_out(const Workbench& bench) {
  const auto rules = rules_of(bench);
  if (!rules) return tl::unexpected(rules.error());
  const auto customs = event_of(bench, "T050");
  if (!customs) return tl::unexpected(customs.error());
  const Date then = day_of(kArticleDay), later = customs->date.first;
  const int left = count_on(*rules, then, from_nvidia, sold_and_bought);
  const int after = count_on(*rules, later, from_nvidia, sold_and_bought);
  Finding finding;
  finding.verdict = after > 0   ? Verdict::kContradicted
                    : left == 0 ? Verdict::kSupported
                                : Verdict::kDepends;
  finding.values = {date_value("day", kArticleDay), count_value("left", left),
                    date_value("customs", customs->written), count_value("after", after),
                    count_value("desk", count_on(*rules, later, nvidia_desk, sold_and_bought))};
  if (const auto h20 = rules->chip("h20")) add_said(finding, rules->on(*h20, later).gates);
  finding.commands = {fmt::format("fivefold rules admitted --date {}", kArticleDay),
                      fmt::format("fivefold rules admitted --date {}", customs->written)};
  return finding;
}

// S03: sales of the H20 are to resume.
Result<Finding> resumes(const Workbench& bench) {
  const auto rules = rules_of(bench);
  if (!rules) return tl::unexpected(rules.error());
  const auto promise = event_of(bench, "T024");
  if (!promise) return tl::unexpected(promise.error());
  const auto h20 = rules->chip("h20");
  if (!h20) return tl::unexpected(h20.error());
  const auto first = first_day(*rules, *h20, promise->date.first, may_be_sold);
  Finding finding;
  finding.commands = {"fivefold rules history h20"};
  if (!first) {
    finding.verdict = Verdict::kContradicted;
    finding.values = {date_value("promise", promise->written)};
    return finding;
  }
  const Classification answer = rules->on(*h20, *first);
  finding.verdict = Verdict::kSupported;
  finding.values = {date_value("promise", promise->written), date_value("first", to_text(*first)),
                    count_value("days", days_between(promise->date.first, *first), "days"),
                    percent("share", answer.revenue_share, 2)};
  add_said(finding, answer.findings);
  return finding;
}

// S04: the H20 was made for China: the die of the H100, cut to the edge of the rule of 2023.
Result<Finding> made_for_china(const Workbench& bench) {
  const auto rules = rules_of(bench);
  if (!rules) return tl::unexpected(rules.error());
  const auto h20 = rules->chip("h20");
  const auto h100 = rules->chip("h100");
  if (!h20) return tl::unexpected(h20.error());
  if (!h100) return tl::unexpected(h100.error());
  const Date rule = day_of("2023-11-17");
  const auto limit = limit_of(rules->book, *h100, rule);
  if (!limit) return tl::unexpected(limit.error());
  double edge = 0;
  for (const ChipLimit::Cut& cut : limit->cuts) edge = cut.field == "tpp" ? cut.limit : edge;
  const double share = edge > 0 ? number_of(*h20, "tpp") / edge : 0;
  const bool passed = needs_nothing(rules->on(*h20, rule));
  const bool same_die = number_of(*h20, "die_area_mm2") == number_of(*h100, "die_area_mm2");
  const auto caught = first_day(*rules, *h20, rule, [](const Classification& answer) {
    return answer.access != Access::kFree;
  });
  Finding finding;
  finding.verdict = passed && same_die && share > 0.95 && share <= 1 ? Verdict::kSupported
                    : passed                                         ? Verdict::kDepends
                                                                     : Verdict::kContradicted;
  finding.values = {
      plain_value("tpp", number_of(*h20, "tpp"), 0),
      plain_value("edge", edge, 0),
      percent("share", share),
      percent("kept", number_of(*h20, "tpp") / number_of(*h100, "tpp"), 2),
      plain_value("density", number_of(*h20, "performance_density"), 3),
      percent("memory", number_of(*h20, "dram_bw_gbs") / number_of(*h100, "dram_bw_gbs"), 3),
      ranged("bandwidth", *h20, "dram_bw_gbs", 0, "GB/s"),
      date_value("caught", caught ? to_text(*caught) : "")};
  add_said(finding, rules->on(*h20, caught.value_or(rule)).findings);
  finding.commands = {"fivefold rules limit h100 --date 2023-11-17",
                      "fivefold rules classify h20 --date 2025-04-09"};
  return finding;
}

// S05: the RTX Pro 6000D: its use is not computed, but that it lies below every edge of its day.
Result<Finding> smart_factories(const Workbench& bench) {
  const auto rules = rules_of(bench);
  if (!rules) return tl::unexpected(rules.error());
  const auto cut = rules->chip("rtx_pro_6000d");
  const auto whole = rules->chip("rtx_pro_6000_server");
  const auto h20 = rules->chip("h20");
  if (!cut) return tl::unexpected(cut.error());
  if (!whole) return tl::unexpected(whole.error());
  if (!h20) return tl::unexpected(h20.error());
  const Date then = day_of(kArticleDay);
  const auto limit = limit_of(rules->book, *whole, then);
  if (!limit) return tl::unexpected(limit.error());
  double compute = 0, memory = 0;
  for (const ChipLimit::Cut& one : limit->cuts) {
    const double share = number_of(*cut, one.field.c_str()) / one.limit;
    if (one.field == "tpp") compute = share;
    if (one.field == "dram_bw_gbs") memory = share;
  }
  const bool at_the_edge = compute > 0.9 && compute < 1 && memory > 0.9 && memory < 1;
  Finding finding;
  finding.verdict = Verdict::kDepends;
  finding.says = at_the_edge ? "by_the_rule" : "below";
  finding.values = {
      ranged("tpp", *cut, "tpp", 0),
      percent("compute", compute),
      ranged("bandwidth", *cut, "dram_bw_gbs", 0, "GB/s"),
      percent("memory", memory),
      plain_value("sum", number_of(*cut, "dram_bw_gbs") + number_of(*cut, "io_bw_2022_gbs"), 0,
                  "GB/s"),
      percent("of_h20", number_of(*cut, "dram_bw_gbs") / number_of(*h20, "dram_bw_gbs"), 2)};
  add_said(finding, rules->on(*cut, then).findings);
  finding.commands = {
      fmt::format("fivefold rules limit rtx-pro-6000-server --date {}", kArticleDay),
      fmt::format("fivefold rules classify rtx-pro-6000d --date {}", kArticleDay)};
  return finding;
}

// S06: firms were made to stop buying the H20: advice first, a stop later.
Result<Finding> stop_of_the_h20(const Workbench& bench) {
  const auto rules = rules_of(bench);
  if (!rules) return tl::unexpected(rules.error());
  const auto h20 = rules->chip("h20");
  if (!h20) return tl::unexpected(h20.error());
  const Date start = day_of("2025-07-01"), then = day_of(kArticleDay);
  const auto advised = first_day(*rules, *h20, start, [](const Classification& answer) {
    return answer.gate != Gate::kAdmitted;
  });
  const auto stopped = first_day(*rules, *h20, start,
                                 [](const Classification& answer) { return !answer.admitted(); });
  Finding finding;
  finding.commands = {"fivefold rules history h20"};
  if (!advised || !stopped || *stopped > then) {
    finding.verdict = Verdict::kContradicted;
  } else {
    finding.verdict = *advised == *stopped ? Verdict::kSupported : Verdict::kDepends;
  }
  finding.values = {
      date_value("advised", advised ? to_text(*advised) : ""),
      date_value("stopped", stopped ? to_text(*stopped) : ""),
      count_value("days", advised && stopped ? days_between(*advised, *stopped) : 0, "days")};
  add_said(finding, rules->on(*h20, advised.value_or(start)).gates);
  add_said(finding, rules->on(*h20, then).gates);
  return finding;
}

// S07: hardly anything is left to sell. The memory of the best that is left, beside the H20's.
Result<Finding> hardly_anything(const Workbench& bench) {
  const auto rules = rules_of(bench);
  if (!rules) return tl::unexpected(rules.error());
  const auto stop = event_of(bench, "T044");
  const auto customs = event_of(bench, "T050");
  const auto h20 = rules->chip("h20");
  if (!stop) return tl::unexpected(stop.error());
  if (!customs) return tl::unexpected(customs.error());
  if (!h20) return tl::unexpected(h20.error());
  double best = 0;
  for (const Chip* chip : rules->catalog.chips()) {
    const RuleSubject subject = rule_subject(rules->catalog, *chip);
    if (!from_nvidia(subject) || !sold_and_bought(rules->on(subject, stop->date.first))) continue;
    best = std::max(best, number_of(subject, "dram_bw_gbs"));
  }
  const Date eve = stop->date.first - std::chrono::days(1);
  const int before = count_on(*rules, eve, from_nvidia, sold_and_bought);
  const int left = count_on(*rules, stop->date.first, from_nvidia, sold_and_bought);
  const int after = count_on(*rules, customs->date.first, from_nvidia, sold_and_bought);
  const int until = count_on(*rules, day_of("2025-12-07"), from_nvidia, sold_and_bought);
  const double memory = best / number_of(*h20, "dram_bw_gbs");
  Finding finding;
  finding.verdict = after == 0 && until == 0 && memory < 0.5 ? Verdict::kSupported
                    : left < before                          ? Verdict::kDepends
                                                             : Verdict::kContradicted;
  finding.values = {count_value("before", before), date_value("stop", stop->written),
                    count_value("left", left),     percent("memory", memory, 2),
                    count_value("after", after),   date_value("customs", customs->written)};
  add_said(finding, rules->on(*h20, customs->date.first).gates);
  finding.commands = {fmt::format("fivefold rules admitted --date {}", stop->written),
                      fmt::format("fivefold rules admitted --date {}", customs->written)};
  return finding;
}

// S08: the antitrust finding. An event; it closes no gate.
Result<Finding> antitrust(const Workbench& bench) {
  const auto rules = rules_of(bench);
  if (!rules) return tl::unexpected(rules.error());
  const auto event = event_of(bench, "T042");
  if (!event) return tl::unexpected(event.error());
  const Date day = event->date.first;
  const int before = count_on(*rules, day - std::chrono::days(1), from_nvidia, sold_and_bought);
  const int after = count_on(*rules, day, from_nvidia, sold_and_bought);
  const bool elsewhere = std::any_of(event->sources.begin(), event->sources.end(),
                                     [](const std::string& id) { return id != "ARTICLE"; });
  Finding finding;
  finding.verdict = elsewhere ? Verdict::kSupported : Verdict::kNotComputable;
  finding.missing = "missing.only_article";
  finding.values = {date_value("date", event->written), count_value("change", before - after)};
  for (const std::string& id : event->sources) {
    if (id != "ARTICLE") finding.sources.push_back(id);
  }
  return finding;
}

// S33: chips above the H20 may be allowed. Who moved from denial after the article's day.
Result<Finding> above_the_h20(const Workbench& bench) {
  const auto rules = rules_of(bench);
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
                    percent("tariff", rules->on(*h200, last).tariff, 2)};
  for (const auto* chip : {&h200, &b30a}) add_said(finding, rules->on(**chip, last).findings);
  finding.commands = {"fivefold rules history h200", "fivefold rules classify b30a"};
  return finding;
}

// S34: step by step. The same chips, judged on the first day of each rule and on the last of the
// government that made them.
Result<Finding> step_by_step(const Workbench& bench) {
  const auto rules = rules_of(bench);
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
  const auto rules = rules_of(bench);
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

void add_rule_items(ItemTable& table) {
  table["S01"] = shut_out;
  table["S03"] = resumes;
  table["S04"] = made_for_china;
  table["S05"] = smart_factories;
  table["S06"] = stop_of_the_h20;
  table["S07"] = hardly_anything;
  table["S08"] = antitrust;
  table["S33"] = above_the_h20;
  table["S34"] = step_by_step;
  table["S35"] = turned_round;
  table["S37"] = no_accident;
}

}  // namespace fivefold
