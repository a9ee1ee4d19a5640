// Inside the serving room: one pass of a batch through the model on one instance.
#pragma once

#include <cstddef>
#include <vector>

#include "fivefold/serving/serving.h"

namespace fivefold::serving {

constexpr std::size_t kMostGroups = 64;  // kinds of layers of a model

// The model's layers in halves, so that attention which several kinds of layers share is timed
// once.
struct LayerHalves {
  std::vector<LayerGroup> attention;  // of each group, alone
  std::vector<LayerGroup> ffn;
  std::vector<std::size_t> first_alike;  // the first group with equal attention
};
LayerHalves halves_of(const std::vector<LayerGroup>& layers);

// What no layout changes.
struct Setting {
  const Machine& machine;
  const Model& model;
  const KernelModel& kernels;
  Precision precision;
  EngineParameters engine;
  LayerHalves layers, drafts;
};

Setting make_setting(const Machine& machine, const Model& model, const KernelModel& kernels,
                     const Precision& precision, const EngineParameters& engine);

// A layout resolved on a machine, so that a step is arithmetic only.
struct Instance {
  const Setting& setting;
  const Machine& machine;
  const Model& model;
  const KernelModel& kernels;
  const Precision& precision;
  const EngineParameters& engine;
  ServingLayout layout;
  Shard shard;             // of one device
  Group tensor;            // ranks of one attention group
  Group data;              // one rank of each attention group
  Group experts;           // all ranks of a stage
  Group stages;            // neighbouring pipeline stages
  bool exchanges = false;  // tokens travel to their experts: attention groups hold different tokens
};
// Why this layout cannot be, or the instance.
Result<Instance> make_instance(const Setting& setting, const ServingLayout& layout);

// What passes through at once, per attention group.
struct Pass {
  double sequences = 1;
  double q_len = 1;
  double context = 0;
  bool decode = false;
  bool overlap = false;         // two micro-batches may hide the exchange
  double expert_imbalance = 0;  // 0: from the routing statistics
};

// All layers, head included; without drafts and overhead. Pipeline stages one after the other.
StepParts pass_time(const Instance& instance, const Pass& pass);
// Without micro-batches, apart: what an attention group does with its own tokens, and what all
// groups do with theirs together, `pass.sequences` being the mean of them there. Head left out.
struct Sides {
  StepParts attention, ffn;
};
Sides sides_time(const Instance& instance, const Pass& pass);
Seconds head_and_logits_time(const Instance& instance, const Pass& pass);

// Prompt tokens that ride in a step of decoding sequences, per attention group. Either may be none.
struct MixedPass {
  double decodes = 0;  // sequences that decode
  double decode_q_len = 1;
  double decode_context = 0;
  double prompt_tokens = 0;   // computed in this step
  double prompt_context = 0;  // before them, in the cache already
  double prompts = 1;         // that the tokens belong to
  bool overlap = false;
  double expert_imbalance = 0;  // 0: from the routing statistics
};

// Products, experts and communication take in the tokens of both at once; the cores of attention
// add up.
StepParts mixed_time(const Instance& instance, const MixedPass& pass);
// The layers that draft, run once for each draft.
Seconds draft_time(const Instance& instance, const Pass& pass, int drafts);

// What one device holds: weights (of drafting layers if there are drafts), cache of a token and of
// a sequence whatever its length.
struct Holdings {
  Bytes weights, per_token, per_sequence;
};
Holdings holdings_of(const Instance& instance, int draft_tokens);
// The host's work for a step of so many sequences of an attention group, as far as the step's
// kernels do not hide it.
Seconds exposed_host(const Instance& instance, const ServingWorkload& workload, double sequences,
                     Seconds kernels);
// What a step takes in which the host must issue each operator, prompts among them.
StepParts issued(const Instance& instance, StepParts parts);

ServingMemory memory_of(const Instance& instance, const ServingWorkload& workload);
// Why the weights do not fit, or nothing.
Result<void> check_weights(const Instance& instance, const ServingMemory& memory);
// One prompt's cache from a prefill instance to a decode instance over the outermost level.
Seconds cache_transfer_time(const Instance& instance, double tokens);

}  // namespace fivefold::serving
