// What modules of latent attention run beside their products: bounds, and what grows.
#include <gtest/gtest.h>

#include "fivefold/base/random.h"
#include "fivefold/catalog/catalog.h"
#include "fivefold/kernel/parameters.h"

namespace fivefold {
namespace {

constexpr double kModuleCores = 132;

// An H100's data sheet with a kernel of round numbers.
FamilyParameters module_kernel() {
  Device device;
  device.memory_bandwidth = BytesPerSecond(3.35e12);
  KernelFacts facts;
  facts.compute_fraction = 0.5;
  facts.memory_fraction = 0.8;
  facts.launch = 2e-5;
  facts.fill = 2e-6;
  facts.scores = 2;
  return with_peak(on_device(facts, device, kModuleCores, 1.83e9), 989e12);
}

double module_seconds(const ModuleRest& rest, const FamilyParameters& p = module_kernel()) {
  return module_time(p, kModuleCores, rest).time.value();
}

// DeepSeek-V3.2, arXiv 2512.02556: 64 index heads of 128, 2,048 keys of 512 + 64 values.
ModuleRest sparse_module(double batch, double q_len, double kv_len, double heads) {
  return {.kind = ModuleKind::kSparse,
          .batch = batch,
          .q_len = q_len,
          .kv_len = kv_len,
          .hidden = 7168,
          .heads = heads,
          .key_dim = 576,
          .value_dim = 512,
          .seen = std::min(2048.0, kv_len),
          .index_heads = 64,
          .index_dim = 128,
          .index_keys = kv_len - (q_len - 1) / 2,
          .index_cache = kv_len,
          .step = q_len == 1,
          .index = Format::kFp8};
}

// One query of each of 16 sequences over 131,072 keys: 16 x 131,072 x 64 x 128 x 2 operations of
// the indexer on keys of 128 bytes, and of the core 16 x 2,048 x 128 x 2 x 1,088 on keys of 1,152.
TEST(Module, work_of_a_sparse_module_is_that_of_the_formula) {
  const Work needed = work(sparse_module(16, 1, 131072, 128));
  EXPECT_DOUBLE_EQ(needed.ops.value(),
                   16.0 * 131072 * 64 * 128 * 2 + 16.0 * 2048 * 128 * 2 * (576 + 512));
  EXPECT_DOUBLE_EQ(needed.activations.value(), 16.0 * 131072 * 128 + 16.0 * 2048 * 576 * 2);
}

TEST(Module, none_is_faster_than_its_bytes_and_its_arithmetic) {
  Random random(3, "modules", 0);
  for (int i = 0; i < 300; ++i) {
    const double q_len = 1.0 + random.below(512);
    const ModuleRest rest =
        sparse_module(1.0 + random.below(64), q_len, q_len + 1.0 + random.below(200000),
                      8.0 * (1 + random.below(16)));
    const Work needed = work(rest);
    EXPECT_GT(module_seconds(rest), needed.ops.value() / 1979e12);
    EXPECT_GT(module_seconds(rest), needed.activations.value() / 3.35e12);
  }
}

TEST(Module, more_of_anything_takes_no_less) {
  Random random(3, "modules", 1);
  for (int i = 0; i < 300; ++i) {
    const double q_len = 1.0 + random.below(512), batch = 1.0 + random.below(64);
    const double kv_len = q_len + 1.0 + random.below(200000), heads = 8.0 * (1 + random.below(8));
    const double seconds = module_seconds(sparse_module(batch, q_len, kv_len, heads));
    EXPECT_GE(module_seconds(sparse_module(2 * batch, q_len, kv_len, heads)), seconds);
    EXPECT_GE(module_seconds(sparse_module(batch, q_len, 2 * kv_len, heads)), seconds);
    EXPECT_GE(module_seconds(sparse_module(batch, q_len, kv_len, 2 * heads)), seconds);
  }
}

// 30 calls of 20 us are 600 us, whatever hides behind them.
TEST(Module, products_hide_behind_a_host_that_is_slower) {
  FamilyParameters p = module_kernel();
  p.host = 2e-5;
  ModuleRest rest = sparse_module(1, 1, 64, 16);
  rest.calls = 30;
  const double alone = module_seconds(rest, p);
  EXPECT_GE(alone, 600e-6);
  rest.beside = Seconds(1e-4);
  EXPECT_LT(module_seconds(rest, p) - alone, 1e-5);
  EXPECT_EQ(module_time(p, kModuleCores, rest).limit, Limit::kLaunch);
  rest.beside = Seconds(1e-2);
  EXPECT_GT(module_seconds(rest, p), 1e-2);
}

TEST(Module, a_whole_module_takes_at_least_the_roofline_of_its_rest) {
  const Catalog catalog = Catalog::load().value();
  const KernelModel model = KernelModel::make(catalog.chip("h100_sxm").value()->device,
                                              *catalog.stack("cuda/sglang").value())
                                .value();
  for (const double batch : {1.0, 16.0, 256.0}) {
    for (const double kv_len : {128.0, 8192.0, 131072.0}) {
      ModuleRest rest = sparse_module(batch, 1, kv_len, 64);
      for (const double beside : {0.0, 1e-4}) {
        rest.beside = Seconds(beside);
        const KernelTime time = model.time(Family::kSparseAttention, rest);
        EXPECT_GE(time.time + rest.beside, roofline(model.device(), rest, Format::kFp8));
      }
    }
  }
}

TEST(Module, kinds_are_served_by_kernels_of_their_own) {
  ModuleRest rest = sparse_module(1, 1, 64, 16);
  EXPECT_EQ(variant_name(family_of(rest), variant_of(rest)), "sparse_attention_step");
  rest.cache = Format::kFp8;
  EXPECT_EQ(variant_name(family_of(rest), variant_of(rest)), "sparse_attention_step_converted");
  rest.kind = ModuleKind::kHeavy;
  EXPECT_EQ(variant_name(family_of(rest), variant_of(rest)), "heavy_attention_step");
  rest.kind = ModuleKind::kDenseIndexed;
  EXPECT_EQ(variant_name(family_of(rest), variant_of(rest)), "attention_module_indexed");
}

}  // namespace
}  // namespace fivefold
