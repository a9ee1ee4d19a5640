// Predictions of published points and of MLPerf, where the measurements are present: errors may not
// grow, and no row is left without an answer.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <vector>

#include <gmock/gmock.h>

#include "fivefold/evidence/evidence.h"

namespace fivefold {
namespace {

std::string measured(const char* file) {
  return std::string(FIVEFOLD_SHARED_DIR) + "/measured/serving/" + file;
}

const Predictions& predictions_of(const char* file) {
  static std::map<std::string, Predictions> kept;
  const auto [found, fresh] = kept.try_emplace(file);
  if (fresh) {
    const Catalog catalog = *Catalog::load();
    const auto table = read_csv(measured(file));
    EXPECT_TRUE(table);
    if (!table) return found->second;
    const auto predictions = predict_serving(catalog, *table);
    EXPECT_TRUE(predictions);
    if (predictions) found->second = *predictions;
  }
  return found->second;
}

std::string id_of(const Prediction& p) {
  return p.row.substr(p.row.find(' ') + 1);
}

// Of the rows whose id starts so and ends so.
double median_error(const Predictions& predictions, std::string_view start,
                    std::string_view end = "") {
  std::vector<double> errors;
  for (const Prediction& p : predictions) {
    if (!id_of(p).starts_with(start) || !id_of(p).ends_with(end) || !p.refused.empty()) continue;
    errors.push_back(std::abs(p.predicted / p.measured - 1));
  }
  EXPECT_FALSE(errors.empty()) << start;
  if (errors.empty()) return 1;
  std::nth_element(errors.begin(), errors.begin() + errors.size() / 2, errors.end());
  return errors[errors.size() / 2];
}

TEST(ServingPublished, errors_stay_within_those_reached) {
  if (!std::filesystem::exists(measured("published.csv"))) GTEST_SKIP();
  const Predictions& all = predictions_of("published.csv");
  EXPECT_LT(median_error(all, "cm384-prefill"), 0.10);
  EXPECT_LT(median_error(all, "cm384-decode"), 0.10);
  EXPECT_LT(median_error(all, "cm384-abl"), 0.10);
  EXPECT_LT(median_error(all, "cm384-cmp"), 0.10);
  EXPECT_LT(median_error(all, "ds-"), 0.12);
  EXPECT_LT(median_error(all, "lmsys-"), 0.15);
  EXPECT_LT(median_error(all, "ant-h20"), 0.15);
  EXPECT_LT(median_error(all, "pangu-"), 0.15);
  EXPECT_LT(median_error(all, "cann-"), 0.15);
  EXPECT_LT(median_error(all, "sglascend-"), 0.21);
  EXPECT_LT(median_error(all, "trtllm-Llama-3.3"), 0.12);
}

// The rates that the paper's summary gives: 6,688 and 1,943 tokens/s for each NPU.
TEST(ServingPublished, cloudmatrix_is_within_a_tenth) {
  if (!std::filesystem::exists(measured("published.csv"))) GTEST_SKIP();
  int seen = 0;
  for (const Prediction& p : predictions_of("published.csv")) {
    const bool named = id_of(p) == "cm384-prefill-perfect-eplb" ||
                       id_of(p) == "cm384-decode-50ms-decode_throughput_per_chip";
    if (!named) continue;
    ++seen;
    EXPECT_FALSE(p.calibrated);
    EXPECT_NEAR(p.predicted / p.measured, 1, 0.1) << p.row;
  }
  EXPECT_EQ(seen, 2);
}

TEST(ServingPublished, rows_that_set_a_parameter_are_told_apart) {
  if (!std::filesystem::exists(measured("published.csv"))) GTEST_SKIP();
  int calibrated = 0;
  for (const Prediction& p : predictions_of("published.csv")) calibrated += p.calibrated ? 1 : 0;
  EXPECT_GT(calibrated, 5);
  EXPECT_LT(calibrated, 20);
}

// What is taken from both rows of a pair is their product, nothing else.
TEST(ServingPublished, a_load_keeps_its_sequences) {
  if (!std::filesystem::exists(measured("published.csv"))) GTEST_SKIP();
  std::map<std::string, std::pair<double, double>> product;  // measured, predicted
  for (const Prediction& p : predictions_of("published.csv")) {
    const std::string id = id_of(p);
    if (!id.starts_with("sglascend-") || !p.refused.empty()) continue;
    auto& [as_measured, as_predicted] =
        product.try_emplace(id.substr(0, id.rfind('-')), 1.0, 1.0).first->second;
    as_measured *= p.measured;
    as_predicted *= p.predicted;
  }
  EXPECT_GT(product.size(), 10U);
  for (const auto& [id, both] : product) {
    EXPECT_NEAR(both.second / both.first, 1, 1e-6) << id;
  }
}

TEST(ServingPublished, mlperf_errors_stay_within_those_reached) {
  if (!std::filesystem::exists(measured("mlperf.csv"))) GTEST_SKIP();
  const Predictions& all = predictions_of("mlperf.csv");
  EXPECT_LT(median_error(all, "mlperf-", "-Offline"), 0.17);
  EXPECT_LT(median_error(all, "mlperf-", "-Server"), 0.37);
}

TEST(ServingPublished, each_row_has_a_prediction_or_a_reason) {
  for (const char* file : {"published.csv", "mlperf.csv"}) {
    if (!std::filesystem::exists(measured(file))) GTEST_SKIP();
    int refused = 0;
    const Predictions& all = predictions_of(file);
    for (const Prediction& p : all) {
      EXPECT_TRUE(p.predicted > 0 || !p.refused.empty()) << p.row;
      refused += p.refused.empty() ? 0 : 1;
    }
    EXPECT_LT(refused, int(all.size()) / 4) << file;
  }
}

}  // namespace
}  // namespace fivefold
