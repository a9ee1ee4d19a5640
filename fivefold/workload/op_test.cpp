#include "fivefold/workload/op.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace fivefold {
namespace {

// Counts pairs one by one, which the closed form must equal.
double enumerated_pairs(int q_len, int kv_len, int window, bool causal) {
  double pairs = 0;
  for (int i = 0; i < q_len; ++i) {
    for (int key = 0; key < kv_len; ++key) {
      const int position = kv_len - q_len + i;
      if (causal && key > position) continue;
      if (causal && window > 0 && key <= position - window) continue;
      pairs += 1;
    }
  }
  return pairs;
}

TEST(AttentionCore, operations_are_those_of_the_pairs_inside_the_mask) {
  for (int q_len : {1, 2, 7, 64}) {
    for (int cached : {0, 1, 5, 100}) {
      for (int window : {0, 1, 6, 50, 500}) {
        const AttentionCore core{.batch = 3,
                                 .q_len = double(q_len),
                                 .kv_len = double(q_len + cached),
                                 .heads = 4,
                                 .kv_heads = 2,
                                 .qk_dim = 16,
                                 .v_dim = 8,
                                 .window = double(window)};
        const double pairs = enumerated_pairs(q_len, q_len + cached, window, true);
        EXPECT_DOUBLE_EQ(work(core).ops.value(), 3 * 4 * pairs * 2 * (16 + 8))
            << q_len << " new, " << cached << " cached, window " << window;
      }
    }
  }
}

TEST(AttentionCore, an_encoder_scores_every_pair) {
  const AttentionCore core{.batch = 1,
                           .q_len = 50,
                           .kv_len = 50,
                           .heads = 2,
                           .kv_heads = 2,
                           .qk_dim = 8,
                           .v_dim = 8,
                           .causal = false};
  EXPECT_DOUBLE_EQ(work(core).ops.value(), 2 * 50.0 * 50 * 2 * 16);
}

TEST(AttentionCore, decode_reads_the_cache_once_for_all_heads_of_a_group) {
  AttentionCore core{.batch = 1,
                     .q_len = 1,
                     .kv_len = 4096,
                     .heads = 64,
                     .kv_heads = 8,
                     .qk_dim = 128,
                     .v_dim = 128};
  const double grouped = work(core).activations.value();
  core.kv_heads = 64;
  const double whole = work(core).activations.value();
  // 8 times the cache, and the same few queries and outputs.
  const double queries = 64 * 256 * 2;
  EXPECT_DOUBLE_EQ(whole - queries, 8 * (grouped - queries));
}

// FlashMLA's own account of the absorbed kernel: about 2 x heads operations for each byte of a BF16
// cache (github.com/deepseek-ai/FlashMLA, "a deep dive into the new kernel"): 256 for 128 heads.
TEST(MlaCore, absorbed_decode_does_about_two_operations_per_head_and_byte) {
  const MlaCore core{
      .batch = 64, .q_len = 1, .kv_len = 8192, .heads = 128, .kv_rank = 512, .rope_dim = 64};
  const Work w = work(core);
  EXPECT_NEAR(w.ops.value() / w.activations.value(), 256, 0.1 * 256);
}

TEST(ModuleRest, the_core_stops_growing_with_the_context_and_the_indexer_does_not) {
  ModuleRest rest{.kind = ModuleKind::kSparse,
                  .batch = 1,
                  .q_len = 1,
                  .kv_len = 2048,
                  .heads = 128,
                  .key_dim = 576,
                  .value_dim = 512,
                  .seen = 2048};
  const Work full = work(rest);
  rest.kv_len = 65536;
  EXPECT_DOUBLE_EQ(work(rest).ops.value(), full.ops.value());
  EXPECT_DOUBLE_EQ(work(rest).activations.value(), full.activations.value());
  rest.index_heads = 64;
  rest.index_dim = 128;
  rest.index_keys = 65536;
  EXPECT_DOUBLE_EQ(work(rest).ops.value(), full.ops.value() + 2.0 * 65536 * 64 * 128);
}

TEST(MoeBlock, reads_only_the_experts_that_tokens_chose) {
  MoeBlock moe{
      .tokens = 1, .hidden = 100, .width = 10, .experts = 64, .local_experts = 64, .topk = 4};
  const double expert = 3 * 100 * 10 * 2;
  EXPECT_NEAR(work(moe).weights.value(), 4 * expert, 1e-6);
  double before = 0;
  for (double tokens : {1, 2, 8, 64, 512, 100000}) {
    moe.tokens = tokens;
    const double weights = work(moe).weights.value();
    EXPECT_GE(weights, before);
    EXPECT_LE(weights, 64 * expert * (1 + 1e-12));
    EXPECT_LE(weights, tokens * 4 * expert * (1 + 1e-12));
    before = weights;
  }
  EXPECT_NEAR(before, 64 * expert, 1);
}

TEST(MoeBlock, ranks_of_an_expert_group_share_the_work_of_all_its_tokens) {
  const MoeBlock whole{.tokens = 4096,
                       .hidden = 7168,
                       .width = 2048,
                       .experts = 256,
                       .local_experts = 256,
                       .topk = 8};
  MoeBlock rank = whole;
  rank.local_experts = 256.0 / 32;
  EXPECT_NEAR(32 * work(rank).ops.value(), work(whole).ops.value(), 1e-9 * work(whole).ops.value());
  EXPECT_NEAR(32 * work(rank).weights.value(), work(whole).weights.value(), 1);
}

TEST(Gemm, computes_in_the_wider_of_its_formats) {
  Gemm gemm{.m = 1, .n = 1, .k = 1, .batch = 1, .a = Format::kBf16, .b = Format::kInt4};
  EXPECT_EQ(work(gemm).compute, Format::kBf16);
  gemm.a = gemm.b = Format::kFp8Block;
  EXPECT_EQ(work(gemm).compute, Format::kFp8Block);
}

}  // namespace
}  // namespace fivefold
