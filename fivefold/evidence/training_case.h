// A row of a measured training table as a question that the program can answer.
#pragma once

#include <string>

#include "fivefold/catalog/catalog.h"
#include "fivefold/evidence/evidence.h"
#include "fivefold/training/training.h"

namespace fivefold {

struct TrainingCase {
  const Chip* chip = nullptr;
  System system;  // the catalog's, with the network that the row states
  Stack stack;    // kernels of the chip under the framework that the row names
  std::string framework;
  Model model;
  TrainingJob job;
  TrainingLayout layout;
  bool recompute_known = false;  // false: the least that fits
  int chips = 0;
};

// Refused with a short reason that can be counted.
tl::expected<TrainingCase, std::string> training_case(const Catalog& catalog, const CsvTable& table,
                                                      std::size_t row);

// The model that a row names: of the catalog, also cut to fewer layers, or a GPT of the sizes in
// the row's columns.
tl::expected<Model, std::string> training_row_model(const Catalog& catalog, const CsvTable& table,
                                                    std::size_t row);

}  // namespace fivefold
