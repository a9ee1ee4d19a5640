// Which layouts are possible at all.
#pragma once

#include "fivefold/training/training.h"

namespace fivefold {

// Why a layout does not divide the machine, the model or the batch; a message for each reason.
Result<void> check_layout(const Machine& machine, const Model& model, const TrainingJob& job,
                          const TrainingLayout& layout);

// Layers of one pipeline stage. What does not divide goes to the middle stages first, since the
// first and the last one hold the embedding and the head.
int stage_layers(int layers, int pp, int stage);

}  // namespace fivefold
