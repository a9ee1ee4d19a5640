#include "fivefold/evidence/evidence.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <tuple>

#include <fmt/format.h>

namespace fivefold {
namespace {

namespace fs = std::filesystem;

void add_problem(Error& error, std::string what) {
  const Error one = make_error(std::move(what));
  error.problems.push_back(one.problems.front());
}

bool is_csv(const std::string& path) {
  return path.ends_with(".csv") || path.ends_with(".csv.gz");
}

// `known` is false if the table has no form that the program reads.
Result<Predictions> predict(const Catalog& catalog, const CsvTable& table, bool& known) {
  known = true;
  if (is_collective_table(table)) return predict_collectives(catalog, table);
  if (is_kernel_table(table)) return predict_kernels(catalog, table);
  if (is_training_table(table)) return predict_training(catalog, table);
  if (is_serving_table(table)) return predict_serving(catalog, table);
  known = false;
  return Predictions{};
}

void add_notes(const CsvTable& table, bool known, std::vector<std::string>& notes) {
  if (!known) {
    notes.push_back(table.file + ": no known form, left out");
    return;
  }
  for (const std::string& column : unknown_columns(table)) {
    notes.push_back(fmt::format("{}: column '{}' is ignored", table.file, column));
  }
}

double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * double(sorted.size() - 1);
  const auto below = std::size_t(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - double(below)) * (sorted[above] - sorted[below]);
}

struct Errors {
  int rows = 0;
  std::vector<double> ape;
  double bias = 0;
};

bool is_predicted(const Prediction& prediction) {
  return prediction.refused.empty() && prediction.measured > 0 && prediction.predicted > 0;
}

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return hash;
}

}  // namespace

Result<std::vector<std::string>> measured_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  Error error;
  for (const std::string& path : paths) {
    std::error_code problem;
    if (!fs::exists(path, problem)) {
      add_problem(error, fmt::format("'{}' does not exist", path));
      continue;
    }
    if (!fs::is_directory(path, problem)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (fs::recursive_directory_iterator entry(path, problem), end; entry != end && !problem;
         entry.increment(problem)) {
      const std::string file = entry->path().string();
      if (entry->is_regular_file(problem) && (is_csv(file) || is_request_run(file))) {
        found.push_back(file);
      }
    }
    if (problem)
      add_problem(error, fmt::format("cannot read folder '{}': {}", path, problem.message()));
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  if (!error.problems.empty()) return fail(std::move(error));
  return files;
}

bool is_held_out(std::string_view shape, double share) {
  return double(fnv1a(shape) % 5) < share * 5 - 1e-9;
}

bool is_calibrated(const Stack& stack, std::string_view form, std::string_view data,
                   std::string_view family, std::string_view chip, std::string_view shape) {
  return std::any_of(stack.calibration.begin(), stack.calibration.end(),
                     [&](const Calibration& used) {
                       return used.form == form && used.data == data && used.family == family &&
                              used.chip == chip && !is_held_out(shape, used.held_out);
                     });
}

std::vector<Cell> summarise(const Predictions& predictions, bool detailed) {
  using Key = std::tuple<std::string, std::string, std::string, std::string, std::string,
                         std::string, bool>;
  std::map<Key, Errors> cells;
  for (const Prediction& row : predictions) {
    Errors& errors = cells[{row.form, row.family, row.chip, row.stack, detailed ? row.format : "",
                            detailed ? row.size : "", row.calibrated}];
    ++errors.rows;
    if (!is_predicted(row)) continue;
    errors.ape.push_back(std::abs(row.predicted / row.measured - 1));
    errors.bias += std::log(row.predicted / row.measured);
  }
  std::vector<Cell> result;
  for (auto& [key, errors] : cells) {
    Cell cell;
    std::tie(cell.form, cell.family, cell.chip, cell.stack, cell.format, cell.size,
             cell.calibrated) = key;
    cell.rows = errors.rows;
    cell.predicted = int(errors.ape.size());
    if (!errors.ape.empty()) {
      std::sort(errors.ape.begin(), errors.ape.end());
      double sum = 0;
      for (const double ape : errors.ape) sum += ape;
      cell.mean_ape = sum / double(errors.ape.size());
      cell.median_ape = quantile(errors.ape, 0.5);
      cell.p90_ape = quantile(errors.ape, 0.9);
      cell.max_ape = errors.ape.back();
      cell.bias = errors.bias / double(errors.ape.size());
    }
    result.push_back(std::move(cell));
  }
  return result;
}

Result<Evidence> validate(const Catalog& catalog, const std::vector<std::string>& paths,
                          std::vector<std::string>& notes,
                          const std::function<void(double)>& progress) {
  auto files = measured_files(paths);
  if (!files) return fail(std::move(files.error()));
  Evidence evidence;
  Error error;
  for (std::size_t i = 0; i < files->size(); ++i) {
    if (progress) progress(double(i) / double(files->size()));
    const bool run = is_request_run((*files)[i]);
    auto table = run ? Result<CsvTable>(CsvTable{}) : read_csv((*files)[i]).map(with_header);
    bool known = true;
    auto rows = run     ? predict_request_run(catalog, (*files)[i])
                : table ? predict(catalog, *table, known)
                        : fail(std::move(table.error()));
    if (!rows) {
      error.problems.insert(error.problems.end(), rows.error().problems.begin(),
                            rows.error().problems.end());
      continue;
    }
    if (!run) add_notes(*table, known, notes);
    for (Prediction& row : *rows) {
      if (row.refused.empty() && !is_predicted(row)) row.refused = "no measured value";
      if (!row.refused.empty()) ++evidence.refused[row.refused];
      evidence.predictions.push_back(std::move(row));
    }
  }
  if (progress) progress(1);
  if (!error.problems.empty()) return fail(std::move(error));
  evidence.cells = summarise(evidence.predictions);
  return evidence;
}

}  // namespace fivefold
