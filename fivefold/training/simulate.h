// A training step played task by task: each rank of the pipeline, each micro batch, the messages
// between ranks and the exchange of the replicas at the end. Without noise and contention it takes
// as long as the estimate, within what the estimate extrapolates.
//
// Noise: a device is slower or faster by a factor that it keeps, and each task takes more or less
// by another; both are lognormal with the mean 1. Devices that work in step (tp, cp, and what
// shares experts) take as long as the slowest of them. Pipelines of other replicas draw their own,
// and gradients of a rank are reduced when it is done in all of them.
//
// Contention: messages and gradients of a rank share its port and take it by max-min fairness
// (network/simulate.h) where both are limited by the same level. Exchange inside of a task (tp, cp,
// ep) keeps its own time. The pipeline played so is the slowest one.
#pragma once

#include "fivefold/training/schedule.h"

namespace fivefold {

struct SimulateOptions {
  double task_noise = 0;    // sigma of the logarithm
  double device_noise = 0;  // likewise
  std::uint64_t seed = 1;
  bool contention = false;
  bool timeline = true;
  int traced_micro_batches = 0;  // the timeline holds the first so many; 0: all
};

enum class SpanKind : std::uint8_t { kTask, kMessage, kGradients, kOptimizer };

struct TrainingSpan {
  int rank = 0;  // of the pipeline; of a message the one that sends
  SpanKind kind = SpanKind::kTask;
  PipelineTask task;  // played, or whose result is sent
  Seconds begin, end;
};

struct TrainingSimulation {
  TrainingEstimate totals;
  std::vector<TrainingSpan> timeline;  // of one pipeline
  int pipelines = 1;                   // played
  std::vector<std::vector<int>> held;  // of each rank and chunk: micro batches held, when most are
};

struct Step;
Result<TrainingSimulation> simulate_step(const Step& step, const SimulateOptions& options);

}  // namespace fivefold
