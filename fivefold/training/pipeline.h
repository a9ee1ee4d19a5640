// From the cost of layers to the time and memory of a step on the busiest pipeline stage.
#pragma once

#include "fivefold/training/model_cost.h"

namespace fivefold {

struct Pipeline {
  Subject on;
  const TrainingJob& job;
  const TrainingLayout& layout;
  const ModelCost& cost;
  int micro_batches() const { return job.global_batch / (layout.dp * layout.micro_batch); }
};

// Writes every part of the step's time and their sum.
void pipeline_time(const Pipeline& pipeline, TrainingEstimate& estimate);

// Of the stage that needs the most.
TrainingMemory pipeline_memory(const Pipeline& pipeline);

// Micro batches whose activations a stage holds at once: all of them (GPipe), pp - stage (1F1B), or
// interleaved ((pp - stage - 1) 2 + (v - 1) pp + 1) / v, on the first stage pp + (pp - 1) / v
// (Korthikanti 2022, arXiv 2205.05198, section 4.2.3).
double in_flight(const TrainingLayout& layout, int stage, int micro_batches);

}  // namespace fivefold
