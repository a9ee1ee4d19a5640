#include "fivefold/reliability/scaling.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/reliability/sample_test.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

PlanBySize growing(const RunPlan& plan) {
  return [plan](double times) { return resized(plan, times); };
}

TEST(Scaling, goodput_falls_as_the_machine_grows) {
  const double sizes[] = {0.1, 1, 2, 5, 10, 50, 100};
  const auto points = *goodput_by_size(growing(sample::plan()), sizes);
  for (std::size_t i = 1; i < points.size(); ++i) {
    EXPECT_LT(points[i].goodput, points[i - 1].goodput);
    EXPECT_LT(points[i].mtbf, points[i - 1].mtbf);
    EXPECT_LE(points[i].interval, points[i - 1].interval);
  }
}

// Free checkpoints at every step leave T = e^(R/M) (to first order in the step): k e^(-kR/M) is
// most at k = M/R.
TEST(Scaling, with_free_checkpoints_most_is_done_where_a_failure_comes_in_each_recovery) {
  RunPlan plan = sample::plan();
  plan.step = Seconds(0.01);
  plan.checkpoint = {};
  plan.rates = sample::rates_of(Seconds(60000));
  const auto most = *largest_useful(growing(plan));
  ASSERT_TRUE(most);
  EXPECT_NEAR(most->times, 100, 0.5);  // a recovery takes 600 s
  EXPECT_NEAR(most->goodput, std::exp(-1), 0.002);
}

TEST(Scaling, the_most_useful_size_is_better_than_its_neighbours) {
  const auto most = *largest_useful(growing(sample::plan()));
  ASSERT_TRUE(most);
  const double sizes[] = {most->times * 0.9, most->times * 1.1};
  const auto points = *goodput_by_size(growing(sample::plan()), sizes);
  for (const SizePoint& point : points) EXPECT_LT(point.useful, most->useful);
}

TEST(Scaling, without_failures_there_is_no_largest_size) {
  RunPlan plan = sample::plan();
  plan.rates = {};
  EXPECT_FALSE(*largest_useful(growing(plan)));
}

TEST(Scaling, an_advantage_is_gone_where_the_goodputs_say) {
  RunPlan few = sample::plan();
  few.rates = sample::rates_of(Seconds(1e7));
  RunPlan many = few;
  many.rates = few.rates * 5;
  const auto times = *break_even(growing(many), growing(few), 1.6);
  ASSERT_TRUE(times);
  const double size[] = {*times};
  const double of_many = goodput_by_size(growing(many), size)->front().goodput;
  const double of_few = goodput_by_size(growing(few), size)->front().goodput;
  EXPECT_NEAR(1.6 * of_many, of_few, 1e-4);
  EXPECT_LT(*break_even(growing(many), growing(few), 1.2), *times);
}

TEST(Scaling, machines_that_fail_alike_never_break_even) {
  const RunPlan plan = sample::plan();
  EXPECT_FALSE(*break_even(growing(plan), growing(plan), 1.5));
}

TEST(Scaling, bad_sizes_are_refused) {
  const double none[] = {0.0};
  EXPECT_THAT(to_text(goodput_by_size(growing(sample::plan()), none).error()),
              HasSubstr("0 times"));
  EXPECT_THAT(to_text(break_even(growing(sample::plan()), growing(sample::plan()), -1).error()),
              HasSubstr("no advantage"));
}

}  // namespace
}  // namespace fivefold
