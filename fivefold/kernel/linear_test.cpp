// Recurrent-state attention: the bytes of its state, the walk over chunks, and what grows.
#include <functional>

#include <gtest/gtest.h>

#include "fivefold/base/random.h"
#include "fivefold/catalog/catalog.h"
#include "fivefold/kernel/parameters.h"

namespace fivefold {
namespace {

constexpr double kLinearCores = 132;

// An H100's data sheet with a kernel of round numbers.
FamilyParameters linear_kernel() {
  Device device;
  device.memory_bandwidth = BytesPerSecond(3.35e12);
  device.l2_capacity = Bytes(50e6);
  KernelFacts facts;
  facts.compute_fraction = 0.5;
  facts.memory_fraction = 0.9;
  facts.launch = 5e-6;
  facts.fill = 1.5e-6;
  facts.feed = 20;
  return with_peak(on_device(facts, device, kLinearCores, 1.83e9), 989e12);
}

double linear_seconds(const LinearCore& core) {
  return linear_time(linear_kernel(), kLinearCores, core).time.value();
}

LinearCore heads_of(double batch, double q_len, double heads) {
  return {.batch = batch,
          .q_len = q_len,
          .k_heads = heads / 2,
          .v_heads = heads,
          .k_dim = 128,
          .v_dim = 128,
          .conv = 4};
}

LinearCore random_core(Random& random) {
  LinearCore core =
      heads_of(1.0 + random.below(256), 1.0 + random.below(8192), 2.0 * (1 + random.below(32)));
  core.delta_rule = random.below(2) == 0;
  core.step = random.below(2) == 0;
  core.resident = random.below(2) == 0;
  core.part = random.below(2) == 0 ? LinearPart::kRule : LinearPart::kConvolution;
  return core;
}

// 256 sequences of 32 heads keep 256 x 32 x 128 x 128 FP32 values, 537 MB, read and written once.
TEST(Linear, a_step_of_decode_takes_its_state_twice_through_the_memory) {
  LinearCore core = heads_of(256, 1, 32);
  core.step = true;
  const double state = 256.0 * 32 * 128 * 128 * 4;
  EXPECT_GT(linear_seconds(core), 2 * state / 3.35e12);
  EXPECT_LT(linear_seconds(core), 1.6 * 2 * state / 3.35e12);
  EXPECT_EQ(linear_time(linear_kernel(), kLinearCores, core).limit, Limit::kMemory);
}

TEST(Linear, a_state_that_stayed_in_the_cache_is_quicker_and_a_large_one_does_not_stay) {
  LinearCore few = heads_of(8, 1, 32), many = heads_of(1024, 1, 32);
  few.step = many.step = true;
  LinearCore few_resident = few, many_resident = many;
  few_resident.resident = many_resident.resident = true;
  EXPECT_LT(linear_seconds(few_resident), linear_seconds(few));
  EXPECT_NEAR(linear_seconds(many_resident) / linear_seconds(many), 1, 0.01);
}

// 2^17 tokens are 2,048 chunks, each waiting for the state of the one before.
TEST(Linear, one_long_sequence_walks_its_chunks_one_after_the_other) {
  const LinearCore one = heads_of(1, 131072, 8);
  EXPECT_GT(linear_seconds(one), 2048 * 1.5e-6);
  EXPECT_NEAR(linear_seconds(heads_of(1, 262144, 8)) / linear_seconds(one), 2, 0.02);
  EXPECT_LT(linear_seconds(heads_of(16, 131072, 8)), 12 * linear_seconds(one));
}

TEST(Linear, the_delta_rule_takes_longer_than_a_scan) {
  LinearCore scan = heads_of(4, 4096, 32);
  scan.delta_rule = false;
  EXPECT_LT(linear_seconds(scan), linear_seconds(heads_of(4, 4096, 32)));
}

TEST(Linear, no_part_is_faster_than_its_bytes_or_its_launch) {
  for (std::uint64_t i = 0; i < 2000; ++i) {
    Random random(20261124, "linear bounds", i);
    const LinearCore core = random_core(random);
    const Work least = work(core);
    EXPECT_GE(linear_seconds(core), least.activations.value() / 3.35e12) << i;
    EXPECT_GE(linear_seconds(core), least.ops.value() / 989e12) << i;
    EXPECT_GE(linear_seconds(core), 5e-6) << i;
  }
}

TEST(Linear, more_of_anything_never_takes_less_time) {
  const std::pair<const char*, std::function<void(LinearCore&, double)>> steps[] = {
      {"batch", [](LinearCore& c, double by) { c.batch += by; }},
      {"tokens", [](LinearCore& c, double by) { c.q_len += by; }},
      {"heads",
       [](LinearCore& c, double by) {
         c.v_heads += 2 * by;
         c.k_heads += by;
       }},
      {"width of keys", [](LinearCore& c, double by) { c.k_dim += by; }},
      {"width of values", [](LinearCore& c, double by) { c.v_dim += by; }}};
  for (std::uint64_t i = 0; i < 2000; ++i) {
    Random random(20261124, "linear growth", i);
    const LinearCore core = random_core(random);
    for (const auto& [what, grow] : steps) {
      LinearCore grown = core;
      grow(grown, 1.0 + random.below(64));
      EXPECT_GE(linear_seconds(grown), linear_seconds(core) * (1 - 1e-9)) << what << " " << i;
    }
  }
}

// The convolution of a token reads and writes 2 k_heads x k_dim + v_heads x v_dim channels.
TEST(Linear, a_convolution_costs_its_channels_and_far_less_than_the_rule) {
  LinearCore core = heads_of(8, 8192, 32);
  const double rule = linear_seconds(core);
  core.part = LinearPart::kConvolution;
  const double channels = 2 * 16 * 128 + 32 * 128;
  EXPECT_GT(linear_seconds(core), 65536 * channels * 4 / 3.35e12);
  EXPECT_LT(linear_seconds(core), rule / 2);
}

TEST(Linear, each_part_has_a_kernel_of_its_own) {
  LinearCore core = heads_of(1, 1, 2);
  EXPECT_EQ(variant_name(Family::kLinearAttention, variant_of(core)), "");
  core.step = true;
  EXPECT_EQ(variant_name(Family::kLinearAttention, variant_of(core)), "linear_attention_step");
  core.part = LinearPart::kConvolution;
  EXPECT_EQ(variant_name(Family::kLinearAttention, variant_of(core)), "linear_convolution_step");
  core.step = false;
  EXPECT_EQ(variant_name(Family::kLinearAttention, variant_of(core)), "linear_convolution");
}

}  // namespace
}  // namespace fivefold
