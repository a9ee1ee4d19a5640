// Tables of operator times that name their chip in a column, a folder or their own name.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "fivefold/evidence/evidence.h"
#include "fivefold/evidence/kernel_rows.h"
#include "fivefold/evidence/temporary_test.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

Predictions points(const std::string& path, const std::string& text) {
  static const Catalog catalog = Catalog::load().value();
  const std::string file = temporary_path("points") + "/" + path;
  std::filesystem::create_directories(std::filesystem::path(file).parent_path());
  std::ofstream(file) << text;
  const CsvTable table = with_header(read_csv(file).value());
  EXPECT_TRUE(is_kernel_table(table)) << path;
  EXPECT_TRUE(unknown_columns(table).empty()) << path;
  return predict_kernels(catalog, table).value();
}

// 1,000 GB/s over arrays of 500 MB: a copy moves two of them, a sum of two arrays three.
TEST(KernelPoints, a_stream_benchmark_moves_the_arrays_that_its_kernel_reads_and_writes) {
  const Predictions rows = points("membw.csv",
                                  "id,chip,kernel,array_MB,value_gb_s\n"
                                  "a,A100-SXM4-80GB,Copy,500,1000\n"
                                  "b,A100-SXM4-80GB,Add,500,1000\n"
                                  "c,A100-SXM4-80GB,kv read,500,1000\n"
                                  "d,A100-SXM4-80GB,Copy,,1000\n");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_DOUBLE_EQ(rows[0].measured, 1000);
  EXPECT_DOUBLE_EQ(rows[1].measured, 1500);
  EXPECT_NEAR(rows[1].predicted / rows[0].predicted, 1.5, 0.1);
  EXPECT_GT(rows[0].predicted, 1e9 / 2.039e12 * 1e6);
  EXPECT_THAT(rows[2].refused, HasSubstr("kv read"));
  EXPECT_THAT(rows[3].refused, HasSubstr("array_MB"));
}

TEST(KernelPoints, a_table_without_header_keeps_its_first_row) {
  const Predictions rows = points("gelu_A100.csv", "1024, 0.02\n536870912, 390.0\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].chip, "a100_sxm_80g");
  EXPECT_NEAR(rows[0].measured, 51.2, 1e-9);
  EXPECT_THAT(rows[0].refused, HasSubstr("call from the host"));
  EXPECT_NEAR(rows[1].measured, 536870912 / 390e9 * 1e6, 1e-6);
  EXPECT_EQ(rows[1].refused, "");
  EXPECT_EQ(rows[1].stack, kEagerStack);
  EXPECT_GT(rows[1].predicted, 4 * 536870912.0 / 2.039e12 * 1e6);
}

TEST(KernelPoints, a_product_without_header_is_timed_in_milliseconds) {
  const Predictions rows = points("matmul_A100.csv",
                                  "8192, 64, 64, 0.03ms, 2.2Tflops\n"
                                  "8192, 8192, 8192, 4.0ms, 275Tflops\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_THAT(rows[0].refused, HasSubstr("call from the host"));
  EXPECT_DOUBLE_EQ(rows[1].measured, 4000);
  EXPECT_GT(rows[1].predicted, 2 * 8192.0 * 8192 * 8192 / 312e12 * 1e6);
}

TEST(KernelPoints, a_folder_names_the_chip) {
  const Predictions products =
      points("gemm/h20/data.csv", "m,k,n,latency_us,mfu\n8192,4096,8192,2000,0.9\n");
  ASSERT_EQ(products.size(), 1u);
  EXPECT_EQ(products[0].chip, "h20_96g");
  EXPECT_GT(products[0].predicted, 2 * 8192.0 * 8192 * 4096 / 296e12 * 1e6);
  const Predictions nowhere =
      points("gemm/h21/data.csv", "m,k,n,latency_us,mfu\n8192,4096,8192,2000,0.9\n");
  EXPECT_THAT(nowhere.at(0).refused, HasSubstr("h21"));
}

// One sequence of 131,072 tokens reads 2 x 8 x 128 values of each: 537 MB.
TEST(KernelPoints, a_file_names_heads_with_a_header_or_without) {
  const std::string row = "bf16,bf16,1,131072,250,0.1\n";
  const Predictions with =
      points("with/h20/32-8-128.csv", "dtype,kv_dtype,batch_size,kv_len,latency_us,mfu\n" + row);
  const Predictions without = points("without/h20/32-8-128.csv", row);
  ASSERT_EQ(with.size(), 1u);
  ASSERT_EQ(without.size(), 1u);
  EXPECT_EQ(with[0].family, "attention_decode");
  EXPECT_GT(with[0].predicted, 131072.0 * 2 * 8 * 128 * 2 / 4e12 * 1e6);
  EXPECT_DOUBLE_EQ(with[0].predicted, without[0].predicted);
  EXPECT_DOUBLE_EQ(without[0].measured, 250);
}

// Each of 16 devices sends 64 tokens; 8 of the 128 experts lie here.
TEST(KernelPoints, products_of_experts_are_timed_up_and_down) {
  const Predictions rows =
      points("experts/h20/data.csv",
             "num_experts,num_gpus,num_local_experts,topk,hidden_size,intermediate_size,"
             "batch_size_per_gpu,tokens_per_expert,up_proj_us,up_mfu,down_proj_us,down_mfu\n"
             "128,16,8,8,4096,1536,64,64,60,0.1,40,0.1\n");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_DOUBLE_EQ(rows[0].measured, 100);
  EXPECT_GT(rows[0].predicted, 8 * 3.0 * 4096 * 1536 / 4e12 * 1e6);
}

}  // namespace
}  // namespace fivefold
