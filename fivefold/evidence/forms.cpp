#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>

#include "fivefold/evidence/evidence.h"

namespace fivefold {
namespace {

using Names = std::initializer_list<std::string_view>;

bool has_all(const CsvTable& table, Names names) {
  return std::all_of(names.begin(), names.end(),
                     [&](std::string_view name) { return table.column(name) >= 0; });
}

}  // namespace

// A form is known by the few columns that no other form has, so that a file which lacks another
// needed column is still recognised and the column can be named.
bool is_collective_table(const CsvTable& table) {
  return has_all(table, {"collective", "ranks"}) || has_all(table, {"op", "ep", "metric"}) ||
         has_all(table, {"ratio_of_peak_busbw"}) ||
         has_all(table, {"fabric", "level", "quantity"}) ||
         has_all(table, {"op_name", "num_gpus", "message_size"}) ||
         has_all(table, {"op_name", "node_num", "num_topk"});
}

bool is_kernel_table(const CsvTable& table) {
  if (is_collective_table(table)) return false;
  return has_all(table, {"op_name"}) || has_all(table, {"op", "time_us", "tflops"}) ||
         has_all(table, {"m", "k", "n", "latency_us"}) ||
         has_all(table, {"kv_len", "latency_us"}) ||
         has_all(table, {"up_proj_us", "down_proj_us"}) || has_all(table, {"kernel", "value_gb_s"});
}

bool is_training_table(const CsvTable& table) {
  return has_all(table, {"global_batch_seqs", "metric"}) ||
         has_all(table, {"dispatcher", "forward_ms"}) ||
         (has_all(table, {"chips", "quantity", "value"}) && table.column("fabric") < 0);
}

bool is_serving_table(const CsvTable& table) {
  return has_all(table, {"ttft_ms", "tpot_ms"}) ||
         has_all(table, {"parallelism", "phase", "metric"}) ||
         has_all(table, {"scenario", "metric"}) || has_all(table, {"prompt_time", "token_time"});
}

Result<void> need_columns(const CsvTable& table, const std::vector<std::string_view>& names) {
  Error error;
  for (const std::string_view name : names) {
    if (table.column(name) >= 0) continue;
    const Error one =
        make_error(fmt::format("column '{}' is missing", name), {}, {table.file, 1, 0});
    error.problems.push_back(one.problems.front());
  }
  if (error.problems.empty()) return {};
  return fail(std::move(error));
}

std::string file_stem(const std::string& path) {
  std::string name = path.substr(path.find_last_of('/') + 1);
  for (const std::string_view ending : {".gz", ".csv"}) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  return name;
}

}  // namespace fivefold
