#include "fivefold/planner/training_search.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/catalog/catalog.h"
#include "fivefold/training/layout_text.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

const Catalog& catalog() {
  static const Catalog loaded = *Catalog::load();
  return loaded;
}

// A model on so many chips of a system, with what they point to.
struct World {
  Stack stack;
  Machine machine;
  KernelModel kernels;
  const Model& model;
  TrainingModel training;
  TrainingJob job;

  World(const char* system, int chips, const char* name, TrainingJob of)
      : stack(training_stack(catalog(), *(*catalog().system(system))->chip, "train/megatron-core")),
        machine(*build_machine(**catalog().system(system), chips, stack)),
        kernels(*KernelModel::make(machine.device, stack)),
        model(**catalog().model(name)),
        training(machine, model, kernels),
        job(of) {}
  World(const World&) = delete;
  Result<TrainingSearch> search(int wanted = 10) const {
    return search_training(training, machine, model, job, wanted);
  }
};

const World& llama() {
  static const World world("dgx_h100_8", 64, "meta-llama/Llama-3.1-70B",
                           {.global_batch = 128, .seq_len = 8192});
  return world;
}

const World& moe() {
  static const World world("dgx_h100_8", 256, "deepseek-ai/DeepSeek-V3",
                           {.global_batch = 512, .seq_len = 4096});
  return world;
}

// A random layout that people could name: it need not be possible.
TrainingLayout any_layout(std::mt19937& random, const Machine& machine, const TrainingJob& job) {
  const auto power = [&](int most) {
    return 1 << std::uniform_int_distribution<int>(0, most)(random);
  };
  TrainingLayout l{.tp = power(3), .pp = power(4), .ep = power(6), .cp = power(1)};
  l.dp = std::max(1, machine.devices / (l.tp * l.pp * l.cp));
  l.micro_batch = std::min(power(3), job.global_batch);
  l.vpp = l.pp > 1 ? power(2) : 1;
  l.schedule = l.vpp > 1 ? Schedule::kInterleaved : Schedule::k1F1B;
  if (l.vpp == 1 && power(1) == 2) l.schedule = Schedule::kZbH1;
  l.zero = power(2) - 1;
  l.recompute = power(1) == 1 ? Recompute::kFull : Recompute::kNone;
  l.sequence_parallel = l.tp > 1;
  return l;
}

void expect_none_better(const World& world, bool experts) {
  const auto found = world.search(1);
  ASSERT_TRUE(found) << to_text(found.error());
  std::mt19937 random(7);
  int possible = 0;
  for (int i = 0; i < 4000; ++i) {
    TrainingLayout layout = any_layout(random, world.machine, world.job);
    if (!experts) layout.ep = 1;
    const auto estimate = world.training.estimate(world.job, layout);
    if (!estimate) continue;
    ++possible;
    EXPECT_GE(estimate->step / found->best.front().estimate.step, 1 - 1e-9) << to_text(layout);
  }
  EXPECT_GT(possible, 20);
}

TEST(TrainingSearch, no_layout_that_is_named_beats_the_best_dense) {
  expect_none_better(llama(), false);
}

TEST(TrainingSearch, no_layout_that_is_named_beats_the_best_with_experts) {
  expect_none_better(moe(), true);
}

TEST(TrainingSearch, the_best_come_in_order_one_of_each_cut_and_fit) {
  const auto found = llama().search();
  ASSERT_TRUE(found);
  ASSERT_GT(found->best.size(), 2u);
  for (std::size_t i = 0; i < found->best.size(); ++i) {
    const TrainingPlan& plan = found->best[i];
    EXPECT_LE(plan.estimate.memory.total, llama().machine.device.memory_capacity);
    // What was found is what an estimate of it says.
    EXPECT_EQ(llama().training.estimate(llama().job, plan.layout)->step, plan.estimate.step);
    if (i > 0) {
      EXPECT_GE(plan.estimate.step, found->best[i - 1].estimate.step);
      EXPECT_THAT(why_slower(plan.estimate, found->best.front().estimate), HasSubstr(" +"));
    }
  }
}

TEST(TrainingSearch, the_front_trades_memory_for_time) {
  const auto found = llama().search();
  ASSERT_TRUE(found);
  ASSERT_GT(found->pareto.size(), 1u);
  for (std::size_t i = 1; i < found->pareto.size(); ++i) {
    const TrainingEstimate &less = found->pareto[i - 1].estimate, &more = found->pareto[i].estimate;
    EXPECT_LT(less.memory.total, more.memory.total);
    EXPECT_GT(less.step, more.step);
  }
  EXPECT_EQ(found->pareto.back().estimate.step, found->best.front().estimate.step);
}

TEST(TrainingSearch, the_same_twice) {
  const auto first = moe().search(), second = moe().search();
  ASSERT_TRUE(first && second);
  ASSERT_EQ(first->best.size(), second->best.size());
  EXPECT_EQ(first->too_slow, second->too_slow);
  for (std::size_t i = 0; i < first->best.size(); ++i) {
    EXPECT_EQ(to_text(first->best[i].layout), to_text(second->best[i].layout));
  }
}

TEST(TrainingSearch, the_nearest_that_fits_changes_as_little_as_it_can) {
  // 70 billion parameters with optimizer state do not fit eight devices of a replica unsharded.
  TrainingLayout layout{.tp = 8, .pp = 1, .dp = 8, .zero = 0};
  ASSERT_FALSE(llama().training.estimate(llama().job, layout));
  const auto nearest =
      nearest_fit(llama().training, llama().machine, llama().model, llama().job, layout);
  ASSERT_TRUE(nearest);
  EXPECT_TRUE(llama().training.estimate(llama().job, nearest->layout));
  EXPECT_EQ(nearest->layout.tp, 8);
  // A layout that fits is its own nearest.
  const auto same =
      nearest_fit(llama().training, llama().machine, llama().model, llama().job, nearest->layout);
  ASSERT_TRUE(same);
  EXPECT_EQ(to_text(same->layout), to_text(nearest->layout));
}

TEST(TrainingSearch, says_what_is_short_where_nothing_fits) {
  const World small("dgx_h100_8", 8, "deepseek-ai/DeepSeek-V3",
                    {.global_batch = 64, .seq_len = 4096});
  const auto found = small.search();
  ASSERT_FALSE(found);
  EXPECT_THAT(to_text(found.error()), HasSubstr("too much"));
}

}  // namespace
}  // namespace fivefold
