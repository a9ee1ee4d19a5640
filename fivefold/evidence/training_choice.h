// What a row does not print, chosen: the layout, micro batch and chunks that take the least time a
// token and fit, each with the least recomputation that fits.
#pragma once

#include "fivefold/evidence/training_case.h"

namespace fivefold {

struct TrainingChoice {
  TrainingJob job;
  TrainingLayout layout;
  TrainingEstimate estimate;
};
// An error is that of the printed layout, or of the search where nothing fits. Memory does not
// refuse a row that prints all but the recomputation: what ran, fitted.
Result<TrainingChoice> choose(const Machine& machine, const TrainingModel& training,
                              const TrainingCase& row);

}  // namespace fivefold
