#include "fivefold/base/statistics.h"

#include <gtest/gtest.h>

namespace fivefold {
namespace {

TEST(Statistics, quantiles_of_a_small_sample_by_hand) {
  const std::vector<double> sample = {4, 1, 3, 2};
  EXPECT_DOUBLE_EQ(median(sample), 2.5);
  EXPECT_DOUBLE_EQ(quantile(sample, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(sample, 1), 4);
  EXPECT_DOUBLE_EQ(quantile(sample, 0.9), 3.7);
  EXPECT_DOUBLE_EQ(mean(sample), 2.5);
  EXPECT_DOUBLE_EQ(median({5}), 5);
}

TEST(Statistics, a_long_sum_keeps_its_digits) {
  const std::vector<double> tenths(1'000'000, 0.1);
  EXPECT_NEAR(pairwise_sum(tenths), 1e5, 1e-9);
}

}  // namespace
}  // namespace fivefold
