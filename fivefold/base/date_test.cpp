#include "fivefold/base/date.h"

#include <gtest/gtest.h>

namespace fivefold {
namespace {

TEST(Date, ReadsWhatPeopleWrite) {
  EXPECT_EQ(to_text(*parse_date("2025-09-17")), "2025-09-17");
  EXPECT_EQ(to_text(*parse_date("2024-02-29")), "2024-02-29");
  const auto month = parse_date_span("2024-02");
  ASSERT_TRUE(month);
  EXPECT_EQ(to_text(month->first), "2024-02-01");
  EXPECT_EQ(to_text(month->last), "2024-02-29");
  const auto year = parse_date_span("2025");
  ASSERT_TRUE(year);
  EXPECT_EQ(days_between(year->first, year->last), 364);
}

TEST(Date, RefusesWhatNoCalendarHas) {
  for (const char* text : {"2025-02-29", "2025-13-01", "2025-00-10", "2025-9-17", "17.9.2025", "",
                           "2025-09-17T", "1989-01-01", "2101-01-01", "20250917", "-025-01-01"}) {
    const auto date = parse_date(text, {"rules.yaml", 7, 3});
    ASSERT_FALSE(date) << text;
    EXPECT_EQ(date.error().problems[0].place.line, 7);
    EXPECT_FALSE(parse_date_span(text)) << text;
  }
  EXPECT_FALSE(parse_date("2025-09"));  // a month is no day
}

TEST(Date, CountsDays) {
  // From the stop of purchases to the announcement for the H200.
  EXPECT_EQ(days_between(*parse_date("2025-09-17"), *parse_date("2025-12-08")), 82);
  EXPECT_EQ(days_between(*parse_date("2024-02-28"), *parse_date("2024-03-01")), 2);
}

TEST(Quarter, IsReadAndCounted) {
  const auto quarter = parse_quarter("2024q4");
  ASSERT_TRUE(quarter);
  EXPECT_EQ(to_text(*quarter), "2024Q4");
  EXPECT_EQ(to_text(*quarter + 1), "2025Q1");
  EXPECT_EQ(to_text(*quarter + -4), "2023Q4");
  EXPECT_EQ(to_text(quarter->first()), "2024-10-01");
  EXPECT_EQ(to_text(quarter->last()), "2024-12-31");
  EXPECT_EQ(quarters_between({2024, 1}, {2027, 4}), 15);
  EXPECT_EQ(to_text(quarter_of(*parse_date("2025-03-31"))), "2025Q1");
  EXPECT_EQ(to_text(quarter_of(*parse_date("2025-04-01"))), "2025Q2");
  for (const char* text : {"2024Q5", "2024Q0", "2024", "24Q1", "2024-Q1", "1980Q1"}) {
    EXPECT_FALSE(parse_quarter(text)) << text;
  }
}

}  // namespace
}  // namespace fivefold
