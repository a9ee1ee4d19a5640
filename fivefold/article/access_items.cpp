// Statements about access to chips that may or may not be sold: S31 and S32.
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "fivefold/article/rule_parts.h"
#include "fivefold/article/supply_parts.h"
#include "fivefold/policy/demand.h"

namespace fivefold {
namespace {

struct Part {
  double rate = 0;   // output tokens/s a chip
  double watts = 0;  // a chip with its share of the machine
};
Result<Part> part_of(const Workbench& bench, std::string_view chip) {
  const auto served = bench.served(chip);
  if (!served) return fail(served.error());
  if (!served->power) return fail(fmt::format("the power of {} is not known", chip));
  return Part{served->per_chip(), served->power->value() / served->chips};
}

// Huawei's chips of a period ("2025Q4", "2026") as the supply model sees them.
Result<Quantiles> made_by_huawei(const Workbench& bench, std::string_view label) {
  const auto& supply = bench.supply();
  if (!supply) return fail(supply.error());
  const auto huawei = vendor_of(*supply, "huawei");
  if (!huawei) return fail(huawei.error());
  for (const auto* periods : {&(*huawei)->quarters, &(*huawei)->years}) {
    for (const SupplyPeriod& period : *periods) {
      if (period.label == label) return period.chips;
    }
  }
  return fail(fmt::format("the supply model has no Huawei of {}", label));
}

// Needed chips over those made, in percent; few made is the high end.
ArticleValue share_of(std::string name, double needed, const Quantiles& made) {
  ArticleValue value = plain_value(std::move(name), needed / made.p50 * 100, 2, "%");
  value.low = needed / made.p95 * 100;
  value.high = needed / made.p5 * 100;
  return value;
}

// --- S31 -----------------------------------------------------------------------------------------

// What closing the market costs each side in a quarter: Nvidia the sales, China what the same
// tokens cost with its own chips.
Result<Finding> value_of_access(const Workbench& bench) {  // S31
  const auto sales = bench.catalog.economics("nv.h20.unshipped");
  const auto price = bench.catalog.economics("price.h20");
  const auto own_price = bench.catalog.economics("price.910c");
  const auto electricity = bench.catalog.economics("elec.cn.west.sub");
  for (const auto* fact : {&sales, &price, &own_price, &electricity}) {
    if (!*fact) return fail((*fact).error());
  }
  const auto theirs = part_of(bench, "h20_96g"), own = part_of(bench, "ascend_910c");
  if (!theirs) return fail(theirs.error());
  if (!own) return fail(own.error());
  Finding finding;
  // The sales that Nvidia said a quarter without China costs: the high end of the fact.
  const double lost = (*sales)->highest();
  const double chips = lost / (*price)->number;
  const double replaced = theirs->rate / own->rate;
  const double money = chips * (replaced * (*own_price)->number - (*price)->number);
  const double power = chips * (replaced * own->watts - theirs->watts);
  finding.values = {plain_value("lost", lost / 1e9, 2, "billion USD"),
                    count_value("chips", std::round(chips / 1000) * 1000),
                    plain_value("replaced", replaced),
                    plain_value("money", money / 1e9, 2, "billion USD"),
                    plain_value("power", power / 1e6, 2, "MW")};
  finding.values[3].low =
      lost / (*price)->highest() * (replaced * (*own_price)->lowest() - (*price)->highest()) / 1e9;
  finding.values[3].high =
      lost / (*price)->lowest() * (replaced * (*own_price)->highest() - (*price)->lowest()) / 1e9;
  constexpr double kYear = 365 * 86400.0;
  finding.values.push_back(
      plain_value("electricity", power * kYear * (*electricity)->number / 1e6, 2, "million USD"));
  for (const auto* fact : {&sales, &price, &own_price, &electricity}) add_sources(finding, ***fact);
  const auto made = made_by_huawei(bench, "2025Q4");
  if (!made) return fail(made.error());
  finding.values.push_back(count_value("needed", std::round(chips * replaced / 1000) * 1000));
  finding.values.push_back(share_of("share", chips * replaced, *made));
  // A lever if closing costs the other side more than it costs oneself.
  finding.verdict = Verdict::kDepends;
  finding.says = money < 0 && power < 0 ? "saves" : money < lost ? "lever" : "dear";
  finding.commands = {"fivefold gap --from 2024Q1 --to 2027Q4"};
  return finding;
}

// --- S32 -----------------------------------------------------------------------------------------

// The same tokens from two kinds of chips: money and power against the domestic share. Both are
// lines between their ends, so that the ends say whether there is anything to trade.
Result<Finding> two_objectives(const Workbench& bench) {  // S32
  const auto bought = bench.catalog.economics("price.h200.chip.cn");
  const auto own_price = bench.catalog.economics("price.910c");
  if (!bought) return fail(bought.error());
  if (!own_price) return fail(own_price.error());
  const auto best = part_of(bench, "h200_sxm"), own = part_of(bench, "ascend_910c");
  if (!best) return fail(best.error());
  if (!own) return fail(own.error());
  const auto tariff = tariff_on_h200(bench);
  if (!tariff) return fail(tariff.error());
  constexpr double kWanted = 100000;  // H200 that would do all of the work
  const double replaced = best->rate / own->rate;
  Finding finding;
  finding.values.push_back(plain_value("replaced", replaced));
  for (const int share : {0, 50, 100}) {
    const double domestic = share / 100.0 * kWanted * replaced;
    const double foreign = (1 - share / 100.0) * kWanted;
    const double money =
        domestic * (*own_price)->number + foreign * (*bought)->number * (1 + *tariff);
    const double power = domestic * own->watts + foreign * best->watts;
    finding.values.push_back(
        plain_value(fmt::format("money_{}", share), money / 1e9, 3, "billion USD"));
    finding.values.push_back(plain_value(fmt::format("power_{}", share), power / 1e6, 3, "MW"));
  }
  const double all_foreign = finding.values[1].value, all_domestic = finding.values[5].value;
  finding.values.push_back(plain_value("premium", (all_domestic / all_foreign - 1) * 100, 2, "%"));
  finding.values.push_back(plain_value(
      "more_power", (finding.values[6].value / finding.values[2].value - 1) * 100, 2, "%"));
  finding.values.push_back(count_value("needed", std::round(kWanted * replaced / 1000) * 1000));
  const auto made = made_by_huawei(bench, "2026");
  if (!made) return fail(made.error());
  finding.values.push_back(share_of("share", kWanted * replaced, *made));
  add_sources(finding, **bought);
  add_sources(finding, **own_price);
  finding.verdict = Verdict::kDepends;
  finding.says = all_domestic > all_foreign ? "front" : "no_front";
  finding.commands = {
      "fivefold plan serve --model deepseek-ai/DeepSeek-R1 --system dgx-h200-8:4 --slo tpot=50ms"};
  return finding;
}

}  // namespace

void add_access_items(ItemTable& table) {
  table["S31"] = value_of_access;
  table["S32"] = two_objectives;
}

}  // namespace fivefold
