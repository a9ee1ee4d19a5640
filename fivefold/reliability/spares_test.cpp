#include "fivefold/reliability/spares.h"

#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fivefold/reliability/stragglers.h"

namespace fivefold {
namespace {

TEST(Spares, erlang_b_is_what_its_sum_says) {
  const double a = 3.7;
  double term = 1, sum = 1;
  for (int n = 1; n <= 6; ++n) sum += term *= a / n;
  EXPECT_NEAR(erlang_b(6, a), term / sum, 1e-14);
  EXPECT_EQ(erlang_b(0, a), 1);
  EXPECT_EQ(erlang_b(3, 0), 0);
}

RC_GTEST_PROP(Spares, more_of_them_are_never_worse, ()) {
  const Hertz failures(*rc::gen::inRange(1, 1000) / 36e5);
  const Seconds repair(*rc::gen::inRange(1, 200) * 3600.0);
  double before = 1;
  for (int nodes = 0; nodes < 40; ++nodes) {
    const double share = waiting_share({nodes, repair}, failures);
    RC_ASSERT(share <= before);
    before = share;
  }
}

RC_GTEST_PROP(Spares, those_needed_are_enough_and_one_less_is_not, ()) {
  const Hertz failures(*rc::gen::inRange(1, 1000) / 36e5);
  const Seconds repair(*rc::gen::inRange(1, 200) * 3600.0);
  const double share = std::pow(10.0, -*rc::gen::inRange(1, 6));
  const int needed = spares_needed(failures, repair, share);
  RC_ASSERT(waiting_share({needed, repair}, failures) <= share);
  if (needed > 0) RC_ASSERT(waiting_share({needed - 1, repair}, failures) > share);
}

TEST(Spares, without_a_limit_nobody_waits) {
  EXPECT_EQ(waiting_share({-1, Seconds(1e9)}, Hertz(1)), 0);
}

// Means of the largest of N standard normals (Harter 1961, table 1).
TEST(Stragglers, the_largest_of_many_is_as_tabled) {
  EXPECT_NEAR(expected_largest(1), 0, 1e-9);
  EXPECT_NEAR(expected_largest(2), 0.56419, 1e-3);
  EXPECT_NEAR(expected_largest(10), 1.53875, 1e-3);
  EXPECT_NEAR(expected_largest(100), 2.50759, 2e-3);
}

TEST(Stragglers, a_draw_has_the_expected_mean) {
  const Stragglers stragglers{.hosts = 300, .slow_share = 0.005, .slow_by = 0.05, .jitter = 0.01};
  Random random(7, "stragglers");
  double sum = 0;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    const bool slow = random.uniform() < chance_of_slow(stragglers);
    sum += drawn_slowdown(stragglers, slow, 1, random);
  }
  EXPECT_NEAR(sum / kDraws, expected_slowdown(stragglers), 5e-4);
}

TEST(Stragglers, of_many_hosts_one_is_surely_slow) {
  Stragglers stragglers{.hosts = 1, .slow_share = 0.005, .slow_by = 0.1};
  EXPECT_NEAR(expected_slowdown(stragglers), 0.0005, 1e-12);
  stragglers.hosts = 5000;
  EXPECT_NEAR(expected_slowdown(stragglers), 0.1, 1e-9);
}

}  // namespace
}  // namespace fivefold
