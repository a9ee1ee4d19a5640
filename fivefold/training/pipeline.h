// From the work of pipeline stages to the time of a step.
//
// The schedule's recurrence (recurrence.h) gives the end of every rank. GPipe is a flow shop in
// each direction: the sum over stages and m - 1 times the slowest. The others are run for as many
// micro batches as it takes to reach the steady state, 1.5 to 3 times pp; each one more adds
// the largest of what a rank has to do, what a rank has to send, the circuit through the stages
// behind it (1F1B: sum of their times over pp - rank micro batches in flight), and what was seen
// last.
#pragma once

#include <span>

#include "fivefold/training/task_times.h"

namespace fivefold {

// Writes every part of the step's time and their sum.
void pipeline_time(const Step& step, TrainingEstimate& estimate);

// Micro batches whose activations of a chunk a pipeline rank holds when it holds the most: all of
// them (GPipe), pp - rank (1F1B), over all chunks 2 (pp - rank - 1) + (v - 1) pp + 1 (interleaved;
// on the first rank pp + (pp - 1) / v models' worth, Korthikanti 2022, arXiv 2205.05198, section
// 4.2.3), pp with those that wait for their weight gradients (ZB-H1), 2 pp halves (ZB-V, arXiv
// 2405.15362, section 4), pp + 1 (DualPipe, arXiv 2412.19437, table 2).
int in_flight(const TrainingLayout& layout, int rank, int chunk, int micro_batches);

// Whether a rank waits for its messages to leave instead of going on beside them.
bool waits_for_messages(const Step& step);

// How a step ends: the passes of the rank that is done last with its replicas, what their exchange
// takes from there, and the optimizer, which waits for all ranks: the norm of all gradients.
struct Finish {
  double passes = 0;  // seconds
  Seconds exchange, optimizer;
};
// Of ranks that end their passes at `rank_end` seconds.
Finish finish(const Step& step, const TaskTable& table, std::span<const double> rank_end);

// Parts of the step and their sum. `recurrence` counts the tasks of the busiest rank, but for
// `more` micro batches in the steady state.
void write_step(const Step& step, const TaskTable& table, const Recurrence& recurrence, double more,
                const Finish& last, Seconds hop, TrainingEstimate& estimate);

}  // namespace fivefold
