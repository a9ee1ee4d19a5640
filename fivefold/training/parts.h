// The parts of a step and of its memory by name, in the order in which they are shown.
#pragma once

#include <array>
#include <string_view>

#include "fivefold/training/training.h"

namespace fivefold {

struct StepPart {
  std::string_view name;  // "tp exposed"
  Seconds time;
};
// They add up to the step.
std::array<StepPart, 12> step_parts(const TrainingEstimate& estimate);

struct MemoryPart {
  std::string_view name;
  Bytes bytes;
};
// They add up to the total, which is not among them.
std::array<MemoryPart, 6> memory_parts(const TrainingMemory& memory);

}  // namespace fivefold
