#include <algorithm>
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

// Fills in what the model says of a row; `per_second` turns seconds into the row's unit.
void predict_row(const KernelModel& model, const KernelRow& row, double per_second, Prediction& p) {
  Seconds longest;
  for (const auto& [family, shape] : row.operators) {
    const KernelTime time = model.time(family, shape);
    p.predicted += time.time.value() * per_second;
    p.least += roofline(model.device(), shape, model.compute_format(shape)).value() * per_second;
    if (time.time > longest) p.limit = name(time.limit);
    longest = std::max(longest, time.time);
  }
  p.format = name(row.format);
  p.size = size_of(row.operators.front().second);
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
      predict_row(*run.model, read, 1e3, p);
      p.calibrated =
          is_calibrated(*run.stack, p.form, stem, p.family, p.chip, shape_text(table, row));
    }
    predictions.push_back(std::move(p));
  }
  return predictions;
}

KernelPoint published_point(const CsvTable& table, std::size_t row) {
  KernelPoint point{read_published_row(table, row), std::string(table.at(row, "chip"))};
  if (!point.row.refused.empty()) return point;
  const Work needed = work(point.row.operators.front().second);
  point.us = published_seconds(table, row, needed.weights + needed.activations).value() * 1e6;
  return point;
}

// Models of chips under stacks, made when they are first asked for.
class Models {
 public:
  explicit Models(const Catalog& catalog) : catalog_(catalog) {}
  const KernelModel* of(const Chip& chip, const Stack& stack) {
    const auto key = std::pair(&chip, &stack);
    auto known = models_.find(key);
    if (known == models_.end()) {
      auto made = KernelModel::make(chip.device, stack);
      known = models_.emplace(key, made ? std::optional<KernelModel>(*made) : std::nullopt).first;
    }
    return known->second ? &*known->second : nullptr;
  }
  const Stack* stack_of(const Chip& chip, std::string_view named) const {
    if (named.empty()) return &catalog_.default_stack(chip);
    const auto stack = catalog_.stack(named);
    return stack ? *stack : nullptr;
  }

 private:
  const Catalog& catalog_;
  std::map<std::pair<const Chip*, const Stack*>, std::optional<KernelModel>> models_;
};

bool is_hidden(const KernelPoint& point, const Device& device) {
  const Shape& shape = point.row.operators.front().second;
  return roofline(device, shape, point.row.format) < point.least;
}

Predictions predict_points(const Catalog& catalog, const CsvTable& table, PointReader reader) {
  Models models(catalog);
  Predictions predictions;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const KernelPoint point = reader(table, row);
    const std::string_view id = table.at(row, "id");
    Prediction p{.form = "kernels",
                 .family = point.row.family,
                 .chip = point.chip,
                 .row = place_of(table, row) + (id.empty() ? "" : " ") + std::string(id),
                 .measured = point.us,
                 .unit = "us",
                 .refused = point.row.refused};
    const auto chip = catalog.chip(point.chip);
    const Stack* stack = chip ? models.stack_of(**chip, point.stack) : nullptr;
    if (!chip) {
      p.refused = fmt::format("chip '{}' is not in the catalog", point.chip);
    } else if (stack == nullptr) {
      p.refused = fmt::format("stack '{}' is not in the catalog", point.stack);
    } else {
      p.chip = (*chip)->id;
      p.stack = stack->id;
      const KernelModel* model = models.of(**chip, *stack);
      if (model == nullptr && p.refused.empty()) p.refused = "the chip's rates are not published";
      if (p.refused.empty() && is_hidden(point, (*chip)->device))
        p.refused = "shorter than the call from the host that was timed with it";
      if (p.refused.empty()) {
        predict_row(*model, point.row, 1e6, p);
        p.calibrated = is_calibrated(*stack, p.form, file_stem(table.file), p.family, p.chip, "");
      }
    }
    predictions.push_back(std::move(p));
  }
  return predictions;
}

}  // namespace

Result<Predictions> predict_kernels(const Catalog& catalog, const CsvTable& table) {
  if (const auto named = table_name(table.file)) return predict_operators(catalog, table, *named);
  if (table.column("op") >= 0 && table.column("dtype") >= 0)
    return predict_points(catalog, table, published_point);
  if (const PointReader reader = point_reader(table)) return predict_points(catalog, table, reader);
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
