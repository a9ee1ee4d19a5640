// `fivefold validate`: the program against published measurements.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "fivefold/evidence/calibrate.h"
#include "fivefold/evidence/calibrate_collectives.h"
#include "fivefold/evidence/evidence.h"
#include "fivefold/report/table.h"

namespace fivefold::app {
namespace {

struct Options {
  std::vector<std::string> paths;
  std::string rows;
  std::string stack;
  std::string chip;
  bool leave_chip_out = false;
  bool detailed = false;
};

// Keeps the rows of the chip and stack that were asked for, and counts again.
Result<void> filter(const Catalog& catalog, const Options& options, Evidence& evidence) {
  if (options.chip.empty() && options.stack.empty()) return {};
  std::string chip, stack;
  if (!options.chip.empty()) {
    const auto found = catalog.chip(options.chip);
    if (!found) return fail(found.error());
    chip = (*found)->id;
  }
  if (!options.stack.empty()) {
    const auto found = catalog.stack(options.stack);
    if (!found) return fail(found.error());
    stack = (*found)->id;
  }
  std::erase_if(evidence.predictions, [&](const Prediction& row) {
    return (!chip.empty() && row.chip != chip) || (!stack.empty() && row.stack != stack);
  });
  evidence.cells = summarise(evidence.predictions);
  evidence.refused.clear();
  for (const Prediction& row : evidence.predictions) {
    if (!row.refused.empty()) ++evidence.refused[row.refused];
  }
  return {};
}

std::string as_json(const Evidence& evidence) {
  nlohmann::ordered_json cells = nlohmann::ordered_json::array();
  for (const Cell& cell : evidence.cells) {
    nlohmann::ordered_json one;
    one["form"] = cell.form;
    one["family"] = cell.family;
    one["chip"] = cell.chip;
    one["stack"] = nullptr;
    if (!cell.stack.empty()) one["stack"] = cell.stack;
    if (!cell.format.empty()) one["format"] = cell.format;
    if (!cell.size.empty()) one["size"] = cell.size;
    one["calibrated"] = cell.calibrated;
    one["rows"] = cell.rows;
    one["predicted"] = cell.predicted;
    one["mean_ape"] = cell.mean_ape;
    one["median_ape"] = cell.median_ape;
    one["p90_ape"] = cell.p90_ape;
    one["max_ape"] = cell.max_ape;
    one["bias"] = cell.bias;
    cells.push_back(std::move(one));
  }
  nlohmann::ordered_json refused = nlohmann::ordered_json::object();
  for (const auto& [reason, count] : evidence.refused) refused[reason] = count;
  return nlohmann::ordered_json{{"cells", cells}, {"refused", refused}}.dump(2) + "\n";
}

std::string as_csv(const Evidence& evidence) {
  std::string text =
      "form,family,chip,stack,format,size,calibrated,rows,predicted,mean_ape,median_ape,p90_ape,"
      "max_ape,bias\n";
  for (const Cell& cell : evidence.cells) {
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", cell.form,
                        csv_field(cell.family), csv_field(cell.chip), csv_field(cell.stack),
                        cell.format, cell.size, cell.calibrated, cell.rows, cell.predicted,
                        cell.mean_ape, cell.median_ape, cell.p90_ape, cell.max_ape, cell.bias);
  }
  return text;
}

std::string rows_as_csv(const Predictions& predictions) {
  std::string text =
      "form,family,chip,stack,model,format,size,row,calibrated,measured,predicted,unit,error,"
      "limit,achieved,refused\n";
  for (const Prediction& row : predictions) {
    const bool predicted = row.refused.empty();
    text += fmt::format(
        "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", row.form, csv_field(row.family),
        csv_field(row.chip), csv_field(row.stack), csv_field(row.model), row.format, row.size,
        csv_field(row.row), row.calibrated, row.measured,
        predicted ? fmt::format("{}", row.predicted) : "", row.unit,
        predicted ? fmt::format("{}", row.predicted / row.measured - 1) : "", row.limit,
        row.least > 0 ? fmt::format("{}", row.least / row.predicted) : "", csv_field(row.refused));
  }
  return text;
}

std::string percent(double share) {
  return fmt::format("{:.1f}%", share * 100);
}

// One line a family over all its cells: each row counting as one, and each cell (chip, stack) as
// one, so that large files do not drown small ones.
struct Total {
  int rows = 0, predicted = 0, cells = 0;
  double by_row = 0, by_cell = 0;
};

std::string totals_text(const Evidence& evidence) {
  std::map<std::tuple<std::string, std::string, bool>, Total> totals;
  for (const Cell& cell : evidence.cells) {
    Total& total = totals[{cell.form, cell.family, cell.calibrated}];
    total.rows += cell.rows;
    if (cell.predicted == 0) continue;
    total.predicted += cell.predicted;
    total.cells += 1;
    total.by_row += cell.mean_ape * cell.predicted;
    total.by_cell += cell.mean_ape;
  }
  std::string text =
      fmt::format("\n{:<12} {:<20} {:<14} {:>8} {:>9} {:>6} {:>12} {:>12}\n", "form", "family", "",
                  "rows", "predicted", "cells", "mean by row", "mean by cell");
  for (const auto& [key, total] : totals) {
    const auto& [form, family, calibrated] = key;
    if (total.predicted == 0) continue;
    text += fmt::format("{:<12} {:<20} {:<14} {:>8} {:>9} {:>6} {:>12} {:>12}\n", form, family,
                        calibrated ? "calibrated" : "not calibrated", total.rows, total.predicted,
                        total.cells, percent(total.by_row / total.predicted),
                        percent(total.by_cell / total.cells));
  }
  return text;
}

std::string as_text(const Evidence& evidence) {
  const bool detailed = std::any_of(evidence.cells.begin(), evidence.cells.end(),
                                    [](const Cell& cell) { return !cell.format.empty(); });
  const int width = detailed ? 36 : 20;
  std::string text =
      fmt::format("{:<12} {:<{}} {:<20} {:<22} {:<4} {:>7} {:>9} {:>7} {:>7} {:>7} {:>8} {:>7}\n",
                  "form", "family", width, "chip", "stack", "cal.", "rows", "predicted", "mean",
                  "median", "p90", "max", "bias");
  for (const Cell& cell : evidence.cells) {
    const std::string family = cell.format.empty()
                                   ? cell.family
                                   : fmt::format("{} {} {}", cell.family, cell.format, cell.size);
    text += fmt::format("{:<12} {:<{}} {:<20} {:<22} {:<4} {:>7} {:>9}", cell.form, family, width,
                        cell.chip, cell.stack.empty() ? "-" : cell.stack,
                        cell.calibrated ? "yes" : "no", cell.rows, cell.predicted);
    if (cell.predicted > 0) {
      text += fmt::format(" {:>7} {:>7} {:>7} {:>8} {:>+7.3f}", percent(cell.mean_ape),
                          percent(cell.median_ape), percent(cell.p90_ape), percent(cell.max_ape),
                          cell.bias);
    }
    text += "\n";
  }
  text += totals_text(evidence);
  if (!evidence.refused.empty()) text += "\nRefused rows, by reason:\n";
  for (const auto& [reason, count] : evidence.refused) {
    text += fmt::format("{:>8}  {}\n", count, reason);
  }
  return text;
}

// Operators and collectives, each chip from the others.
Result<Evidence> without_chip(const Catalog& catalog, const Options& options,
                              std::vector<std::string>& notes) {
  auto kernels = validate_without_chip(catalog, options.paths, notes, progress_bar());
  if (!kernels) return kernels;
  auto collectives =
      validate_collectives_without_chip(catalog, options.paths, kCollectivesSource, progress_bar());
  if (!collectives) return collectives;
  for (auto& row : collectives->predictions) kernels->predictions.push_back(std::move(row));
  for (const auto& [reason, rows] : collectives->refused) kernels->refused[reason] += rows;
  kernels->cells = summarise(kernels->predictions);
  return kernels;
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  std::vector<std::string> notes;
  auto evidence = options.leave_chip_out ? without_chip(*catalog, options, notes)
                                         : validate(*catalog, options.paths, notes, progress_bar());
  if (!evidence) return context.refuse(evidence.error());
  for (const std::string& note : notes) fmt::print(stderr, "fivefold: {}\n", note);
  if (const auto kept = filter(*catalog, options, *evidence); !kept) {
    return context.refuse(kept.error());
  }
  if (options.detailed) evidence->cells = summarise(evidence->predictions, true);
  if (!options.rows.empty()) {
    const auto written = write_file(options.rows, rows_as_csv(evidence->predictions));
    if (!written) return context.refuse(written.error());
  }
  if (context.json) return print(as_json(*evidence));
  print(context.csv ? as_csv(*evidence) : as_text(*evidence));
}

}  // namespace

void add_validate_command(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "validate", "Predict every row of published measurements and report the error");
  command->add_option("PATH", options->paths, "Files (CSV, gzipped or not) or folders of them")
      ->required();
  command->add_option("--rows", options->rows, "Write each row with its prediction and error")
      ->type_name("OUT.csv");
  command->add_option("--stack", options->stack, "Only rows that this stack predicted");
  command->add_option("--chip", options->chip, "Only rows of this chip");
  command->add_flag(
      "--leave-chip-out", options->leave_chip_out,
      "Predict each chip's operators and collectives from a fit on the other chips alone");
  command->add_flag("--detailed", options->detailed,
                    "Kernels by format and size too: small where fewer than 64 tokens pass");
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
