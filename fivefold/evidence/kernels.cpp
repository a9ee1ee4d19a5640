#include <initializer_list>
#include <map>

#include <fmt/format.h>

#include "fivefold/evidence/kernel_rows.h"

namespace fivefold {
namespace {

std::string place_of(const CsvTable& table, std::size_t row) {
  return fmt::format("{}:{}", table.file.substr(table.file.find_last_of('/') + 1),
                     table.lines[row]);
}

Seconds time_of(const KernelModel& model, const KernelRow& row) {
  Seconds time;
  for (const auto& [family, shape] : row.operators) time += model.time(family, shape).time;
  return time;
}

// Tables whose file name gives chip and stack.
Result<Predictions> predict_operators(const Catalog& catalog, const CsvTable& table,
                                      const TableName& named) {
  if (auto needed = need_columns(table, needed_columns(named.table)); !needed)
    return tl::unexpected(needed.error());
  const auto chip = catalog.chip(named.chip);
  const auto stack = catalog.stack(named.stack);
  std::string refusal;
  std::optional<KernelModel> model;
  if (!chip) {
    refusal = fmt::format("chip '{}' is not in the catalog", named.chip);
  } else if (!stack) {
    refusal = fmt::format("stack '{}' is not in the catalog", named.stack);
  } else if (auto made = KernelModel::make((*chip)->device, **stack)) {
    model = std::move(*made);
  } else {
    refusal = made.error().problems.front().what;
  }
  const std::string stem = file_stem(table.file);
  Predictions predictions;
  predictions.reserve(table.rows.size());
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto latency = table.number(row, "latency");
    if (!latency)
      return fail("the latency is not a number", "milliseconds", {table.file, table.lines[row], 0});
    const KernelRow read = read_kernel_row(table, row, named.table, catalog);
    Prediction p{.form = "kernels",
                 .family = read.family,
                 .chip = chip ? (*chip)->id : named.chip,
                 .stack = stack ? (*stack)->id : named.stack,
                 .row = place_of(table, row),
                 .measured = *latency,
                 .unit = "ms",
                 .refused = refusal.empty() ? read.refused : refusal};
    const std::string_view kernel = table.at(row, "kernel_source");
    if (p.refused.empty()) {
      p.format = name(read.format);
      p.size = size_of(read.operators.front().second);
      const std::string run = kernel_of(**stack, (*chip)->device, read.listed, read.format);
      if (!run.empty() && run != kernel)
        p.refused = fmt::format("kernel '{}' is not the one the stack runs ('{}')", kernel, run);
    }
    if (p.refused.empty()) {
      p.predicted = time_of(*model, read).value() * 1e3;
      p.calibrated = is_calibrated(**stack, p.form, stem, p.family, p.chip, shape_text(table, row));
    }
    predictions.push_back(std::move(p));
  }
  return predictions;
}

// Published points of several chips: the stack is the default of the chip's vendor.
Result<Predictions> predict_published(const Catalog& catalog, const CsvTable& table) {
  std::map<std::string, std::optional<KernelModel>, std::less<>> models;
  Predictions predictions;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    KernelRow read = read_published_row(table, row);
    const std::string name(table.at(row, "chip"));
    Prediction p{.form = "kernels",
                 .family = read.family,
                 .chip = name,
                 .row = fmt::format("{} {}", place_of(table, row), table.at(row, "id")),
                 .measured = table.number(row, "time_us").value_or(0),
                 .unit = "us",
                 .refused = read.refused};
    const auto chip = catalog.chip(name);
    if (!chip) {
      p.refused = fmt::format("chip '{}' is not in the catalog", name);
    } else {
      p.chip = (*chip)->id;
      const Stack& stack = catalog.default_stack(**chip);
      p.stack = stack.id;
      auto known = models.find(name);
      if (known == models.end()) {
        auto made = KernelModel::make((*chip)->device, stack);
        known = models.emplace(name, made ? std::optional<KernelModel>(*made) : std::nullopt).first;
      }
      if (!known->second && p.refused.empty()) p.refused = "the chip's rates are not published";
      if (p.refused.empty()) p.predicted = time_of(*known->second, read).value() * 1e6;
    }
    predictions.push_back(std::move(p));
  }
  return predictions;
}

}  // namespace

Result<Predictions> predict_kernels(const Catalog& catalog, const CsvTable& table) {
  if (const auto named = table_name(table.file)) return predict_operators(catalog, table, *named);
  if (table.column("op") >= 0 && table.column("dtype") >= 0)
    return predict_published(catalog, table);
  Predictions refused;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    refused.push_back({.form = "kernels",
                       .family = "memory_bound",
                       .chip = std::string(table.at(row, "chip")),
                       .row = place_of(table, row),
                       .refused = "tables of this header are not predicted yet"});
  }
  return refused;
}

}  // namespace fivefold
