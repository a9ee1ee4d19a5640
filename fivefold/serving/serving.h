// Serving in steady state, in closed form: a pool of instances that prefill, a pool that decode, or
// instances that do both in turn.
//
// A step is the sum over layers of kernel times and of communication; two micro-batches hide the
// MoE exchange behind compute where that is faster (DeepSeek-V3, arXiv 2412.19437 section 3.4;
// CloudMatrix384, arXiv 2506.12708 section 4.2.3). Layers are taken in the mean: no step is slower
// than another, requests have one length. What comes from queues and from uneven requests is the
// simulation's part.
#pragma once

#include <memory>
#include <string>

#include "fivefold/catalog/catalog.h"
#include "fivefold/collective/collective.h"
#include "fivefold/kernel/kernel.h"
#include "fivefold/workload/layer.h"

namespace fivefold {

// One instance: `devices` ranks that hold one copy of the weights. Attention: dp groups of tp
// ranks. Experts: over ep ranks, each expert cut over tp x dp / ep of them.
struct ServingLayout {
  int tp = 1;  // attention and dense FFN
  int dp = 1;  // attention data parallel
  int ep = 1;  // expert parallel; 1: experts cut like dense layers
  int pp = 1;
  int devices() const { return tp * dp * pp; }
  bool operator==(const ServingLayout&) const = default;
};

struct ServingWorkload {
  double input = 4096;  // tokens
  double output = 1024;
  Seconds ttft_limit{0};  // 0: none
  Seconds tpot_limit{0};
  int draft_tokens = 0;            // multi-token prediction: drafted a step
  double acceptance = 0.7;         // of each draft
  bool microbatch_overlap = true;  // two batches may hide communication behind compute
  double expert_imbalance = 0;     // busiest device over the mean; 0: from the routing statistics
  double memory_reserve = 0.1;     // of capacity: context, activations, fragmentation
  double prefix_hit = 0;           // share of the input whose cache is already there
  // Closed loops.
  double loop_rounds = 0;    // requests each client sends, all start at once; 0: endless
  double length_spread = 1;  // of outputs, longest less shortest over the mean; 0: all end together
  double stream_interval = 1;  // tokens that are sent to the client at once
  double poll_steps = 1;       // decode steps between two looks for new requests
  double first_steps = 0;      // that the first token waits for company before it is sent
  double batch_tokens = 0;     // of prompts, at most, in a step; 0: the engine's
  bool serial_host = false;    // each step is prepared only after the last one, whatever the engine
};

struct ServingMemory {
  Bytes weights, cache, reserve, total;  // per device
  double max_sequences = 0;              // per attention group, at input + output tokens
};

// Where the time of a step goes, per device. The parts add up to the step. Not among them:
// `hidden`, communication that runs behind compute; `arithmetic` and `traffic`, what the kernels
// would take were they only to compute or only to move bytes, which is what power follows.
struct StepParts {
  Seconds attention;    // the cores alone
  Seconds projections;  // dense matrix products, shared experts
  Seconds experts;
  Seconds streaming;  // norms, rotary, quantisation, activation
  Seconds head;       // embedding, head, sampling
  Seconds tensor;     // all-reduce within tp, and between pipeline stages
  Seconds exchange;   // MoE dispatch and combine, exposed
  Seconds drafts;     // the layers that draft tokens
  Seconds overhead;   // host and scheduler
  Seconds hidden;
  Seconds arithmetic, traffic;
  double operators = 0;  // issued one by one where no graph holds them
  Seconds compute() const { return attention + projections + experts + streaming + head + drafts; }
  Seconds total() const { return compute() + tensor + exchange + overhead; }
};

struct PrefillEstimate {
  Seconds time;                  // from the start of a prompt to its first token, without queueing
  Seconds step;                  // of one batch
  double tokens_per_second = 0;  // of the instance, cached tokens counted as done
  double tokens_per_batch = 0;   // computed, per device
  Seconds compute, communication, exposed;
  Seconds cache_transfer;  // of one prompt's cache to a decode instance
  StepParts parts;
  ServingMemory memory;
};

struct DecodeEstimate {
  Seconds tpot;  // per output token of one sequence, drafts accepted counted
  Seconds step;
  double batch = 0;              // sequences per attention group
  double tokens_per_second = 0;  // of the instance
  Seconds compute, communication, exposed;
  StepParts parts;
  ServingMemory memory;
};

// Requests through prefill and decode, closed loop: on one instance in turn (continuous batching),
// or on pools of their own.
struct LoopEstimate {
  Seconds ttft, tpot;
  double tokens_per_second = 0;  // output
  Seconds decode_step;
  Seconds prefill;           // of one prompt
  double prefill_share = 0;  // of the time
  ServingMemory memory;
};

// Prefill and decode on instances of their own.
struct ServingPools {
  ServingLayout prefill, decode;
  double prefill_instances = 1, decode_instances = 1;
};

// What the engine costs beside its kernels; of the stack's entries of family "serving".
struct EngineParameters {
  Seconds step_overhead;       // between two steps, whatever is in them
  Seconds prefill_overhead;    // each prefill step
  Seconds request_overhead;    // HTTP, tokeniser, detokeniser: part of TTFT only
  Seconds request_token;       // and for each token of the prompt
  Seconds host_step;           // host's work for a step: schedule, inputs, sampled tokens
  Seconds host_sequence;       // and for each sequence in it
  Seconds host_stream;         // and for each sequence that sends tokens to its client
  Seconds issue;               // of one operator where prompts are in the step, so that no graph is
  double overlap_compute = 1;  // share of the cores left to compute while a MoE exchange runs
  Seconds exchange_kernels;    // of a low-latency exchange behind compute: what it keeps of the
                               // cores, each layer and micro-batch
  double batch_tokens = 8192;  // of prompts, at most, in a step
  bool mixes_steps = false;    // prompts ride in decode steps
  bool host_overlaps = true;   // the host prepares the next step while this one runs
  // Parts of the names of models whose kernels write what the next product takes: all-reduce, norm
  // and quantisation are one.
  std::string fused_models;
};
EngineParameters engine_parameters(const Stack& stack, const Device& device);
// The kernels and communication of a stack with the engine of another ("engine/sglang"; empty: the
// first engine of the chip's vendor, else of any). A stack that has an engine already keeps it
// unless one is named.
Stack with_engine(const Catalog& catalog, const Stack& stack, const Chip& chip,
                  std::string_view engine = {});

namespace serving {
struct Setting;  // what no layout changes, worked out once
}

class ServingModel {
 public:
  // The references must outlive it.
  ServingModel(const Machine& machine, const Model& model, const KernelModel& kernels,
               const Precision& precision);
  // `tokens_per_device` of prompts in a batch. Fewer than a prompt for its attention group: the
  // prompt goes in chunks.
  Result<PrefillEstimate> prefill(const ServingWorkload& workload, const ServingLayout& layout,
                                  double tokens_per_device) const;
  // `batch`: sequences per attention group, at the mean context input + output/2.
  Result<DecodeEstimate> decode(const ServingWorkload& workload, const ServingLayout& layout,
                                double batch) const;
  // The largest batch that holds the TPOT limit and fits; error says which limit stops batch 1, and
  // by how much.
  Result<DecodeEstimate> best_decode(const ServingWorkload& workload,
                                     const ServingLayout& layout) const;
  // `concurrency` requests in the instance at any time, each replaced when it ends.
  Result<LoopEstimate> mixed(const ServingWorkload& workload, const ServingLayout& layout,
                             double concurrency) const;
  // Pools in place of the one instance; the cache travels from one to the other.
  Result<LoopEstimate> split(const ServingWorkload& workload, const ServingPools& pools,
                             double concurrency) const;
  Result<ServingMemory> memory(const ServingWorkload& workload, const ServingLayout& layout) const;

  const EngineParameters& engine() const;
  const serving::Setting& setting() const { return *setting_; }  // for the room itself

 private:
  std::shared_ptr<const serving::Setting> setting_;
};

// Busiest of `devices` over the mean when `pairs` (token, expert) pairs fall on them at random:
// mean + sqrt(2 mean ln devices) for many pairs (Raab and Steger, "Balls into Bins", RANDOM 1998,
// theorem 1).
double routing_imbalance(double pairs, double devices);

// Tokens that a step yields a sequence when each of `drafts` is accepted with this probability and
// only after all before it: 1 + a + a^2 + ... (Leviathan et al., arXiv 2211.17192, equation 1).
double tokens_per_step(int drafts, double acceptance);

}  // namespace fivefold
