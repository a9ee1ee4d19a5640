#include <cmath>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/evidence/evidence.h"
#include "fivefold/evidence/temporary_test.h"
#include "fivefold/evidence/training_case.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

constexpr const char* kHeader =
    "id,chip,system,chips,model,layers,hidden,heads,seq_len,vocab,global_batch_seqs,micro_batch,"
    "precision,tp,pp,vpp,ep,cp,sp,zero_fsdp,recompute,schedule,metric,value,metric2,value2,"
    "peak_mem_GiB,software,date,group,notes";

CsvTable table_of(const std::string& rows) {
  const auto path = std::filesystem::path(temporary_path("training_rows.csv"));
  std::ofstream(path) << kHeader << '\n' << rows;
  return read_csv(path.string()).value();
}

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

// Korthikanti 2022 (arXiv 2205.05198), table 5: seconds an iteration with full recomputation, and
// with sequence parallelism and selective recomputation; tp 8, sequences of 2048 tokens.
constexpr const char* kKorthikanti =
    "22b_full,A100-SXM4-80GB,Selene,8,megatron-22B,48,6144,64,2048,51200,4,4,fp16,8,1,1,1,1,0,none,"
    "full,none,step_time_s,1.42,,,,Megatron-LM,2022-05,korthikanti,\n"
    "22b_selective,A100-SXM4-80GB,Selene,8,megatron-22B,48,6144,64,2048,51200,4,4,fp16,8,1,1,1,1,1,"
    "none,selective_attention,none,step_time_s,1.10,,,,Megatron-LM,2022-05,korthikanti,\n"
    "175b_full,A100-SXM4-80GB,Selene,64,gpt3-175B,96,12288,96,2048,51200,64,1,fp16,8,8,3,1,1,0,"
    "none,"
    "full,interleaved_1f1b,step_time_s,18.13,,,,Megatron-LM,2022-05,korthikanti,\n"
    "175b_selective,A100-SXM4-80GB,Selene,64,gpt3-175B,96,12288,96,2048,51200,64,1,fp16,8,8,3,1,1,"
    "1,"
    "none,selective_attention,interleaved_1f1b,step_time_s,13.75,,,,Megatron-LM,2022-05,korthikanti"
    ",\n";

TEST(TrainingEvidence, steps_of_megatron_on_a100_are_close_to_the_published_ones) {
  const auto predictions = predict_training(catalog(), table_of(kKorthikanti));
  ASSERT_TRUE(predictions) << to_text(predictions.error());
  ASSERT_EQ(predictions->size(), 4u);
  double sum = 0;
  for (const Prediction& p : *predictions) {
    ASSERT_EQ(p.refused, "") << p.row;
    const double error = p.predicted / p.measured - 1;
    EXPECT_LT(std::abs(error), 0.10) << p.row << ": " << p.predicted << " for " << p.measured;
    sum += std::abs(error);
  }
  EXPECT_LT(sum / 4, 0.05);
}

// Full recomputation against sequence parallelism with selective recomputation: 1.29 and 1.32
// times.
TEST(TrainingEvidence, selective_recomputation_saves_what_was_published) {
  const auto p = *predict_training(catalog(), table_of(kKorthikanti));
  for (std::size_t i = 0; i + 1 < p.size(); i += 2) {
    const double published = p[i].measured / p[i + 1].measured;
    EXPECT_NEAR(p[i].predicted / p[i + 1].predicted, published, 0.08) << p[i].row;
  }
}

std::string refusal(const std::string& row) {
  const auto predictions = predict_training(catalog(), table_of(row));
  return predictions ? predictions->back().refused : to_text(predictions.error());
}

TEST(TrainingEvidence, rows_that_cannot_be_expressed_say_why) {
  const std::string start = "x,A100-SXM4-80GB,,8,";
  const std::string gpt = "GPT-1B,24,2048,16,2048,51200,";
  EXPECT_EQ(refusal(start + gpt + ",2,fp16,1,1,,,,,,,,step_time_s,1,,,,,,,\n"),
            "global batch not published");
  EXPECT_EQ(refusal(start + gpt + "16,2,int8/fp8 mixed,1,1,,,,,,,,step_time_s,1,,,,,,,\n"),
            "precision ambiguous");
  EXPECT_EQ(refusal(start + gpt + "16,2,fp16,1,2,,,,,,,v-half,step_time_s,1,,,,,,,\n"),
            "schedule 'v-half' is not modelled");
  EXPECT_EQ(refusal(start + gpt + "16,2,fp16,1,1,,,,,,,,mfu,0.5,,,,,,,\n"),
            "operation count of the source not known");
  EXPECT_EQ(refusal("x,Z900,,8," + gpt + "16,2,fp16,1,1,,,,,,,,step_time_s,1,,,,,,,\n"),
            "chip not in the catalog");
  EXPECT_EQ(
      refusal(start + "Unheard-9B,24,2048,16,2048,51200,16,2,fp16,1,1,,,,,,,,step_time_s,1,,,,"
                      ",,,\n"),
      "model not in the catalog");
}

TEST(TrainingEvidence, a_row_is_read_as_layout_model_and_network) {
  const auto c = training_case(
      catalog(),
      table_of(
          "x,A100-SXM4-80GB,\"64 nodes x 8, 800 Gbps InfiniBand per node\",64,LLAMA3_70B cut to "
          "12 layers,12,8192,64,4096,,64,1,bf16,2,4,3,,,1,distopt(zero1),full,"
          "interleaved_1f1b,step_time_s,1,,,,Megatron-DeepSpeed,2023,g,\n"),
      0);
  ASSERT_TRUE(c) << c.error();
  EXPECT_EQ(c->layout.dp, 8);
  EXPECT_EQ(c->layout.vpp, 3);
  EXPECT_EQ(c->layout.zero, 1);
  EXPECT_EQ(c->layout.recompute, Recompute::kFull);
  EXPECT_EQ(c->model.layer_count(), 12);
  EXPECT_EQ(c->model.hidden, 8192);
  EXPECT_FALSE(c->job.fused_attention);
  EXPECT_FALSE(c->job.overlap_grad_reduce);
  EXPECT_NEAR(c->system.scale_out_per_device.value(), 12.5e9, 1);  // 800 Gbit/s over 8
}

// Its rows say `full`; four passes would need more than the peak of the chip (training_row.h).
TEST(TrainingEvidence, steps_that_are_sums_of_profiles_compute_no_layer_again) {
  const auto row = [](const char* tp, const char* group) {
    const std::string text = std::string("x,A100-SXM4-80GB,,8,GPT-1B,24,2048,16,1024,,32,2,fp16,") +
                             tp + ",1,1,,,0,none,full,none,step_time_s,1,,,,Megatron-DeepSpeed," +
                             "2023," + group + ",\n";
    return *training_case(catalog(), table_of(text), 0);
  };
  EXPECT_EQ(row("1", "vtrain_single").layout.recompute, Recompute::kNone);
  EXPECT_EQ(row("1", "vtrain_multi").layout.recompute, Recompute::kFull);
  EXPECT_EQ(row("1", "vtrain_multi").model.vocabulary, 51200);
  EXPECT_EQ(row("1", "vtrain_single").model.vocabulary, 50257);  // odd, not padded
  EXPECT_EQ(row("8", "vtrain_single").model.vocabulary, 8 * 6282);
}

TEST(TrainingEvidence, a_missing_column_is_named) {
  const auto path = std::filesystem::path(temporary_path("short_rows.csv"));
  std::ofstream(path) << "id,chip,global_batch_seqs,metric,value\na,H100,8,step_time_s,1\n";
  const auto predictions = predict_training(catalog(), *read_csv(path.string()));
  ASSERT_FALSE(predictions);
  EXPECT_THAT(to_text(predictions.error()), HasSubstr("column 'tp' is missing"));
}

}  // namespace
}  // namespace fivefold
