// A row of a measured training table as a question that the program can answer.
#pragma once

#include <string>

#include "fivefold/catalog/catalog.h"
#include "fivefold/evidence/evidence.h"
#include "fivefold/training/training.h"

namespace fivefold {

// What a row does not print and the program chooses: the fastest of what fits, as whoever publishes
// a rate has tuned it (training_choice.h). `derived`: something follows from other figures of the
// row or from a default of its software.
struct Unpublished {
  bool layout = false;  // tp, pp, cp, ep, as far as they are blank
  bool batch = false;   // global batch: one micro batch for each replica
  bool micro_batch = false;
  bool virtual_stages = false;  // of the interleaved schedule
  bool schedule = false;        // 1F1B or interleaved
  bool recompute = false;       // the least that fits
  bool derived = false;

  // "" where all but the recomputation is known, "_best" where the layout is searched: their errors
  // are not those of one layout.
  std::string_view family() const {
    if (layout) return "_best";
    return batch || micro_batch || virtual_stages || schedule || derived ? "_inferred" : "";
  }
};

struct TrainingCase {
  const Chip* chip = nullptr;
  System system;  // the catalog's, with the network that the row states
  Stack stack;    // kernels of the chip under the framework that the row names
  std::string framework;
  Model model;
  TrainingJob job;
  TrainingLayout layout;
  Unpublished open;
  // Printed fields that a searched layout must keep; 0: blank.
  int tp = 0, pp = 0, cp = 0, ep = 0;
  int chips = 0;
};

// Refused with a short reason that can be counted.
tl::expected<TrainingCase, std::string> training_case(const Catalog& catalog, const CsvTable& table,
                                                      std::size_t row);

// The model that a row names: of the catalog, also cut to fewer layers, or of the sizes in the
// row's columns: a GPT, or a dense model whose FFN width its parameter count gives.
tl::expected<Model, std::string> training_row_model(const Catalog& catalog, const CsvTable& table,
                                                    std::size_t row);
inline constexpr std::string_view kSolvedSizes = "sizes and parameter count of the row";

// One MoE layer forward and backward, and what it allocates: the form with a `dispatcher`.
Predictions predict_moe_layers(const Catalog& catalog, const CsvTable& table);

// Model operations of one token as the row's software counts them: attention over the whole
// sequence or over its causal half, the recomputed forward pass or not. Zero: not known.
Ops counted_ops_per_token(const CsvTable& table, std::size_t row, const Model& model, int seq_len);

}  // namespace fivefold
