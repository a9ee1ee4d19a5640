// Serving in steady state, in closed form: a pool of instances that prefill, a pool that decode.
#pragma once

#include "fivefold/collective/collective.h"
#include "fivefold/kernel/kernel.h"
#include "fivefold/workload/layer.h"

namespace fivefold {

// One instance: `devices` ranks that hold one copy of the weights. Attention: dp groups of tp ranks.
// Experts: over ep ranks (ep = devices / pp / etp for large EP).
struct ServingLayout {
  int tp = 1;   // attention and dense FFN
  int dp = 1;   // attention data parallel
  int ep = 1;   // expert parallel; 1: experts cut like dense layers
  int pp = 1;
  int devices() const { return tp * dp * pp; }
};

struct ServingWorkload {
  double input = 4096;   // tokens
  double output = 1024;
  Seconds ttft_limit{0}; // 0: none
  Seconds tpot_limit{0};
  int draft_tokens = 0;       // multi-token prediction: drafted a step
  double acceptance = 0.7;    // of each draft
  bool microbatch_overlap = true;  // two batches hide communication behind compute
  double expert_imbalance = 0;     // busiest device over the mean; 0: from the routing statistics
  double memory_reserve = 0.1;     // of capacity: context, activations, fragmentation
};

struct ServingMemory {
  Bytes weights, cache, reserve, total;  // per device
  double max_sequences = 0;              // per device, at input + output tokens
};

struct PrefillEstimate {
  Seconds time;  // of one batch, TTFT without queueing
  double tokens_per_second = 0;  // of the instance
  double tokens_per_batch = 0;   // per device
  Seconds compute, communication, exposed;
  ServingMemory memory;
};

struct DecodeEstimate {
  Seconds tpot;  // per output token of one sequence, drafts accepted counted
  Seconds step;
  double batch = 0;  // sequences per device (per attention-dp rank over tp)
  double tokens_per_second = 0;  // of the instance
  Seconds compute, communication, exposed;
  ServingMemory memory;
};

class ServingModel {
 public:
  ServingModel(const Machine& machine, const Model& model, const KernelModel& kernels, const Precision& precision);
  Result<PrefillEstimate> prefill(const ServingWorkload& workload, const ServingLayout& layout, double tokens_per_device) const;
  // `batch`: sequences per attention-dp rank, at the mean context input + output/2.
  Result<DecodeEstimate> decode(const ServingWorkload& workload, const ServingLayout& layout, double batch) const;
  // The largest batch that holds the TPOT limit and fits; error says which limit stops batch 1, and by how much.
  Result<DecodeEstimate> best_decode(const ServingWorkload& workload, const ServingLayout& layout) const;
  Result<ServingMemory> memory(const ServingWorkload& workload, const ServingLayout& layout) const;

 private:
  const Machine* machine_;
  const Model* model_;
  const KernelModel* kernels_;
  Precision precision_;
};

}  // namespace fivefold
