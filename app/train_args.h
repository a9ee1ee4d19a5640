// What `train` and `plan train` ask alike: a model, a machine and a job.
#pragma once

#include <string>

#include "app/run_args.h"
#include "fivefold/catalog/catalog.h"
#include "fivefold/planner/bench.h"
#include "fivefold/report/training_report.h"

namespace CLI {
class App;
}

namespace fivefold::app {

struct TrainArgs {
  std::string system, model, stack, framework, format;
  std::string optimizer = "adam";
  int gradient_bytes = 4;
  double expert_skew = 1, capacity_factor = 0;
  bool mtp = false, no_overlap_ep = false, narrow_activations = false;
  bool offload_optimizer = false, offload_activations = false;
  int chips = 0;  // 0: all of the systems
  int global_batch = 1024;
  int seq_len = 4096;
};
void add_train_args(CLI::App& command, TrainArgs& args);

struct TrainBench : TrainingBench {
  TrainingJob job;
};
Result<TrainBench> train_bench(const Catalog& catalog, const TrainArgs& args);
TrainingCaption caption_of(const TrainBench& bench);

// A run of so many tokens ("14.8T") in steps like this one.
Result<RunView> training_run(const Catalog& catalog, const TrainBench& bench,
                             const TrainingEstimate& step, const std::string& tokens,
                             const RunArgs& args);

}  // namespace fivefold::app
