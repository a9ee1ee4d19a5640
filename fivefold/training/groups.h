// Which ranks of a layout work together, and where they lie on the machine's levels.
//
// Ranks are numbered from the inside out: tp, cp, then the replicas and the pipeline stages in the
// order of the layout. The ranks of one pipeline stage are tp x cp x dp, numbered likewise from 0;
// experts and ZeRO shards are spread over parts of them.
#pragma once

#include "fivefold/training/training.h"

namespace fivefold {

// Of one pipeline stage the ranks r, r + stride, r + 2 stride, ... (`size` of them).
Group stage_group(const Machine& machine, const TrainingLayout& layout, int size, int stride);
Group tensor_group(const Machine& machine, const TrainingLayout& layout);
Group context_group(const Machine& machine, const TrainingLayout& layout);
// Ranks that share the experts of a layer; the slices of one expert lie inside.
Group expert_group(const Machine& machine, const TrainingLayout& layout);
// The ranks of all stages that hold the same tokens.
Group pipeline_group(const Machine& machine, const TrainingLayout& layout);

}  // namespace fivefold
