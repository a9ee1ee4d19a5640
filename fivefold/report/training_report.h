// A training step and a search over its layouts, as text, JSON and CSV.
#pragma once

#include <string>

#include "fivefold/planner/training_search.h"

namespace fivefold {

// What was trained on what.
struct TrainingCaption {
  const Machine* machine = nullptr;
  const Model* model = nullptr;
  TrainingJob job;
  Format computed = Format::kBf16;  // what the chip makes of the job's format
};

std::string training_text(const TrainingCaption& caption, const TrainingPlan& plan);
std::string training_json(const TrainingCaption& caption, const TrainingPlan& plan);
std::string training_csv(const TrainingPlan& plan);

// The best cuts with what each loses, and the front of time against memory.
std::string search_text(const TrainingCaption& caption, const TrainingSearch& search);
std::string search_json(const TrainingCaption& caption, const TrainingSearch& search);
std::string search_csv(const TrainingSearch& search);

}  // namespace fivefold
