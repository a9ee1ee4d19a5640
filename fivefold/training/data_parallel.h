// What data-parallel replicas owe each other and the optimizer once a step.
#pragma once

#include "fivefold/training/stage.h"

namespace fivefold {

// Bytes of a weight in the products.
inline constexpr double kWeightBytes = 2;

// Devices that hold the same part of the model.
int dense_replicas(const TrainingLayout& layout);
int expert_replicas(const TrainingLayout& layout);
// Of so many, those that ZeRO spreads over.
int shards(const TrainingLayout& layout, int replicas);
// Parameters of a device that it owns where ZeRO shards them.
double own_share(const TrainingLayout& layout, const StageParameters& local);

// Reduction of gradients and gathering of weights of one pipeline rank: once over all its layers,
// and what of a step's the passes do not hide.
struct ReplicaTime {
  Seconds reduce, gather;
  Seconds reduce_seen, gather_seen;
  Seconds seen() const { return reduce_seen + gather_seen; }
};
ReplicaTime replica_time(const Step& step, const StageWork& work, int rank);
Seconds data_parallel_time(const Step& step, const StageWork& work, int rank);
Seconds optimizer_time(const Step& step, int rank);

}  // namespace fivefold
