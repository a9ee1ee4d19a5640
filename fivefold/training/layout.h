// Which layouts are possible at all.
#pragma once

#include "fivefold/training/training.h"

namespace fivefold {

// Why a layout does not divide the machine, the model or the batch; a message for each reason.
Result<void> check_layout(const Machine& machine, const Model& model, const TrainingJob& job,
                          const TrainingLayout& layout);

}  // namespace fivefold
