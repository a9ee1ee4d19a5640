#include "fivefold/training/training.h"

#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/training/activations.h"
#include "fivefold/training/backward.h"
#include "fivefold/training/layout.h"
#include "fivefold/training/parts.h"
#include "fivefold/training/pipeline.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

Device a_device() {
  Device device;
  device.chip = "test";
  device.architecture = "hopper";
  device.peak[std::size_t(Format::kBf16)] = OpsPerSecond(989e12);
  device.peak[std::size_t(Format::kFp16)] = OpsPerSecond(989e12);
  device.peak[std::size_t(Format::kFp8)] = OpsPerSecond(1979e12);
  device.vector_peak = OpsPerSecond(67e12);
  device.memory_bandwidth = BytesPerSecond(3.35e12);
  device.memory_capacity = Bytes(80e9);
  device.cores = 132;
  device.clock = Hertz(1.755e9);
  device.l2_capacity = Bytes(50e6);
  device.scratch_per_core = Bytes(228e3);
  device.tdp = Watts(700);
  return device;
}

// Nodes of eight on a network. `speed` multiplies both bandwidths; 0: communication is free.
Machine a_machine(int devices, double speed = 1) {
  Machine machine;
  machine.device = a_device();
  machine.devices = machine.chips = devices;
  const double free = speed == 0 ? 1e12 : speed;
  Level node, network;
  node.name = "nvlink";
  node.size = node.fanout = std::min(8, devices);
  node.bandwidth = BytesPerSecond(450e9 * free);
  network.name = "network";
  network.size = devices;
  network.fanout = devices / node.size;
  network.bandwidth = BytesPerSecond(50e9 * free);
  network.kind = LevelKind::kClos;
  for (Level* level : {&node, &network}) {
    for (LinkParameters& link : level->link.of) link.protocols[0].share = 1;
  }
  machine.levels = {node, network};
  return machine;
}

Model a_gpt(int layers, int hidden, int heads, int vocabulary = 51200) {
  Model model;
  model.id = "gpt";
  model.hidden = hidden;
  model.vocabulary = vocabulary;
  model.tied_embeddings = true;
  model.position_parameters = 2048.0 * hidden;
  LayerGroup layer;
  layer.count = layers;
  layer.attention = GqaAttention{.heads = heads,
                                 .kv_heads = heads,
                                 .head_dim = hidden / heads,
                                 .qkv_bias = true,
                                 .out_bias = true};
  layer.ffn = DenseFfn{.width = 4 * hidden, .gated = false, .bias = true};
  layer.norm_bias = true;
  model.layers = {layer};
  return model;
}

// Layers alone: every pipeline stage is equal.
Model bare(Model model) {
  model.vocabulary = 0;
  model.lm_head = model.final_norm = false;
  model.position_parameters = 0;
  return model;
}

// Kernels at 70% of peak and 85% of memory bandwidth.
Stack a_stack() {
  Stack stack;
  stack.id = "test";
  StackEntry entry;
  entry.family = entry.architecture = entry.format = "*";
  const std::pair<const char*, double> parameters[] = {
      {"compute_fraction", 0.7}, {"memory_fraction", 0.85}, {"launch", 3e-6}};
  for (const auto& [name, value] : parameters) {
    Fact fact;
    fact.path = name;
    fact.kind = Fact::Kind::kNumber;
    fact.number = value;
    entry.parameters.own().all.push_back(fact);
  }
  stack.entries.push_back(entry);
  return stack;
}

struct World {
  Machine machine;
  Model model;
  Stack stack = a_stack();
  KernelModel kernels;
  World(Machine m, Model of)
      : machine(std::move(m)),
        model(std::move(of)),
        kernels(*KernelModel::make(machine.device, stack)) {}
  Result<TrainingEstimate> estimate(const TrainingJob& job, const TrainingLayout& layout,
                                    bool check_memory = false) const {
    return TrainingModel(machine, model, kernels).estimate(job, layout, check_memory);
  }
};

double parts(const TrainingEstimate& e) {
  Seconds sum;
  for (const StepPart& part : step_parts(e)) sum += part.time;
  return sum.value();
}

TEST(Pipeline, bubble_of_equal_stages_is_p_minus_1_over_m) {
  const World world(a_machine(8, 0), bare(a_gpt(32, 4096, 32)));
  for (int m : {8, 16, 64}) {
    const auto e = world.estimate({.global_batch = m, .seq_len = 2048}, {.pp = 8});
    ASSERT_TRUE(e) << to_text(e.error());
    EXPECT_NEAR(e->bubble / (e->forward + e->backward), 7.0 / m, 1e-6);
    EXPECT_NEAR(parts(*e), e->step.value(), 1e-12);
  }
}

TEST(Pipeline, interleaving_divides_the_bubble_by_its_chunks) {
  const World world(a_machine(8, 0), bare(a_gpt(32, 4096, 32)));
  const TrainingJob job{.global_batch = 16, .seq_len = 2048};
  const auto e = world.estimate(job, {.pp = 8, .vpp = 4, .schedule = Schedule::kInterleaved});
  ASSERT_TRUE(e);
  EXPECT_NEAR(e->bubble / (e->forward + e->backward), 7.0 / (16 * 4), 1e-6);
}

TEST(Pipeline, layers_that_do_not_divide_lengthen_the_busiest_stage) {
  const World even(a_machine(8, 0), bare(a_gpt(32, 4096, 32)));
  const World uneven(a_machine(8, 0), bare(a_gpt(33, 4096, 32)));
  const TrainingJob job{.global_batch = 16, .seq_len = 2048};
  const auto four = even.estimate(job, {.pp = 8}), five = uneven.estimate(job, {.pp = 8});
  ASSERT_TRUE(four && five);
  EXPECT_NEAR(five->forward / four->forward, 5.0 / 4, 1e-9);
  for (int layers : {61, 80, 94, 126}) {
    for (int pp : {1, 2, 4, 8, 16}) {
      int sum = 0;
      const Model model = a_gpt(layers, 1024, 16);
      const auto of = [&](int stage) { return stage_share(model, {.pp = pp}, stage).all_layers(); };
      for (int stage = 0; stage < pp; ++stage) sum += of(stage);
      EXPECT_EQ(sum, layers);
      EXPECT_LE(of(pp - 1), of(0));
    }
  }
}

TEST(Pipeline, first_stage_of_1f1b_holds_as_many_micro_batches_as_stages) {
  const TrainingLayout plain{.pp = 8};
  EXPECT_EQ(in_flight(plain, 0, 0, 64), 8);
  EXPECT_EQ(in_flight(plain, 7, 0, 64), 1);
  EXPECT_EQ(in_flight(plain, 0, 0, 4), 4);
  // Korthikanti 2022, section 4.2.3: interleaving holds 1 + (p-1)/(p m) times as much.
  const TrainingLayout interleaved{.pp = 8, .vpp = 3, .schedule = Schedule::kInterleaved};
  int chunks = 0;
  for (int chunk = 0; chunk < 3; ++chunk) chunks += in_flight(interleaved, 0, chunk, 64);
  EXPECT_NEAR(chunks / 3.0, 8 * (1 + 7.0 / 24), 1e-12);
  EXPECT_EQ(in_flight({.pp = 8, .schedule = Schedule::kGpipe}, 0, 0, 64), 64);
}

TEST(Step, grows_with_layers_and_batch) {
  Seconds last;
  for (int layers : {8, 12, 24, 48}) {
    const World world(a_machine(8), a_gpt(layers, 4096, 32));
    const auto e = world.estimate({.global_batch = 16, .seq_len = 2048}, {.tp = 2, .dp = 4});
    ASSERT_TRUE(e);
    EXPECT_GT(e->step, last);
    last = e->step;
  }
  last = Seconds();
  const World world(a_machine(8), a_gpt(24, 4096, 32));
  for (int batch : {8, 16, 64, 256}) {
    const auto e = world.estimate({.global_batch = batch, .seq_len = 2048}, {.tp = 2, .dp = 4});
    ASSERT_TRUE(e);
    EXPECT_GT(e->step, last);
    last = e->step;
  }
}

TEST(Step, one_replica_reduces_no_gradients) {
  const World world(a_machine(8), a_gpt(24, 4096, 32));
  for (int zero : {0, 1, 2, 3}) {
    const TrainingJob job{.global_batch = 8, .seq_len = 2048, .overlap_grad_reduce = false};
    const auto alone = world.estimate(job, {.tp = 8, .zero = zero});
    const auto pair = world.estimate(job, {.tp = 4, .dp = 2, .zero = zero});
    ASSERT_TRUE(alone && pair);
    EXPECT_EQ(alone->dp_exposed.value(), 0);
    EXPECT_GT(pair->dp_exposed.value(), 0);
  }
}

TEST(Step, more_replicas_are_never_slower_when_communication_is_free) {
  Seconds last(1e9);
  for (int dp : {1, 2, 4, 8, 16}) {
    const World world(a_machine(dp, 0), a_gpt(24, 2048, 16));
    const auto e = world.estimate({.global_batch = 64, .seq_len = 2048}, {.dp = dp});
    ASSERT_TRUE(e);
    EXPECT_LT(e->step, last);
    last = e->step;
  }
}

TrainingModel with_parameter(const World& w, const char* name, double value) {
  TrainingParameters parameters;
  set_parameter(parameters, name, value);
  return {w.machine, w.model, w.kernels, parameters};
}

// The table is as wide in all three products of the head.
TEST(Step, an_odd_vocabulary_slows_the_head_and_nothing_else) {
  const World even(a_machine(1), a_gpt(4, 1024, 16, 50256)),
      odd(a_machine(1), a_gpt(4, 1024, 16, 50257));
  const TrainingJob job{.global_batch = 8, .seq_len = 1024};
  const TrainingLayout layout{.micro_batch = 8, .sequence_parallel = false};
  const auto seconds = [&](const World& w, double rate) {
    return with_parameter(w, "odd", rate).estimate(job, layout, false)->step.value();
  };
  EXPECT_DOUBLE_EQ(seconds(even, 0.25), seconds(even, 1));
  EXPECT_NEAR(seconds(odd, 1), seconds(even, 1), 1e-4 * seconds(even, 1));
  // Three products at 70% of 989 Tflop/s take four times as long.
  const double head = 3 * 2.0 * 8 * 1024 * 1024 * 50257 / (0.7 * 989e12);
  EXPECT_NEAR(seconds(odd, 0.25) - seconds(odd, 1), 3 * head, 0.15 * 3 * head);
}

// Between long products a synchronous framework waits for the short operators; one that overlaps
// issues them meanwhile.
TEST(Step, a_host_without_a_lead_is_seen_beside_long_products) {
  const World w(a_machine(1), bare(a_gpt(4, 2048, 16)));
  const TrainingLayout layout{.micro_batch = 8, .sequence_parallel = false};
  TrainingJob job{.global_batch = 8, .seq_len = 2048};
  const auto host = [&](double host_time) {
    return with_parameter(w, "host_time", host_time).estimate(job, layout, false)->host.value();
  };
  EXPECT_DOUBLE_EQ(host(100e-6), 0);  // beside 30 ms of compute
  job.overlap_pp = job.overlap_grad_reduce = false;
  EXPECT_DOUBLE_EQ(host(0), 0);
  EXPECT_GT(host(100e-6), 0);
  EXPECT_LT(host(100e-6), 4 * 30 * 100e-6);   // less than all that it issues
  EXPECT_GT(host(200e-6), 2 * host(100e-6));  // more operators are shorter
}

TEST(Step, full_recomputation_adds_the_forward_pass_of_the_layers) {
  const World world(a_machine(1), bare(a_gpt(24, 2048, 16)));
  const TrainingJob job{.global_batch = 4, .seq_len = 2048};
  const auto none = world.estimate(job, {.recompute = Recompute::kNone});
  const auto full = world.estimate(job, {.recompute = Recompute::kFull});
  ASSERT_TRUE(none && full);
  EXPECT_NEAR((full->step - none->step) / none->forward, 1, 1e-9);
  EXPECT_EQ(full->model_ops, none->model_ops);
}

TEST(Step, utilisation_stays_below_one_and_counts_6nd) {
  const World world(a_machine(64), a_gpt(96, 12288, 96));
  for (const Format format : {Format::kBf16, Format::kFp8}) {
    const TrainingJob job{.global_batch = 256, .seq_len = 2048, .format = format};
    const auto e = world.estimate(job, {.tp = 8, .pp = 8});
    ASSERT_TRUE(e);
    EXPECT_GT(e->mfu, 0.2);
    EXPECT_LT(e->mfu, 1);
    // GPT-3 has 175 billion parameters; attention adds s / (6 h) of half the scores.
    const double six_nd = 6 * 175e9 * 256 * 2048;
    EXPECT_NEAR(e->model_ops.value() / six_nd, 1 + 2048 / (12.0 * 12288), 0.01);
  }
}

TEST(Step, fp8_is_faster_than_bf16_but_not_twice) {
  const World world(a_machine(8), a_gpt(24, 8192, 64));
  const TrainingLayout layout{.tp = 8};
  const auto wide = world.estimate({.global_batch = 8, .seq_len = 4096}, layout);
  const auto narrow =
      world.estimate({.global_batch = 8, .seq_len = 4096, .format = Format::kFp8}, layout);
  ASSERT_TRUE(wide && narrow);
  EXPECT_GT(wide->step / narrow->step, 1.1);
  EXPECT_LT(wide->step / narrow->step, 2);
}

TEST(Step, frozen_weights_save_a_third_of_the_work) {
  const World world(a_machine(8), a_gpt(24, 8192, 64));
  const TrainingJob all{.global_batch = 8, .seq_len = 4096};
  TrainingJob frozen = all;
  frozen.frozen_base = true;
  const auto a = world.estimate(all, {.tp = 8}), f = world.estimate(frozen, {.tp = 8});
  ASSERT_TRUE(a && f);
  EXPECT_NEAR(f->model_ops / a->model_ops, 2.0 / 3, 1e-9);
  EXPECT_LT(f->step, a->step);
  EXPECT_EQ(f->memory.optimizer.value(), 0);
}

TEST(Step, threads_agree_to_the_bit) {
  const World world(a_machine(64), a_gpt(96, 12288, 96));
  const TrainingModel shared(world.machine, world.model, world.kernels);
  const TrainingJob job{.global_batch = 256, .seq_len = 2048};
  const TrainingLayout layout{.tp = 8, .pp = 8};
  const Seconds alone = world.estimate(job, layout)->step;
  std::vector<Seconds> steps(4);
  std::vector<std::thread> threads;
  for (Seconds& step : steps) {
    threads.emplace_back([&] { step = shared.estimate(job, layout, false)->step; });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Seconds step : steps) EXPECT_EQ(step, alone);
}

// Parameters, layers, hidden, heads: Narayanan 2021 (arXiv 2104.04473), table 1.
struct PublishedGpt {
  double billions;
  int layers, hidden, heads;
};
TEST(Memory, weights_are_the_published_parameter_counts) {
  for (const PublishedGpt& gpt :
       {PublishedGpt{1.7, 24, 2304, 24}, PublishedGpt{3.6, 30, 3072, 32},
        PublishedGpt{7.5, 36, 4096, 32}, PublishedGpt{18.4, 40, 6144, 48},
        PublishedGpt{39.1, 48, 8192, 64}, PublishedGpt{145.6, 80, 12288, 96},
        PublishedGpt{529.6, 105, 20480, 128}, PublishedGpt{1008.0, 128, 25600, 160}}) {
    const World world(a_machine(1), a_gpt(gpt.layers, gpt.hidden, gpt.heads));
    const auto e = world.estimate({.global_batch = 1, .seq_len = 2048}, {});
    ASSERT_TRUE(e);
    EXPECT_NEAR(e->memory.weights.value() / 2 / 1e9, gpt.billions, 0.01 * gpt.billions + 0.05);
  }
}

// ZeRO (arXiv 1910.02054), figure 1: a model of 7.5 billion parameters on 64 devices.
TEST(Memory, zero_stages_need_what_the_paper_prints) {
  const double published[] = {120e9, 31.4e9, 16.6e9, 1.9e9};
  const World world(a_machine(64), bare(a_gpt(36, 4167, 1)));  // 12 x 36 x 4167^2 = 7.5e9
  for (int zero : {0, 1, 2, 3}) {
    const TrainingJob job{.global_batch = 64, .seq_len = 2048, .gradient_bytes = 2};
    const auto e = world.estimate(job, {.dp = 64, .zero = zero});
    ASSERT_TRUE(e);
    const Bytes states = e->memory.weights + e->memory.gradients + e->memory.optimizer;
    EXPECT_NEAR(states.value() / published[zero], 1, 0.015) << "zero " << zero;
  }
}

LayerGroup layer_of(int hidden, int heads) {
  return a_gpt(1, hidden, heads).layers.front();
}

// Korthikanti 2022 (arXiv 2205.05198), section 5: recomputing the scores saves 70% of the
// activation memory of GPT-3 and 65% of MT-NLG 530B; section 4.1: 34 s b h and 5 a s^2 b without
// parallelism.
TEST(Memory, selective_recomputation_saves_what_the_paper_says) {
  const TrainingJob job{
      .global_batch = 1, .seq_len = 2048, .fused_attention = false, .dropout = true};
  const TrainingLayout layout{.sequence_parallel = false};
  const Activations gpt3 =
      layer_activations(a_gpt(96, 12288, 96), layer_of(12288, 96), layout, job);
  EXPECT_NEAR(gpt3.scores / gpt3.kept, 0.70, 0.005);
  EXPECT_NEAR(gpt3.of(Recompute::kSelective).value(), 34.0 * 2048 * 12288, 1);
  EXPECT_NEAR(gpt3.of(Recompute::kFull).value(), 2.0 * 2048 * 12288, 1);
  const Activations mt_nlg =
      layer_activations(a_gpt(105, 20480, 128), layer_of(20480, 128), layout, job);
  EXPECT_NEAR(mt_nlg.scores / mt_nlg.kept, 0.65, 0.005);
}

// The same paper, section 4.2: tensor parallelism leaves 10 s b h, which sequence parallelism cuts.
TEST(Memory, sequence_parallelism_cuts_what_tensor_parallelism_leaves) {
  const TrainingJob job{
      .global_batch = 1, .seq_len = 2048, .fused_attention = false, .dropout = true};
  const Model model = a_gpt(96, 12288, 96);
  const double sbh = 2048.0 * 12288;
  const Activations tensor =
      layer_activations(model, model.layers.front(), {.tp = 8, .sequence_parallel = false}, job);
  EXPECT_NEAR(tensor.kept.value() / sbh, 10 + 24.0 / 8 + 80.0 / 8, 1e-9);
  const Activations sequence = layer_activations(model, model.layers.front(), {.tp = 8}, job);
  EXPECT_NEAR(sequence.kept.value() / sbh, (34 + 80) / 8.0, 1e-9);
}

TEST(Layout, says_why_it_cannot_be) {
  const World world(a_machine(128), a_gpt(96, 12288, 96));
  const TrainingJob job{.global_batch = 256, .seq_len = 2048};
  const auto reason = [&](const TrainingLayout& layout) {
    const auto e = world.estimate(job, layout, true);
    return e ? std::string("it can") : to_text(e.error());
  };
  EXPECT_THAT(reason({.tp = 5, .dp = 1}), HasSubstr("tp 5 does not divide 96 heads"));
  EXPECT_THAT(reason({.tp = 8, .pp = 8}),
              HasSubstr("world tp x pp x dp x cp = 64 is not the machine's 128 devices"));
  EXPECT_THAT(reason({.tp = 8, .dp = 16, .ep = 4}), HasSubstr("ep 4: gpt has no experts"));
  EXPECT_THAT(reason({.tp = 8, .dp = 16, .micro_batch = 32}),
              HasSubstr("global batch 256 is not a multiple of dp x micro batch = 512"));
  EXPECT_THAT(reason({.pp = 128}), HasSubstr("pp 128 is more than 96 layers"));
  EXPECT_THAT(reason({.tp = 8, .pp = 4, .dp = 4, .vpp = 2}),
              HasSubstr("vpp 2 needs the interleaved schedule"));
  EXPECT_THAT(reason({.tp = 0}), HasSubstr("tp 0 must be at least 1"));
  EXPECT_THAT(reason({.tp = 8, .dp = 16}), HasSubstr("does not fit: "));
  EXPECT_THAT(reason({.tp = 8, .dp = 16}),
              HasSubstr(" GB too much, most of it gradients (weights "));
  EXPECT_EQ(reason({.tp = 8, .pp = 16}), "it can");
}

TEST(Backward, matrix_gradients_take_twice_the_operations) {
  const Op forward{"proj", Family::kGemm, Gemm{.m = 4096, .n = 8192, .k = 1024}, 1};
  Ops sum;
  for (const Op& op : backward_ops(forward, {})) sum += work(op.shape).ops;
  EXPECT_EQ(sum, 2 * work(forward.shape).ops);
  Ops frozen;
  for (const Op& op : backward_ops(forward, {.weight_gradient = false}))
    frozen += work(op.shape).ops;
  EXPECT_EQ(frozen, work(forward.shape).ops);
}

TEST(Backward, a_gradient_is_narrowed_once_for_both_products_that_take_it) {
  const Op forward{
      "proj", Family::kGemm,
      Gemm{
          .m = 4096, .n = 8192, .k = 1024, .a = Format::kFp8, .b = Format::kFp8, .quantises = true},
      1};
  int narrowings = 0;
  for (const Op& op : backward_ops(forward, {})) {
    if (const auto* product = std::get_if<Gemm>(&op.shape)) {
      narrowings += product->quantises;
    } else {
      ++narrowings;
      EXPECT_DOUBLE_EQ(std::get<Streaming>(op.shape).read.value(), 4096.0 * 8192 * 2);
    }
  }
  EXPECT_EQ(narrowings, 1);
}

TEST(Backward, stored_scores_take_twice_the_products) {
  const AttentionCore core{.batch = 2,
                           .q_len = 1024,
                           .kv_len = 1024,
                           .heads = 16,
                           .kv_heads = 16,
                           .qk_dim = 64,
                           .v_dim = 64};
  const auto products = [](const auto& ops) {
    Ops sum;
    for (const Op& op : ops) {
      if (op.family == Family::kGemm) sum += work(op.shape).ops;
    }
    return sum;
  };
  EXPECT_EQ(products(unfused_attention_backward(core, true)),
            2 * products(unfused_attention(core, true)));
}

TEST(Parameters, of_a_format_go_over_those_of_all) {
  Stack stack;
  const auto entry = [](const char* format, const char* name, double value) {
    StackEntry e{.family = "training", .architecture = "hopper", .format = format};
    Fact fact;
    fact.path = name;
    fact.number = value;
    e.parameters.own().all.push_back(fact);
    return e;
  };
  stack.entries = {entry("*", "sustained", 0.8), entry("narrow", "sustained", 0.9)};
  EXPECT_EQ(training_parameters(stack, a_device(), Format::kBf16).sustained, 0.8);
  EXPECT_EQ(training_parameters(stack, a_device(), Format::kFp8).sustained, 0.9);
}

TEST(Experts, have_the_operations_of_their_products) {
  const MoeBlock block{.tokens = 8192,
                       .hidden = 4096,
                       .width = 1536,
                       .experts = 128,
                       .local_experts = 16,
                       .topk = 8,
                       .exchanged = true};
  double ops = 0, gradients = 0;
  for (const Op& op : expert_ops(block, Format::kBf16)) {
    const auto* gemm = std::get_if<Gemm>(&op.shape);
    if (gemm == nullptr) continue;
    ops += 2 * gemm->m * gemm->n * gemm->k * gemm->batch;
    for (const Op& gradient : backward_ops(op, {})) gradients += work(gradient.shape).ops.value();
  }
  EXPECT_NEAR(ops, 6 * block.routed_pairs() * block.hidden * block.width, 1e-6 * ops);
  EXPECT_NEAR(gradients, 2 * ops, 1e-6 * gradients);  // of the input and of the weight
}

TEST(Step, waits_longer_for_the_slowest_of_more_devices) {
  const Model gpt = a_gpt(8, 2048, 16);
  double before = 0;
  for (const int devices : {8, 64, 512}) {
    const World world(a_machine(devices, 0), gpt);
    TrainingParameters parameters;
    parameters.spread = 0.02;
    const TrainingModel model(world.machine, world.model, world.kernels, parameters);
    const auto e = model.estimate({.global_batch = devices, .seq_len = 2048}, {.dp = devices});
    ASSERT_TRUE(e.has_value());
    const double share = e->straggling / (e->forward + e->backward + e->recompute);
    EXPECT_GT(share, before);
    EXPECT_LT(share, 0.02 * 4);  // four deviations: one of thirty thousand
    before = share;
  }
}

}  // namespace
}  // namespace fivefold
