// A measured training step beside its prediction.
#pragma once

#include "fivefold/evidence/training_choice.h"

namespace fivefold {

// What a row is computed on. The kernels refer to the stack of the case.
struct TrainingBench {
  Machine machine;
  KernelModel kernels;
};
tl::expected<TrainingBench, std::string> training_bench(const TrainingCase& c);

// What a row's metric is compared with: seconds or GiB, or tokens a second of all devices, which
// become seconds once the batch is known.
struct TrainingTarget {
  std::string family = "step_time";
  std::string unit = "s";
  double value = 0;
  bool rate = false;
  std::string refused = "";
  double measured(const TrainingJob& job) const;
};
TrainingTarget training_target(const CsvTable& table, std::size_t row, const TrainingCase& c);

// Parameters of the row's stack were fitted on it: its file or its group is named there.
bool is_calibrated_row(const TrainingCase& c, const CsvTable& table, std::size_t row,
                       std::string_view family, std::string_view chip);

}  // namespace fivefold
