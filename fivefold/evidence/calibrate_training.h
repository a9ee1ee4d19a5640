// Fits what training frameworks and chips add to their kernels (training/parameters.h) to measured
// steps, and says how well it predicts rows that the fit did not see.
//
// All parameters are found together: one after the other is moved up and down by steps that halve,
// while the mean absolute error of the rows that the catalog names as calibration falls. A row
// weighs as much as its file has few of them (one over the root), so that the largest table does
// not decide alone. A fifth of the rows, by hash of their id, is held out.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/evidence/evidence.h"

namespace fivefold {

// A parameter that may be fitted, of one stack ("train/cuda": the chip's; "train/llm-foundry": the
// framework's) on one architecture or chip, for one format of matrix products.
struct TrainingFact {
  std::string_view stack, architecture, format, name, unit;
  double scale = 1;  // of the unit
  double start = 0, low = 0, high = 0;
};
const std::vector<TrainingFact>& training_facts();

struct TrainingFit {
  struct Value {
    TrainingFact fact;
    double value = 0;
    int rows = 0;
  };
  std::vector<Value> values;  // of facts that any row concerns
  struct Table {
    std::string file, chip;
    int rows = 0, held_rows = 0;
    double error = 0, held_error = 0;  // mean |predicted/measured - 1|
  };
  std::vector<Table> tables;
};

// `source`: entries that name it are taken for an earlier fit's, and left out of account.
Result<TrainingFit> fit_training(const Catalog& catalog, const std::vector<std::string>& paths,
                                 std::string_view source,
                                 const std::function<void(double)>& progress = {});

std::string training_yaml(const TrainingFit& fit, const std::string& source);

}  // namespace fivefold
