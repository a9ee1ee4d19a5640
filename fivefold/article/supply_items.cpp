// Statements that supply, demand and money decide: S11, S13, S15, S18, S19, S20 and S28.
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "fivefold/article/items.h"
#include "fivefold/policy/supply_checks.h"

namespace fivefold {
namespace {

ArticleValue drawn(std::string name, const Quantiles& of, double scale, int digits,
                   std::string unit) {
  ArticleValue value{std::move(name), of.p50 * scale, {}, {}, digits, std::move(unit)};
  value.low = of.p5 * scale;
  value.high = of.p95 * scale;
  return value;
}

ArticleValue ranged(std::string name, const Ranged& of, double scale, int digits,
                    std::string unit) {
  ArticleValue value{std::move(name), of.value * scale, {}, {}, digits, std::move(unit)};
  value.low = of.low * scale;
  value.high = of.high * scale;
  return value;
}

Result<std::size_t> year_index(const SupplyResult& supply, int year) {
  const auto found = std::find(supply.years.begin(), supply.years.end(), year);
  if (found == supply.years.end()) return fail(fmt::format("the supply model has no {}", year));
  return std::size_t(found - supply.years.begin());
}

Result<const VendorSupply*> vendor_of(const SupplyResult& supply, std::string_view id) {
  for (const VendorSupply& vendor : supply.vendors) {
    if (vendor.id == id) return &vendor;
  }
  return fail(fmt::format("the supply model has no vendor '{}'", id));
}

// A fact that a vendor's supply rests on.
Result<const Fact*> supply_fact(const Workbench& bench, std::string_view vendor,
                                std::string_view id) {
  const auto& supply = bench.supply();
  if (!supply) return fail(supply.error());
  const auto of = vendor_of(*supply, vendor);
  if (!of) return fail(of.error());
  for (const Fact* fact : (*of)->facts) {
    if (fact->path == id) return fact;
  }
  return fail(fmt::format("the supply of {} has no fact '{}'", vendor, id));
}

// --- S11 -----------------------------------------------------------------------------------------

// Share of the chips of a year that Chinese vendors supply, by future.
std::vector<double> domestic_shares(const SupplyResult& supply, std::size_t year) {
  std::vector<double> shares = supply.domestic_draws[year];
  for (std::size_t i = 0; i < shares.size(); ++i) {
    double all = 0;
    for (const auto& vendor : supply.draws) all += vendor[year][i];
    shares[i] = all > 0 ? shares[i] / all : 0;
  }
  return shares;
}

Result<Finding> shift_to_domestic(const Workbench& bench) {  // S11
  const auto& supply = bench.supply();
  if (!supply) return fail(supply.error());
  Finding finding;
  std::vector<double> first, last;
  for (const int year : {2024, 2025, 2026}) {
    const auto index = year_index(*supply, year);
    if (!index) return fail(index.error());
    std::vector<double> shares = domestic_shares(*supply, *index);
    if (year == 2024) first = shares;
    if (year == 2026) last = shares;
    finding.values.push_back(
        drawn(fmt::format("share_{}", year), quantiles_of(std::move(shares)), 100, 2, "%"));
    if (year == 2024) continue;
    finding.values.push_back(drawn(fmt::format("made_{}", year),
                                   supply->domestic_years[*index].chips, 1e-6, 2, "million chips"));
  }
  double risen = 0;
  for (std::size_t i = 0; i < first.size(); ++i) risen += last[i] > first[i] ? 1 : 0;
  const double chance = risen / double(first.size());
  finding.values.push_back(plain_value("chance", chance * 100, 2, "%"));
  const bool more_made = finding.values[4].value > finding.values[2].value;
  finding.verdict = chance >= 0.95  ? Verdict::kSupported
                    : chance >= 0.5 ? Verdict::kDepends
                                    : Verdict::kContradicted;
  if (finding.verdict == Verdict::kSupported) finding.says = more_made ? "more" : "share_only";
  finding.commands = {"fivefold supply"};
  return finding;
}

// --- S13 -----------------------------------------------------------------------------------------

constexpr double kTariffH200 = 0.25;  // proclamation of January 2026

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
  const Ranged of_910c = chips_for({*chips, *own, 1, 0});
  const Ranged of_h200 = chips_for({*chips, *bought, 1, kTariffH200});
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

// --- S18 -----------------------------------------------------------------------------------------

void add_limit(Finding& finding, const VendorSupply& vendor, std::size_t year, int name) {
  const Binding& first = vendor.years[year].binding.front();
  const std::string_view key = first.constraint == "logic dies"      ? "limit.logic"
                               : first.constraint == "memory stacks" ? "limit.memory"
                               : first.constraint == "packaging"     ? "limit.packaging"
                                                                     : "limit.imports";
  ArticleValue limit;
  limit.name = fmt::format("limit_{}", name);
  limit.text = key;
  finding.values.push_back(std::move(limit));
  finding.values.push_back(
      plain_value(fmt::format("chance_{}", name), first.probability * 100, 2, "%"));
}

Result<Finding> capacity_as_obstacle(const Workbench& bench) {  // S18
  const auto& book = bench.supply_book();
  const auto& supply = bench.supply();
  if (!book) return fail(book.error());
  if (!supply) return fail(supply.error());
  const auto huawei = vendor_of(*supply, "huawei");
  if (!huawei) return fail(huawei.error());
  SupplyQuestion question;
  question.samples = bench.options.samples;
  question.seed = bench.options.seed;
  const auto checks = check_supply(*book, question);
  if (!checks) return fail(checks.error());
  Finding finding;
  for (const int year : {2025, 2026, 2027}) {
    const auto index = year_index(*supply, year);
    if (!index) return fail(index.error());
    add_limit(finding, **huawei, *index, year);
  }
  const SupplyComparison* plan = nullptr;
  for (const SupplyComparison& total : checks->totals) {
    if (total.id == "huawei.2026.dies.plan") plan = &total;
  }
  std::vector<const Fact*> wafers;
  for (const char* id : {"smic.ai_wpm.2026", "dpw.910b.published", "yield.smic.2025e"}) {
    const auto fact = supply_fact(bench, "huawei", id);
    if (!fact) return fail(fact.error());
    wafers.push_back(*fact);
  }
  if (!plan) return fail("the supply's checks have no 'huawei.2026.dies.plan'");
  const double possible = 12 * wafers[0]->number * wafers[1]->number * wafers[2]->number;
  finding.values.push_back(plain_value("possible", possible / 1e6, 2, "million dies"));
  finding.values.push_back(plain_value("plan", plan->published / 1e6, 2, "million dies"));
  finding.values.push_back(drawn("packaged", plan->model, 1e-6, 2, "million dies"));
  finding.values.push_back(plain_value("missed", plan->quantile * 100, 2, "%"));
  for (const Fact* fact : wafers) add_sources(finding, *fact);
  for (const std::string& id : plan->sources) finding.sources.push_back(id);
  finding.verdict = plan->quantile >= 0.5 ? Verdict::kSupported : Verdict::kContradicted;
  const bool logic = finding.values[2].text == "limit.logic";  // of 2026
  if (finding.verdict == Verdict::kSupported) finding.says = logic ? "logic" : "not_logic";
  finding.commands = {"fivefold supply --vendor huawei", "fivefold supply checks"};
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

// --- S20 -----------------------------------------------------------------------------------------

Result<Finding> threefold(const Workbench& bench) {  // S20
  const auto& book = bench.supply_book();
  if (!book) return fail(book.error());
  SupplyQuestion question;
  question.samples = bench.options.samples;
  question.seed = bench.options.seed;
  const auto tripling = examine_tripling(*book, question);
  if (!tripling) return fail(tripling.error());
  const Tripling::Need& together = tripling->needs.back();
  Finding finding;
  finding.values = {drawn("factor", tripling->factor, 1, 2, ""),
                    plain_value("chance", tripling->probability * 100, 2, "%"),
                    plain_value("together", together.times.value_or(together.most), 2)};
  double alone = 0;  // the best of one input alone, with the most of it
  for (const Tripling::Need& need : tripling->needs) {
    if (need.kinds.size() == 1) alone = std::max(alone, need.probability);
  }
  finding.values.push_back(plain_value("most", together.most, 2));
  finding.values.push_back(plain_value("alone", alone * 100, 2, "%"));
  finding.verdict = tripling->probability >= 0.5    ? Verdict::kSupported
                    : tripling->probability >= 0.05 ? Verdict::kDepends
                                                    : Verdict::kContradicted;
  finding.commands = {"fivefold supply tripling"};
  return finding;
}

// --- S28 -----------------------------------------------------------------------------------------

// What is installed and comes from abroad: doubted with reason where it does not fall, and half
// where it falls and stays above one half.
Result<Finding> reliance(const Workbench& bench) {  // S28
  const auto& gap = bench.gap();
  if (!gap) return fail(gap.error());
  Finding finding;
  std::vector<const GapYear*> ends;
  for (const GapYear& year : gap->years) {
    if (year.year == 2024 || year.year == 2027) ends.push_back(&year);
  }
  if (ends.size() != 2) return fail("the gap lacks 2024 or 2027");
  for (const GapYear* year : ends) {
    const auto add = [&](const char* name, const Quantiles& share) {
      finding.values.push_back(drawn(fmt::format("{}_{}", name, year->year), share, 100, 2, "%"));
    };
    add("chips", year->reliance_chips);
    add("flops", year->reliance_flops);
    add("tokens", year->reliance_tokens);
    add("added", year->reliance_added);
  }
  const Quantiles& before = ends[0]->reliance_tokens;
  const Quantiles& after = ends[1]->reliance_tokens;
  finding.verdict = after.p50 >= before.p50 ? Verdict::kSupported
                    : after.p50 >= 0.5      ? Verdict::kDepends
                                            : Verdict::kContradicted;
  finding.commands = {"fivefold gap --from 2024Q1 --to 2027Q4"};
  return finding;
}

}  // namespace

void add_supply_items(ItemTable& table) {
  table["S11"] = shift_to_domestic;
  table["S13"] = buyers;
  table["S15"] = tens_of_thousands;
  table["S18"] = capacity_as_obstacle;
  table["S19"] = not_enough;
  table["S20"] = threefold;
  table["S28"] = reliance;
}

}  // namespace fivefold
