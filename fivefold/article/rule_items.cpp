// Statements that export rules and the buyer's gates decide by date: S01, S03 to S08.
#include <algorithm>

#include <fmt/format.h>

#include "fivefold/article/rule_parts.h"

namespace fivefold {
namespace {

ArticleValue ranged(std::string name, const RuleSubject& subject, const char* field, int digits,
                    std::string unit = {}) {
  ArticleValue value = plain_value(std::move(name), number_of(subject, field), digits, unit);
  const auto found = subject.values.find(field);
  if (found == subject.values.end()) return value;
  value.low = found->second.low;
  value.high = found->second.high;
  return value;
}

// S01: Nvidia is shut out entirely. What could be sold and bought on the article's day and after
// the customs checks; cards for desks besides.
Result<Finding> shut_out(const Workbench& bench) {
  const auto rules = ruled_chips(bench);
  if (!rules) return tl::unexpected(rules.error());
  const auto customs = event_of(bench, "T050");
  if (!customs) return tl::unexpected(customs.error());
  const Date then = day_of(kArticleDay), later = customs->date.first;
  const int left = count_on(*rules, then, from_nvidia, sold_and_bought);
  const int after = count_on(*rules, later, from_nvidia, sold_and_bought);
  // "Entirely" is more than data centres: cards for desks are Nvidia's as well.
  const int desk = count_on(*rules, later, nvidia_desk, sold_and_bought);
  Finding finding;
  finding.verdict = after > 0                ? Verdict::kContradicted
                    : left == 0 && desk == 0 ? Verdict::kSupported
                                             : Verdict::kDepends;
  if (finding.verdict == Verdict::kDepends && left == 0) finding.says = "but_desks";
  finding.values = {date_value("day", kArticleDay), count_value("left", left),
                    date_value("customs", customs->written), count_value("after", after),
                    count_value("desk", desk)};
  if (const auto h20 = rules->chip("h20")) add_said(finding, rules->on(*h20, later).gates);
  finding.commands = {fmt::format("fivefold rules admitted --date {}", kArticleDay),
                      fmt::format("fivefold rules admitted --date {}", customs->written)};
  return finding;
}

// S03: sales of the H20 are to resume.
Result<Finding> resumes(const Workbench& bench) {
  const auto rules = ruled_chips(bench);
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
                    percent_value("share", answer.revenue_share, 2)};
  add_said(finding, answer.findings);
  return finding;
}

// S04: the H20 was made for China: the die of the H100, cut to the edge of the rule of 2023.
Result<Finding> made_for_china(const Workbench& bench) {
  const auto rules = ruled_chips(bench);
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
      percent_value("share", share),
      percent_value("kept", number_of(*h20, "tpp") / number_of(*h100, "tpp"), 2),
      plain_value("density", number_of(*h20, "performance_density"), 3),
      percent_value("memory", number_of(*h20, "dram_bw_gbs") / number_of(*h100, "dram_bw_gbs"), 3),
      ranged("bandwidth", *h20, "dram_bw_gbs", 0, "GB/s"),
      date_value("caught", caught ? to_text(*caught) : "")};
  add_said(finding, rules->on(*h20, caught.value_or(rule)).findings);
  finding.commands = {"fivefold rules limit h100 --date 2023-11-17",
                      "fivefold rules classify h20 --date 2025-04-09"};
  return finding;
}

// S05: the RTX Pro 6000D: its use is not computed, but that it lies below every edge of its day.
Result<Finding> smart_factories(const Workbench& bench) {
  const auto rules = ruled_chips(bench);
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
      percent_value("compute", compute),
      ranged("bandwidth", *cut, "dram_bw_gbs", 0, "GB/s"),
      percent_value("memory", memory),
      plain_value("sum", number_of(*cut, "dram_bw_gbs") + number_of(*cut, "io_bw_2022_gbs"), 0,
                  "GB/s"),
      percent_value("of_h20", number_of(*cut, "dram_bw_gbs") / number_of(*h20, "dram_bw_gbs"), 2)};
  add_said(finding, rules->on(*cut, then).findings);
  finding.commands = {
      fmt::format("fivefold rules limit rtx-pro-6000-server --date {}", kArticleDay),
      fmt::format("fivefold rules classify rtx-pro-6000d --date {}", kArticleDay)};
  return finding;
}

// S06: firms were made to stop buying the H20: advice first, a stop later.
Result<Finding> stop_of_the_h20(const Workbench& bench) {
  const auto rules = ruled_chips(bench);
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
  const auto rules = ruled_chips(bench);
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
                    count_value("left", left), count_value("after", after),
                    date_value("customs", customs->written)};
  if (left > 0) {
    finding.values.push_back(percent_value("memory", memory, 2));
  } else if (finding.verdict == Verdict::kSupported) {
    finding.says = "none";
  }
  add_said(finding, rules->on(*h20, customs->date.first).gates);
  finding.commands = {fmt::format("fivefold rules admitted --date {}", stop->written),
                      fmt::format("fivefold rules admitted --date {}", customs->written)};
  return finding;
}

// S08: the antitrust finding. An event; it closes no gate.
Result<Finding> antitrust(const Workbench& bench) {
  const auto rules = ruled_chips(bench);
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

}  // namespace

void add_rule_items(ItemTable& table) {
  table["S01"] = shut_out;
  table["S03"] = resumes;
  table["S04"] = made_for_china;
  table["S05"] = smart_factories;
  table["S06"] = stop_of_the_h20;
  table["S07"] = hardly_anything;
  table["S08"] = antitrust;
}

}  // namespace fivefold
