// Fits what serving engines add to their kernels (EngineParameters) to measured closed loops, and
// says how well it predicts rows that the fit did not see, and chips that it did not see.
//
// One parameter after the other takes the value of its grid with the least error, twice over. The
// error of a cell (chip and model) is the mean absolute logarithm of predicted over
// measured, cut where a row is no longer the same kind of run; a cell weighs as the root of its
// rows, time to first token less than time per token.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/evidence/evidence.h"

namespace fivefold {

struct EngineFact {
  std::string_view name, unit;
  std::vector<double> grid;
};
const std::vector<EngineFact>& engine_facts();

struct ServingFit {
  struct Value {
    std::string engine;
    EngineFact fact;
    double value = 0, low = 0,
           high = 0;  // grid values that cost less than a hundredth of the error
  };
  std::vector<Value> values;
  struct Cell {  // median |predicted/measured - 1|
    std::string engine, chip, family;
    int rows = 0, held_rows = 0;
    double error = 0, held_error = 0;
    double left_out_error = 0;  // of all rows, with what is fitted without the chip
  };
  std::vector<Cell> cells;
};

Result<ServingFit> fit_serving(const Catalog& catalog, const std::vector<std::string>& paths,
                               const std::function<void(double)>& progress = {});

std::string serving_yaml(const ServingFit& fit, const std::string& source);

}  // namespace fivefold
