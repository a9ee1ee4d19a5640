#include <cmath>

#include <gtest/gtest.h>

#include "fivefold/base/random.h"
#include "fivefold/kernel/parameters.h"

namespace fivefold {
namespace {

// From 1 to `most`, each power of two as likely as the next.
double extent(Random& random, double most) {
  return std::floor(std::exp2(random.uniform(0, std::log2(most + 1))));
}

// One tile of 128 x 128 on each of 132 cores: 2 x 128 x 128 x 1024 operations at 33.5e12 a second
// take 1.0 us, with 0.1 us before them; memory and launch take next to nothing.
FamilyParameters of_one_tile() {
  FamilyParameters p;
  p.compute_rate = 2 * 128 * 128 * 1024 / 1e-6;
  p.memory_rate = 1e18;
  p.feed_rate = 1e18;
  p.launch = 1e-9;
  p.fill = 0.1e-6;
  p.tile_m = p.tile_n = p.widest = 128;
  p.split = 1;
  return p;
}
Gemm of_tiles(double tiles) {
  return {.m = 128 * tiles, .n = 128, .k = 1024};
}

TEST(Tail, one_tile_more_than_cores_leaves_nearly_all_of_them_idle) {
  // Two waves of 1.1 us. Evenly spread, a core would compute for 133/132 x 1.0 = 1.008 us; it is
  // idle for (2 - 133/132) x 1.1 = 1.092 us.
  const KernelTime time = mechanism(of_one_tile(), 132, of_tiles(133));
  EXPECT_NEAR(time.time.value(), 2.201e-6, 1e-12);
  EXPECT_EQ(time.limit, Limit::kTail);
  // 145: 1.098 us against (2 - 145/132) x 1.1 = 0.992 us.
  EXPECT_EQ(mechanism(of_one_tile(), 132, of_tiles(145)).limit, Limit::kCompute);
  // Of three waves the last is never the most: 265/132 x 1.0 against (3 - 265/132) x 1.1 us.
  EXPECT_EQ(mechanism(of_one_tile(), 132, of_tiles(265)).limit, Limit::kCompute);
}

TEST(Tail, memory_or_launch_that_take_longer_limit_instead) {
  FamilyParameters p = of_one_tile();
  p.launch = 1.1e-6;  // above the 1.092 us of idle cores
  EXPECT_NE(mechanism(p, 132, of_tiles(133)).limit, Limit::kTail);
  p = of_one_tile();
  const double bytes = 2 * (133 * 128 * 1024 + 128 * 1024 + 133 * 128 * 128);
  p.memory_rate = bytes / 1.1e-6;
  EXPECT_NE(mechanism(p, 132, of_tiles(133)).limit, Limit::kTail);
}

TEST(Tail, one_sequence_of_attention_keeps_few_cores_busy) {
  FamilyParameters p = of_one_tile();
  p.unit_rows = 128;
  // Eight heads of one tile each on 132 cores.
  AttentionCore core{.batch = 1,
                     .q_len = 128,
                     .kv_len = 8192,
                     .heads = 8,
                     .kv_heads = 8,
                     .qk_dim = 128,
                     .v_dim = 128};
  EXPECT_EQ(mechanism(p, 132, core).limit, Limit::kTail);
  core.batch = 16.5;  // 132 units
  EXPECT_EQ(mechanism(p, 132, core).limit, Limit::kCompute);
}

TEST(Tail, is_never_said_of_a_last_wave_that_is_full) {
  Random random(5, "tail");
  for (int i = 0; i < 3000; ++i) {
    FamilyParameters p = of_one_tile();
    p.fill = random.uniform(0, 20e-6);
    p.memory_rate = std::exp2(random.uniform(30, 60));
    const double cores = extent(random, 256), waves = extent(random, 16);
    Gemm gemm = of_tiles(cores * waves);
    gemm.k = extent(random, 65536);
    EXPECT_NE(mechanism(p, cores, gemm).limit, Limit::kTail) << cores << " " << waves;
    AttentionCore core{.batch = cores * waves,
                       .q_len = extent(random, 4096),
                       .heads = 8,
                       .kv_heads = 8,
                       .qk_dim = 128,
                       .v_dim = 128};
    core.kv_len = core.q_len + extent(random, 4096);
    EXPECT_NE(mechanism(p, cores, core).limit, Limit::kTail) << cores << " " << waves;
  }
}

}  // namespace
}  // namespace fivefold
