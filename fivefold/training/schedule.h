// In which order each rank of a pipeline works, as published:
//   GPipe        all forward, then all backward (arXiv 1811.06965)
//   1F1B         pp - rank - 1 forward, then one forward and one backward in turn (arXiv
//   2104.04473,
//                section 2.2.1)
//   interleaved  the same over v chunks of a rank, micro batches in groups of pp (section 2.2.2 and
//                the order of Megatron-LM)
//   ZB-H1        1F1B with weight gradients apart, late by `rank` micro batches (arXiv 2401.10241,
//                section 2.1 and its quick start for Megatron-LM)
//   ZB-V         two chunks, down the ranks and up again (arXiv 2405.15362, section 4; the static
//                order of PyTorch's ScheduleZBVZeroBubble)
//   DualPipe     two chunks, the second for micro batches that enter at the last rank (arXiv
//                2412.19437, section 3.2.1; the eight steps of github.com/deepseek-ai/DualPipe)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fivefold/training/training.h"

namespace fivefold {

enum class TaskKind : std::uint8_t {
  kForward,
  kBackward,  // gradients of the input and of the weights
  kInputGradient,
  kWeightGradient,
  kForwardBackward,  // DualPipe: forward of one chunk beside backward of the other
};

struct PipelineTask {
  TaskKind kind = TaskKind::kForward;
  // A forward or backward pass that runs beside the pass before or after it, of another micro batch
  // in the other direction: what one communicates can hide under the compute of the other.
  bool paired = false;
  std::int16_t chunk = 0;
  std::int32_t micro_batch = 0;
  // Of kForwardBackward: what goes backward.
  std::int16_t back_chunk = 0;
  std::int32_t back_micro_batch = 0;
};

struct PipelineSchedule {
  Schedule kind = Schedule::k1F1B;
  int ranks = 1, chunks = 1, micro_batches = 1;
  std::vector<PipelineTask> tasks;  // rank by rank
  std::vector<std::int32_t> first;  // of each rank its first task, and the end
  std::span<const PipelineTask> of(int rank) const {
    const auto at = std::size_t(rank);
    return {tasks.data() + first[at], std::size_t(first[at + 1] - first[at])};
  }
};

// REQUIRES what schedule_problem() asks for.
PipelineSchedule pipeline_schedule(const TrainingLayout& layout, int micro_batches);

// What a schedule demands of pp and of the number of micro batches; empty: nothing that is missing.
std::string schedule_problem(const TrainingLayout& layout, int micro_batches);

std::span<const Schedule> all_schedules();

}  // namespace fivefold
