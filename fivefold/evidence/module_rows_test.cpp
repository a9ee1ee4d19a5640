// Rows that time whole attention modules, and experts behind an exchange of TensorRT-LLM.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "fivefold/evidence/calibrate.h"
#include "fivefold/evidence/kernel_rows.h"
#include "fivefold/evidence/temporary_test.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

const Catalog& modules_catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

constexpr const char* kModuleHeader =
    "op_name,kernel_source,model,architecture,mla_dtype,kv_cache_dtype,gemm_type,num_heads,"
    "batch_size,isl,tp_size,step,compress_ratio,latency\n";

std::string module_table_file(const std::string& name, const std::string& rows) {
  const std::string folder = temporary_path("modules");
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/" + name + ".csv";
  std::ofstream(path) << kModuleHeader << rows;
  return path;
}

KernelRow module_of(const std::string& kind, const std::string& row) {
  const std::string path = module_table_file("h100_sxm__sglang-0.5.14__" + kind, row);
  return read_kernel_row(read_csv(path).value(), 0, kind, modules_catalog());
}

const ModuleRest& rest_of(const KernelRow& row) {
  return std::get<ModuleRest>(row.operators.back().second);
}

TEST(ModuleRows, a_step_of_sparse_attention_is_its_products_and_the_rest) {
  const KernelRow row = module_of(
      "dsa_generation_module",
      "x,sglang_dsa_indexer_flashmla_kv,deepseek-ai/DeepSeek-V3.2,A,bfloat16,fp8,fp8_block,"
      "16,32,1,8,8191,,0.2\n");
  EXPECT_EQ(row.refused, "");
  EXPECT_EQ(row.kernel, "flashmla_kv");
  EXPECT_EQ(row.listed, "sparse_attention_step_converted");
  EXPECT_DOUBLE_EQ(rest_of(row).kv_len, 8192);
  EXPECT_DOUBLE_EQ(rest_of(row).heads, 16);
  EXPECT_DOUBLE_EQ(rest_of(row).seen, 2048);
  EXPECT_DOUBLE_EQ(rest_of(row).index_heads, 64);
  for (std::size_t i = 0; i + 1 < row.operators.size(); ++i)
    EXPECT_EQ(row.operators[i].first, Family::kGemm);
}

TEST(ModuleRows, layers_that_share_what_was_chosen_have_no_indexer) {
  const KernelRow row =
      module_of("dsa_context_module",
                "x,sglang_dsa_skip_indexer_flashmla_sparse,zai-org/GLM-5.2,A,bfloat16,bfloat16,"
                "bfloat16,64,1,512,1,8192,,0.9\n");
  EXPECT_EQ(row.refused, "");
  EXPECT_EQ(row.listed, "sparse_attention");
  EXPECT_DOUBLE_EQ(rest_of(row).index_heads, 0);
}

TEST(ModuleRows, the_kernel_says_whether_a_prefill_is_dense) {
  const std::string shape =
      ",deepseek-ai/DeepSeek-V3.2,A,bfloat16,bfloat16,fp8_block,128,1,512,1,512,,0.9\n";
  const KernelRow dense = module_of("dsa_context_module", "x,sglang_dsa_dense_mha_fa3" + shape);
  const KernelRow sparse =
      module_of("dsa_context_module", "x,sglang_dsa_indexer_flashmla_sparse" + shape);
  EXPECT_EQ(dense.listed, "attention_module_indexed");
  EXPECT_EQ(sparse.listed, "sparse_attention");
  EXPECT_LE(rest_of(sparse).seen, 1024);
}

TEST(ModuleRows, layers_of_v4_are_told_by_their_compression) {
  const std::string shape =
      "x,compressed_flashmla,sgl-project/DeepSeek-V4-Flash-FP8,A,bfloat16,fp8_e4m3,bfloat16,"
      "16,8,1,4,65535,";
  const KernelRow sparse = module_of("dsv4_csa_generation_module", shape + "4,0.1\n");
  const KernelRow heavy = module_of("dsv4_hca_generation_module", shape + "128,0.1\n");
  EXPECT_EQ(sparse.listed, "compressed_attention_step");
  EXPECT_DOUBLE_EQ(rest_of(sparse).seen, 128 + 512);
  EXPECT_EQ(heavy.listed, "heavy_attention_step");
  EXPECT_DOUBLE_EQ(rest_of(heavy).seen, 128 + 65536.0 / 128);
  EXPECT_THAT(module_of("dsv4_csa_generation_module", shape + "7,0.1\n").refused,
              HasSubstr("not MLA"));
}

TEST(ModuleRows, what_is_malformed_is_refused_with_a_reason) {
  const auto refused = [](const std::string& row) {
    return module_of("dsa_generation_module", row).refused;
  };
  const std::string kernel = "x,sglang_dsa_indexer_fa3,";
  EXPECT_THAT(refused(kernel + "someone/Model,A,bfloat16,bfloat16,bfloat16,16,1,1,8,64,,1\n"),
              HasSubstr("someone/Model"));
  EXPECT_THAT(
      refused(kernel + "deepseek-ai/DeepSeek-V3.2,A,posit16,bfloat16,bfloat16,16,1,1,8,64,,1\n"),
      HasSubstr("format"));
  EXPECT_THAT(
      refused(kernel + "deepseek-ai/DeepSeek-V3.2,A,bfloat16,bfloat16,bfloat16,16,,1,8,64,,1\n"),
      HasSubstr("batch_size"));
  EXPECT_NE(
      refused(kernel + "deepseek-ai/DeepSeek-V3.2,A,bfloat16,bfloat16,bfloat16,0,1,1,8,64,,1\n"),
      "");
}

// The sum of a module's operators is what the row times: what runs beside the rest counts once.
TEST(ModuleRows, a_prediction_is_at_least_the_roofline_of_the_whole_module) {
  const std::string path =
      module_table_file("h100_sxm__sglang-0.5.14__dsa_generation_module",
                        "x,sglang_dsa_indexer_fa3,deepseek-ai/"
                        "DeepSeek-V3.2,A,bfloat16,bfloat16,fp8_block,128,256,1,1,65535,,5\n");
  const auto rows = predict_kernels(modules_catalog(), read_csv(path).value());
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->front().refused, "");
  EXPECT_GT(rows->front().predicted, rows->front().least);
  // 256 x 65,536 index keys of 128 bytes alone.
  EXPECT_GT(rows->front().predicted, 256.0 * 65536 * 128 / 3.35e12 * 1e3);
}

TEST(ModuleRows, a_fit_is_given_the_time_that_runs_beside) {
  const std::string path =
      module_table_file("h100_sxm__sglang-0.5.14__dsa_generation_module",
                        "x,sglang_dsa_indexer_fa3,deepseek-ai/"
                        "DeepSeek-V3.2,A,bfloat16,bfloat16,fp8_block,128,256,1,1,65535,,5\n");
  const auto read = read_kernel_groups(modules_catalog(), {path});
  ASSERT_TRUE(read);
  ASSERT_EQ(read->groups.size(), 1U);
  const KernelGroup& group = read->groups.front();
  EXPECT_EQ(group.kernel, "fa3");
  const auto& samples = group.fitted.empty() ? group.held : group.fitted;
  EXPECT_GT(std::get<ModuleRest>(samples.front().shape).beside, Seconds(50e-6));
}

TEST(ExpertRows, four_bit_experts_under_eight_bit_activations_have_a_kernel_of_their_own) {
  const std::string folder = temporary_path("modules");
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/b200_sxm__trtllm-1.3.0rc23__moe.csv";
  std::ofstream(path) << "kernel_source,moe_dtype,num_tokens,hidden_size,inter_size,topk,"
                         "num_experts,moe_tp_size,moe_ep_size,distribution,latency\n"
                      << "k,w4a8_mxfp4_mxfp8,64,7168,2048,8,256,1,8,balanced,0.1\n"
                      << "k,w4a16_mxfp4,64,7168,2048,8,256,1,8,balanced,0.1\n";
  const CsvTable table = read_csv(path).value();
  const KernelRow narrow = read_kernel_row(table, 0, "moe", modules_catalog());
  EXPECT_EQ(narrow.listed, "moe_mixed");
  EXPECT_EQ(std::get<MoeBlock>(narrow.operators[0].second).a, Format::kMxFp8);
  const KernelRow wide = read_kernel_row(table, 1, "moe", modules_catalog());
  EXPECT_EQ(wide.listed, "moe");
  EXPECT_EQ(std::get<MoeBlock>(wide.operators[0].second).a, Format::kBf16);
}

TEST(ExpertRows, experts_that_take_several_slots_are_balanced) {
  const std::string folder = temporary_path("modules");
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/h100_sxm__trtllm-1.3.0rc10__wideep_moe.csv";
  std::ofstream(path) << "kernel_source,moe_dtype,num_tokens,hidden_size,inter_size,topk,num_slots,"
                         "moe_tp_size,moe_ep_size,distribution,latency\n"
                      << "k,fp8_block,64,7168,2048,8,288,1,32,power_law_1.2_eplb,0.1\n"
                      << "k,fp8_block,64,7168,2048,8,256,1,32,power_law_1.2,0.1\n"
                      << "k,fp8_block,64,7168,2048,8,256,1,32,zipf,0.1\n";
  const CsvTable table = read_csv(path).value();
  const KernelRow balanced = read_kernel_row(table, 0, "wideep_moe", modules_catalog());
  EXPECT_DOUBLE_EQ(std::get<MoeBlock>(balanced.operators[0].second).power_law, 0);
  EXPECT_DOUBLE_EQ(std::get<MoeBlock>(balanced.operators[0].second).local_experts, 9);
  const KernelRow skewed = read_kernel_row(table, 1, "wideep_moe", modules_catalog());
  EXPECT_DOUBLE_EQ(std::get<MoeBlock>(skewed.operators[0].second).power_law, 1.2);
  EXPECT_THAT(read_kernel_row(table, 2, "wideep_moe", modules_catalog()).refused,
              HasSubstr("zipf"));
}

}  // namespace
}  // namespace fivefold
