#include "fivefold/serving/serving.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gmock/gmock.h>

#include "fivefold/serving/rig_test.h"
#include "fivefold/serving/step.h"

namespace fivefold {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(ServingMemory, a_model_that_does_not_fit_says_by_how_much) {
  const Rig rig("cloudmatrix384", 4, kR1);
  ServingWorkload workload;
  workload.memory_reserve = 0;
  const auto decode = rig.serving().decode(workload, {.tp = 8, .ep = 8}, 1);
  ASSERT_FALSE(decode);
  // 671B parameters in INT8, of which embedding and head are BF16, on dies of 64 GB.
  EXPECT_THAT(
      decode.error().problems[0].what,
      MatchesRegex("does not fit: weights 67[0-9] GB over 8 devices need 8[4-6]\\.[0-9] GB of "
                   "64\\.0 GB each: 2[0-2]\\.[0-9] GB too much"));
}

TEST(ServingMemory, cache_of_deepseek_r1_is_61_layers_of_576_values) {
  const Rig rig("dgx_h200_8", 16, kR1);
  const ServingWorkload workload{.input = 3000, .output = 1096};
  const auto memory = rig.serving().memory(workload, {.dp = 16, .ep = 16});
  ASSERT_TRUE(memory);
  EXPECT_DOUBLE_EQ(memory->cache.value(), 61 * 576 * 2 * 4096.0);
  const double capacity = rig.machine.device.memory_capacity.value();
  EXPECT_NEAR(memory->weights.value() + memory->max_sequences * 61 * 576 * 2 * 4096.0,
              0.9 * capacity, 1e-6 * capacity);
}

TEST(ServingMemory, cache_of_llama_70b_is_cut_by_tensor_parallelism_down_to_one_head) {
  const Rig rig("dgx_h100_8", 8, kLlama);
  const ServingWorkload workload{.input = 1000, .output = 24};
  // 80 layers, K and V of 8 heads of 128 in BF16: 327,680 bytes a token.
  for (int tp : {4, 8}) {
    const auto memory = rig.serving().memory(workload, {.tp = tp});
    ASSERT_TRUE(memory);
    EXPECT_DOUBLE_EQ(memory->cache.value(), 327680.0 * 1024 / tp);
  }
}

TEST(ServingMemory, experts_that_do_not_divide_are_held_twice) {
  const Rig rig("dgx_h100_8", 96, kR1);
  // 256 experts over 72 devices are four a device, as over 64 (288 slots, 32 of them redundant).
  const auto uneven = rig.serving().memory({}, {.dp = 72, .ep = 72});
  const auto even = rig.serving().memory({}, {.dp = 64, .ep = 64});
  ASSERT_TRUE(uneven && even);
  EXPECT_EQ(uneven->weights, even->weights);
}

TEST(ServingLayouts, wrong_layouts_are_refused_with_a_reason) {
  const Rig rig("dgx_h100_8", 8, kLlama);
  const ServingModel serving = rig.serving();
  const auto message = [&](const ServingLayout& layout) {
    const auto decode = serving.decode({}, layout, 1);
    return decode ? std::string("accepted") : decode.error().problems[0].what;
  };
  EXPECT_THAT(message({.tp = 16}), HasSubstr("needs 16 devices, the machine has 8"));
  EXPECT_THAT(message({.tp = 7}), HasSubstr("tp 7 does not divide the 64 attention heads"));
  EXPECT_THAT(message({.tp = 8, .ep = 8}), HasSubstr("no routed experts"));
  EXPECT_THAT(message({.tp = 0}), HasSubstr("must be 1 or more"));
  ServingWorkload drafting;
  drafting.draft_tokens = 1;
  const auto decode = serving.decode(drafting, {.tp = 8}, 1);
  ASSERT_FALSE(decode);
  EXPECT_THAT(decode.error().problems[0].what, HasSubstr("no layer that drafts"));
}

TEST(Decode, a_larger_batch_is_never_faster_a_token) {
  const Rig rig("cloudmatrix384", 160, kR1);
  const ServingModel serving = rig.serving();
  Seconds last{0};
  for (double batch = 1; batch <= 96; ++batch) {
    const auto decode = serving.decode({}, {.dp = 320, .ep = 320}, batch);
    ASSERT_TRUE(decode);
    EXPECT_GE(decode->tpot, last) << "batch " << batch;
    last = decode->tpot;
  }
}

// Every weight but the embedding table crosses the memory interface once a step, and each
// sequence's cache.
TEST(Decode, no_step_beats_the_bytes_that_it_must_read) {
  const Rig rig("dgx_h100_8", 8, kLlama);
  const double parameters = 70.55e9 - 128256.0 * 8192;
  for (double batch : {1.0, 16.0, 128.0}) {
    for (int tp : {4, 8}) {
      const ServingWorkload workload{.input = 1024, .output = 512};
      const auto decode = rig.serving().decode(workload, {.tp = tp}, batch);
      ASSERT_TRUE(decode);
      const double bytes = 2 * parameters / tp + batch * 1280 * 327680.0 / tp;
      EXPECT_GE(decode->step.value(), 0.999 * bytes / 3.35e12) << "tp " << tp << " batch " << batch;
    }
  }
}

TEST(Prefill, no_batch_beats_the_arithmetic_peak) {
  // 37B active parameters, two operations each, attention left out.
  const Rig rig("dgx_h100_8", 32, kR1);
  for (double tokens : {512.0, 4096.0, 16384.0}) {
    const auto prefill = rig.serving().prefill({}, {.dp = 32, .ep = 32}, tokens);
    ASSERT_TRUE(prefill);
    EXPECT_LE(prefill->tokens_per_second / 32, 1979e12 / (2 * 36e9)) << tokens;
  }
}

TEST(Prefill, chunks_of_a_prompt_take_longer_than_one_batch) {
  const Rig rig("dgx_h100_8", 8, kLlama);
  const ServingWorkload workload{.input = 8192};
  const auto whole = rig.serving().prefill(workload, {.tp = 8}, 1024);
  const auto chunks = rig.serving().prefill(workload, {.tp = 8}, 128);
  ASSERT_TRUE(whole && chunks);
  EXPECT_LT(whole->time, chunks->time);
  EXPECT_LT(chunks->step, whole->step);
}

TEST(Prefill, a_cached_prefix_saves_time_but_not_all_of_it) {
  const Rig rig("dgx_h100_8", 8, kLlama);
  ServingWorkload workload{.input = 8192};
  const auto cold = rig.serving().prefill(workload, {.tp = 8}, 512);
  workload.prefix_hit = 0.5;
  const auto warm = rig.serving().prefill(workload, {.tp = 8}, 512);
  ASSERT_TRUE(cold && warm);
  EXPECT_LT(warm->time, cold->time);
  EXPECT_GT(warm->time, 0.4 * cold->time);
}

TEST(Serving, more_bandwidth_is_never_slower) {
  for (const bool memory : {true, false}) {
    const Rig base("cloudmatrix384", 160, kR1);
    Rig better("cloudmatrix384", 160, kR1);
    if (memory) {
      better.machine.device.memory_bandwidth *= 2;
      better.kernels = *KernelModel::make(better.machine.device, better.stack);
    } else {
      for (Level& level : better.machine.levels) level.bandwidth *= 2;
    }
    for (double batch : {1.0, 8.0, 48.0}) {
      const ServingLayout layout{.dp = 320, .ep = 320};
      EXPECT_LE(better.serving().decode({}, layout, batch)->tpot,
                base.serving().decode({}, layout, batch)->tpot);
    }
    const ServingLayout layout{.dp = 32, .ep = 32};
    EXPECT_LE(better.serving().prefill({}, layout, 8192)->time,
              base.serving().prefill({}, layout, 8192)->time);
  }
}

TEST(Decode, overlap_never_costs_time) {
  const Rig rig("cloudmatrix384", 160, kR1);
  for (double batch : {2.0, 32.0, 96.0}) {
    ServingWorkload workload;
    const auto with = rig.serving().decode(workload, {.dp = 320, .ep = 320}, batch);
    workload.microbatch_overlap = false;
    const auto without = rig.serving().decode(workload, {.dp = 320, .ep = 320}, batch);
    ASSERT_TRUE(with && without);
    EXPECT_LE(with->tpot, without->tpot);
    EXPECT_EQ(without->parts.hidden, Seconds(0));
  }
}

TEST(Decode, the_parts_add_up_to_the_step) {
  const Rig rig("h800_8", 128, kR1);
  ServingWorkload workload;
  workload.draft_tokens = 1;
  const auto decode = rig.serving().decode(workload, {.dp = 128, .ep = 128}, 32);
  ASSERT_TRUE(decode);
  EXPECT_NEAR((decode->compute + decode->exposed + decode->parts.overhead).value(),
              decode->step.value(), 1e-12);
  EXPECT_LE(decode->exposed, decode->communication);
}

TEST(Decode, the_best_batch_is_the_last_that_holds_the_limit) {
  const Rig rig("cloudmatrix384", 160, kR1);
  const ServingModel serving = rig.serving();
  const ServingLayout layout{.dp = 320, .ep = 320};
  for (double limit : {0.04, 0.05, 0.1}) {
    const ServingWorkload workload{.tpot_limit = Seconds(limit)};
    const auto best = serving.best_decode(workload, layout);
    ASSERT_TRUE(best);
    EXPECT_LE(best->tpot.value(), limit);
    const auto more = serving.decode(workload, layout, best->batch + 1);
    // Either one more breaks a limit, or the search stopped as close as it promises (0.2%).
    EXPECT_TRUE(!more || more->tpot.value() > limit || best->tpot.value() > 0.998 * limit);
  }
}

TEST(Decode, a_limit_that_cannot_hold_says_by_how_much) {
  const Rig rig("cloudmatrix384", 160, kR1);
  const ServingWorkload workload{.tpot_limit = Seconds(1e-4)};
  const auto best = rig.serving().best_decode(workload, {.dp = 320, .ep = 320});
  ASSERT_FALSE(best);
  EXPECT_THAT(best.error().problems[0].what,
              AllOf(HasSubstr("too slow: one sequence takes"), HasSubstr("limit of 0.1 ms")));
}

TEST(Decode, drafts_that_are_never_accepted_only_cost) {
  EXPECT_DOUBLE_EQ(tokens_per_step(1, 0.7), 1.7);
  EXPECT_DOUBLE_EQ(tokens_per_step(2, 0.5), 1.75);
  EXPECT_DOUBLE_EQ(tokens_per_step(3, 1), 4);
  const Rig rig("cloudmatrix384", 160, kR1);
  ServingWorkload workload;
  const auto plain = rig.serving().decode(workload, {.dp = 320, .ep = 320}, 32);
  workload.draft_tokens = 1;
  workload.acceptance = 0;
  const auto never = rig.serving().decode(workload, {.dp = 320, .ep = 320}, 32);
  workload.acceptance = 1;
  const auto always = rig.serving().decode(workload, {.dp = 320, .ep = 320}, 32);
  ASSERT_TRUE(plain && never && always);
  EXPECT_GT(never->tpot, plain->tpot);
  EXPECT_LT(always->tpot, never->tpot);
  EXPECT_DOUBLE_EQ(always->tpot.value() * 2, never->tpot.value());
}

// What a step is timed on, without the model around it.
struct StepRig {
  Rig rig;
  serving::Setting setting;
  serving::Instance instance;
  StepRig(const char* system, int chips, const char* model, const ServingLayout& layout)
      : rig(system, chips, model),
        setting(serving::make_setting(rig.machine, *rig.model, rig.kernels, rig.precision, {})),
        instance(*serving::make_instance(setting, layout)) {}
};

TEST(MixedSteps, with_one_part_they_are_the_plain_pass) {
  for (const char* model : {kR1, kLlama}) {
    const bool experts = model == kR1;
    const StepRig rig("dgx_h200_8", 8, model,
                      experts ? ServingLayout{.dp = 8, .ep = 8} : ServingLayout{.tp = 8});
    const StepParts decode = serving::pass_time(
        rig.instance, {.sequences = 12, .q_len = 2, .context = 900, .decode = true});
    const StepParts prompt =
        serving::pass_time(rig.instance, {.sequences = 2, .q_len = 700, .context = 300});
    const serving::MixedPass only_decode{.decodes = 12, .decode_q_len = 2, .decode_context = 900};
    const serving::MixedPass only_prompt{
        .prompt_tokens = 1400, .prompt_context = 300, .prompts = 2};
    EXPECT_EQ(serving::mixed_time(rig.instance, only_decode).total(), decode.total());
    EXPECT_EQ(serving::mixed_time(rig.instance, only_prompt).total(), prompt.total());
  }
}

TEST(MixedSteps, weights_are_read_once_for_both_and_cores_of_attention_add_up) {
  for (const char* model : {kR1, kLlama}) {
    const StepRig rig("dgx_h200_8", 8, model, {.tp = 8});
    const StepParts decode =
        serving::pass_time(rig.instance, {.sequences = 16, .context = 2000, .decode = true});
    const StepParts prompt = serving::pass_time(rig.instance, {.q_len = 64});
    const StepParts mixed = serving::mixed_time(
        rig.instance, {.decodes = 16, .decode_context = 2000, .prompt_tokens = 64});
    EXPECT_NEAR(mixed.attention / (decode.attention + prompt.attention), 1, 1e-9);
    EXPECT_LT(mixed.experts + mixed.projections,
              0.75 * (decode.experts + decode.projections + prompt.experts + prompt.projections));
    EXPECT_LT(mixed.total(), decode.total() + prompt.total());
    EXPECT_GT(mixed.total(), std::max(decode.total(), prompt.total()));
  }
}

TEST(MixedSteps, a_longer_prompt_never_takes_less_time) {
  const StepRig rig("dgx_h200_8", 8, kR1, {.dp = 8, .ep = 8});
  Seconds last{0};
  for (double tokens = 0; tokens <= 8192; tokens += 256) {
    const Seconds time =
        serving::mixed_time(rig.instance,
                            {.decodes = 16, .decode_context = 1500, .prompt_tokens = tokens})
            .total();
    EXPECT_GE(time, last) << tokens;
    last = time;
  }
}

// The closed form against thrown balls.
TEST(Routing, imbalance_is_that_of_balls_thrown_into_bins) {
  std::mt19937_64 random(7);
  for (const auto& [pairs, devices] : {std::pair{25600, 32}, {8192, 64}, {98304, 320}}) {
    double busiest = 0;
    constexpr int kThrows = 40;
    std::uniform_int_distribution<int> pick(0, devices - 1);
    for (int i = 0; i < kThrows; ++i) {
      std::vector<int> bins(devices);
      for (int p = 0; p < pairs; ++p) ++bins[pick(random)];
      busiest += *std::max_element(bins.begin(), bins.end()) * double(devices) / pairs / kThrows;
    }
    EXPECT_NEAR(routing_imbalance(pairs, devices) - 1, busiest - 1, 0.35 * (busiest - 1));
  }
  EXPECT_EQ(routing_imbalance(1000, 1), 1);
}

TEST(Loops, one_request_at_a_time_sees_no_other) {
  const Rig rig("dgx_h100_8", 8, kLlama);
  const ServingWorkload workload{.input = 2048, .output = 256};
  const auto loop = rig.serving().mixed(workload, {.tp = 8}, 1);
  const auto decode = rig.serving().decode(workload, {.tp = 8}, 1);
  const auto prefill = rig.serving().prefill(workload, {.tp = 8}, 256);
  ASSERT_TRUE(loop && decode && prefill);
  EXPECT_NEAR(loop->tpot / decode->tpot, 1, 0.01);
  EXPECT_NEAR(loop->ttft / prefill->time, 1, 0.01);
}

TEST(Loops, more_requests_wait_longer_and_yield_more) {
  const Rig rig("dgx_h100_8", 8, kLlama);
  const ServingWorkload workload{.input = 2048, .output = 256};
  LoopEstimate last;
  for (double concurrency : {1, 4, 16, 64}) {
    const auto loop = rig.serving().mixed(workload, {.tp = 8}, concurrency);
    ASSERT_TRUE(loop);
    EXPECT_GE(loop->ttft, last.ttft);
    EXPECT_GE(loop->tpot, last.tpot);
    EXPECT_GT(loop->tokens_per_second, last.tokens_per_second);
    last = *loop;
  }
}

// An engine like SGLang: prompts in steps of their own.
Stack engine_stack(std::vector<Fact> facts) {
  Stack stack = plain_stack();
  StackEntry engine{.family = "serving", .architecture = "*", .format = "*", .parameters = {}};
  engine.parameters.own().all = std::move(facts);
  stack.entries.push_back(engine);
  return stack;
}

// Requests of one length that start together end together: half of the others' prompts stand before
// one's own, the rest keeps it from decoding. What TTFT gains TPOT loses.
TEST(Loops, requests_that_end_together_wait_for_each_others_prompts) {
  const Rig rig("dgx_h100_8", 8, kLlama);
  ServingWorkload workload{.input = 4096, .output = 128};
  const auto steady = rig.serving().mixed(workload, {.tp = 8}, 64);
  workload.loop_rounds = 10;
  workload.length_spread = 0;
  const auto waves = rig.serving().mixed(workload, {.tp = 8}, 64);
  ASSERT_TRUE(steady && waves);
  EXPECT_GT(waves->ttft, 5 * steady->ttft);
  EXPECT_LT(waves->tpot, steady->tpot);
  EXPECT_NEAR(waves->tokens_per_second / steady->tokens_per_second, 1, 0.2);
}

TEST(Loops, an_engine_that_looks_seldom_for_requests_keeps_them_waiting) {
  const Rig rig("dgx_h100_8", 8, kLlama);
  ServingWorkload workload{.input = 1024, .output = 1024};
  const auto often = rig.serving().mixed(workload, {.tp = 8}, 16);
  workload.poll_steps = 30;
  const auto seldom = rig.serving().mixed(workload, {.tp = 8}, 16);
  ASSERT_TRUE(often && seldom);
  EXPECT_GT(seldom->ttft - often->ttft, 10 * often->decode_step);
}

TEST(Decode, the_host_is_hidden_only_behind_kernels_that_take_longer) {
  Rig rig("dgx_h100_8", 8, kLlama);
  const auto free_of_host = rig.serving().decode({}, {.tp = 8}, 64);
  rig.stack = engine_stack({number("host_step", 1e-3), number("host_sequence", 1e-3)});
  rig.kernels = *KernelModel::make(rig.machine.device, rig.stack);
  const auto beside = rig.serving().decode({}, {.tp = 8}, 64);
  const auto serial = rig.serving().decode({.serial_host = true}, {.tp = 8}, 64);
  ASSERT_TRUE(free_of_host && beside && serial);
  EXPECT_NEAR(beside->step.value(), std::max(65e-3, free_of_host->step.value()), 1e-9);
  EXPECT_NEAR((serial->step - free_of_host->step).value(), 65e-3, 1e-9);
}

TEST(Loops, pools_yield_no_more_than_prefill_lets_through) {
  const Rig rig("dgx_h100_8", 64, kLlama);
  const ServingWorkload workload{.input = 8192, .output = 64};
  const ServingPools pools{.prefill = {.tp = 8}, .decode = {.tp = 8}, .decode_instances = 7};
  const auto prefill = rig.serving().prefill(workload, {.tp = 8}, 1024);
  const auto loop = rig.serving().split(workload, pools, 512);
  ASSERT_TRUE(loop && prefill);
  EXPECT_LE(loop->tokens_per_second, 1.001 * 64 * prefill->tokens_per_second / 8192);
  EXPECT_GE(loop->tokens_per_second, 0.9 * 64 * prefill->tokens_per_second / 8192);
}

}  // namespace
}  // namespace fivefold
