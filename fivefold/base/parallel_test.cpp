#include "fivefold/base/parallel.h"

#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace fivefold {
namespace {

TEST(Parallel, every_index_runs_once_on_any_number_of_threads) {
  for (const unsigned threads : {0u, 1u, 2u, 7u}) {
    std::vector<int> runs(1000);
    parallel_for(
        runs.size(), [&](std::size_t i) { ++runs[i]; }, threads);
    EXPECT_EQ(runs, std::vector<int>(1000, 1)) << threads;
  }
}

TEST(Parallel, nothing_to_do_is_done) {
  parallel_for(0, [](std::size_t) { FAIL(); });
}

TEST(Parallel, the_first_error_by_index_reaches_the_caller_and_the_rest_runs) {
  std::vector<int> runs(100);
  try {
    parallel_for(runs.size(), [&](std::size_t i) {
      ++runs[i];
      if (i % 10 == 3) throw std::runtime_error(std::to_string(i));
    });
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "3");
  }
  EXPECT_EQ(runs, std::vector<int>(100, 1));
}

}  // namespace
}  // namespace fivefold
