// Operator tables as they stand in files, read as operators and predicted.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "fivefold/evidence/evidence.h"
#include "fivefold/evidence/kernel_rows.h"
#include "fivefold/evidence/temporary_test.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

// The name of the file says chip, stack and kind.
Result<Predictions> predicted(const std::string& name, const std::string& text) {
  const std::string folder = temporary_path("kernels");
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/" + name + ".csv";
  std::ofstream(path) << text;
  return predict_kernels(catalog(), read_csv(path).value());
}

constexpr const char* kGemmHeader = "op_name,kernel_source,gemm_dtype,m,n,k,latency\n";

TEST(KernelTables, a_table_says_its_chip_stack_and_kind_by_its_name) {
  const auto named = table_name("some/where/h100_sxm__sglang-0.5.14__context_mla.csv.gz");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->chip, "h100_sxm");
  EXPECT_EQ(named->stack, "sglang-0.5.14");
  EXPECT_EQ(named->table, "context_mla");
  EXPECT_FALSE(table_name("published.csv"));
}

TEST(KernelTables, a_large_product_takes_between_its_roofline_and_three_times_that) {
  const auto rows = predicted(
      "h100_sxm__sglang-0.5.14__gemm",
      std::string(kGemmHeader) + "gemm,sglang_torch_linear,bfloat16,8192,8192,8192,1.5\n");
  ASSERT_TRUE(rows);
  const Prediction& row = rows->front();
  EXPECT_EQ(row.refused, "");
  EXPECT_EQ(row.chip, "h100_sxm");
  const double roofline_ms = 2.0 * 8192 * 8192 * 8192 / 989e12 * 1e3;
  EXPECT_GT(row.predicted, roofline_ms);
  EXPECT_LT(row.predicted, 3 * roofline_ms);
}

TEST(KernelTables, what_cannot_be_expressed_is_refused_with_a_reason_and_kept) {
  const auto rows =
      predicted("h100_sxm__sglang-0.5.14__gemm", std::string(kGemmHeader) +
                                                     "gemm,sglang_torch_linear,bfloat16,,8,8,1\n"
                                                     "gemm,another_kernel,bfloat16,8,8,8,1\n"
                                                     "gemm,sglang_torch_linear,posit16,8,8,8,1\n");
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_THAT((*rows)[0].refused, HasSubstr("'m' is empty"));
  EXPECT_THAT((*rows)[1].refused, HasSubstr("another_kernel"));
  EXPECT_THAT((*rows)[2].refused, HasSubstr("posit16"));
  const auto unknown = predicted("h101_sxm__sglang-0.5.14__gemm",
                                 std::string(kGemmHeader) + "gemm,x,bfloat16,8,8,8,1\n");
  ASSERT_TRUE(unknown);
  EXPECT_THAT(unknown->front().refused, HasSubstr("h101_sxm"));
}

TEST(KernelTables, a_missing_column_is_an_error_that_names_it) {
  const auto rows =
      predicted("h100_sxm__sglang-0.5.14__gemm",
                "op_name,kernel_source,gemm_dtype,m,n,latency\ngemm,x,bfloat16,8,8,1\n");
  ASSERT_FALSE(rows);
  EXPECT_THAT(to_text(rows.error()), HasSubstr("'k'"));
}

TEST(KernelTables, rows_held_out_by_their_shape_do_not_count_as_calibrated) {
  std::string text = kGemmHeader;
  for (int n = 1; n <= 200; ++n)
    text += "gemm,sglang_torch_linear,bfloat16,64," + std::to_string(64 * n) + ",4096,1\n";
  const auto rows = predicted("h100_sxm__sglang-0.5.14__gemm", text);
  ASSERT_TRUE(rows);
  int calibrated = 0;
  for (const Prediction& row : *rows) calibrated += row.calibrated;
  EXPECT_GT(calibrated, 130);  // four of five shapes were fitted on
  EXPECT_LT(calibrated, 185);
}

TEST(KernelTables, a_published_product_without_time_is_timed_by_the_bytes_that_it_moves) {
  const auto rows =
      predicted("published",
                "id,op,chip,dtype,m,n,k,groups,time_us,gbytes_per_s\n"
                "a,grouped_gemm,ascend_910c,\"INT8 in, BF16 out\",4096,4096,4096,2,,200\n"
                "b,grouped_gemm,ascend_910c,INT8,4096,4096,4096,2,,\n");
  ASSERT_TRUE(rows);
  const double bytes = 2 * 4096.0 * 4096 * (1 + 1 + 2);
  EXPECT_NEAR((*rows)[0].measured, bytes / 200e9 * 1e6, 1e-6);
  const double roofline_us = 2 * 2 * 4096.0 * 4096 * 4096 / 752e12 * 1e6;
  EXPECT_GT((*rows)[0].predicted, roofline_us);
  EXPECT_LT((*rows)[0].predicted, 1.5 * roofline_us);
  EXPECT_THAT((*rows)[1].refused, HasSubstr("no time"));
}

}  // namespace
}  // namespace fivefold
