// A training layout as arguments of Megatron-LM, for Ascend with those of MindSpeed.
#pragma once

#include <string>

#include "fivefold/training/training.h"

namespace fivefold {

// One argument a line, the model's own sizes first. A setting that Megatron-LM has no argument for
// is a line that begins with "# ". `mindspeed`: the arguments that MindSpeed adds for Ascend.
std::string megatron_arguments(const Model& model, const TrainingJob& job,
                               const TrainingLayout& layout, bool mindspeed);

}  // namespace fivefold
