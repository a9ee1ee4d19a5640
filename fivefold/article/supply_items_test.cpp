#include <algorithm>

#include <gtest/gtest.h>

#include "fivefold/article/items.h"

namespace fivefold {
namespace {

const Catalog& whole_catalog() {
  static const Catalog shipped = *Catalog::load();
  return shipped;
}

Finding one_of(const std::string& item) {
  const auto article = read_article(whole_catalog());
  EXPECT_TRUE(article) << to_text(article.error());
  ArticleOptions options;
  options.samples = 200;
  options.only = {item};
  const auto findings = examine(whole_catalog(), *article, options);
  EXPECT_TRUE(findings) << to_text(findings.error());
  return findings ? findings->at(0) : Finding{};
}

const ArticleValue& named(const Finding& finding, std::string_view name) {
  static const ArticleValue none;
  const auto found = std::find_if(finding.values.begin(), finding.values.end(),
                                  [&](const ArticleValue& value) { return value.name == name; });
  if (found != finding.values.end()) return *found;
  ADD_FAILURE() << finding.item << " has no value " << name;
  return none;
}

// By hand: 85,000 million yuan at 145,000 are 586,000 Ascend 910C; at 7.25 yuan a dollar and
// 27,000 dollars with a quarter on top 347,000 H200.
TEST(SupplyItems, WhatOneBuyersMoneyTakes) {
  const Finding money = one_of("S13");
  EXPECT_NEAR(named(money, "ascend").value, 586207, 1);
  EXPECT_NEAR(named(money, "h200").value, 347382, 1);
  EXPECT_NEAR(*named(money, "ascend").low, 85e9 / 205000, 1);
  EXPECT_NEAR(named(money, "alibaba").value, 380 / 7.25 / 3, 1e-6);
}

// 50,000 cards of 84 GB are 4.2 PB; the 1,398 GB/s of each 70 PB/s; 50,000 of 1.75 million 2.9%.
TEST(SupplyItems, TensOfThousandsOfCards) {
  const Finding cards = one_of("S15");
  EXPECT_EQ(cards.verdict, Verdict::kDepends);
  EXPECT_NEAR(named(cards, "memory").value, 4.2, 1e-9);
  EXPECT_NEAR(named(cards, "bandwidth").value, 70, 1);
  EXPECT_NEAR(named(cards, "of_plan").value, 100 * 0.05 / 1.75, 1e-6);
  EXPECT_NEAR(named(cards, "ascend").value, 50000 * 50000.0 / 145000, 1e-3);
}

// 13,000 wafers a month x 12 x 78 x 30% = 3.65 million: more than twice the plan of 1.6.
TEST(SupplyItems, LogicIsNotFirst) {
  const Finding capacity = one_of("S18");
  EXPECT_NEAR(named(capacity, "possible").value, 3.6504, 1e-4);
  EXPECT_EQ(named(capacity, "plan").value, 1.6);
  EXPECT_NE(named(capacity, "limit_2026").text, "limit.logic");
  EXPECT_EQ(capacity.says, "not_logic");
}

// The verdict is that of the numbers beside it.
TEST(SupplyItems, VerdictsFollowTheirNumbers) {
  const Finding aim = one_of("S20");
  const double chance = named(aim, "chance").value;
  EXPECT_EQ(aim.verdict, chance >= 50  ? Verdict::kSupported
                         : chance >= 5 ? Verdict::kDepends
                                       : Verdict::kContradicted);
  const Finding shift = one_of("S11");
  EXPECT_GE(named(shift, "share_2026").value, named(shift, "share_2024").value);
  EXPECT_EQ(shift.says == "more",
            named(shift, "made_2026").value > named(shift, "made_2025").value);
  const Finding missing = one_of("S19");
  for (const char* year : {"2025", "2026", "2027"}) {
    const double demand = named(missing, std::string("demand_") + year).value;
    EXPECT_LT(named(missing, std::string("short_") + year).value, demand);
  }
  const Finding abroad = one_of("S28");
  for (const ArticleValue& share : abroad.values) {
    EXPECT_GE(share.value, 0);
    EXPECT_LE(share.value, 100);
    EXPECT_LE(*share.low, *share.high);
  }
}

}  // namespace
}  // namespace fivefold
