// One training step in closed form: time by part, memory by part.
//
// A step is m micro batches through p pipeline stages. A stage's micro batch takes forward +
// backward (products of weights twice: gradients of the input and of the weight; FlashAttention 2.5
// times its forward, arXiv 2307.08691 section 3.1.2) + recomputation + what communication leaves
// exposed. With stages that take t_i, the slowest of them t_max, and v model chunks a device, the
// pipeline takes m t_max + (sum t_i - t_max) / v: the bubble is (p-1)/m of the work for equal
// stages, (p-1)/(m v) interleaved (Narayanan 2021, arXiv 2104.04473, section 2.2). Gradient
// reduction, weight gathers and the optimizer follow.
//
// Holds for synchronous training on equal devices. Layers of a hybrid model count by their mean: a
// stage is so many average layers. Failures, data loading and checkpoints are not in a step.
//
// Model operations and MFU: 2 operations for each weight that a token passes and attention over the
// tokens that the mask lets it see (causal: half), times three for forward and backward;
// recomputation does not count (PaLM, arXiv 2204.02311 appendix B, with causal attention halved).
// MFU divides by the dense peak in the format of the matrix products, so that FP8 training is
// measured against the FP8 peak.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "fivefold/collective/collective.h"
#include "fivefold/kernel/kernel.h"
#include "fivefold/training/optimizer.h"
#include "fivefold/training/parameters.h"
#include "fivefold/training/recompute.h"
#include "fivefold/workload/layer.h"

namespace fivefold {

// GPipe (arXiv 1811.06965), 1F1B and interleaved 1F1B (arXiv 2104.04473), zero bubble H1 and V
// (arXiv 2401.10241, 2405.15362), DualPipe (arXiv 2412.19437, section 3.2.1).
enum class Schedule : std::uint8_t { kGpipe, k1F1B, kInterleaved, kZbH1, kZbV, kDualPipe };
// Ranks from the inside out. Pipeline stages outside of the replicas, as Megatron-LM numbers them,
// or inside, so that replicas lie furthest apart.
enum class RankOrder : std::uint8_t { kTpCpDpPp, kTpCpPpDp };

// Experts are spread over ep x etp
// consecutive ranks of tp x cp x dp (Megatron-Core's folding), so ep does not add devices.
struct TrainingLayout {
  int tp = 1, pp = 1, dp = 1, ep = 1, cp = 1, vpp = 1, etp = 1;
  int micro_batch = 1;
  int zero = 1;   // 0: none, 1: optimizer state, 2: and gradients, 3: and weights (FSDP)
  int shard = 0;  // of dp x cp, ranks that ZeRO spreads over, copies across the rest (HSDP); 0: all
  bool sequence_parallel = true;
  Recompute recompute = Recompute::kSelective;
  Modules recompute_modules;  // beside attention scores, of selective recomputation
  int recompute_layers = 0;   // of full recomputation: so many of each part of the model; 0: all
  Schedule schedule = Schedule::k1F1B;
  RankOrder order = RankOrder::kTpCpDpPp;
  int first_layers = 0, last_layers = 0;   // of the first and the last part of the model; 0: even
  int front_stages = 0, front_layers = 0;  // the first parts hold so many layers together; 0: even
  int world() const { return tp * pp * dp * cp; }
};

struct TrainingJob {
  int global_batch = 1;  // sequences
  int seq_len = 4096;
  Format format = Format::kBf16;  // of matrix products
  bool overlap_grad_reduce = true;
  bool overlap_param_gather = true;
  bool overlap_tp = false;
  bool overlap_ep = false;      // with a micro batch that passes the other way (task_times.h)
  bool overlap_pp = true;       // of the schedules that need not wait: not GPipe, not 1F1B
  bool fused_attention = true;  // false: scores are written to memory
  bool dropout = false;         // after attention, scores and FFN, as GPT-3 is trained
  bool mtp = false;           // the model's layers that predict further tokens are trained with it
  bool frozen_base = false;   // LoRA: no gradients, no optimizer state of the weights
  double gradient_bytes = 4;  // of one stored and reduced gradient
  // Tokens of the busiest rank's experts over the mean: 1 is forced balance. With a capacity factor
  // each expert takes so many times the mean, what is above is dropped and the rest padded
  // (GShard, arXiv 2006.16668 section 2.2; Megatron-Core's pad_expert_input_to_capacity).
  double expert_skew = 1;
  double capacity_factor = 0;  // 0: no token is dropped
  double expert_load() const { return capacity_factor > 0 ? capacity_factor : expert_skew; }
  OptimizerState optimizer;
  bool eager = false;  // PyTorch without a compiler: values that no gradient reads are kept too
  // Inputs of products wait for the gradient of the weight in the products' own format, as
  // Transformer Engine keeps them (torchao: in 16 bit).
  bool narrow_saved = false;
  // So do inputs of activation functions (Megatron-Core's activation_func_fp8_input_store;
  // DeepSeek-V3, arXiv 2412.19437 section 3.3.3).
  bool narrow_activations = false;
  // Of one logit at the loss's height: 16-bit logits, FP32 copy and gradient as Megatron's fused
  // cross entropy holds them; PyTorch's own also log-softmax and the gradient in 16 bit: 16.
  double logit_bytes = 10;
  // Held in the host's memory and moved over `host_link` of each device (ZeRO-Offload, arXiv
  // 2101.06840): optimizer states with the update, layer inputs of full recomputation.
  bool offload_optimizer = false, offload_activations = false;
  BytesPerSecond host_link{25e9};  // PCIe 4 x16
};

// The job as Megatron-Core's recipes run it: what can pass beside compute does, inputs of products
// wait in their format.
TrainingJob as_megatron_core(TrainingJob job);

// Of one device. Loss: logits and what is made of them. Buffers: gathered weights, a layer that is
// computed again, communication and workspaces. Fragmentation: of the allocator, which publishes
// reserve rather than use where a source says so.
struct TrainingMemory {
  Bytes weights, gradients, optimizer, activations, loss, buffers, fragmentation, total;
};

struct TrainingEstimate {
  Seconds step;
  // Parts of the step on the busiest pipeline stage; they add up to `step`. `host`: the device
  // waits for operators to be issued. `straggling`: all wait for the slowest device.
  Seconds forward, backward, recompute, tp_exposed, cp_exposed, ep_exposed, pp_exposed, bubble,
      dp_exposed, optimizer, host, straggling;
  TrainingMemory memory;  // of the device that needs the most
  Ops model_ops;          // of the whole step
  double mfu = 0;
  double tokens_per_second = 0;
};

struct ModelCost;
struct Step;
struct SimulateOptions;
struct TrainingSimulation;

class TrainingModel {
 public:
  // The references must outlive it.
  TrainingModel(const Machine& machine, const Model& model, const KernelModel& kernels);
  // With these parameters in the place of the stack's.
  TrainingModel(const Machine& machine, const Model& model, const KernelModel& kernels,
                const TrainingParameters& parameters);
  // Why a layout cannot be (does not divide, does not fit), or its estimate. Memory is checked
  // unless told not to. Costs that do not depend on pp, dp and the schedule are kept between calls;
  // calls from several threads are safe.
  Result<TrainingEstimate> estimate(const TrainingJob& job, const TrainingLayout& layout,
                                    bool check_memory = true) const;
  // The same step, played task by task (simulate.h).
  Result<TrainingSimulation> simulate(const TrainingJob& job, const TrainingLayout& layout,
                                      const SimulateOptions& options,
                                      bool check_memory = true) const;
  // Of a layout that check_layout lets pass: its memory alone, ...
  TrainingMemory memory(const TrainingJob& job, const TrainingLayout& layout) const;
  // ... and what a step takes at least with this tp, cp, ep, etp and micro batch, whatever pp, dp,
  // schedule and sharding: compute alone, without a bubble.
  Seconds least_step(const TrainingJob& job, const TrainingLayout& layout) const;

  // All that an estimate is made of (stage.h); it points to the job and the layout.
  Step step(const TrainingJob& job, const TrainingLayout& layout) const;

 private:
  struct Memo;
  const ModelCost& cost(const TrainingJob& job, const TrainingLayout& layout) const;

  const Machine* machine_;
  const Model* model_;
  const KernelModel* kernels_;
  std::array<TrainingParameters, kFormatCount> parameters_;  // by format of matrix products
  std::shared_ptr<Memo> memo_;
};

}  // namespace fivefold
