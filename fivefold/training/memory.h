// What a training step needs in memory.
#pragma once

#include "fivefold/training/stage.h"

namespace fivefold {

// Of one device of a pipeline rank.
TrainingMemory rank_memory(const Step& step, int rank);
// Of the device that needs the most.
TrainingMemory most_memory(const Step& step);

}  // namespace fivefold
