#include <initializer_list>
#include <map>

#include <fmt/format.h>

#include "fivefold/evidence/calibrate.h"
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

// A stack on the chip of a table, resolved when a row first needs it.
struct Resolved {
  const Stack* stack = nullptr;
  std::optional<KernelModel> model;
  std::string refusal;
};

Resolved resolve(const Device& device, const Stack& stack) {
  auto made = KernelModel::make(device, stack);
  if (!made) return {&stack, std::nullopt, made.error().problems.front().what};
  return {&stack, std::move(*made), {}};
}

// The stacks that may have run the kernels of one table.
class TableStacks {
 public:
  TableStacks(const Catalog& catalog, const TableName& named) : catalog_(catalog) {
    const auto chip = catalog.chip(named.chip);
    const auto stack = catalog.stack(named.stack);
    if (!chip || !stack) {
      none_.refusal = chip ? fmt::format("stack '{}' is not in the catalog", named.stack)
                           : fmt::format("chip '{}' is not in the catalog", named.chip);
      if (chip) chip_ = *chip;
      return;
    }
    chip_ = *chip;
    stack_ = *stack;
  }
  const Chip* chip() const { return chip_; }
  const Stack* stack() const { return stack_; }

  // That which runs this kernel: the table's own, or the one in which a user chooses it.
  const Resolved& running(const KernelRow& row, const std::string& kernel) {
    if (stack_ == nullptr) return none_;
    const std::string run = kernel_of(*stack_, chip_->device, row.listed, row.format);
    const bool served = run.empty() || run == kernel;
    const auto [known, added] = resolved_.try_emplace(served ? "" : kernel);
    if (!added) return known->second;
    const auto chosen = served ? Result<const Stack*>(stack_)
                               : catalog_.stack(alternative_stack(stack_->id, kernel));
    known->second =
        chosen ? resolve(chip_->device, **chosen)
               : Resolved{.refusal = fmt::format("kernel '{}' is not the one the stack runs ('{}')",
                                                 kernel, run)};
    return known->second;
  }

 private:
  const Catalog& catalog_;
  const Chip* chip_ = nullptr;
  const Stack* stack_ = nullptr;
  Resolved none_;
  std::map<std::string, Resolved, std::less<>> resolved_;
};

// Tables whose file name gives chip and stack.
Result<Predictions> predict_operators(const Catalog& catalog, const CsvTable& table,
                                      const TableName& named) {
  if (auto needed = need_columns(table, needed_columns(named.table)); !needed)
    return tl::unexpected(needed.error());
  TableStacks stacks(catalog, named);
  const std::string stem = file_stem(table.file);
  Predictions predictions;
  predictions.reserve(table.rows.size());
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto latency = table.number(row, "latency");
    if (!latency)
      return fail("the latency is not a number", "milliseconds", {table.file, table.lines[row], 0});
    const KernelRow read = read_kernel_row(table, row, named.table, catalog);
    const Resolved& run = stacks.running(read, std::string(table.at(row, "kernel_source")));
    Prediction p{.form = "kernels",
                 .family = read.family,
                 .chip = stacks.chip() != nullptr ? stacks.chip()->id : named.chip,
                 .stack = run.stack != nullptr        ? run.stack->id
                          : stacks.stack() != nullptr ? stacks.stack()->id
                                                      : named.stack,
                 .row = place_of(table, row),
                 .measured = *latency,
                 .unit = "ms",
                 .refused = read.refused.empty() ? run.refusal : read.refused};
    if (p.refused.empty()) {
      p.format = name(read.format);
      p.size = size_of(read.operators.front().second);
      p.predicted = time_of(*run.model, read).value() * 1e3;
      p.calibrated =
          is_calibrated(*run.stack, p.form, stem, p.family, p.chip, shape_text(table, row));
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
