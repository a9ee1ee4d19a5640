// Statements that money decides, of buyers and of what is missing: S13, S15 and S19.
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "fivefold/article/rule_parts.h"
#include "fivefold/article/supply_parts.h"

namespace fivefold {
namespace {

// --- S13 -----------------------------------------------------------------------------------------

// What one buyer's budget takes of the year's output: a buyer that matters takes a tenth.
Result<Finding> buyers(const Workbench& bench) {  // S13
  const auto chips = bench.catalog.economics("capex.bytedance.2026.chips");
  const auto alibaba = bench.catalog.economics("capex.alibaba.3y");
  const auto own = bench.catalog.economics("price.910c");
  const auto bought = bench.catalog.economics("price.h200.chip.cn");
  for (const auto* fact : {&chips, &alibaba, &own, &bought}) {
    if (!*fact) return fail((*fact).error());
  }
  const auto& supply = bench.supply();
  if (!supply) return fail(supply.error());
  const auto huawei = vendor_of(*supply, "huawei");
  const auto year = year_index(*supply, 2026);
  if (!huawei) return fail(huawei.error());
  if (!year) return fail(year.error());
  const auto tariff = tariff_on_h200(bench);
  if (!tariff) return fail(tariff.error());
  const Ranged of_910c = chips_for({*chips, *own, 1, 0});
  const Ranged of_h200 = chips_for({*chips, *bought, 1, *tariff});
  const Quantiles& made = (*huawei)->years[*year].chips;
  Finding finding;
  finding.values = {value_of("budget", **chips, 1e-9, 2, "billion USD"),
                    ranged("ascend", of_910c, 1, 3, ""),
                    ranged("h200", of_h200, 1, 3, ""),
                    drawn("made", made, 1, 3, "chips"),
                    plain_value("times", made.p50 > 0 ? of_910c.value / made.p50 : 0, 2),
                    value_of("alibaba", **alibaba, 1e-9 / 3, 2, "billion USD")};
  for (const auto* fact : {&chips, &alibaba, &own, &bought}) add_sources(finding, ***fact);
  finding.verdict = of_910c.value >= 0.1 * made.p50 ? Verdict::kSupported : Verdict::kContradicted;
  if (finding.verdict == Verdict::kSupported)
    finding.says = of_910c.value >= made.p50 ? "all_of_it" : "part_of_it";
  finding.commands = {"fivefold supply --vendor huawei --from 2026Q1 --to 2026Q4"};
  return finding;
}

// --- S15 -----------------------------------------------------------------------------------------

// What the order would have been worth, and what the same money is in Huawei's chips. That it was
// placed no model can say.
Result<Finding> tens_of_thousands(const Workbench& bench) {  // S15
  const auto ordered = supply_fact(bench, "nvidia", "nv.rtx6000d.ordered");
  if (!ordered) return fail(ordered.error());
  const auto planned = bench.catalog.economics("nv.rtx6000d.2025");
  const auto price = bench.catalog.economics("price.rtx6000d");
  const auto own_price = bench.catalog.economics("price.910c");
  for (const auto* fact : {&planned, &price, &own_price}) {
    if (!*fact) return fail((*fact).error());
  }
  const auto memory = chip_number(bench.catalog, "rtx_pro_6000d", "memory.capacity");
  const auto bandwidth = chip_number(bench.catalog, "rtx_pro_6000d", "memory.bandwidth");
  if (!memory) return fail(memory.error());
  if (!bandwidth) return fail(bandwidth.error());
  const auto theirs = bench.served("rtx_pro_6000d"), own = bench.served("ascend_910c");
  if (!theirs) return fail(theirs.error());
  if (!own) return fail(own.error());
  const double count = (*ordered)->number;
  const double for_money = count * (*price)->number / (*own_price)->number;
  Finding finding;
  finding.values = {
      value_of("ordered", **ordered, 1, 2, "chips"),
      ratio_of("of_plan", **ordered, **planned, 2, 100),
      plain_value("memory", count * (*memory)->number / 1e15, 2, "PB"),
      plain_value("bandwidth", count * (*bandwidth)->number / 1e15, 2, "PB/s"),
      plain_value("money", count * (*price)->number / 1e6, 2, "million USD"),
      plain_value("ascend", for_money, 2),
      plain_value("work", count * theirs->per_chip() / (for_money * own->per_chip()), 2)};
  finding.values[1].unit = "%";
  for (const Fact* fact : {*ordered, *planned, *price, *own_price}) add_sources(finding, *fact);
  std::erase(finding.sources, "assumption");
  finding.verdict = Verdict::kDepends;
  finding.says = finding.values[6].value > 1 ? "more_work" : "less_work";
  finding.commands = {"fivefold supply --vendor nvidia --from 2025Q1 --to 2025Q4"};
  return finding;
}

// --- S19 -----------------------------------------------------------------------------------------

// Worth of a year's domestic chips: what is missing is the same money in dollars and in chips.
std::optional<Ranged> domestic_money(const GapYear& year) {
  if (!year.missing_chips) return {};
  // Of the end that is further from zero, where the quotient is sound.
  const bool low = std::abs(year.shortage->p5) > std::abs(year.shortage->p95);
  const double money = low ? year.shortage->p5 : year.shortage->p95;
  const double count = low ? year.missing_chips->p5 : year.missing_chips->p95;
  if (count == 0) return {};
  const double price = money / count;
  const Quantiles& chips = year.added_domestic.chips;
  return Ranged{chips.p50 * price, chips.p5 * price, chips.p95 * price};
}

Result<Finding> not_enough(const Workbench& bench) {  // S19
  const auto& gap = bench.gap();
  if (!gap) return fail(gap.error());
  Finding finding;
  int years = 0, short_years = 0, surely = 0;
  for (const GapYear& year : gap->years) {
    if (year.year < 2025 || year.year > 2027) continue;
    if (!year.demand || !year.shortage) return fail(fmt::format("no demand of {}", year.year));
    const auto domestic = domestic_money(year);
    if (!domestic) return fail(fmt::format("no domestic chips of {}", year.year));
    const auto add = [&](const char* name, ArticleValue value) {
      value.name = fmt::format("{}_{}", name, year.year);
      finding.values.push_back(std::move(value));
    };
    add("demand", ranged("", *year.demand, 1e-9, 3, "billion USD"));
    add("domestic", ranged("", *domestic, 1e-9, 2, "billion USD"));
    add("supplied", drawn("", year.supplied, 1e-9, 2, "billion USD"));
    add("short", drawn("", *year.shortage, 1e-9, 2, "billion USD"));
    ++years;
    short_years += domestic->value < year.demand->value ? 1 : 0;
    surely += domestic->high < year.demand->low ? 1 : 0;
    if (year.year != 2027) continue;
    finding.values.push_back(drawn("missing", *year.missing_chips, 1e-6, 2, "million chips"));
  }
  if (years < 3) return fail("the gap lacks a year from 2025 to 2027");
  for (const Fact* fact : gap->facts) {
    if (fact->path.starts_with("demand.")) add_sources(finding, *fact);
  }
  finding.verdict = short_years == 0       ? Verdict::kContradicted
                    : short_years == years ? Verdict::kSupported
                                           : Verdict::kDepends;
  if (finding.verdict == Verdict::kSupported) finding.says = surely == years ? "surely" : "likely";
  finding.commands = {"fivefold gap --from 2024Q1 --to 2027Q4"};
  return finding;
}

}  // namespace

void add_money_items(ItemTable& table) {
  table["S13"] = buyers;
  table["S15"] = tens_of_thousands;
  table["S19"] = not_enough;
}

}  // namespace fivefold
