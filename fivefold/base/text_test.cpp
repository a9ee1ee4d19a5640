#include "fivefold/base/text.h"

#include <gtest/gtest.h>

namespace fivefold {
namespace {

TEST(Text, quantities_take_the_prefix_that_leaves_few_digits) {
  EXPECT_EQ(format_quantity(Bytes(13.824e12)), "13.8 TB");
  EXPECT_EQ(format_quantity(Seconds(0.001234)), "1.23 ms");
  EXPECT_EQ(format_quantity(OpsPerSecond(2.5e15)), "2.50 PFLOPS");
  EXPECT_EQ(format_quantity(BytesPerSecond(8e12)), "8.00 TB/s");
  EXPECT_EQ(format_quantity(Watts(559'378)), "559 kW");
  EXPECT_EQ(format_quantity(Usd(8.2e6), 2), "$8.2M");
  EXPECT_EQ(format_quantity(Usd(30'000)), "$30,000");
  EXPECT_EQ(format_quantity(UsdPerJoule(0.091 / 3.6e6)), "0.0910 USD/kWh");
}

TEST(Text, rounding_up_takes_the_next_prefix) {
  EXPECT_EQ(format_quantity(Bytes(999.96e9)), "1.00 TB");
  EXPECT_EQ(format_quantity(Bytes(999.4e9)), "999 GB");
}

TEST(Text, long_times_are_minutes_hours_and_days) {
  EXPECT_EQ(format_quantity(Seconds(90)), "90.0 s");
  EXPECT_EQ(format_quantity(Seconds(600)), "10.0 min");
  EXPECT_EQ(format_quantity(Seconds(36'000)), "10.0 h");
  EXPECT_EQ(format_quantity(Seconds(54 * 86'400.0)), "54.0 d");
}

TEST(Text, numbers_have_separators_and_significant_digits) {
  EXPECT_EQ(format_number(1'234'567, 7), "1,234,567");
  EXPECT_EQ(format_number(1'234'567), "1,230,000");
  EXPECT_EQ(format_number(-1234.5, 5), "-1,234.5");
  EXPECT_EQ(format_number(0.00123), "0.00123");
  EXPECT_EQ(format_number(0), "0");
  EXPECT_EQ(format_count(524'288), "524,288");
  EXPECT_EQ(format_percent(0.0371), "3.71%");
}

TEST(Text, what_is_not_finite_is_said) {
  EXPECT_EQ(format_quantity(Seconds(1.0 / 0.0)), "infinite s");
  EXPECT_EQ(format_quantity(Bytes(0)), "0 B");
}

}  // namespace
}  // namespace fivefold
