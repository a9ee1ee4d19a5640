// Dense attention and MLA: bounds, what grows, the tiles that a mask leaves, published kernels.
#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "fivefold/base/random.h"
#include "fivefold/kernel/parameters.h"

namespace fivefold {
namespace {

constexpr double kAttentionCores = 132, kAttentionPeak = 989e12, kAttentionBandwidth = 3.35e12;
constexpr double kClock = 1.83e9;

// An H100's data sheet with a kernel of round numbers.
FamilyParameters attention_kernel() {
  FamilyParameters p;
  p.compute_rate = 0.67 * kAttentionPeak / kAttentionCores;
  p.memory_rate = 0.9 * kAttentionBandwidth;
  p.feed_rate = 64 * kClock;
  p.launch = 5e-6;
  p.fill = 1e-6;
  p.cache = 50e6;
  p.tile_m = 64;
  return p;
}

FamilyParameters random_kernel(Random& random) {
  FamilyParameters p = attention_kernel();
  p.compute_rate *= random.uniform(0.05, 1.4);
  p.tile_m = random.below(2) == 0 ? 16 : 64;
  p.unit_rows = 16 << random.below(4);
  p.together = random.below(2) == 0 ? 1 : 32;
  p.parts = 1 + random.below(128);
  p.masked = random.uniform();
  return p;
}

double attention_seconds(const FamilyParameters& p, const Shape& shape) {
  return mechanism(p, kAttentionCores, shape).time.value();
}

AttentionCore heads_over(double kv_heads, double group, double q_len, double kv_len) {
  return {.batch = 4,
          .q_len = q_len,
          .kv_len = kv_len,
          .heads = kv_heads * group,
          .kv_heads = kv_heads,
          .qk_dim = 128,
          .v_dim = 128};
}

AttentionCore random_heads(Random& random) {
  const double q_len = random.below(2) == 0 ? 1.0 + random.below(8) : 1.0 + random.below(8192);
  AttentionCore core =
      heads_over(1 + random.below(16), 1 + random.below(48), q_len, q_len + random.below(30000));
  core.batch = 1 + random.below(256);
  if (random.below(3) == 0) core.window = 1.0 + random.below(4096);
  if (random.below(4) == 0) core.causal = false, core.window = 0;
  core.resident = random.below(2) == 0;
  return core;
}

MlaCore mla_of(double batch, double heads, double kv_len) {
  return {
      .batch = batch, .q_len = 1, .kv_len = kv_len, .heads = heads, .kv_rank = 512, .rope_dim = 64};
}

// FlashAttention-4's argument in numbers: 16 exponentials a clock cycle and core.
TEST(Attention, exponentials_bind_where_the_matrix_unit_is_quick_and_heads_are_narrow) {
  FamilyParameters p = attention_kernel();
  const AttentionCore core{.batch = 16,
                           .q_len = 8192,
                           .kv_len = 8192,
                           .heads = 32,
                           .kv_heads = 32,
                           .qk_dim = 64,
                           .v_dim = 64,
                           .causal = false};
  const double pairs = 16 * 32 * 8192.0 * 8192;
  p.compute_rate = 1e30;
  p.launch = p.fill = 0;
  p.score_time = 1 / (16 * kClock);
  const double exponentials = pairs / (16 * kClock * kAttentionCores);
  EXPECT_NEAR(attention_seconds(p, core) / exponentials, 1, 0.001);
  // Beside the products of one head of 64 they take twice as long as beside those of 128.
  p.compute_rate = attention_kernel().compute_rate;
  FamilyParameters free = p;
  free.score_time = 0;
  AttentionCore wide = core;
  wide.qk_dim = wide.v_dim = 128;
  const double narrow_share = attention_seconds(p, core) / attention_seconds(free, core) - 1;
  const double wide_share = attention_seconds(p, wide) / attention_seconds(free, wide) - 1;
  EXPECT_NEAR(narrow_share / wide_share, 2, 0.1);
}

TEST(Attention, is_never_faster_than_its_arithmetic_at_peak_or_its_bytes_at_full_bandwidth) {
  Random random(7, "attention roofline");
  for (int i = 0; i < 5000; ++i) {
    const FamilyParameters p = random_kernel(random);
    const bool mla = random.below(3) == 0;
    const Shape shape =
        mla ? Shape(mla_of(1 + random.below(256), 1 + random.below(128), 1 + random.below(65536)))
            : Shape(random_heads(random));
    const Work least = work(shape);
    const double seconds = attention_seconds(p, shape);
    EXPECT_GT(seconds, least.ops.value() / kAttentionPeak);
    EXPECT_GT(seconds, least.activations.value() / kAttentionBandwidth);
  }
}

TEST(Attention, more_sequences_heads_or_tokens_never_take_less_time) {
  const std::function<void(AttentionCore&)> kSteps[] = {
      [](AttentionCore& a) { a.batch += 1; },
      [](AttentionCore& a) { a.heads += a.kv_heads; },
      [](AttentionCore& a) { a.kv_len += 1; },
      [](AttentionCore& a) { a.kv_len += 777; },
      [](AttentionCore& a) { a.q_len += 1, a.kv_len += 1; },
      [](AttentionCore& a) { a.q_len = std::min(a.q_len + 100, a.kv_len); }};
  Random random(8, "attention grows");
  for (int i = 0; i < 5000; ++i) {
    const FamilyParameters p = random_kernel(random);
    AttentionCore core = random_heads(random);
    if (core.q_len <= 8) core.q_len = 1;
    for (const auto& step : kSteps) {
      AttentionCore more = core;
      step(more);
      if (core.q_len == 1) more.q_len = 1;  // decode kernels are others than those of prefill
      EXPECT_GE(attention_seconds(p, more), (1 - 1e-12) * attention_seconds(p, core))
          << core.batch << ' ' << core.q_len << ' ' << core.kv_len << ' ' << core.heads << ' '
          << core.kv_heads << ' ' << core.window << " -> " << more.batch << ' ' << more.q_len << ' '
          << more.kv_len << ' ' << more.heads;
    }
  }
}

TEST(Mla, more_sequences_heads_or_tokens_never_take_less_time) {
  Random random(9, "mla grows");
  for (int i = 0; i < 5000; ++i) {
    const FamilyParameters p = random_kernel(random);
    const MlaCore core =
        mla_of(1 + random.below(256), 1 + random.below(127), 1 + random.below(65536));
    MlaCore batch = core, heads = core, context = core;
    batch.batch += 1;
    heads.heads += 1;
    context.kv_len += 1 + random.below(500);
    for (const MlaCore& more : {batch, heads, context})
      EXPECT_GE(attention_seconds(p, more), (1 - 1e-12) * attention_seconds(p, core));
  }
}

// Tile after tile, the last ends with the sequence: keys that any of its queries sees.
double pairs_by_tile(const AttentionCore& a, double queries) {
  double pairs = 0;
  for (double end = a.kv_len; end > a.kv_len - a.q_len; end -= queries) {
    const double reach = a.window > 0 ? std::min(end, a.window + queries) : end;
    pairs += queries * (a.causal ? reach : a.kv_len);
  }
  return a.batch * a.heads * pairs;
}

TEST(Prefill, computes_the_tiles_that_the_mask_leaves) {
  Random random(10, "tiles");
  FamilyParameters p = attention_kernel();
  p.together = 1;
  for (int i = 0; i < 1000; ++i) {
    AttentionCore core = random_heads(random);
    core.q_len += 8;
    core.kv_len += 8;
    core.batch = 4096;  // so that all cores end together
    const double ops = pairs_by_tile(core, std::min(128.0, core.q_len)) * 2 * 256 * 128 /
                       std::min(128.0, core.q_len);
    const KernelTime time = mechanism(p, kAttentionCores, core);
    EXPECT_NEAR(time.compute.value() * p.compute_rate * kAttentionCores / ops, 1, 1e-9);
  }
}

TEST(Prefill, heads_that_share_keys_fill_a_tile_of_few_queries) {
  FamilyParameters p = attention_kernel();
  AttentionCore core = heads_over(8, 8, 16, 4096);
  core.batch = 512;
  const double packed = mechanism(p, kAttentionCores, core).compute.value();
  p.together = 1;
  EXPECT_NEAR(mechanism(p, kAttentionCores, core).compute.value() / packed, 8, 1e-9);
}

TEST(Prefill, work_outside_a_window_is_skipped_as_far_as_the_kernel_can) {
  FamilyParameters p = attention_kernel();
  AttentionCore full = heads_over(32, 1, 16384, 16384), windowed = full;
  windowed.window = 1024;
  EXPECT_LT(attention_seconds(p, windowed), 0.2 * attention_seconds(p, full));
  p.masked = 1;
  EXPECT_NEAR(attention_seconds(p, windowed) / attention_seconds(p, full), 1, 0.02);
}

TEST(Decode, a_long_cache_of_one_head_is_split_over_cores) {
  FamilyParameters p = attention_kernel();
  AttentionCore core = heads_over(1, 1, 1, 131072);
  core.batch = 1;
  p.parts = 1;
  const double whole = mechanism(p, kAttentionCores, core).compute.value();
  p.parts = 8;
  EXPECT_NEAR(whole / mechanism(p, kAttentionCores, core).compute.value(), 8, 1e-9);
  core.kv_len = 32;  // too short to be worth it
  p.parts = 1;
  const double few = attention_seconds(p, core);
  p.parts = 8;
  EXPECT_DOUBLE_EQ(attention_seconds(p, core), few);
}

// TensorRT-LLM's kernel for shared keys ends at 32 query heads a KV head.
TEST(Decode, heads_beyond_those_taken_together_read_the_keys_each_for_itself) {
  FamilyParameters p = attention_kernel();
  p.together = 32;
  AttentionCore core = heads_over(8, 32, 1, 4096);
  core.batch = 64;
  const double together = mechanism(p, kAttentionCores, core).compute.value();
  core.heads = 8 * 64;
  EXPECT_NEAR(mechanism(p, kAttentionCores, core).compute.value() / together, 64, 1e-9);
}

TEST(Decode, what_a_benchmark_leaves_in_the_cache_does_not_pass_dram) {
  const FamilyParameters p = attention_kernel();
  AttentionCore core = heads_over(8, 4, 1, 1024);  // 4 MiB a sequence
  const auto dram = [&] { return mechanism(p, kAttentionCores, core).memory.value(); };
  core.batch = 16;
  const double from_dram = dram();
  EXPECT_GT(from_dram, 16 * 4194304 / p.memory_rate);
  core.resident = true;
  EXPECT_DOUBLE_EQ(dram(), from_dram);  // 67 MB do not fit in 50 MB
  core.batch = 8;
  EXPECT_EQ(dram(), 0);
}

// FlashMLA reaches 660 TFLOPS on an H800 when compute bounds it; 128 heads do 2 x 128 x 1088
// operations for each 1,152 bytes of cache, 242 a byte, where the chip's peak is 295 to a byte of
// bandwidth and an H20's (148 TFLOPS, 4 TB/s) is 37.
TEST(Mla, decode_of_128_heads_is_bound_by_arithmetic_on_h20_and_of_16_by_bandwidth_on_h800) {
  FamilyParameters p = attention_kernel();
  const auto rate = [&p](const MlaCore& core, double cores) {
    return work(core).ops.value() / mechanism(p, cores, core).time.value();
  };
  EXPECT_NEAR(rate(mla_of(128, 128, 16384), 132), 600e12, 60e12);
  EXPECT_EQ(mechanism(p, 132, mla_of(128, 16, 16384)).limit, Limit::kMemory);
  p.compute_rate = 0.9 * 148e12 / 78;
  p.memory_rate = 0.9 * 4e12;
  EXPECT_EQ(mechanism(p, 78, mla_of(128, 128, 16384)).limit, Limit::kCompute);
  EXPECT_LT(rate(mla_of(128, 128, 16384), 78), 148e12);
  EXPECT_GT(rate(mla_of(128, 128, 16384), 78), 100e12);
}

TEST(Attention, every_term_of_a_correction_reads_finite_features_inside_its_grid) {
  Random random(11, "features");
  for (int i = 0; i < 2000; ++i) {
    Features features{};
    const AttentionCore core = random_heads(random);
    attention_features(kAttentionCores, core, features);
    for (const Family family : {Family::kAttentionPrefill, Family::kAttentionDecode,
                                Family::kMlaPrefill, Family::kEncoderAttention}) {
      for (const Term& term : attention_terms(family)) {
        float sum = 0;
        const Corners found = corners(term, features);
        for (int c = 0; c < found.count; ++c) {
          EXPECT_LT(found.place[c], term.size());
          sum += found.share[c];
        }
        EXPECT_NEAR(sum, 1, 1e-5);
        for (int d = 0; d < term.dims; ++d)
          EXPECT_TRUE(std::isfinite(features[term.axes[d].feature]));
      }
    }
  }
}

}  // namespace
}  // namespace fivefold
