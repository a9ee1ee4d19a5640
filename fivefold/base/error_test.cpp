#include "fivefold/base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fivefold {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Error, each_problem_is_one_line_with_its_place_and_hint) {
  Error error = make_error("no such chip", "did you mean h20?", {"mine.yaml", 3, 7});
  error.problems.push_back({{}, "and another", ""});
  EXPECT_EQ(to_text(error), "mine.yaml:3:7: no such chip (did you mean h20?)\nand another");
}

TEST(Error, fail_makes_a_result_that_holds_no_value) {
  const Result<int> result = fail("too many", "take fewer");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().problems.front().hint, "take fewer");
}

const std::vector<std::string> kChips = {"h100_sxm",    "h800_sxm",    "h20_96g", "h20_141g",
                                         "ascend_910b", "ascend_910c", "b200_sxm"};

TEST(Error, nearest_names_come_by_edits_first) {
  EXPECT_THAT(nearest("h100-smx", kChips), ElementsAre("h100_sxm", "h800_sxm"));
  EXPECT_THAT(nearest("ascend910c", kChips), ElementsAre("ascend_910c", "ascend_910b"));
}

TEST(Error, a_part_of_a_name_is_enough) {
  EXPECT_THAT(nearest("h20", kChips), ElementsAre("h20_96g", "h20_141g"));
  EXPECT_THAT(nearest("910c", kChips), ElementsAre("ascend_910c"));
}

TEST(Error, what_resembles_nothing_has_no_suggestion) {
  EXPECT_THAT(nearest("zebra", kChips), IsEmpty());
  EXPECT_THAT(nearest("", kChips), IsEmpty());
  EXPECT_EQ(did_you_mean("zebra", kChips), "");
  EXPECT_EQ(did_you_mean("h20", kChips), "did you mean h20_96g or h20_141g?");
}

}  // namespace
}  // namespace fivefold
