#include "fivefold/base/unit_text.h"

#include <cmath>

#include <gtest/gtest.h>

#include "fivefold/base/random.h"
#include "fivefold/base/text.h"

namespace fivefold {
namespace {

double value_of(std::string_view text, Dim dim) {
  const auto quantity = parse_quantity(text, dim);
  EXPECT_TRUE(quantity) << text << ": " << (quantity ? "" : to_text(quantity.error()));
  return quantity.value_or(-1);
}

std::string refusal_of(std::string_view text, Dim dim) {
  const auto quantity = parse_quantity(text, dim);
  return quantity ? "accepted" : to_text(quantity.error());
}

TEST(UnitText, decimal_prefixes_are_decimal_and_binary_ones_binary) {
  EXPECT_EQ(value_of("80 GB", Bytes::kDim), 80e9);
  EXPECT_EQ(value_of("80 GiB", Bytes::kDim), 85'899'345'920.0);
  EXPECT_EQ(value_of("256 KiB", Bytes::kDim), 262'144.0);
  EXPECT_EQ(value_of("1 PB", Bytes::kDim), 1e15);
}

TEST(UnitText, bits_are_an_eighth_of_bytes) {
  EXPECT_EQ(value_of("400 Gbit/s", BytesPerSecond::kDim), 50e9);
  EXPECT_EQ(value_of("400 Gbps", BytesPerSecond::kDim), 50e9);
  EXPECT_EQ(value_of("28.8 Tbit/s", BytesPerSecond::kDim), 3.6e12);
}

TEST(UnitText, units_of_the_field) {
  EXPECT_EQ(value_of("3.35TB/s", BytesPerSecond::kDim), 3.35e12);
  EXPECT_EQ(value_of("989 TFLOPS", OpsPerSecond::kDim), 989e12);
  EXPECT_EQ(value_of("1504 TOPS", OpsPerSecond::kDim), 1504e12);
  EXPECT_EQ(value_of("4 ZFLOPS", OpsPerSecond::kDim), 4e21);
  EXPECT_EQ(value_of("559.378 kW", Watts::kDim), 559'378.0);
  EXPECT_DOUBLE_EQ(value_of("1830 MHz", Hertz::kDim), 1.83e9);
  EXPECT_DOUBLE_EQ(value_of("50 ms", Seconds::kDim), 0.05);
  EXPECT_DOUBLE_EQ(value_of("0.091 USD/kWh", UsdPerJoule::kDim), 0.091 / 3.6e6);
  EXPECT_DOUBLE_EQ(value_of("$8.2M", Usd::kDim), 8.2e6);
  EXPECT_EQ(value_of("30,000 USD", Usd::kDim), 30'000.0);
  EXPECT_DOUBLE_EQ(value_of("2.35 USD/GPU-h", Usd::kDim - Seconds::kDim), 2.35 / 3600);
  EXPECT_EQ(value_of("0.5", Dim{}), 0.5);
}

TEST(UnitText, a_wrong_unit_is_named_with_what_is_needed) {
  EXPECT_EQ(refusal_of("3.2 TB", BytesPerSecond::kDim),
            "'3.2 TB' is an amount of bytes; a bandwidth such as '3.2 TB/s' is needed");
  EXPECT_EQ(refusal_of("50", Seconds::kDim), "'50' has no unit; a time such as '50 ms' is needed");
  EXPECT_EQ(
      refusal_of("50 parsec", Seconds::kDim),
      "'50 parsec' has no unit that is known here: 'parsec'; a time such as '50 ms' is needed");
  EXPECT_EQ(refusal_of("fast", Seconds::kDim),
            "'fast' does not start with a number; a time such as '50 ms' is needed");
  EXPECT_EQ(refusal_of("-3 TB/s", BytesPerSecond::kDim),
            "'-3 TB/s' is negative; a bandwidth such as '3.2 TB/s' is needed");
  EXPECT_EQ(refusal_of("5 W", Dim{}), "'5 W' is a power; a plain number such as '0.5' is needed");
}

TEST(UnitText, what_is_no_finite_number_is_refused) {
  for (const char* text :
       {"", " ", "nan s", "inf s", "1e999 s", "1..2 s", "--1 s", "1e s", "$", "0x10 s"}) {
    EXPECT_FALSE(parse_quantity(text, Seconds::kDim)) << text;
  }
}

TEST(UnitText, prices_and_rents_are_money_whatever_they_are_counted_by) {
  EXPECT_EQ(parse_unit("USD/chip").dim, Usd::kDim);
  EXPECT_TRUE(parse_unit("CNY/kWh").yuan);
  EXPECT_EQ(parse_unit("CNY/kWh").dim, UsdPerJoule::kDim);
  EXPECT_EQ(parse_unit("million USD/year").scale, 1e6);
  EXPECT_EQ(parse_unit("tokens/s").dim, Hertz::kDim);
  EXPECT_EQ(parse_unit("years").dim, Dim{});
}

TEST(UnitText, prose_is_no_unit) {
  EXPECT_FALSE(parse_unit("GB per second and link").known);
  EXPECT_FALSE(parse_unit(std::string(10'000, 'x')).known);
  EXPECT_FALSE(parse_unit("TBs").known);
}

// What is shown can be typed in again, to the digits shown.
TEST(UnitText, formatted_quantities_read_back) {
  const Dim dims[] = {Bytes::kDim,   BytesPerSecond::kDim, Ops::kDim,    OpsPerSecond::kDim,
                      Seconds::kDim, Watts::kDim,          Joules::kDim, Hertz::kDim,
                      Usd::kDim,     UsdPerJoule::kDim};
  Random random(1, "round trip");
  for (int i = 0; i < 20'000; ++i) {
    const Dim dim = dims[random.below(std::size(dims))];
    const int digits = 2 + static_cast<int>(random.below(8));
    const double value = std::pow(10.0, random.uniform(-3, 20));
    const std::string text = format_quantity(value, dim, digits);
    const auto back = parse_quantity(text, dim);
    ASSERT_TRUE(back) << text << ": " << to_text(back.error());
    ASSERT_NEAR(*back, value, value * std::pow(10.0, 1 - digits)) << text;
  }
}

TEST(UnitText, any_text_is_read_or_refused) {
  constexpr std::string_view kPieces[] = {"1", "9", ".",  ",", "e", "-",    "+", " ",
                                          "$", "/", "GB", "s", "x", "\xff", "µ"};
  Random random(2, "any text");
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (std::uint32_t n = random.below(12); n > 0; --n)
      text += kPieces[random.below(std::size(kPieces))];
    const auto quantity = parse_quantity(text, Bytes::kDim);
    ASSERT_TRUE(!quantity || (std::isfinite(*quantity) && *quantity >= 0)) << text;
  }
}

}  // namespace
}  // namespace fivefold
