#include "fivefold/policy/supply_flow.h"

#include <numeric>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "fivefold/policy/supply_sample_test.h"

namespace fivefold {
namespace {

SupplyResult answer_of(const SmallBook& small, Quarter to = {2024, 4}) {
  const auto book = SupplyBook::read({file_of(small.text())});
  EXPECT_TRUE(book) << to_text(book.error());
  SupplyQuestion question;
  question.from = {2024, 1};
  question.to = to;
  question.samples = 3;
  auto result = simulate_supply(*book, question);
  EXPECT_TRUE(result) << to_text(result.error());
  return *std::move(result);
}

// By hand: 1,000 wafers a month, 100 dies each, half of them good: 150,000 good dies a quarter.
TEST(SupplyFlow, WafersToChips) {
  const SupplyResult result = answer_of({});
  EXPECT_NEAR(result.vendors[0].quarters[0].chips.p50, 0.6 * 150000, 1e-6);
  EXPECT_NEAR(result.vendors[1].quarters[3].chips.p50, 0.3 * 150000, 1e-6);
  EXPECT_NEAR(result.domestic_years[0].chips.mean, 4 * 0.9 * 150000, 1e-6);
  EXPECT_EQ(result.vendors[0].quarters[0].binding[0].constraint, "logic dies");
  EXPECT_EQ(result.vendors[0].quarters[0].binding[0].probability, 1);
}

TEST(SupplyFlow, TwoDiesAPackageAndPackagesThatFail) {
  SmallBook small;
  small.dies = "2";
  small.pack_yield = "0.75";
  const SupplyResult result = answer_of(small);
  EXPECT_NEAR(result.vendors[0].quarters[0].chips.p50, 0.6 * 150000 / 2 * 0.75, 1e-6);
  EXPECT_NEAR(result.vendors[0].quarters[0].dies.p50, 0.6 * 150000, 1e-6);
}

// A quarter is 13.04 weeks: wafers of the lead time before 2024 do not exist in this book, since
// the rate begins in the middle of 2024.
TEST(SupplyFlow, LeadTimeMovesAQuarter) {
  SmallBook small;
  small.wafers = "0";
  small.more =
      ",\n    {id: w2, at: 2024-03-31, value: 0, as_of: 2020, source: recalled}"
      ",\n    {id: w3, at: 2024-04-01, value: 1000, as_of: 2020, source: recalled}";
  const double now = answer_of(small).domestic_quarters[1].chips.p50;
  small.lead = "13.0446";
  const SupplyResult late = answer_of(small);
  EXPECT_NEAR(now, 135000, 1500);
  EXPECT_NEAR(late.domestic_quarters[1].chips.p50, 0, 1500);
  EXPECT_NEAR(late.domestic_quarters[2].chips.p50, now, 1500);
}

// 400,000 stacks for chips of four: 100,000 chips, the first quarter's 135,000 dies cannot all be
// used; nothing is left after it.
TEST(SupplyFlow, MemoryRunsOutAndDiesWait) {
  SmallBook small;
  small.memory = "400000";
  const SupplyResult result = answer_of(small);
  EXPECT_NEAR(result.domestic_quarters[0].chips.p50, 100000, 1e-6);
  EXPECT_NEAR(result.domestic_quarters[1].chips.p50, 0, 1e-6);
  EXPECT_EQ(result.domestic_quarters[0].binding[0].constraint, "memory stacks");
  EXPECT_EQ(result.domestic_quarters[1].binding[0].constraint, "memory stacks");
  // Shared as the wafers are: two to one.
  EXPECT_NEAR(result.vendors[0].quarters[0].chips.p50, 200000.0 / 3, 1e-6);
}

// What packaging leaves in one quarter is there in the next, dies and memory alike.
TEST(SupplyFlow, StockStays) {
  SmallBook small;
  small.packaging = "30000";
  small.memory = "1000000";  // 250,000 chips
  const SupplyResult result = answer_of(small);
  EXPECT_NEAR(result.domestic_quarters[0].chips.p50, 90000, 1e-6);
  EXPECT_NEAR(result.domestic_quarters[1].chips.p50, 90000, 1e-6);
  EXPECT_NEAR(result.domestic_quarters[2].chips.p50, 70000, 1e-6);
  EXPECT_EQ(result.domestic_quarters[1].binding[0].constraint, "packaging");
  EXPECT_EQ(result.domestic_quarters[2].binding[0].constraint, "memory stacks");
}

TEST(SupplyFlow, ABankOfDiesIsDrawnDown) {
  SmallBook small;
  small.bank = "300000";
  small.packaging = "100000";
  const SupplyResult result = answer_of(small);
  // 435,000 dies for 300,000 packages, then 270,000, then 135,000 a quarter.
  EXPECT_NEAR(result.domestic_quarters[0].chips.p50, 300000, 1e-6);
  EXPECT_NEAR(result.domestic_quarters[1].chips.p50, 270000, 1e-6);
  EXPECT_NEAR(result.domestic_quarters[2].chips.p50, 135000, 1e-6);
}

TEST(ShareOut, LawsOfRationing) {
  rc::check([] {
    const auto wants = *rc::gen::nonEmpty(
        rc::gen::container<std::vector<double>>(rc::gen::cast<double>(rc::gen::inRange(0, 1000))));
    std::vector<double> weights;
    for (std::size_t i = 0; i < wants.size(); ++i) weights.push_back(*rc::gen::inRange(1, 100));
    const double capacity = *rc::gen::inRange(0, 5000);
    std::vector<double> given;
    share_out(wants, weights, capacity, given);
    const double want = std::accumulate(wants.begin(), wants.end(), 0.0);
    const double sum = std::accumulate(given.begin(), given.end(), 0.0);
    RC_ASSERT(std::abs(sum - std::min(want, capacity)) < 1e-6);
    double part = -1;  // of those that are short, for their weight
    for (std::size_t i = 0; i < wants.size(); ++i) {
      RC_ASSERT(given[i] <= wants[i] + 1e-9);
      if (given[i] > wants[i] - 1e-9) continue;
      if (part < 0) part = given[i] / weights[i];
      RC_ASSERT(std::abs(given[i] / weights[i] - part) < 1e-6);
    }
    // Nobody who is served has more for his weight than those who are short.
    for (std::size_t i = 0; i < wants.size() && part >= 0; ++i)
      RC_ASSERT(given[i] / weights[i] <= part + 1e-6);
  });
}

// Of any book and any future: nothing is used that is not there, and chips stay below every
// limit.
TEST(SupplyFlow, NeverAboveAnyLimit) {
  rc::check([] {
    const auto number = [](int low, int high) {
      return std::to_string(*rc::gen::inRange(low, high));
    };
    SmallBook small;
    small.wafers = number(0, 20000);
    small.yield = "0." + number(1, 99);
    small.lead = number(0, 40);
    small.packaging = number(0, 200000);
    small.memory = number(0, 5000000);
    small.stacks = number(1, 9);
    small.dies = number(1, 5);
    small.modules = number(0, 4);
    small.pack_yield = "0." + number(1, 99);
    small.bank = number(0, 3000000);
    // A spread, so that the shares drawn may be over the whole.
    std::string text = small.text();
    for (std::size_t at = 0; (at = text.find("{value: 0, unit", at)) != std::string::npos; ++at)
      text.replace(at, 10, "{value: 1.0, low: 0, high: 2,");
    const auto data = read_supply({file_of(text)});
    RC_ASSERT(data.has_value());
    constexpr int kQuarters = 12;
    const auto views = views_of(*data, {}, kQuarters);
    std::vector<double> draws;
    for (std::size_t s = 0; s < views.size(); ++s)
      draws.push_back(*rc::gen::inRange(0, 1001) / 1000.0);
    SupplyFuture future(*data, views, kQuarters);
    future.run(draws);
    double made = 0, used = 0;
    for (int q = 0; q < kQuarters; ++q) {
      const QuarterTrace& t = future.trace(q);
      RC_ASSERT(t.memory_used[0] <= t.memory[0] * (1 + 1e-9) + 1e-6);
      RC_ASSERT(t.packaging_used <= t.packaging * (1 + 1e-9) + 1e-6);
      RC_ASSERT(t.wafers_used[0] <= t.wafers[0] * (1 + 1e-9) + 1e-6);
      double chips = 0, dies = 0;
      for (std::size_t v = 0; v < 2; ++v) {
        RC_ASSERT(t.dies_used[v] <= t.dies[v] * (1 + 1e-9) + 1e-6);
        made += t.dies_made[v];
        used += t.dies_used[v];
        chips += future.vendor(q, v).chips;
        dies += future.vendor(q, v).dies;
      }
      RC_ASSERT(used <= made * (1 + 1e-9) + 1e-6);
      RC_ASSERT(chips <= dies / data->vendors[0].dies[0].products[0].dies * (1 + 1e-9) + 1e-6);
      RC_ASSERT(chips >= 0);
    }
  });
}

}  // namespace
}  // namespace fivefold
