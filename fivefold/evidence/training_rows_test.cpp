// Rows that leave something open: what follows from their other figures, what is chosen, and that
// both are reported apart from rows with a known layout.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "fivefold/evidence/evidence.h"
#include "fivefold/evidence/temporary_test.h"
#include "fivefold/evidence/training_case.h"

namespace fivefold {
namespace {

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

CsvTable table_of(const std::string& header, const std::string& rows) {
  const auto path = std::filesystem::path(temporary_path("training_open_rows.csv"));
  std::ofstream(path) << header << '\n' << rows;
  return read_csv(path.string()).value();
}

// A short form: what is not named is blank.
CsvTable one(const std::string& columns, const std::string& values) {
  return table_of("id,seq_len,global_batch_seqs,micro_batch,tp,pp," + columns,
                  "x," + values + "\n");
}

Prediction predicted(const CsvTable& table) {
  const auto predictions = predict_training(catalog(), table);
  EXPECT_TRUE(predictions) << to_text(predictions.error());
  return predictions->back();
}

TEST(OpenRows, what_is_chosen_is_reported_apart) {
  const std::string columns = "chip,chips,model,precision,metric,value";
  const std::string rest = "H100,8,LLAMA3_8B,bf16,step_time_s,10";
  EXPECT_EQ(predicted(one(columns, "8192,128,1,1,1," + rest)).family, "step_time");
  EXPECT_EQ(predicted(one(columns, "8192,128,,1,1," + rest)).family, "step_time_inferred");
  EXPECT_EQ(predicted(one(columns, "8192,128,1,,," + rest)).family, "step_time_best");
}

// The search is not slower than any one layout that fits.
TEST(OpenRows, the_best_layout_is_not_slower_than_a_printed_one) {
  const std::string columns = "chip,chips,model,precision,metric,value";
  const std::string rest = "H100,16,LLAMA3_8B,bf16,step_time_s,10";
  const double best = predicted(one(columns, "8192,128,,,," + rest)).predicted;
  EXPECT_GT(best, 0);
  for (const char* cut : {"1,2,1,", "1,4,2,", "2,8,1,"}) {
    EXPECT_LE(best,
              predicted(one(columns, "8192,128," + std::string(cut) + rest)).predicted * 1.0001)
        << cut;
  }
}

constexpr const char* kTpu =
    "chip,system,chips,model,precision,dp,zero_fsdp,recompute,metric,value,metric2,value2,software,"
    "date,notes";

// A step of Llama 3.1 8B on eight Trillium chips as it was logged: 413.4 TFLOPS over 7,139 tokens a
// second are 57.9 GFLOP a token, which is 6 x 7.5 billion and full attention over 8192 tokens.
TEST(OpenRows, a_sequence_length_follows_from_the_count_of_operations) {
  const auto c = training_case(
      catalog(),
      one(kTpu,
          ",,,,,TPU v6e Trillium,x,8,Llama3.1-8B,bf16,,,,step_time_s,3.443,tflops_per_gpu,413.433,"
          "MaxText,2025,one printed step; 196608 tokens per step"),
      0);
  ASSERT_TRUE(c) << c.error();
  EXPECT_EQ(c->job.seq_len, 8192);
  EXPECT_EQ(c->job.global_batch, 24);
  EXPECT_EQ(c->layout.dp, 8);
  EXPECT_EQ(c->layout.zero, 3);
  EXPECT_EQ(c->layout.micro_batch, 3);
  EXPECT_EQ(c->open.family(), "_inferred");
}

TEST(OpenRows, maxtext_counts_its_batch_by_device_and_shards_within_a_slice) {
  const auto c = training_case(
      catalog(),
      one(kTpu,
          "2048,,1,16,1,TPU v5e,2x v5e-256,512,MaxText-128B,bf16,2,\"fsdp inside slice, data "
          "parallel across slices\",full,tflops_per_gpu,110,mfu,0.56,MaxText,2023,"),
      0);
  ASSERT_TRUE(c) << c.error();
  EXPECT_EQ(c->job.global_batch, 512);
  EXPECT_EQ(c->layout.tp, 16);
  EXPECT_EQ(c->layout.dp, 32);
  EXPECT_EQ(c->layout.shard, 16);
  EXPECT_EQ(c->layout.micro_batch, 16);
  EXPECT_EQ(c->system.chips, 256);
  EXPECT_EQ(c->open.family(), "");
}

// A job on part of a torus has a torus of its own size.
TEST(OpenRows, a_slice_of_a_torus_has_dimensions_of_its_own) {
  const auto c = training_case(
      catalog(),
      one(kTpu,
          "2048,,13,1,1,TPU v4,1x v4-128,64,MaxText-22B,bf16,1,\"fsdp inside slice, data "
          "parallel across slices\",full,tflops_per_gpu,156,mfu,0.56,MaxText,2023,"),
      0);
  ASSERT_TRUE(c) << c.error();
  EXPECT_EQ(c->system.levels.back().size, 64);
  EXPECT_EQ(c->system.levels.back().dims, (std::vector<int>{4, 4, 4}));
}

// NeMo before 2025 counts attention over the whole sequence, PaLM's convention half of it.
TEST(OpenRows, operations_are_counted_as_the_software_did) {
  const Model& model = **catalog().model("LLAMA2_7B");
  const auto ops = [&](const char* software, const char* date) {
    const CsvTable table = one("software,date", std::string(",,,,,") + software + "," + date);
    return counted_ops_per_token(table, 0, model, 32768).value();
  };
  const double attention = 12.0 * 32 * 4096 * 32768;
  const double weights = 6 * (32 * (4.0 * 4096 * 4096 + 3.0 * 4096 * 11008) + 4096.0 * 32000);
  EXPECT_NEAR(ops("NeMo 24.03", "2024") / (weights + attention), 1, 1e-3);
  EXPECT_NEAR(ops("NeMo 25.04", "2025-04") / (weights + attention / 2), 1, 1e-3);
  EXPECT_EQ(ops("unheard of", "2024"), 0);
}

// torchtitan's table for Llama 3 8B (arXiv 2410.06511 and its performance notes): GiB of an H100.
TEST(OpenRows, memory_of_torchtitan_is_within_five_percent) {
  const std::string columns =
      "chip,chips,model,precision,cp,sp,zero_fsdp,recompute,metric,value,peak_mem_GiB,software,"
      "notes";
  struct Row {
    const char* start;
    const char* how;
    double gib;
  };
  for (const Row& row :
       {Row{"8192,16,2,1,1,H100,8", "eager", 82.4}, Row{"8192,16,2,1,1,H100,8", "compile", 77.0},
        Row{"8192,256,2,1,1,H100,128", "eager", 67.0},
        Row{"8192,256,2,1,1,H100,128", "compile", 62.0}}) {
    const auto predictions = predict_training(
        catalog(),
        one(columns, std::string(row.start) + ",LLAMA3_8B,bf16,1,0,fsdp2,selective,step_time_s,2," +
                         std::to_string(row.gib) + ",torchtitan," + row.how));
    ASSERT_TRUE(predictions);
    ASSERT_EQ(predictions->front().family, "peak_memory");
    EXPECT_NEAR(predictions->front().predicted / row.gib, 1, 0.05) << row.start << row.how;
  }
}

TEST(OpenRows, a_moe_layer_is_predicted_forward_backward_and_in_memory) {
  const CsvTable table = table_of(
      "id,chip,ranks,layer,tokens_per_rank,hidden,expert_ffn,experts,top_k,shared_expert_ffn,"
      "dispatcher,precision,tp,ep,forward_ms,backward_ms,max_allocated_GiB",
      "x,H100,8,one MoE layer,4096,4096,14336,8,2,,NCCL all-to-all,bf16,1,8,4.33,7.68,2.69\n");
  const auto p = predict_training(catalog(), table);
  ASSERT_TRUE(p);
  ASSERT_EQ(p->size(), 3u);
  EXPECT_EQ((*p)[0].family, "moe_layer_forward");
  // 2 x 3 matrices of 4096 x 14336 for 8192 pairs are 2.9 TFLOP: at least 2.9 ms at 989 TFLOPS.
  EXPECT_GT((*p)[0].predicted, 2.9);
  EXPECT_LT((*p)[0].predicted, 8);
  EXPECT_GT((*p)[1].predicted, (*p)[0].predicted);
}

}  // namespace
}  // namespace fivefold
