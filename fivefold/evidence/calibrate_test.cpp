// Fits of operator tables: what they give back, and that the shipped one can be made again.
#include "fivefold/evidence/calibrate.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "fivefold/evidence/temporary_test.h"

namespace fivefold {
namespace {

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

std::string shipped_fit() {
  std::ifstream file(std::string(FIVEFOLD_SOURCE_DIR) + "/catalog/stacks/kernels_fitted.yaml");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// A table in a folder of its own, timed as `seconds_of` says.
std::string table_of(const std::string& name, int rows,
                     double (*seconds_of)(double m, double n, double k)) {
  const std::string folder = temporary_path("calibrate_" + name);
  std::filesystem::create_directories(folder);
  std::ofstream file(folder + "/" + name + ".csv");
  file << "op_name,kernel_source,gemm_dtype,m,n,k,latency\n";
  for (int i = 0; i < rows; ++i) {
    const double m = std::exp2(i % 13), n = 256 * (1 + i % 17), k = 128 * (1 + i % 23);
    file << "gemm,own,bfloat16," << m << "," << n << "," << k << "," << seconds_of(m, n, k) * 1e3
         << "\n";
  }
  return folder;
}

// A kernel that reaches 60% of 989 TFLOPS and of 3.35 TB/s, one after the other, after 5 us.
double plain_kernel(double m, double n, double k) {
  return 5e-6 + 2 * m * n * k / (0.6 * 989e12) + 2 * (m * k + n * k + m * n) / (0.6 * 3.35e12);
}

TEST(Calibrate, a_kernel_that_follows_a_plain_law_is_found_again) {
  const auto groups =
      read_kernel_groups(catalog(), {table_of("h100_sxm__sglang-0.5.14__gemm", 600, plain_kernel)});
  ASSERT_TRUE(groups) << to_text(groups.error());
  const KernelLayers fitted = fit_layers(groups->groups);
  ASSERT_FALSE(fitted.layers.empty());
  for (const KernelLayer& layer : fitted.layers) EXPECT_LT(layer.held_error, 0.05);
}

TEST(Calibrate, a_stack_that_is_alone_on_its_platform_counts_each_row_once) {
  const auto groups =
      read_kernel_groups(catalog(), {table_of("ascend_910c__cann__gemm", 600, plain_kernel)});
  ASSERT_TRUE(groups) << to_text(groups.error());
  ASSERT_EQ(groups->groups.size(), 1u);
  const KernelGroup& group = groups->groups.front();
  const KernelLayers fitted = fit_layers(groups->groups);
  std::vector<std::string> architectures;
  for (const KernelLayer& layer : fitted.layers) {
    EXPECT_EQ(layer.stack, "cann");
    EXPECT_EQ(layer.rows, group.fitted.size()) << layer.architecture;
    architectures.push_back(layer.architecture);
  }
  EXPECT_THAT(architectures, testing::UnorderedElementsAre("*", group.architecture));
}

TEST(Calibrate, too_few_rows_are_refused_with_their_number) {
  const auto groups =
      read_kernel_groups(catalog(), {table_of("h200_sxm__sglang-0.5.14__gemm", 20, plain_kernel)});
  ASSERT_TRUE(groups);
  const KernelLayers fitted = fit_layers(groups->groups);
  EXPECT_TRUE(fitted.layers.empty());
  ASSERT_FALSE(fitted.too_few.empty());
  EXPECT_THAT(fitted.too_few.front(), testing::HasSubstr("needs 40"));
}

// Triton serves decode on RTX PRO 6000 by itself and may be chosen on B200: together they say what
// it is elsewhere.
TEST(Calibrate, a_kernel_that_one_chip_runs_and_another_may_is_fitted_on_both) {
  std::vector<std::string> folders;
  for (const std::string chip : {"b200_sxm", "rtx_pro_6000_server"}) {
    const std::string name = chip + "__sglang-0.5.14__context_attention";
    folders.push_back(temporary_path("calibrate_" + name));
    std::filesystem::create_directories(folders.back());
    std::ofstream file(folders.back() + "/" + name + ".csv");
    file << "op_name,kernel_source,batch_size,isl,num_heads,num_key_value_heads,head_dim,"
            "attn_dtype,kv_cache_dtype,step,latency\n";
    for (int i = 1; i <= 100; ++i)
      file << "context_attention,triton,4," << 40 * i << ",32,8,128,fp8,fp8,0,"
           << 0.01 + 1e-8 * 1600 * i * i << "\n";
  }
  const auto groups = read_kernel_groups(catalog(), folders);
  ASSERT_TRUE(groups) << to_text(groups.error());
  std::vector<std::string> made;
  for (const KernelLayer& layer : fit_layers(groups->groups).layers)
    made.push_back(layer.stack + " " + layer.architecture + " " + layer.kernel);
  EXPECT_THAT(made,
              testing::UnorderedElementsAre("cuda/sglang * triton", "cuda/sglang blackwell triton",
                                            "cuda/sglang blackwell_rtx triton", "cuda * "));
}

// Layers of this stack's tables depend on no other table, so their entries stand in the shipped
// file.
TEST(Calibrate, the_shipped_fit_is_made_again_from_the_measurements) {
  const std::string folder = std::string(FIVEFOLD_SHARED_DIR) + "/measured/kernels/";
  std::vector<std::string> tables;
  for (const char* table :
       {"a100_sxm__trtllm-1.0.0__context_mla", "b200_sxm__trtllm-1.3.0rc20__context_mla",
        "h100_sxm__trtllm-1.3.0rc20__context_mla"})
    tables.push_back(folder + table + ".csv.gz");
  if (!std::filesystem::exists(tables.front())) GTEST_SKIP() << "no measurements here";
  const auto groups = read_kernel_groups(catalog(), tables);
  ASSERT_TRUE(groups) << to_text(groups.error());
  const std::string text =
      stack_yaml(catalog(), fit_layers(groups->groups), groups->groups, "FIT-KERNELS");
  const std::string shipped = shipped_fit();
  std::size_t at = text.find("  - family: ", text.find("- id: fitted/trtllm")), entries = 0;
  while (at != std::string::npos) {
    const std::size_t next =
        std::min(text.find("  - family: ", at + 1), text.find("  calibration:"));
    EXPECT_NE(shipped.find(text.substr(at, next - at)), std::string::npos) << text.substr(at, 400);
    ++entries;
    at = text.find("  - family: ", at + 1);
  }
  EXPECT_GT(entries, 4u);
}

}  // namespace
}  // namespace fivefold
