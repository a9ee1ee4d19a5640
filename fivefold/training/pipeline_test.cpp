#include "fivefold/training/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/catalog/catalog.h"
#include "fivefold/training/groups.h"
#include "fivefold/training/layout.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

// DeepSeek-V3 on its own machine, 16 stages of experts over eight nodes.
struct Deepseek {
  Stack stack =
      training_stack(catalog(), *(*catalog().system("h800_8"))->chip, "train/megatron-core");
  Machine machine = *build_machine(**catalog().system("h800_8"), 2048, stack);
  const Model& model = **catalog().model("deepseek-ai/DeepSeek-V3");
  KernelModel kernels = *KernelModel::make(machine.device, stack);
  TrainingModel training{machine, model, kernels};
  TrainingJob job{.global_batch = 128 * 64, .seq_len = 4096, .format = Format::kFp8};
  TrainingLayout layout{.pp = 16, .dp = 128, .ep = 64};

  TrainingEstimate estimate() const {
    const auto e = training.estimate(job, layout, false);
    EXPECT_TRUE(e) << to_text(e.error());
    return e ? *e : TrainingEstimate();
  }
  std::string reason() const {
    const auto e = training.estimate(job, layout, true);
    return e ? std::string("it can") : to_text(e.error());
  }
};

TEST(Groups, replicas_or_stages_lie_further_apart_by_the_order_of_ranks) {
  const Stack stack =
      training_stack(catalog(), *(*catalog().system("dgx_h100_8"))->chip, "train/megatron-core");
  const Machine machine = *build_machine(**catalog().system("dgx_h100_8"), 16, stack);
  const auto nodes = [&](const Group& group) {  // that it reaches
    int outside = 1;
    for (std::size_t level = 1; level < group.fanout.size(); ++level)
      outside *= group.fanout[level];
    return outside;
  };
  TrainingLayout l{.tp = 2, .pp = 4, .dp = 2};
  EXPECT_EQ(nodes(stage_group(machine, l, 2, 2)), 1);
  EXPECT_EQ(nodes(pipeline_group(machine, l)), 2);
  l.order = RankOrder::kTpCpPpDp;
  EXPECT_EQ(nodes(stage_group(machine, l, 2, 2)), 2);
  EXPECT_EQ(nodes(pipeline_group(machine, l)), 1);
  // Experts over tp and dp: pairs inside of a node, and the other node.
  l.ep = 4;
  const Group experts = expert_group(machine, l);
  EXPECT_EQ(experts.size, 4);
  EXPECT_EQ(experts.fanout[0], 2);
  EXPECT_EQ(nodes(experts), 2);
  EXPECT_EQ(nodes(tensor_group(machine, l)), 1);
}

TEST(Pipelines, expert_exchange_hides_behind_the_other_pass_but_not_while_the_pipeline_fills) {
  Deepseek d;
  for (const Schedule schedule : {Schedule::kInterleaved, Schedule::kDualPipe}) {
    d.layout.schedule = schedule;
    d.layout.vpp = schedule == Schedule::kInterleaved ? 2 : 1;
    d.job.overlap_ep = false;
    const TrainingEstimate seen = d.estimate();
    d.job.overlap_ep = true;
    const TrainingEstimate hidden = d.estimate();
    EXPECT_LT(hidden.ep_exposed, 0.7 * seen.ep_exposed);
    EXPECT_GT(hidden.ep_exposed.value(), 0);
    EXPECT_LT(hidden.step, seen.step);
  }
}

TEST(Pipelines, a_schedule_that_has_one_micro_batch_at_work_hides_no_exchange) {
  Deepseek d;
  for (const Schedule schedule : {Schedule::k1F1B, Schedule::kZbH1, Schedule::kZbV}) {
    d.layout.schedule = schedule;
    d.job.overlap_ep = false;
    const TrainingEstimate seen = d.estimate();
    d.job.overlap_ep = true;
    EXPECT_EQ(d.estimate().step, seen.step);
  }
}

// DeepSeek-V3 (arXiv 2412.19437), table 2.
TEST(Pipelines, dualpipe_beats_zero_bubble_which_beats_1f1b) {
  Deepseek d;
  for (const bool overlapped : {false, true}) {
    d.job.overlap_ep = overlapped;
    const auto time = [&](Schedule schedule) {
      d.layout.schedule = schedule;
      return d.estimate().step;
    };
    EXPECT_LT(time(Schedule::kZbH1), time(Schedule::k1F1B));
    EXPECT_LT(time(Schedule::kDualPipe), time(Schedule::kZbH1));
  }
}

TEST(Pipelines, dualpipe_holds_the_weights_twice) {
  Deepseek d;
  d.layout.pp = 2;
  d.layout.dp = 1024;
  d.job.global_batch = 1024 * 8;
  const TrainingMemory one = d.estimate().memory;
  d.layout.schedule = Schedule::kDualPipe;
  EXPECT_NEAR(d.estimate().memory.weights / one.weights, 2, 0.1);
}

TEST(Experts, all_wait_for_the_busiest_and_a_capacity_bounds_it) {
  Deepseek d;
  const TrainingEstimate even = d.estimate();
  d.job.expert_skew = 2;
  const TrainingEstimate skewed = d.estimate();
  EXPECT_GT(skewed.step, even.step);
  EXPECT_LT(skewed.step, 2 * even.step);  // attention and shared experts take as long as before
  EXPECT_GT(skewed.memory.activations, even.memory.activations);
  EXPECT_EQ(skewed.model_ops, even.model_ops);
  d.job.capacity_factor = 1.25;
  EXPECT_LT(d.estimate().step, skewed.step);
  EXPECT_GT(d.estimate().step, even.step);
}

TEST(Pipelines, prediction_layers_work_on_the_last_stage) {
  Deepseek d;
  const TrainingEstimate without = d.estimate();
  d.job.mtp = true;
  const TrainingEstimate with = d.estimate();
  EXPECT_GT(with.step, without.step);
  // One layer and a head more of 61 layers; the last stage holds one of 16.
  EXPECT_LT(with.step, 1.5 * without.step);
  // What it lengthens, fewer layers there make good.
  d.layout.last_layers = 2;
  EXPECT_LT(d.estimate().step, with.step);
}

TEST(Pipelines, say_which_layouts_cannot_be) {
  Deepseek d;
  const auto with = [&](auto change) {
    Deepseek other;
    change(other.layout, other.job);
    return other.reason();
  };
  EXPECT_THAT(with([](auto& l, auto&) { l.ep = 512; }), HasSubstr("ep 512 of 256 experts"));
  EXPECT_THAT(with([](auto& l, auto&) {
                l.pp = 64;
                l.dp = 32;
              }),
              HasSubstr("pp 64 is more than 61 layers"));
  EXPECT_THAT(with([](auto& l, auto&) {
                l.pp = 32;
                l.dp = 64;
                l.schedule = Schedule::kZbV;
              }),
              HasSubstr("pp x chunks = 32 x 2 is more than 61 layers"));
  EXPECT_THAT(with([](auto& l, auto& job) {
                l.schedule = Schedule::kDualPipe;
                job.global_batch = 128 * 30;
              }),
              HasSubstr("DualPipe needs at least 2 pp = 32 micro batches, not 30"));
  EXPECT_THAT(with([](auto& l, auto& job) {
                l.schedule = Schedule::kInterleaved;
                l.vpp = 2;
                job.global_batch = 128 * 24;
              }),
              HasSubstr("interleaved: 24 micro batches are not a multiple of pp 16"));
  EXPECT_THAT(with([](auto& l, auto&) {
                l.first_layers = 40;
                l.last_layers = 10;
              }),
              HasSubstr("40 layers first and 10 last leave 11 of 61 for 14 stages"));
  EXPECT_THAT(with([](auto& l, auto&) { l.zero = 0; }), HasSubstr("on pipeline rank "));
}

}  // namespace
}  // namespace fivefold
