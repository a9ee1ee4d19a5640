#include "fivefold/policy/demand.h"

#include <cmath>

#include <gmock/gmock.h>

namespace fivefold {
namespace {

const Catalog& catalog() {
  static const Catalog loaded = *Catalog::load();
  return loaded;
}

Fact money(double value, double low, double high) {
  Fact fact;
  fact.kind = Fact::Kind::kNumber;
  fact.number = value;
  fact.low = low;
  fact.high = high;
  return fact;
}

// A vendor whose every draw is the same in all years but for a factor by draw.
VendorSupply vendor(std::string id, std::string origin, std::string chip,
                    const std::vector<double>& chips) {
  VendorSupply vendor;
  vendor.id = std::move(id);
  vendor.origin = std::move(origin);
  VendorSupply::Product product;
  product.chip = std::move(chip);
  for (const double count : chips) {
    const Quantiles all{count, count, count, count, count, count};
    product.years.push_back(all);
    vendor.years.push_back({"", all, {}});
  }
  vendor.products.push_back(std::move(product));
  return vendor;
}

SupplyResult supply_of(const std::vector<VendorSupply>& vendors, int samples) {
  SupplyResult result;
  result.question.samples = samples;
  result.vendors = vendors;
  for (std::size_t y = 0; y < vendors[0].years.size(); ++y) result.years.push_back(2024 + int(y));
  for (const VendorSupply& vendor : vendors) {
    auto& by_year = result.draws.emplace_back();
    for (const SupplyPeriod& year : vendor.years) {
      by_year.emplace_back(std::size_t(samples), year.chips.mean);
    }
  }
  return result;
}

// A service that every chip fails at once, so that a test takes no search: only counts matter.
Service impossible() {
  Service service = *usual_service(catalog());
  service.slo.tpot = Seconds(1e-9);
  return service;
}

TEST(ChipsForMoney, AreThoseOfThePublishedExamples) {
  // 85 billion yuan at 145,000 yuan are 586,000 Ascend 910C; at 27,000 USD with a tariff of 25%
  // and 7.25 yuan a dollar 347,000 H200.
  const Fact budget = money(85e9 / 7.25, 85e9 / 7.25, 85e9 / 7.25);
  const Fact own = money(145000 / 7.25, 140000 / 7.25, 205000 / 7.25);
  const Ranged chips = chips_for({.budget = &budget, .price = &own});
  EXPECT_NEAR(chips.value, 586e3, 1e3);
  EXPECT_NEAR(chips.low, 415e3, 1e3);
  EXPECT_NEAR(chips.high, 607e3, 1e3);
  const Fact bought = money(27000, 20000, 27000);
  EXPECT_NEAR(chips_for({.budget = &budget, .price = &bought, .tariff = 0.25}).value, 347e3, 1e3);
  EXPECT_NEAR(chips_for({.budget = &budget, .price = &bought, .share = 0.5, .tariff = 0.25}).value,
              174e3, 1e3);
}

TEST(Gap, StockNeverGrowsByMoreThanWasSupplied) {
  const auto supply = supply_of({vendor("huawei", "CN", "ascend_910c", {1000, 2000, 4000, 0, 0, 0}),
                                 vendor("nvidia", "US", "h20_96g", {5000, 0, 0, 0, 0, 0})},
                                200);
  const auto gap = gap_of(catalog(), supply, impossible(), nullptr);
  ASSERT_TRUE(gap) << to_text(gap.error());
  ASSERT_EQ(gap->years.size(), 6u);
  for (std::size_t y = 1; y < gap->years.size(); ++y) {
    const GapYear &now = gap->years[y], &before = gap->years[y - 1];
    EXPECT_LE(now.installed_domestic.chips.p95,
              before.installed_domestic.chips.p95 + now.added_domestic.chips.p95 + 1e-6);
    EXPECT_LE(now.installed_foreign.chips.p50, before.installed_foreign.chips.p50 + 1e-6);
    EXPECT_GE(now.installed_foreign.chips.p5, 0);
  }
  // Of what was supplied once and no stock, nearly all is there while none retires: an annual loss
  // of a third of about a tenth.
  const double first = gap->years[0].added_domestic.chips.p50;
  EXPECT_DOUBLE_EQ(first, 1000);
  // Reliance falls while only domestic chips are added.
  EXPECT_LT(gap->years[2].reliance_chips.p50, gap->years[0].reliance_chips.p50);
  EXPECT_LT(gap->years[2].reliance_flops.p50, gap->years[0].reliance_flops.p50);
  // An H20 has a fifth of the arithmetic of a 910C and more memory bandwidth.
  EXPECT_LT(gap->years[0].reliance_flops.p50, gap->years[0].reliance_bandwidth.p50);
}

TEST(Gap, ASupplyOfOneOriginIsAllOfWhatIsAdded) {
  const auto gap = gap_of(catalog(), supply_of({vendor("nvidia", "US", "h20_96g", {10, 10})}, 100),
                          impossible(), nullptr);
  ASSERT_TRUE(gap);
  EXPECT_DOUBLE_EQ(gap->years[0].reliance_added.p5, 1);
  EXPECT_DOUBLE_EQ(gap->years[1].added_domestic.chips.p95, 0);
  EXPECT_DOUBLE_EQ(gap->chips_without_work, 1);  // nothing holds a nanosecond
  EXPECT_THAT(gap->chips[0].why, testing::Not(testing::IsEmpty()));
}

TEST(Gap, RetiresAfterALife) {
  // Ten years after one delivery nothing of it is left, whatever the draw of its life (four to
  // seven years), and the stock of before is gone as well.
  std::vector<double> once(11, 0.0);
  once[0] = 1e6;
  const auto gap = gap_of(catalog(), supply_of({vendor("huawei", "CN", "ascend_910c", once)}, 300),
                          impossible(), nullptr);
  ASSERT_TRUE(gap);
  EXPECT_GT(gap->years[3].installed_domestic.chips.p5, 0.7e6);
  EXPECT_NEAR(gap->years[10].installed_domestic.chips.p95, 0, 1e-3);
  // Nothing is retired twice: what is left is never less than the one delivery less its losses
  // while the shortest life lasts. A 910C loses at most 0.6 of 0.13 failures a year.
  EXPECT_GT(gap->years[3].installed_domestic.chips.p5, 1e6 * std::exp(-3 * 0.6 * 0.13));
}

TEST(Gap, NeedsWholeYears) {
  SupplyResult supply;
  const auto gap = gap_of(catalog(), supply, impossible(), nullptr);
  ASSERT_FALSE(gap);
  EXPECT_THAT(to_text(gap.error()), testing::HasSubstr("whole year"));
}

}  // namespace
}  // namespace fivefold
