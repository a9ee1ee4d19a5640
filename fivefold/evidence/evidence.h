// The program against published measurements: reads the measured forms as they are published,
// predicts each row that it can express, refuses the others with a reason, and sums the errors up.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/catalog/catalog.h"

namespace fivefold {

// A CSV file (gzip or plain), quoted fields allowed. Rows keep their line for messages.
struct CsvTable {
  std::string file;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::vector<int> lines;
  int column(std::string_view name) const;                              // -1 if absent
  std::string_view at(std::size_t row, std::string_view column) const;  // empty if absent
  std::optional<double> number(std::size_t row, std::string_view column) const;
};
Result<CsvTable> read_csv(const std::string& path);
// Some operator tables have no header line: the one that their file name and width tell.
CsvTable with_header(CsvTable table);
// Files as they are, and of directories every *.csv, *.csv.gz and recorded run below, in order of
// name.
Result<std::vector<std::string>> measured_files(const std::vector<std::string>& paths);

struct Prediction {
  std::string form;    // "kernels", "collectives", "training", "serving"
  std::string family;  // as the JSON form names it
  std::string chip;    // as in the data, resolved to the catalog id where possible
  std::string stack;
  std::string model;       // where there is one
  std::string format;      // of a kernel: the narrower operand's
  std::string size;        // of a kernel: "small" where few tokens pass (decode), "large"
  std::string row;         // "file.csv:12" and the row's id
  double least = 0;        // of a kernel: its roofline, in `unit`
  std::string_view limit;  // of a kernel: what limits its longest operator
  bool calibrated = false;
  double measured = 0;  // of the row, in `unit`
  double predicted = 0;
  std::string unit;
  std::string refused;  // reason, if it was not predicted; short and countable
};
using Predictions = std::vector<Prediction>;

// Each recognises its form by the header line (forms.cpp). Collective operations are one form, also
// where they stand among operator tables (nccl, custom_allreduce, deepep).
bool is_kernel_table(const CsvTable& table);
bool is_collective_table(const CsvTable& table);
bool is_training_table(const CsvTable& table);
bool is_serving_table(const CsvTable& table);
// Names every column that is missing.
Result<void> need_columns(const CsvTable& table, const std::vector<std::string_view>& names);
// Columns that no form has: they are ignored, with a note.
std::vector<std::string> unknown_columns(const CsvTable& table);
// "h100_sxm__nccl-2.29.2__nccl" of ".../h100_sxm__nccl-2.29.2__nccl.csv.gz".
std::string file_stem(const std::string& path);

// An error is a missing column or an unreadable number; a row that cannot be expressed is refused
// instead.
Result<Predictions> predict_kernels(const Catalog& catalog, const CsvTable& table);
Result<Predictions> predict_collectives(const Catalog& catalog, const CsvTable& table);
Result<Predictions> predict_training(const Catalog& catalog, const CsvTable& table);
Result<Predictions> predict_serving(const Catalog& catalog, const CsvTable& table);

// A recorded run: "requests.jsonl" with its "meta.json" beside it.
bool is_request_run(const std::string& path);
Result<Predictions> predict_request_run(const Catalog& catalog, const std::string& path);

struct Cell {
  std::string form, family, chip, stack;
  std::string format, size;  // empty unless asked for
  bool calibrated = false;
  int rows = 0, predicted = 0;
  double mean_ape = 0, median_ape = 0, p90_ape = 0, max_ape = 0,
         bias = 0;  // bias: mean ln(predicted/measured)
};
struct Evidence {
  std::vector<Cell> cells;
  std::map<std::string, int> refused;  // reason -> rows
  Predictions predictions;
};
// Files, or directories searched for *.csv and *.csv.gz in order of name. A CSV of no known form is
// noted, and so are columns that no form has.
Result<Evidence> validate(const Catalog& catalog, const std::vector<std::string>& paths,
                          std::vector<std::string>& notes,
                          const std::function<void(double)>& progress = {});
// One cell for each form, family, chip, stack and whether it was fitted on; `detailed`: also for
// each format and size of a kernel.
std::vector<Cell> summarise(const Predictions& predictions, bool detailed = false);

// The stack's calibration covers this row: see catalog/stack.h. `shape` is the text of its shape
// columns.
bool is_calibrated(const Stack& stack, std::string_view form, std::string_view data,
                   std::string_view family, std::string_view chip, std::string_view shape);

// Not used for fitting: FNV-1a 64 of the shape text, modulo 5, below share x 5.
bool is_held_out(std::string_view shape, double share);

}  // namespace fivefold
