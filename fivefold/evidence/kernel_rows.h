// Rows of measured operator tables as operators with shapes.
#pragma once

#include <optional>
#include <string>

#include "fivefold/evidence/evidence.h"
#include "fivefold/kernel/kernel.h"

namespace fivefold {

// What one row times: an operator, or several that run after each other.
struct KernelRow {
  std::string family;       // as the JSON form names it
  std::string refused;      // why it cannot be expressed; then the rest is empty
  std::string_view listed;  // family under which stacks name their kernel; empty: they do not
  Format format = Format::kBf16;
  std::vector<std::pair<Family, Shape>> operators;
  std::string kernel;  // what of the row's name tells kernels apart; empty: all of it
};

// Of a module: how long the operators take that run beside the last, its rest.
void set_beside(const KernelModel& model, KernelRow& row);

KernelRow refuse(std::string family, std::string reason);
// What a row of a table calls its kernel.
std::string_view kernel_named(const CsvTable& table, std::size_t row, const KernelRow& read);

// A row's numbers; a missing one makes the row unusable rather than zero.
class RowNumbers {
 public:
  RowNumbers(const CsvTable& table, std::size_t row) : table_(table), row_(row) {}
  double operator()(std::string_view column) {
    const auto value = table_.number(row_, column);
    if (!value) missing_ = column;
    return value.value_or(0);
  }
  double or_zero(std::string_view column) const { return table_.number(row_, column).value_or(0); }
  const std::string& missing() const { return missing_; }

 private:
  const CsvTable& table_;
  std::size_t row_;
  std::string missing_;
};

// What the file name says: "<chip>__<stack>-<version>__<table>".
struct TableName {
  std::string chip, stack, table;
};
std::optional<TableName> table_name(const std::string& path);
// The stack that it names. A release that the catalog does not list ("sglang-0.5.12") is predicted
// by the stack of its engine ("sglang").
Result<const Stack*> stack_of_release(const Catalog& catalog, std::string_view name);

KernelRow read_kernel_row(const CsvTable& table, std::size_t row, const std::string& kind,
                          const Catalog& catalog);
// One row of kernels/published.csv or of the tables of InferSim.
KernelRow read_published_row(const CsvTable& table, std::size_t row);
// Its time on a device, or that of the work which it must do at the rate or the share of the
// device's peak or bandwidth that the row gives; 0: none is there.
Seconds published_seconds(const CsvTable& table, std::size_t row, const Device& device,
                          const Work& needed);

// Published times of operators on several chips, a table at a time: the stack is the default of the
// chip's vendor unless the reader names one.
struct KernelPoint {
  KernelRow row;
  std::string chip;
  std::string_view stack;
  double us = 0;  // measured; 0: read from the row when the device is known
  Seconds least;  // an operator whose roofline is shorter was not what the time is of
};
using PointReader = KernelPoint (*)(const CsvTable& table, std::size_t row);
PointReader point_reader(const CsvTable& table);  // null: not such a table
inline constexpr std::string_view kEagerStack = "cuda/eager";

// Tables of whole attention modules: each row is the operators of a layer of the named model and
// the rest (workload/op.h, ModuleRest), which is the last.
bool is_module_table(std::string_view kind);
KernelRow module_row(const CsvTable& table, std::size_t row, RowNumbers& number,
                     std::string_view kind, const Catalog& catalog);

// What each kind of operator table must have beside kernel and latency.
std::vector<std::string_view> needed_columns(std::string_view kind);
// The columns that say what was timed, in the order of the file: what rows are held out by.
std::string shape_text(const CsvTable& table, std::size_t row);
// "small": fewer than 64 rows pass through the products, as in decode; else "large".
std::string size_of(const Shape& shape);
// The kernel that a stack is said to run for a family and format; empty: it does not say.
std::string kernel_of(const Stack& stack, const Device& device, std::string_view family,
                      Format format);

std::optional<Format> kernel_format(std::string_view text);

}  // namespace fivefold
