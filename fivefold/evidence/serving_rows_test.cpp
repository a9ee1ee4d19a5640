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

struct Errors {
  double median = 1, mean = 1;
};

Errors errors_of(const Predictions& predictions, std::string_view family, std::string_view chip,
                 bool calibrated) {
  std::vector<double> errors;
  for (const Prediction& p : predictions) {
    if (p.family == family && p.chip == chip && p.calibrated == calibrated && p.refused.empty() &&
        p.measured > 0) {
      errors.push_back(std::abs(p.predicted / p.measured - 1));
    }
  }
  EXPECT_GT(errors.size(), 50U) << chip;
  if (errors.empty()) return {};
  std::nth_element(errors.begin(), errors.begin() + errors.size() / 2, errors.end());
  double sum = 0;
  for (const double error : errors) sum += error;
  return {errors[errors.size() / 2], sum / double(errors.size())};
}

TEST(ServingRows, closed_loops_stay_within_the_errors_reached) {
  if (!std::filesystem::exists(measured("inferencex.csv"))) GTEST_SKIP();
  const Predictions predictions = predictions_of(measured("inferencex.csv"));
  struct Bound {
    const char* chip;
    double median, mean;
  };
  for (const Bound& bound :
       {Bound{"h100_sxm", 0.08, 0.12}, {"h200_sxm", 0.08, 0.14}, {"b200_sxm", 0.085, 0.115}}) {
    const Errors tpot = errors_of(predictions, "tpot", bound.chip, true);
    EXPECT_LT(tpot.median, bound.median) << bound.chip;
    EXPECT_LT(tpot.mean, bound.mean) << bound.chip;
  }
}

// The next most requests of a configuration are slower for each of them; a run that is quicker with
// many is named, not left out.
TEST(ServingRows, rows_that_contradict_their_table_are_refused_by_name) {
  if (!std::filesystem::exists(measured("inferencex.csv"))) GTEST_SKIP();
  int contradicted = 0, beyond = 0;
  for (const Prediction& p : predictions_of(measured("inferencex.csv"))) {
    contradicted += p.refused == "slower with a quarter of its requests or fewer";
    beyond += p.refused == "its times ask for more arithmetic than chips reach";
  }
  EXPECT_GT(contradicted, 0);
  EXPECT_LT(contradicted, 20);
  EXPECT_GT(beyond, 0);
  EXPECT_LT(beyond, 20);
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
