// What the forward pass of a layer leaves in memory for its backward pass.
#pragma once

#include <array>

#include "fivefold/training/training.h"

namespace fivefold {

// Bytes on one device for one micro batch in one layer, by recomputation. For GPT with dropout and
// unfused attention: s b h (10 + 24/t + 5 a s/(h t)), with sequence parallelism 10/t (Korthikanti
// 2022, arXiv 2205.05198, equations 2 to 4).
struct Activations {
  Bytes kept;                             // nothing recomputed
  Bytes scores;                           // of it, scores, softmax and dropout of unfused attention
  std::array<Bytes, kModules> modules{};  // of it, what a module that runs again does not keep
  Bytes input;                            // the layer's input alone
  Bytes ops;                              // by operator (Recompute::kOps)
  Bytes of(Recompute recompute, Modules modules = {}) const;
  void add(const Activations& other, double share);
};
Activations layer_activations(const Model& model, const LayerGroup& layer,
                              const TrainingLayout& layout, const TrainingJob& job);

// Of the embedding (its dropout mask), and of final norm, head and FP32 logits.
Bytes embedding_activations(const Model& model, const TrainingLayout& layout,
                            const TrainingJob& job);
Bytes head_activations(const Model& model, const TrainingLayout& layout, const TrainingJob& job);

// What the loss makes of the logits beside them, at its highest.
Bytes loss_buffers(const Model& model, const TrainingLayout& layout, const TrainingJob& job);

}  // namespace fivefold
