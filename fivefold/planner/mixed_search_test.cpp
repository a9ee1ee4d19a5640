#include "fivefold/planner/mixed_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/catalog/catalog.h"

namespace fivefold {
namespace {

const Catalog& catalog() {
  static const Catalog loaded = *Catalog::load();
  return loaded;
}

const Model& model() {
  return **catalog().model("Qwen/Qwen3-32B");
}

struct World {
  Stack stack;
  Machine machine;
  KernelModel kernels;
  TrainingModel training;
  World(const char* system, int chips)
      : stack(training_stack(catalog(), *(*catalog().system(system))->chip, "train/megatron-core")),
        machine(*build_machine(**catalog().system(system), chips, stack)),
        kernels(*KernelModel::make(machine.device, stack)),
        training(machine, model(), kernels) {}
  World(const World&) = delete;
  Island island(int batch) const {
    return {&machine, &training, {.global_batch = batch, .seq_len = 4096}};
  }
};

const World& h100() {
  static const World world("dgx_h100_8", 64);
  return world;
}
const World& h20() {
  static const World world("h20_8", 64);
  return world;
}

IslandLink link(double gigabytes) {
  return {BytesPerSecond(gigabytes * 1e9), Seconds(1e-5)};
}

MixedSearch search(const World& a, const World& b, double gigabytes, int batch = 512) {
  return search_mixed({a.island(batch), b.island(batch)}, model(), link(gigabytes));
}

TEST(Mixed, two_islands_beat_each_of_them_and_not_their_sum) {
  const MixedSearch found = search(h100(), h20(), 50);
  ASSERT_TRUE(found.alone[0] && found.alone[1]);
  const double a = found.alone[0]->estimate.tokens_per_second;
  const double b = found.alone[1]->estimate.tokens_per_second;
  ASSERT_NE(found.best(), nullptr);
  EXPECT_GT(found.best()->estimate.tokens_per_second, std::max(a, b));
  EXPECT_LT(found.best()->estimate.tokens_per_second, 1.02 * (a + b));
}

TEST(Mixed, the_faster_island_takes_more_of_the_work) {
  const MixedSearch found = search(h100(), h20(), 50);
  ASSERT_TRUE(found.replicas);
  EXPECT_GT(found.replicas->batch[0], found.replicas->batch[1]);
  EXPECT_EQ(found.replicas->batch[0] + found.replicas->batch[1], 512);
  ASSERT_TRUE(found.stages);
  EXPECT_GT(found.stages->layers[0], found.stages->layers[1]);
  EXPECT_EQ(found.stages->layers[0] + found.stages->layers[1], model().layer_count());
}

TEST(Mixed, equal_islands_share_equally) {
  const World& one = h100();
  const MixedSearch found = search(one, one, 50);
  ASSERT_TRUE(found.replicas);
  EXPECT_EQ(found.replicas->batch[0], 256);
}

TEST(Mixed, a_slower_link_never_helps) {
  double last = 0;
  for (const double gigabytes : {0.1, 1.0, 10.0, 50.0}) {
    const MixedSearch found = search(h100(), h20(), gigabytes);
    ASSERT_NE(found.best(), nullptr);
    EXPECT_GE(found.best()->estimate.tokens_per_second, last * (1 - 1e-9));
    last = found.best()->estimate.tokens_per_second;
  }
}

TEST(Mixed, one_pipeline_needs_what_both_islands_share) {
  const std::array<Island, 2> islands = {h100().island(512), h20().island(512)};
  TrainingLayout a{.tp = 8, .pp = 16, .dp = 1, .front_stages = 8, .front_layers = 32};
  TrainingLayout b = a;
  const auto good = estimate_stages(islands, model(), {a, b}, link(50));
  ASSERT_TRUE(good) << to_text(good.error());
  b.dp = 2;
  EXPECT_THAT(to_text(estimate_stages(islands, model(), {a, b}, link(50)).error()),
              testing::HasSubstr("dp of the two islands differ"));
  b = a;
  a.front_layers = b.front_layers = 60;  // of 64: four layers for eight stages
  EXPECT_THAT(to_text(estimate_stages(islands, model(), {a, b}, link(50)).error()),
              testing::HasSubstr("each stage holds at least one layer"));
}

// Two islands of one chip with a fast link are one machine.
TEST(Mixed, stages_on_equal_islands_take_what_one_pipeline_takes) {
  static const World both("dgx_h100_8", 128);
  const TrainingJob job{.global_batch = 64, .seq_len = 4096};
  const auto whole = both.training.estimate(job, {.tp = 8, .pp = 16, .dp = 1}, false);
  ASSERT_TRUE(whole);
  TrainingLayout l{.tp = 8, .pp = 16, .dp = 1, .front_stages = 8, .front_layers = 32};
  const auto parts =
      estimate_stages({h100().island(64), h100().island(64)}, model(), {l, l}, link(50));
  ASSERT_TRUE(parts) << to_text(parts.error());
  EXPECT_NEAR(parts->step / whole->step, 1, 0.02);
}

}  // namespace
}  // namespace fivefold
