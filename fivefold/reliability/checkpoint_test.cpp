#include "fivefold/reliability/checkpoint.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace fivefold {
namespace {

using testing::HasSubstr;

constexpr Seconds kHour(3600);

double in_range(double low, double high) {
  return low + (high - low) * *rc::gen::inRange(0, 1000001) / 1e6;
}

TEST(Checkpoint, an_asynchronous_one_blocks_for_the_copy_only) {
  const Checkpoint checkpoint{.state = Bytes(2e12),
                              .state_per_device = Bytes(40e9),
                              .storage = BytesPerSecond(100e9),
                              .copy = BytesPerSecond(20e9),
                              .pause = Seconds(3)};
  const CheckpointCost cost = *checkpoint_cost(checkpoint);
  EXPECT_DOUBLE_EQ(cost.blocked.value(), 5);
  EXPECT_DOUBLE_EQ(cost.durable.value(), 25);
  EXPECT_DOUBLE_EQ(cost.load.value(), 20);
  Checkpoint synchronous = checkpoint;
  synchronous.asynchronous = false;
  EXPECT_DOUBLE_EQ(checkpoint_cost(synchronous)->blocked.value(), 23);
}

TEST(Checkpoint, nothing_to_write_or_nowhere_to_write_it_is_refused) {
  Checkpoint checkpoint{.state = Bytes(2e12), .asynchronous = false};
  EXPECT_THAT(to_text(checkpoint_cost(checkpoint).error()), HasSubstr("storage of no bandwidth"));
  checkpoint.state = Bytes(0);
  EXPECT_THAT(to_text(checkpoint_cost(checkpoint).error()), HasSubstr("needs a state"));
  const Checkpoint no_copy{.state = Bytes(1), .storage = BytesPerSecond(1)};
  EXPECT_THAT(to_text(checkpoint_cost(no_copy).error()), HasSubstr("copy bandwidth"));
}

// Young is the limit of Daly and of the optimum for C << M.
TEST(Checkpoint, young_daly_and_the_optimum_agree_where_checkpoints_are_cheap) {
  double error_before = 1;
  for (const double c : {100.0, 10.0, 1.0, 0.1}) {
    const Seconds young = young_interval(Seconds(c), 10 * kHour);
    const Seconds daly = daly_interval(Seconds(c), 10 * kHour);
    const Seconds best = best_interval(Seconds(c), 10 * kHour);
    const double error = std::abs(young / best - 1);
    EXPECT_LT(error, error_before);
    EXPECT_LT(error, std::sqrt(c / 36000));
    EXPECT_NEAR(daly / best, 1, 1e-4);
    error_before = error;
  }
}

RC_GTEST_PROP(Checkpoint, no_interval_is_better_than_the_best, ()) {
  const Seconds mtbf(in_range(600, 1e6));
  const Seconds blocked = mtbf * std::pow(10, in_range(-6, 0.5));
  const Seconds best = best_interval(blocked, mtbf);
  const double least = expected_stretch(best, blocked, Seconds(600), mtbf);
  for (const double factor : {0.5, 0.9, 0.99, 1.01, 1.1, 2.0}) {
    RC_ASSERT(expected_stretch(best * factor, blocked, Seconds(600), mtbf) >= least * (1 - 1e-12));
  }
  for (const Seconds other : {young_interval(blocked, mtbf), daly_interval(blocked, mtbf)}) {
    RC_ASSERT(expected_stretch(other, blocked, Seconds(600), mtbf) >= least * (1 - 1e-12));
  }
}

RC_GTEST_PROP(Checkpoint, the_best_interval_solves_its_equation, ()) {
  const Seconds mtbf(in_range(600, 1e6));
  const Seconds blocked = mtbf * std::pow(10, in_range(-4, 0));
  const double x = best_interval(blocked, mtbf) / mtbf, c = blocked / mtbf;
  RC_ASSERT(std::abs(std::exp(x + c) * (x - 1) + 1) < 1e-9);
}

TEST(Checkpoint, without_failures_none_is_written) {
  const Seconds never(INFINITY);
  EXPECT_EQ(best_interval(Seconds(10), never), never);
  EXPECT_EQ(daly_interval(Seconds(10), never), never);
  EXPECT_EQ(expected_stretch(never, Seconds(10), Seconds(600), never), 1);
  EXPECT_NEAR(best_interval(Seconds(0), kHour).value(), 0, 1e-6);  // free: all the time
}

// Two terms of the series: T/W = 1 + C/tau + (tau/2 + R + C)/M + ...
TEST(Checkpoint, the_expected_time_has_the_known_first_order) {
  const Seconds tau(100), c(1), r(50), mtbf(1e6);
  const double first = 1 + c / tau + (tau / 2 + r * 1.01 + c) / mtbf;
  EXPECT_NEAR(expected_stretch(tau, c, r, mtbf), first, 1e-6);
}

}  // namespace
}  // namespace fivefold
