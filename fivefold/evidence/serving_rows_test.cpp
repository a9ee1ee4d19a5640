// Predictions of measured serving rows, where the measurements are present: errors may not grow.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include <gmock/gmock.h>

#include "fivefold/evidence/evidence.h"

namespace fivefold {
namespace {

std::string measured(const char* file) {
  return std::string(FIVEFOLD_SHARED_DIR) + "/measured/serving/" + file;
}

Predictions predictions_of(const std::string& path) {
  static const Catalog catalog = *Catalog::load();
  const auto table = read_csv(path);
  EXPECT_TRUE(table);
  const auto predictions = predict_serving(catalog, *table);
  EXPECT_TRUE(predictions);
  return predictions ? *predictions : Predictions{};
}

double median_error(const Predictions& predictions, std::string_view family, bool calibrated) {
  std::vector<double> errors;
  for (const Prediction& p : predictions) {
    if (p.family == family && p.calibrated == calibrated && p.refused.empty() && p.measured > 0) {
      errors.push_back(std::abs(p.predicted / p.measured - 1));
    }
  }
  EXPECT_GT(errors.size(), 100U);
  if (errors.empty()) return 1;
  std::nth_element(errors.begin(), errors.begin() + errors.size() / 2, errors.end());
  return errors[errors.size() / 2];
}

TEST(ServingRows, closed_loops_stay_within_the_errors_reached) {
  if (!std::filesystem::exists(measured("inferencex.csv"))) GTEST_SKIP();
  const Predictions predictions = predictions_of(measured("inferencex.csv"));
  EXPECT_LT(median_error(predictions, "tpot", false), 0.25);
  EXPECT_LT(median_error(predictions, "tpot", true), 0.25);
  EXPECT_LT(median_error(predictions, "ttft", false), 0.40);
}

// The paper's decode point (arXiv 2506.12708 table 3), on which nothing was fitted.
TEST(ServingRows, cloudmatrix_decode_is_within_a_fifth) {
  if (!std::filesystem::exists(measured("published.csv"))) GTEST_SKIP();
  int seen = 0;
  for (const Prediction& p : predictions_of(measured("published.csv"))) {
    if (p.row.find("cm384-decode-50ms") == p.row.npos || !p.refused.empty()) continue;
    ++seen;
    EXPECT_NEAR(p.predicted / p.measured, 1, 0.2) << p.row;
  }
  EXPECT_EQ(seen, 3);
}

TEST(ServingRows, no_row_is_dropped) {
  if (!std::filesystem::exists(measured("mlperf.csv"))) GTEST_SKIP();
  const auto table = read_csv(measured("mlperf.csv"));
  ASSERT_TRUE(table);
  EXPECT_EQ(predictions_of(measured("mlperf.csv")).size(), table->rows.size());
}

}  // namespace
}  // namespace fivefold
