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
void predict_row(const KernelModel& model, KernelRow row, double per_second, Prediction& p) {
  set_beside(model, row);
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

// Models of chips under stacks, made when a row first asks for one.
class Models {
 public:
  const Result<KernelModel>& of(const Chip& chip, const Stack& stack) {
    const auto key = std::pair(&chip, &stack);
    const auto known = models_.find(key);
    if (known != models_.end()) return known->second;
    return models_.emplace(key, KernelModel::make(chip.device, stack)).first->second;
  }

 private:
  std::map<std::pair<const Chip*, const Stack*>, Result<KernelModel>> models_;
};

// The stack that ran a kernel of a table: the table's own, or the one in which a user chooses it,
// as on a chip of which no kernel is known; null if there is none.
const Stack* running(const Catalog& catalog, const Chip& chip, const Stack& stack,
                     const KernelRow& row, std::string_view kernel) {
  const std::string run = kernel_of(stack, chip.device, row.listed, row.format);
  if (run == kernel) return &stack;
  const auto chosen = catalog.stack(alternative_stack(stack.id, kernel));
  if (chosen) return *chosen;
  return run.empty() ? &stack : nullptr;
}

// Under the stack that runs the kernel, which becomes the prediction's.
void predict_operator(const Catalog& catalog, Models& models, const Chip& chip, const Stack& own,
                      const KernelRow& read, std::string_view kernel, Prediction& p) {
  const Stack* stack = running(catalog, chip, own, read, kernel);
  if (stack == nullptr) {
    p.refused = fmt::format("kernel '{}' is not the one the stack runs ('{}')", kernel,
                            kernel_of(own, chip.device, read.listed, read.format));
    return;
  }
  p.stack = stack->id;
  const Result<KernelModel>& model = models.of(chip, *stack);
  if (model) {
    predict_row(*model, read, 1e3, p);
  } else {
    p.refused = model.error().problems.front().what;
  }
}

// Tables whose file name gives chip and stack.
Result<Predictions> predict_operators(const Catalog& catalog, const CsvTable& table,
                                      const TableName& named) {
  if (auto needed = need_columns(table, needed_columns(named.table)); !needed)
    return tl::unexpected(needed.error());
  const auto chip = catalog.chip(named.chip);
  const auto own = stack_of_release(catalog, named.stack);
  const std::string unknown = !chip  ? fmt::format("chip '{}' is not in the catalog", named.chip)
                              : !own ? fmt::format("stack '{}' is not in the catalog", named.stack)
                                     : std::string();
  Models models;
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
                 .stack = own ? (*own)->id : named.stack,
                 .row = place_of(table, row),
                 .measured = *latency,
                 .unit = "ms",
                 .refused = read.refused.empty() ? unknown : read.refused};
    if (p.refused.empty())
      predict_operator(catalog, models, **chip, **own, read, kernel_named(table, row, read), p);
    if (p.refused.empty()) {
      p.calibrated = is_calibrated(**catalog.stack(p.stack), p.form, stem, p.family, p.chip,
                                   shape_text(table, row));
    }
    predictions.push_back(std::move(p));
  }
  return predictions;
}

KernelPoint published_point(const CsvTable& table, std::size_t row) {
  return {read_published_row(table, row), std::string(table.at(row, "chip"))};
}

// The stack that a point names, or the default of its chip's vendor; null if it is unknown.
const Stack* stack_of(const Catalog& catalog, const Chip& chip, std::string_view named) {
  if (named.empty()) return &catalog.default_stack(chip);
  const auto stack = catalog.stack(named);
  return stack ? *stack : nullptr;
}

bool is_hidden(const KernelPoint& point, const Device& device) {
  const Shape& shape = point.row.operators.front().second;
  return roofline(device, shape, point.row.format) < point.least;
}

Predictions predict_points(const Catalog& catalog, const CsvTable& table, PointReader reader) {
  Models models;
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
    const Stack* stack = chip ? stack_of(catalog, **chip, point.stack) : nullptr;
    if (!chip) {
      p.refused = fmt::format("chip '{}' is not in the catalog", point.chip);
    } else if (stack == nullptr) {
      p.refused = fmt::format("stack '{}' is not in the catalog", point.stack);
    } else {
      p.chip = (*chip)->id;
      p.stack = stack->id;
      const Result<KernelModel>& model = models.of(**chip, *stack);
      if (!model && p.refused.empty()) p.refused = "the chip's rates are not published";
      if (p.refused.empty() && p.measured <= 0) {
        const Work needed = work(point.row.operators.front().second);
        p.measured = published_seconds(table, row, (*chip)->device, needed).value() * 1e6;
        if (p.measured <= 0) p.refused = "the row has no time";
      }
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
