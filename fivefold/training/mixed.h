// A training step on two islands of unlike chips: whole replicas on each, or the first pipeline
// stages on one and the others on the other.
//
// Replicas: each island computes its share of the batch under a layout of its own; then the
// gradients of every parameter cross the link between the islands once each way, bucket by bucket
// beside the last backward pass where the job overlaps them, and each island updates its own
// weights. The step ends with the slower island.
//
// Stages: one pipeline (1F1B) through both; dp and micro batch are the same, tp is each island's
// own, and layers are split so that stages of both take equally long. Activations cross the link
// once a micro batch each way.
//
// Holds for two islands, each of equal devices. Both must agree on the numerics: weights and
// gradients are exchanged in the job's widths, products run in each island's own format.
#pragma once

#include <array>

#include "fivefold/training/training.h"

namespace fivefold {

struct Island {
  const Machine* machine = nullptr;
  const TrainingModel* training = nullptr;
  TrainingJob job;  // with the island's own format; its batch is that of the whole step
};

// Between the islands, of each device at its own rate and all at once.
struct IslandLink {
  BytesPerSecond per_device;
  Seconds latency;
};
// The slower network port of the two islands.
IslandLink default_link(const Island& a, const Island& b);

struct MixedEstimate {
  Seconds step;
  std::array<Seconds, 2> alone;  // what each island's share takes without the other
  Seconds exchange;              // over the link, as far as it is seen
  std::array<TrainingMemory, 2> memory;
  double tokens_per_second = 0;
};

// `steps`: each island's estimate of its share of the batch, under its layout.
MixedEstimate join_replicas(const std::array<Island, 2>& islands, const Model& model,
                            const std::array<TrainingEstimate, 2>& steps,
                            const std::array<int, 2>& micro_batches, const IslandLink& link);

// `layouts`: pp is that of the whole pipeline and `front_stages`, `front_layers` are what lies on
// the first island; the same in both. Fails if dp, micro batch or these differ, if the layouts do
// not divide, or if either island is short of memory.
Result<MixedEstimate> estimate_stages(const std::array<Island, 2>& islands, const Model& model,
                                      const std::array<TrainingLayout, 2>& layouts,
                                      const IslandLink& link);

}  // namespace fivefold
