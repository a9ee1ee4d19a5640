// Operator tables as groups of samples, one group a kernel.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "fivefold/evidence/calibrate.h"
#include "fivefold/evidence/kernel_rows.h"

namespace fivefold {
namespace {

using Key =
    std::tuple<std::string, std::string, Format, std::string>;  // data, listed, format, kernel

struct GroupReader {
  const Catalog& catalog;
  KernelGroups result;

  void refuse(const std::string& reason, std::size_t rows = 1) {
    result.refused[reason] += static_cast<int>(rows);
  }

  Result<void> read(const CsvTable& table, const TableName& named) {
    if (auto needed = need_columns(table, needed_columns(named.table)); !needed)
      return tl::unexpected(needed.error());
    const auto chip = catalog.chip(named.chip);
    const auto stack = stack_of_release(catalog, named.stack);
    if (!chip || !stack) {
      refuse(fmt::format("{} '{}' is not in the catalog", chip ? "stack" : "chip",
                         chip ? named.stack : named.chip),
             table.rows.size());
      return {};
    }
    const Device& device = (*chip)->device;
    if (device.cores <= 0 || device.clock <= Hertz(0)) {
      refuse(fmt::format("the catalog has no cores or clock of '{}'", named.chip),
             table.rows.size());
      return {};
    }
    std::map<Key, KernelGroup> groups;
    std::optional<Result<KernelModel>> model;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      const auto latency = table.number(row, "latency");
      if (!latency || *latency <= 0)
        return fail("the latency is not a number above 0", "milliseconds",
                    {table.file, table.lines[row], 0});
      KernelRow read = read_kernel_row(table, row, named.table, catalog);
      // Of a module its rest is fitted, what runs beside it is as the stack has it.
      if (read.refused.empty() && read.operators.size() > 1) {
        if (!model) model = KernelModel::make(device, **stack);
        if (*model) set_beside(**model, read);
        if (!*model) read.refused = model->error().problems.front().what;
      }
      if (read.refused.empty() && read.listed.empty())
        read.refused = fmt::format("stacks do not list a kernel of '{}' rows", read.family);
      if (!read.refused.empty()) {
        refuse(read.refused);
        continue;
      }
      const std::string kernel(kernel_named(table, row, read));
      const std::string data = file_stem(table.file);
      KernelGroup& group = groups[{data, std::string(read.listed), read.format, kernel}];
      if (group.stack.empty()) {
        const std::string run = kernel_of(**stack, device, read.listed, read.format);
        group = {.stack = (*stack)->id,
                 .chip = (*chip)->id,
                 .architecture = device.architecture,
                 .data = data,
                 .listed = std::string(read.listed),
                 .report = read.family,
                 .kernel = kernel,
                 .served = run.empty() || run == kernel,
                 .family = read.operators.back().first,
                 .format = read.format};
      }
      auto& into = is_held_out(shape_text(table, row), 0.2) ? group.held : group.fitted;
      into.push_back({read.operators.back().second, &device, *latency * 1e-3, table.lines[row]});
    }
    for (auto& [key, group] : groups) result.groups.push_back(std::move(group));
    return {};
  }
};

}  // namespace

Result<KernelGroups> read_kernel_groups(const Catalog& catalog,
                                        const std::vector<std::string>& paths) {
  const auto files = measured_files(paths);
  if (!files) return fail(files.error());
  GroupReader reader{catalog, {}};
  Error error;
  for (const std::string& file : *files) {
    const auto named = table_name(file);
    const auto table = read_csv(file);
    if (!table) {
      error.problems.insert(error.problems.end(), table.error().problems.begin(),
                            table.error().problems.end());
      continue;
    }
    if (!is_kernel_table(*table) || is_collective_table(*table)) continue;
    if (!named) {
      reader.result.notes.push_back(
          fmt::format("{}: left out, the name is not CHIP__STACK-VERSION__TABLE.csv", file));
      continue;
    }
    if (const auto read = reader.read(*table, *named); !read) {
      error.problems.insert(error.problems.end(), read.error().problems.begin(),
                            read.error().problems.end());
    }
  }
  if (!error.problems.empty()) return fail(std::move(error));
  return std::move(reader.result);
}

}  // namespace fivefold
