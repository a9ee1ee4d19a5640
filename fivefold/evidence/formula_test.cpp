#include "fivefold/evidence/formula.h"

#include <gmock/gmock.h>

namespace fivefold {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<Amount> shop(std::string_view name) {
  if (name == "chip.peak") return Amount{780e12, {.op = 1, .second = -1}};
  if (name == "chip.memory") return Amount{128e9, {.byte = 1}};
  return fail("unknown name " + std::string(name));
}

double value(std::string_view formula) {
  const auto amount = evaluate(formula, shop);
  EXPECT_TRUE(amount) << formula;
  return amount ? amount->value : 0;
}

std::string message(std::string_view formula) {
  const auto amount = evaluate(formula, shop);
  EXPECT_FALSE(amount) << formula;
  return amount ? "" : to_text(amount.error());
}

TEST(Formula, products_bind_before_sums) {
  EXPECT_DOUBLE_EQ(value("1 + 2 * 3 - 4 / 8"), 6.5);
}
TEST(Formula, brackets_and_signs) {
  EXPECT_DOUBLE_EQ(value("-(1 - 3) * 2e3"), 4000);
}
TEST(Formula, operators_of_one_rank_go_from_left_to_right) {
  EXPECT_DOUBLE_EQ(value("16 / 4 / 2"), 2);
}

TEST(Formula, whole_counts_survive_rounding_up) {
  EXPECT_DOUBLE_EQ(value("ceil(0.1 * 3 * 10)"), 3);  // 3.0000000000000004 in binary
  EXPECT_DOUBLE_EQ(value("ceil(230.8)"), 231);
  EXPECT_DOUBLE_EQ(value("floor(99.5)"), 99);
}

TEST(Formula, equal_units_cancel) {
  const auto ratio = evaluate("384 * chip.peak / (72 * chip.peak)", shop);
  ASSERT_TRUE(ratio);
  EXPECT_EQ(ratio->dim, Dim{});
  EXPECT_NEAR(ratio->value, 384.0 / 72, 1e-12);
}

TEST(Formula, sums_of_different_units_are_refused) {
  EXPECT_THAT(message("chip.peak + chip.memory"), HasSubstr("different units"));
}

TEST(Formula, wrong_input_says_where) {
  EXPECT_THAT(message("1 +"), HasSubstr("column 4"));
  EXPECT_THAT(message("(1"), HasSubstr("')'"));
  EXPECT_THAT(message("1 2"), HasSubstr("end of the formula"));
  EXPECT_THAT(message("1 / 0"), HasSubstr("divides by zero"));
  EXPECT_THAT(message(std::string(5000, '(')), HasSubstr("deeply"));
  EXPECT_THAT(message(std::string(5000, '-')), HasSubstr("deeply"));
  EXPECT_THAT(message(""), HasSubstr("the end"));
}

TEST(Formula, names_are_listed_once_in_order) {
  const auto names = names_in("b.x / (a.y * b.x) - ceil(c)");
  ASSERT_TRUE(names);
  EXPECT_THAT(*names, ElementsAre("b.x", "a.y", "c"));
}

}  // namespace
}  // namespace fivefold
