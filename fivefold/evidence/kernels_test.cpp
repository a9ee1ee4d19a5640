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

TEST(KernelTables, a_release_that_is_not_listed_is_predicted_by_the_stack_of_its_engine) {
  const std::string row =
      std::string(kGemmHeader) + "gemm,sglang_torch_linear,bfloat16,64,4096,4096,1\n";
  const auto listed = predicted("h100_sxm__sglang-0.5.14__gemm", row);
  const auto later = predicted("h100_sxm__sglang-0.9.1__gemm", row);
  ASSERT_TRUE(listed && later);
  EXPECT_EQ(later->front().refused, "");
  EXPECT_EQ(later->front().predicted, listed->front().predicted);
  EXPECT_FALSE(later->front().calibrated);
  const auto unknown = predicted("h100_sxm__lmdeploy-0.9.1__gemm", row);
  ASSERT_TRUE(unknown);
  EXPECT_THAT(unknown->front().refused, HasSubstr("lmdeploy-0.9.1"));
}

TEST(KernelTables, a_kernel_known_from_other_chips_serves_one_of_which_no_kernel_is_known) {
  const auto rows = predicted(
      "l40s__sglang-0.5.14__generation_attention",
      "op_name,kernel_source,batch_size,isl,num_heads,num_key_value_heads,head_dim,attn_dtype,"
      "kv_cache_dtype,step,latency\n"
      "generation_attention,triton,8,1,32,8,128,bfloat16,bfloat16,4095,1\n"
      "generation_attention,unheard_of,8,1,32,8,128,bfloat16,bfloat16,4095,1\n");
  ASSERT_TRUE(rows);
  EXPECT_EQ((*rows)[0].stack, "cuda/sglang/triton");
  EXPECT_EQ((*rows)[1].stack, "cuda/sglang");
  for (const Prediction& row : *rows) EXPECT_EQ(row.refused, "");
}

// CloudMatrix384 (arXiv 2506.12708) tables 7 and 8: 65.4% of 376 TFLOPS, 84.1% of 1.6 TB/s.
TEST(KernelTables, a_published_share_of_the_peak_is_a_time_of_the_best_setting) {
  const auto rows = predicted("published",
                              "id,op,chip,dtype,kv_len,time_us,utilisation_pct,notes\n"
                              "a,mla_decode,ascend_910c,BF16,,,65.4,of peak TFLOPS\n"
                              "b,mla_decode,ascend_910c,BF16,,,84.1,of peak bandwidth\n"
                              "c,mla_decode,ascend_910c,BF16,,,,\n");
  ASSERT_TRUE(rows);
  const double arithmetic = 128 * 128 * 2 * 32768.0 * 2 * (576 + 512);  // batch, heads, tokens
  const double bytes = 128 * 32768.0 * 576 * 2;
  EXPECT_NEAR((*rows)[0].measured, arithmetic / 376e12 / 0.654 * 1e6, 0.01 * (*rows)[0].measured);
  EXPECT_NEAR((*rows)[1].measured, bytes / 1.6e12 / 0.841 * 1e6, 0.01 * (*rows)[1].measured);
  for (int i : {0, 1}) EXPECT_NEAR((*rows)[i].predicted / (*rows)[i].measured, 1, 0.1);
  EXPECT_THAT((*rows)[2].refused, HasSubstr("no time"));
}

}  // namespace
}  // namespace fivefold
