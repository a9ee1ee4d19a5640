// From the work of pipeline stages to the time of a step.
#pragma once

#include "fivefold/training/stage.h"

namespace fivefold {

// Writes every part of the step's time and their sum.
void pipeline_time(const Step& step, TrainingEstimate& estimate);

// Micro batches whose activations of a chunk a pipeline rank holds at once: all of them (GPipe),
// pp - rank (1F1B, ZB-H1), or interleaved ((pp - rank - 1) 2 + (v - 1) pp + 1) / v, on the first
// rank pp + (pp - 1) / v (Korthikanti 2022, arXiv 2205.05198, section 4.2.3).
double in_flight(const TrainingLayout& layout, int rank, int chunk, int micro_batches);

}  // namespace fivefold
