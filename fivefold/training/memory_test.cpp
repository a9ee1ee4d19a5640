// What a step holds, by kind: closed forms, and what each way to save memory frees.
#include "fivefold/training/memory.h"

#include <gtest/gtest.h>

#include "fivefold/catalog/catalog.h"
#include "fivefold/training/activations.h"

namespace fivefold {
namespace {

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

struct World {
  const Model& model;
  Stack stack =
      training_stack(catalog(), *catalog().chip("h100_sxm").value(), "train/megatron-core");
  Machine machine;
  KernelModel kernels;

  World(const char* name, int chips)
      : model(*catalog().model(name).value()),
        machine(*build_machine(*catalog().system("dgx_h100_8").value(), chips, stack)),
        kernels(*KernelModel::make(machine.device, stack)) {}
  TrainingEstimate of(const TrainingJob& job, const TrainingLayout& layout) const {
    const auto estimate = TrainingModel(machine, model, kernels).estimate(job, layout, false);
    EXPECT_TRUE(estimate) << to_text(estimate.error());
    return estimate.value_or(TrainingEstimate{});
  }
};

constexpr TrainingJob kJob{.global_batch = 16, .seq_len = 8192};
constexpr TrainingLayout kFsdp{
    .dp = 8, .micro_batch = 2, .zero = 3, .sequence_parallel = false, .recompute = Recompute::kOps};

TEST(Memory, kinds_add_up) {
  const World world("llama3.1-8b", 8);
  const TrainingMemory m = world.of(kJob, kFsdp).memory;
  EXPECT_NEAR(
      (m.weights + m.gradients + m.optimizer + m.activations + m.loss + m.buffers + m.fragmentation)
          .value(),
      m.total.value(), 1);
}

// Of Llama 3 8B by operator: input, q, v, attention's output, the gate's product.
TEST(Memory, by_operator_every_second_product_is_kept) {
  const Model& model = *catalog().model("llama3.1-8b").value();
  const Activations a = layer_activations(model, model.layers.front(), kFsdp, kJob);
  const double tokens = 2 * 8192, values = 4096 + 4096 + 1024 + 4096 + 14336;
  EXPECT_NEAR(a.of(Recompute::kOps).value(), 2 * tokens * values, 1);
  TrainingJob eager = kJob;
  eager.eager = true;
  const Activations more = layer_activations(model, model.layers.front(), kFsdp, eager);
  EXPECT_NEAR((more.of(Recompute::kOps) - a.of(Recompute::kOps)).value(), 2 * tokens * 4096, 1);
}

TEST(Memory, each_module_that_runs_again_frees_what_it_keeps_and_takes_time) {
  const World world("deepseek-v3", 64);
  TrainingLayout layout{.dp = 64, .ep = 64, .sequence_parallel = false};
  TrainingJob job{.global_batch = 64, .seq_len = 4096};
  const TrainingEstimate none = world.of(job, layout);
  Modules all;
  for (int m = 0; m < kModules; ++m) {
    layout.recompute_modules = Modules{}.with(Module(m));
    all = all.with(Module(m));
    const TrainingEstimate e = world.of(job, layout);
    EXPECT_LT(e.memory.activations, none.memory.activations) << m;
    if (Module(m) != Module::kExpertActivation) {
      EXPECT_GT(e.recompute, none.recompute) << m;
    }
  }
  layout.recompute_modules = all;
  const TrainingEstimate most = world.of(job, layout);
  EXPECT_GT(most.memory.activations, Bytes(0));
  layout.recompute_modules = {};
  layout.recompute = Recompute::kFull;
  EXPECT_LT(world.of(job, layout).memory.activations, most.memory.activations);
}

TEST(Memory, more_layers_that_run_again_hold_less_and_take_longer) {
  const World world("llama3.1-8b", 8);
  TrainingLayout layout = kFsdp;
  layout.recompute = Recompute::kNone;
  TrainingEstimate last = world.of(kJob, layout);
  layout.recompute = Recompute::kFull;
  for (const int layers : {8, 16, 24, 32}) {
    layout.recompute_layers = layers;
    const TrainingEstimate e = world.of(kJob, layout);
    EXPECT_LT(e.memory.activations, last.memory.activations);
    EXPECT_GT(e.step, last.step);
    last = e;
  }
  layout.recompute_layers = 0;  // all
  EXPECT_EQ(world.of(kJob, layout).step, last.step);
}

// Bytes a parameter: weight, gradient and states.
TEST(Memory, optimizers_hold_what_their_states_take) {
  const World world("llama3.1-8b", 8);
  const auto states = [&](OptimizerState optimizer, double gradient) {
    TrainingJob job = kJob;
    job.optimizer = optimizer;
    job.gradient_bytes = gradient;
    TrainingLayout layout = kFsdp;
    const TrainingMemory m = world.of(job, layout).memory;
    return (m.weights + m.gradients + m.optimizer).value() / (8.03e9 / 8);
  };
  EXPECT_NEAR(states({}, 4), 18, 0.02);  // ZeRO, arXiv 1910.02054: 16, with FP32 gradients 18
  EXPECT_NEAR(states({.master = MasterWeights::kIsWeight}, 4), 16, 0.02);
  EXPECT_NEAR(states({.moment_bytes = 2, .master = MasterWeights::kNone}, 2), 8, 0.01);
  EXPECT_NEAR(states({.moment_bytes = 1}, 4), 12, 0.02);
  EXPECT_NEAR(states(kMuon, 4), 14, 0.02);
}

TEST(Memory, states_in_the_host_leave_the_device_and_cost_their_transfer) {
  const World world("llama3.1-8b", 8);
  TrainingJob job = kJob;
  const TrainingEstimate here = world.of(job, kFsdp);
  job.offload_optimizer = true;
  const TrainingEstimate away = world.of(job, kFsdp);
  EXPECT_EQ(away.memory.optimizer, Bytes(0));
  // Gradients of 4 bytes out and weights of 2 in, of an eighth of the parameters.
  EXPECT_NEAR(away.optimizer.value(), 6 * 8.03e9 / 8 / 25e9, 0.002);
  EXPECT_GT(away.optimizer, here.optimizer);
  TrainingLayout full = kFsdp;
  full.recompute = Recompute::kFull;
  job.offload_activations = true;
  EXPECT_LT(world.of(job, full).memory.activations, world.of(kJob, full).memory.activations);
}

TEST(Memory, the_loss_of_pytorch_holds_more_than_a_fused_one) {
  const World world("llama3.1-8b", 8);
  TrainingJob job = kJob;
  const TrainingMemory fused = world.of(job, kFsdp).memory;
  job.logit_bytes = 16;
  const TrainingMemory plain = world.of(job, kFsdp).memory;
  EXPECT_NEAR((plain.total - fused.total).value(), 6 * 2 * 8192 * 128256.0,
              0.15 * 6 * 2 * 8192 * 128256.0);
}

}  // namespace
}  // namespace fivefold
