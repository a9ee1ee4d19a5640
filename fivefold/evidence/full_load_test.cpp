#include "fivefold/evidence/full_load.h"

#include <gmock/gmock.h>

#include "fivefold/evidence/serving_case.h"

namespace fivefold {
namespace {

const ServingRig& rig(const char* system, const char* chip, const char* engine) {
  static const Catalog catalog = *Catalog::load();
  static ServingRigs rigs(catalog);
  const auto found = rigs.find({.system = system,
                                .chip = chip,
                                .model = "meta-llama/Llama-3.1-70B",
                                .engine = engine,
                                .chips = 8});
  EXPECT_TRUE(found);
  return **found;
}

const ServingWorkload kWork{.input = 1000, .output = 500, .microbatch_overlap = false};
const ServingLayout kLayout{.tp = 8};

TEST(FullLoad, is_slower_than_decode_alone_and_than_prompts_alone) {
  const ServingModel& serving = *rig("dgx_h100_8", "h100_sxm", "trtllm").serving;
  const auto load = load_at(serving, kWork, kLayout, {}, 128);
  const auto decode = serving.decode(kWork, kLayout, 128);
  const auto prefill = serving.prefill(kWork, kLayout, 8192.0 / 8);
  ASSERT_TRUE(load && decode && prefill);
  EXPECT_LT(load->tokens_per_second, decode->tokens_per_second);
  EXPECT_LT(load->tokens_per_second * kWork.input / kWork.output, prefill->tokens_per_second);
  // Reading the weights once for both is never slower than one after the other.
  const double in_turn =
      1 / (1 / decode->tokens_per_second + kWork.input / kWork.output / prefill->tokens_per_second);
  EXPECT_GT(load->tokens_per_second, 0.9 * in_turn);
}

TEST(FullLoad, prompts_in_turn_add_their_share_of_a_batch) {
  const ServingModel& serving = *rig("cloudmatrix384", "ascend_910c", "").serving;
  ASSERT_FALSE(serving.engine().mixes_steps);
  const EngineLimits limits{.batch_tokens = 8000};
  const auto load = load_at(serving, kWork, kLayout, limits, 100);
  const auto decode = serving.decode(kWork, kLayout, 100);
  const auto prefill = serving.prefill(kWork, kLayout, 1000);
  ASSERT_TRUE(load && decode && prefill);
  // 100 sequences of 500 steps: one ends every fifth step and brings an eighth of a batch.
  EXPECT_NEAR(load->step.value(), (decode->step + prefill->step / 40.0).value(), 1e-9);
}

TEST(FullLoad, keeps_littles_law) {
  const ServingModel& serving = *rig("dgx_h100_8", "h100_sxm", "trtllm").serving;
  const auto load = load_at(serving, kWork, kLayout, {}, 64);
  ASSERT_TRUE(load);
  EXPECT_NEAR(load->tokens_per_second * load->tpot.value(), load->batch, 1e-9);
}

TEST(FullLoad, an_engine_cannot_take_more_tokens_than_its_step) {
  const ServingModel& serving = *rig("dgx_h100_8", "h100_sxm", "trtllm").serving;
  // Each sequence brings 1000 / 500 prompt tokens a step and its own.
  const auto load = full_load(serving, kWork, kLayout, {.batch_tokens = 300});
  ASSERT_TRUE(load);
  EXPECT_LE(load->batch, 100 * (1 + 1e-9));
  const auto few = full_load(serving, kWork, kLayout, {.sequences = 16});
  ASSERT_TRUE(few);
  EXPECT_LE(few->batch, 16);
}

TEST(FullLoad, caches_that_grow_hold_more_sequences) {
  const ServingModel& serving = *rig("dgx_h100_8", "h100_sxm", "trtllm").serving;
  ServingWorkload long_answers = kWork;
  long_answers.input = 100;
  long_answers.output = 20000;
  const ServingLayout one{.tp = 4};
  const auto whole = full_load(serving, long_answers, one, {});
  const auto grows = full_load(serving, long_answers, one, {.grows = true});
  ASSERT_TRUE(whole && grows);
  EXPECT_GT(grows->tokens_per_second, whole->tokens_per_second);
}

TEST(FullLoad, limits_cost_throughput_and_hold) {
  const ServingModel& serving = *rig("dgx_h100_8", "h100_sxm", "trtllm").serving;
  ServingWorkload limited = kWork;
  limited.tpot_limit = Seconds(0.04);
  limited.ttft_limit = Seconds(0.5);
  const auto free = full_load(serving, kWork, kLayout, {});
  const auto held = load_within_limits(serving, limited, kLayout, {});
  ASSERT_TRUE(free && held);
  EXPECT_LT(held->tokens_per_second, free->tokens_per_second);
  EXPECT_LE(held->tpot, limited.tpot_limit);
  limited.tpot_limit = Seconds(1e-6);
  EXPECT_FALSE(load_within_limits(serving, limited, kLayout, {}));
}

}  // namespace
}  // namespace fivefold
