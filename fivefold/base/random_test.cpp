#include "fivefold/base/random.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "fivefold/base/statistics.h"

namespace fivefold {
namespace {

// The first numbers that the reference implementation prints for pcg32_srandom(42, 54)
// (pcg-c, sample pcg32-demo, round 1).
TEST(Random, is_pcg32) {
  Random random = Random::reference(42, 54);
  for (const std::uint32_t expected :
       {0xa15c02b7u, 0x7b47f409u, 0xba1d3330u, 0x83d2f293u, 0xbfa4784bu, 0xcbed606eu}) {
    EXPECT_EQ(random.next(), expected);
  }
}

TEST(Random, streams_of_other_seed_purpose_or_index_differ_and_repeat) {
  const auto first = [](Random random) { return random.next(); };
  EXPECT_EQ(first(Random(1, "arrivals", 0)), first(Random(1, "arrivals", 0)));
  EXPECT_NE(first(Random(1, "arrivals", 0)), first(Random(2, "arrivals", 0)));
  EXPECT_NE(first(Random(1, "arrivals", 0)), first(Random(1, "failures", 0)));
  EXPECT_NE(first(Random(1, "arrivals", 0)), first(Random(1, "arrivals", 1)));
}

TEST(Random, neighbouring_streams_do_not_move_together) {
  constexpr int kSamples = 20'000;
  Random a(1, "arrivals", 0), b(1, "arrivals", 1);
  double product = 0;
  for (int i = 0; i < kSamples; ++i) product += a.normal() * b.normal();
  EXPECT_LT(std::abs(product / kSamples), 4 / std::sqrt(kSamples));
}

// Published quantiles of the standard normal distribution.
TEST(Random, normal_quantiles_are_those_of_the_tables) {
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-15);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-13);
  EXPECT_NEAR(normal_quantile(0.05), -1.6448536269514722, 1e-13);
  EXPECT_NEAR(normal_quantile(1e-6), -4.753424308822899, 1e-11);
}

TEST(Random, samples_have_the_moments_of_their_distribution) {
  constexpr int kSamples = 100'000;
  Random random(7, "moments");
  std::vector<double> uniform, normal, squares, lognormal, exponential;
  for (int i = 0; i < kSamples; ++i) {
    uniform.push_back(random.uniform());
    normal.push_back(random.normal());
    squares.push_back(normal.back() * normal.back());
    lognormal.push_back(random.lognormal(3, 0.5));
    exponential.push_back(random.exponential(2));
    ASSERT_GT(uniform.back(), 0);
    ASSERT_LT(uniform.back(), 1);
  }
  const double error = 5 / std::sqrt(kSamples);  // five standard errors of a unit variance
  EXPECT_NEAR(mean(uniform), 0.5, error * std::sqrt(1.0 / 12));
  EXPECT_NEAR(mean(normal), 0, error);
  EXPECT_NEAR(mean(squares), 1, error * std::sqrt(2.0));
  EXPECT_NEAR(median(lognormal), 3, 0.05);
  EXPECT_NEAR(mean(exponential), 2, error * 2);
}

TEST(Random, below_reaches_each_number_alike) {
  constexpr int kSides = 6, kThrows = 60'000;
  Random random(3, "dice");
  int count[kSides] = {};
  for (int i = 0; i < kThrows; ++i) ++count[random.below(kSides)];
  for (const int faces : count) EXPECT_NEAR(faces, kThrows / kSides, 500);
}

}  // namespace
}  // namespace fivefold
