// Statements that supply decides: S11, S18, S20 and S28.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "fivefold/article/supply_parts.h"
#include "fivefold/policy/supply_checks.h"

namespace fivefold {
namespace {

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
  table["S18"] = capacity_as_obstacle;
  table["S20"] = threefold;
  table["S28"] = reliance;
}

}  // namespace fivefold
