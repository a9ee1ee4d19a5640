// A measured training step beside its prediction.
#pragma once

#include "fivefold/evidence/training_case.h"

namespace fivefold {

// What a row is computed on. The kernels refer to the stack of the case.
struct TrainingBench {
  Machine machine;
  KernelModel kernels;
};
tl::expected<TrainingBench, std::string> training_bench(const TrainingCase& c);

// Where the recomputation is not published, so many layers are computed again that it fits.
Result<TrainingEstimate> training_row_estimate(const TrainingBench& bench, const TrainingCase& c,
                                               const TrainingModel& training);

// What a row measured.
struct TrainingTarget {
  std::string family = "step_time";
  std::string unit = "s";
  double measured = 0;
  std::string refused = "";
};
TrainingTarget training_target(const CsvTable& table, std::size_t row);

// Parameters of the row's stack were fitted on it: its file or its group is named there.
bool is_calibrated_row(const TrainingCase& c, const CsvTable& table, std::size_t row,
                       std::string_view family, std::string_view chip);

}  // namespace fivefold
