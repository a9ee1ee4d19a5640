// One training step in closed form: time by part, memory by part.
#pragma once

#include "fivefold/collective/collective.h"
#include "fivefold/kernel/kernel.h"
#include "fivefold/workload/layer.h"

namespace fivefold {

enum class Recompute : std::uint8_t { kNone, kSelective, kFull };
enum class Schedule : std::uint8_t { kGpipe, k1F1B, kInterleaved };

// ep folds into dp x cp (Megatron's rule): experts are spread over ep of the ranks that hold different data.
struct TrainingLayout {
  int tp = 1, pp = 1, dp = 1, ep = 1, cp = 1, vpp = 1, etp = 1;
  int micro_batch = 1;
  int zero = 1;  // 0: none, 1: optimizer state, 2: and gradients, 3: and weights (FSDP)
  bool sequence_parallel = true;
  Recompute recompute = Recompute::kSelective;
  Schedule schedule = Schedule::k1F1B;
  int world() const { return tp * pp * dp * cp; }
};

struct TrainingJob {
  int global_batch = 1;  // sequences
  int seq_len = 4096;
  Format format = Format::kBf16;   // of matrix products
  bool overlap_grad_reduce = true;
  bool overlap_param_gather = true;
  bool overlap_tp = false;
  bool overlap_ep = false;
};

struct TrainingMemory {
  Bytes weights, gradients, optimizer, activations, buffers, total;
};

struct TrainingEstimate {
  Seconds step;
  // Parts of the step on the busiest pipeline stage; they add up to `step`.
  Seconds forward, backward, recompute, tp_exposed, cp_exposed, ep_exposed, pp_exposed, bubble, dp_exposed, optimizer;
  TrainingMemory memory;
  Ops model_ops;     // of the whole step, without recomputation (6 N D plus attention, causal halved)
  double mfu = 0;    // against the dense peak in job.format
  double tokens_per_second = 0;
};

class TrainingModel {
 public:
  // Precomputes what no layout changes. The references must outlive it.
  TrainingModel(const Machine& machine, const Model& model, const KernelModel& kernels);
  // Why a layout cannot be (does not divide, does not fit), or its estimate. Memory is checked unless told not to.
  Result<TrainingEstimate> estimate(const TrainingJob& job, const TrainingLayout& layout, bool check_memory = true) const;

 private:
  const Machine* machine_;
  const Model* model_;
  const KernelModel* kernels_;
};

}  // namespace fivefold
