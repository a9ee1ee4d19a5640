// From a model and a phase to operators, and to the memory that must be held.
#pragma once

#include "fivefold/catalog/chip.h"
#include "fivefold/catalog/model.h"
#include "fivefold/workload/op.h"

namespace fivefold {

// How weights and activations are stored and computed.
struct Precision {
  Format gemm_a = Format::kBf16;  // activations entering dense matrix products
  Format gemm_b = Format::kBf16;  // dense weights
  Format expert_a = Format::kBf16;
  Format expert_b = Format::kBf16;
  Format attention = Format::kBf16;
  Format cache = Format::kBf16;
  Format activations = Format::kBf16;  // residual stream
  // Kernels before dense products write what these take; the norm after an all-reduce is part of
  // it.
  bool fused = false;
};
// The precision in which a chip can serve a model best: the model's own formats where the chip
// computes in them; else INT8 in the place of FP8 (as CloudMatrix384 serves DeepSeek-R1, arXiv
// 2506.12708), else BF16.
Precision serving_precision(const Model& model, const Device& device);
// Keys of a sparse-attention indexer: 8 bit where dense products are, as DeepSeek-V3.2 publishes
// them.
Format index_format(const Precision& precision);
Precision training_precision(Format format);  // "bf16", "fp8": matrix products only

// How one layer is cut. Attention and dense FFN: by `tp`. Experts: over `ep` devices, each expert
// by `etp`.
struct Shard {
  int tp = 1;
  int ep = 1;
  int etp = 1;
  int cp = 1;  // context parallelism: sequence length per device divided
};

// One device's share of a batch.
struct Batch {
  double sequences = 1;
  double q_len = 1;    // new tokens a sequence (after cp)
  double context = 0;  // mean tokens already cached a sequence
  double tokens() const { return sequences * q_len; }
  bool decode = false;       // decode kernels: absorbed MLA, split KV
  double expert_tokens = 0;  // tokens that enter the EP group's experts; 0: tokens() x ep
  double expert_imbalance = 1;
  double expert_skew = 0;  // exponent of the power law by which tokens fall on experts; 0: evenly
  bool gathered = false;   // every device of the EP group holds all tokens: none is sent
  bool all_logits =
      false;  // training: the head sees every token, not only the last of each sequence
};

// Forward operators of one layer of the group. Deterministic, allocates nothing.
OpList layer_ops(const Model& model, const LayerGroup& layer, const Shard& shard,
                 const Batch& batch, const Precision& precision);
// Kernels that the host issues for an attention module with these products, to the nearest small
// number: pointwise ones, those of an indexer (SGLang 0.5.14 on H100 takes 3.1 times as long with
// one as without where the host binds), and scales before narrow products (1.5 times).
double module_calls(const OpList& ops, bool indexed);
// Embedding, final norm, head, sampling.
OpList head_ops(const Model& model, const Shard& shard, const Batch& batch,
                const Precision& precision);

// Weights that one device holds of one layer, and of embedding plus head.
Bytes layer_weights(const Model& model, const LayerGroup& layer, const Shard& shard,
                    const Precision& precision);
Bytes head_weights(const Model& model, const Shard& shard, const Precision& precision);

// Cache of one token in one layer on one device (MLA and one KV head are not divided by tp).
Bytes cache_per_token(const Model& model, const LayerGroup& layer, const Shard& shard,
                      const Precision& precision);
// State of one sequence in one layer that does not grow with it (windows, recurrent state).
Bytes cache_per_sequence(const Model& model, const LayerGroup& layer, const Shard& shard,
                         const Precision& precision);

// Totals over the model, uncut.
Bytes total_weights(const Model& model, const Precision& precision);
Bytes total_cache_per_token(const Model& model, const Precision& precision);
Bytes total_cache_per_sequence(const Model& model, const Precision& precision);
// Forward operations of one token that attends to `context` tokens, itself included: 2 for each
// weight of a matrix that it passes, head included, and attention in the form of prefill and
// training (MLA not absorbed). Of an encoder likewise; of a detector known by its operations per
// image, those.
Ops forward_ops_per_token(const Model& model, double context);

}  // namespace fivefold
