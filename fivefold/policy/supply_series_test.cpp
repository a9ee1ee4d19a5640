#include "fivefold/policy/supply_series.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "fivefold/policy/supply_sample_test.h"

namespace fivefold {
namespace {

TEST(DrawnValue, MedianAndEnds) {
  EXPECT_EQ(drawn_value(2, 3, 7, 0), 2);
  EXPECT_EQ(drawn_value(2, 3, 7, 0.5), 3);
  EXPECT_EQ(drawn_value(2, 3, 7, 1), 7);
  EXPECT_EQ(drawn_value(2, 3, 3, 0.9), 3);  // half of the probability at the value
}

// The half above the value holds density 2 (1 - t) / 2 over t = 0 to 1: a share of 1/8 lies above
// t = 1/2.
TEST(DrawnValue, HalvesAreTriangles) {
  EXPECT_NEAR(drawn_value(0, 10, 20, 1 - 0.125), 15, 1e-12);
  EXPECT_NEAR(drawn_value(0, 10, 20, 0.125), 5, 1e-12);
  rc::check([] {
    const double low = *rc::gen::inRange(0, 100), value = low + *rc::gen::inRange(0, 100);
    const double high = value + *rc::gen::inRange(0, 100);
    const double u = *rc::gen::inRange(0, 1000) / 1000.0;
    const double drawn = drawn_value(low, value, high, u);
    RC_ASSERT(drawn >= low - 1e-9);
    RC_ASSERT(drawn <= high + 1e-9);
    RC_ASSERT(drawn <= drawn_value(low, value, high, u + 0.001) + 1e-9);
  });
}

TEST(QuartersSince, DaysOfALeapYear) {
  const auto day = [](const char* text) { return *parse_date(text); };
  EXPECT_EQ(quarters_since({2024, 1}, day("2024-01-01")), 0);
  EXPECT_EQ(quarters_since({2024, 1}, day("2025-01-01")), 4);
  EXPECT_NEAR(quarters_since({2024, 1}, day("2024-02-15")), 45.0 / 91, 1e-12);
  EXPECT_EQ(quarters_since({2024, 1}, day("2023-10-01")), -1);
}

// A series of its own in a book: `head` is "form: rate, unit: x/month".
struct Read {
  SupplyBook::Data data;
  std::vector<SeriesView> views;
  const SeriesView& last() const { return views.back(); }
};
Read read_points(const std::string& head, const std::string& points,
                 std::optional<Date> known_by = {}) {
  std::string text = SmallBook().text();
  text.insert(text.find("  dies:\n"),
              "  - {id: mine, what: x, kind: dies, " + head + ", points: [" + points + "]}\n");
  auto data = read_supply({file_of(text)});
  EXPECT_TRUE(data) << to_text(data.error());
  Read read;
  read.data = *std::move(data);
  read.views = views_of(read.data, known_by, 8);
  return read;
}

constexpr const char* kRate = "form: rate, unit: dies/month";
constexpr const char* kAmount = "form: amount, unit: dies";

TEST(Series, ARampIsATriangle) {
  const Read read =
      read_points(kRate,
                  "{id: p1, at: 2024-03-31, value: 0, as_of: 2020, source: recalled}, "
                  "{id: p2, at: 2025-03-31, value: 4000, as_of: 2020, source: recalled}");
  DrawnSeries drawn;
  drawn.draw(read.last(), 0.5, 1);                     // at the end of the day
  EXPECT_NEAR(drawn.rate_sum(1, 5), 12 * 2000, 1e-6);  // twelve months at half of it
  EXPECT_NEAR(drawn.rate_sum(0, 1), 0, 1e-9);          // nothing before it begins
  EXPECT_NEAR(drawn.rate_sum(5, 7), 6 * 4000, 1e-6);   // and the same after
  EXPECT_NEAR(drawn.rate_sum(1, 2), 3 * 500, 1e-6);    // 0 to 1,000
  EXPECT_NEAR(drawn.rate_sum(0, 8), drawn.rate_sum(0, 3) + drawn.rate_sum(3, 8), 1e-6);
  EXPECT_NEAR(drawn.level(3), 2000, 1e-9);
}

TEST(Series, PlaceInTheSpan) {
  const Read read =
      read_points(kRate, "{id: p1, at: 2024, value: 1000, as_of: 2020, source: recalled}");
  DrawnSeries drawn;
  drawn.draw(read.last(), 0.5, 0.5);
  EXPECT_NEAR(drawn.rate_sum(0, 4), 6 * 1000, 1e-6);
}

TEST(Series, AmountsByTheirDays) {
  const Read read = read_points(
      kAmount,
      "{id: p1, from: 2024-01-01, to: 2024-12-31, value: 366, as_of: 2020, source: recalled}");
  DrawnSeries drawn;
  drawn.draw(read.last(), 0.5, 0.5);
  double sum = 0;
  for (int q = 0; q < 8; ++q) sum += drawn.arriving(q);
  EXPECT_NEAR(sum, 366, 1e-9);
  EXPECT_NEAR(drawn.arriving(0), 366.0 / 4, 1e-9);
  EXPECT_EQ(drawn.arriving(4), 0);
}

// What was stated later about the same days counts; of the rest the earlier statement remains.
TEST(Series, LaterStatementsOfAmounts) {
  const char* points =
      "{id: p1, from: 2024-01-01, to: 2024-12-31, value: 400, as_of: 2023-01, source: recalled}, "
      "{id: p2, from: 2024-04-01, to: 2024-12-31, value: 0, as_of: 2024-04, source: recalled}";
  const Read now = read_points(kAmount, points);
  DrawnSeries drawn;
  drawn.draw(now.last(), 0.5, 0.5);
  EXPECT_NEAR(drawn.arriving(0), 100, 1e-9);
  EXPECT_EQ(drawn.arriving(1) + drawn.arriving(2) + drawn.arriving(3), 0);
  const Read before = read_points(kAmount, points, *parse_date("2024-04-29"));
  drawn.draw(before.last(), 0.5, 0.5);
  EXPECT_NEAR(drawn.arriving(3), 100, 1e-9);  // said in April: known from its last day on
}

TEST(Series, LaterStatementsOfRates) {
  const char* points =
      "{id: p1, at: 2024, value: 100, as_of: 2023-01-31, source: recalled}, "
      "{id: p2, at: 2024, value: 300, as_of: 2023-06-01, source: recalled}";
  const Read now = read_points(kRate, points);
  ASSERT_EQ(now.last().knots.size(), 1u);
  EXPECT_EQ(now.last().knots[0].value, 300);
  EXPECT_EQ(read_points(kRate, points, *parse_date("2023-05-31")).last().knots[0].value, 100);
  EXPECT_FALSE(read_points(kRate, points, *parse_date("2023-01-30")).last().known());
}

TEST(Series, ScalesFromAQuarterOn) {
  Read read = read_points(kRate, "{id: p1, at: 2023, value: 10, as_of: 2020, source: recalled}");
  ASSERT_TRUE(scale_views(read.data, {{"mine", 3, Quarter{2024, 3}}}, 8, read.views));
  DrawnSeries drawn;
  drawn.draw(read.last(), 0.5, 0.5);
  EXPECT_NEAR(drawn.arriving(1), 30, 1e-9);
  EXPECT_NEAR(drawn.arriving(2), 90, 1e-9);
  ASSERT_TRUE(scale_views(read.data, {{"p1", 2, {}}}, 8, read.views));
  drawn.draw(read.last(), 0.5, 0.5);
  EXPECT_NEAR(drawn.arriving(1), 60, 1e-9);
  const auto wrong = scale_views(read.data, {{"waferz", 2, {}}}, 8, read.views);
  ASSERT_FALSE(wrong);
  EXPECT_NE(to_text(wrong.error()).find("wafers"), std::string::npos);
  EXPECT_FALSE(scale_views(read.data, {{"mine", -1, {}}}, 8, read.views));
}

}  // namespace
}  // namespace fivefold
