#include "fivefold/evidence/evidence.h"

#include <cmath>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fivefold {
namespace {

using ::testing::HasSubstr;

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

Prediction row(double measured, double predicted, std::string refused = {}) {
  Prediction prediction;
  prediction.form = "collectives";
  prediction.family = "all_reduce";
  prediction.chip = "h100_sxm";
  prediction.measured = measured;
  prediction.predicted = predicted;
  prediction.refused = std::move(refused);
  return prediction;
}

CsvTable table_of(std::vector<std::string> columns) {
  CsvTable table;
  table.file = "table.csv";
  table.columns = std::move(columns);
  return table;
}

TEST(Summarise, ErrorsAreSharesOfWhatWasMeasured) {
  Predictions rows;
  for (const double predicted : {90.0, 100.0, 110.0, 200.0}) rows.push_back(row(100, predicted));
  rows.push_back(row(100, 0, "chip is not in the catalog"));
  const std::vector<Cell> cells = summarise(rows);
  ASSERT_EQ(cells.size(), 1u);
  EXPECT_EQ(cells[0].rows, 5);
  EXPECT_EQ(cells[0].predicted, 4);
  EXPECT_NEAR(cells[0].mean_ape, (0.1 + 0 + 0.1 + 1) / 4, 1e-12);
  EXPECT_NEAR(cells[0].median_ape, 0.1, 1e-12);
  EXPECT_NEAR(cells[0].max_ape, 1, 1e-12);
  EXPECT_NEAR(cells[0].bias, std::log(0.9 * 1.1 * 2) / 4, 1e-12);
}

TEST(Summarise, FittedRowsStandApart) {
  Predictions rows = {row(1, 1), row(1, 2)};
  rows[1].calibrated = true;
  EXPECT_EQ(summarise(rows).size(), 2u);
}

TEST(Calibration, AFifthOfTheShapesIsHeldOut) {
  int held = 0;
  for (int i = 0; i < 5000; ++i)
    held += is_held_out("all_reduce|8|" + std::to_string(i * 512), 0.2);
  EXPECT_NEAR(held, 1000, 100);
  EXPECT_FALSE(is_held_out("all_reduce|8|1024", 0));
  EXPECT_TRUE(is_held_out("all_reduce|8|1024", 1));
}

TEST(Calibration, OnlyRowsThatTheStackNamesAreFitted) {
  Stack stack;
  stack.calibration = {{"collectives", "tables", "all_reduce", "h100_sxm", 0}};
  EXPECT_TRUE(is_calibrated(stack, "collectives", "tables", "all_reduce", "h100_sxm", "x"));
  EXPECT_FALSE(is_calibrated(stack, "collectives", "tables", "all_gather", "h100_sxm", "x"));
  EXPECT_FALSE(is_calibrated(stack, "collectives", "tables", "all_reduce", "h200_sxm", "x"));
  EXPECT_FALSE(is_calibrated(stack, "collectives", "others", "all_reduce", "h100_sxm", "x"));
}

TEST(Forms, AreKnownByTheirHeaderAlone) {
  const CsvTable nccl =
      table_of({"op_name", "kernel_source", "nccl_dtype", "num_gpus", "message_size", "latency"});
  EXPECT_TRUE(is_collective_table(nccl));
  EXPECT_FALSE(is_kernel_table(nccl));
  const CsvTable gemm =
      table_of({"op_name", "kernel_source", "gemm_dtype", "m", "n", "k", "latency"});
  EXPECT_TRUE(is_kernel_table(gemm));
  EXPECT_FALSE(is_collective_table(gemm));
  const CsvTable other = table_of({"file", "rows", "rows_in_source", "device", "columns"});
  EXPECT_FALSE(is_kernel_table(other) || is_collective_table(other) || is_training_table(other) ||
               is_serving_table(other));
}

TEST(Forms, AMissingColumnIsNamed) {
  CsvTable table = table_of({"chip", "ranks", "collective", "bytes", "time_us"});
  const auto predictions = predict_collectives(catalog(), table);
  ASSERT_FALSE(predictions);
  EXPECT_THAT(to_text(predictions.error()), HasSubstr("column 'ranks_per_node' is missing"));
  EXPECT_THAT(to_text(predictions.error()), HasSubstr("table.csv:1"));
}

TEST(Forms, AColumnOfNoFormIsNoted) {
  EXPECT_THAT(unknown_columns(table_of({"chip", "colour", "latency"})),
              testing::ElementsAre("colour"));
}

// One row of a collective table.
CsvTable collective_row(std::vector<std::string> values) {
  CsvTable table = table_of({"id", "fabric", "chip", "ranks", "ranks_per_node", "collective",
                             "algorithm", "bytes", "bytes_meaning", "time_us", "algbw_GBps",
                             "busbw_GBps", "library", "group"});
  table.rows.push_back(std::move(values));
  table.lines.push_back(2);
  return table;
}

TEST(Collectives, TheRowsBandwidthStandsForItsTime) {
  // busbw 350 GB/s of 8 ranks: algbw 200 GB/s, so 1 GB takes 5 ms.
  const auto by_bus = predict_collectives(
      catalog(), collective_row({"a", "NVLink4", "H100-SXM5-80GB", "8", "8", "all_reduce", "",
                                 "1e9", "", "", "", "350", "NCCL", "g"}));
  ASSERT_TRUE(by_bus) << to_text(by_bus.error());
  EXPECT_NEAR(by_bus->front().measured, 5000, 1e-6);
  EXPECT_TRUE(by_bus->front().refused.empty());
  EXPECT_GT(by_bus->front().predicted, 1e9 / 450e9 * 1e6);
}

TEST(Collectives, WhatCannotBeExpressedIsRefusedWithAReason) {
  const auto refused = [](std::vector<std::string> values) {
    const auto rows = predict_collectives(catalog(), collective_row(std::move(values)));
    return rows ? rows->front().refused : to_text(rows.error());
  };
  EXPECT_EQ(refused({"a", "x", "Unheard-of 9000", "8", "8", "all_reduce", "", "1024", "", "5", "",
                     "", "NCCL", "g"}),
            "chip is not in the catalog");
  EXPECT_EQ(refused({"a", "x", "H100-SXM5-80GB", "8", "8", "all_reduce", "", "", "", "5", "", "",
                     "NCCL", "g"}),
            "size of the message is not published");
  EXPECT_EQ(refused({"a", "x", "H100-SXM5-80GB", "8", "8", "all_reduce", "", "1024", "", "", "", "",
                     "NCCL", "g"}),
            "no measured time");
}

TEST(Collectives, SmallMessagesAreAFamilyOfTheirOwn) {
  const auto rows = predict_collectives(
      catalog(), collective_row({"a", "NVLink4", "H100-SXM5-80GB", "8", "8", "all_reduce", "",
                                 "1048575", "", "20", "", "", "NCCL", "g"}));
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->front().family, "all_reduce_small");
}

// Errors must not grow: the measured tables where they are present.
TEST(Collectives, MeasuredTablesArePredictedAsWellAsEver) {
  const std::string folder = FIVEFOLD_SHARED_DIR "/measured/collectives/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no measured tables here";
  struct Limit {
    const char* file;
    double mean;  // over all rows that are predicted
  };
  for (const Limit& limit :
       {Limit{"nccl_single_node_all_collectives.csv", 0.06}, Limit{"ep_published.csv", 0.07},
        Limit{"moe_dispatch_combine.csv", 0.10}, Limit{"ascend_point_to_point.csv", 0.08}}) {
    const auto table = read_csv(folder + limit.file);
    ASSERT_TRUE(table) << to_text(table.error());
    const auto rows = predict_collectives(catalog(), *table);
    ASSERT_TRUE(rows) << to_text(rows.error());
    EXPECT_EQ(rows->size(), table->rows.size()) << "a row is dropped";
    double sum = 0;
    int predicted = 0;
    for (const Prediction& one : *rows) {
      if (!one.refused.empty()) continue;
      sum += std::abs(one.predicted / one.measured - 1);
      ++predicted;
    }
    EXPECT_GT(predicted, 0);
    EXPECT_LT(sum / predicted, limit.mean) << limit.file;
  }
}

}  // namespace
}  // namespace fivefold
