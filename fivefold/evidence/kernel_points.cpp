// Published operator times whose table names the chip in a column, a folder or its own name.
#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include <fmt/format.h>

#include "fivefold/evidence/kernel_rows.h"

namespace fivefold {
namespace {

KernelPoint checked(KernelPoint point, const RowNumbers& number) {
  if (point.row.refused.empty() && !number.missing().empty())
    point.row.refused = fmt::format("column '{}' is empty", number.missing());
  return point;
}

KernelRow operator_row(Family family, Format format, Shape shape) {
  return {std::string(name(family)), {}, {}, format, {{family, shape}}};
}

KernelPoint not_predicted(Family family, std::string chip, std::string reason) {
  KernelPoint point;
  point.chip = std::move(chip);
  point.row.family = name(family);
  point.row.refused = std::move(reason);
  return point;
}

// BabelStream (Deakin et al., ISC Workshops 2016): arrays that each kernel reads and writes. A
// transfer from device to device is a copy.
struct StreamKernel {
  std::string_view name;
  double reads, writes;
};
constexpr StreamKernel kStreamKernels[] = {{"Copy", 1, 1}, {"Mul", 1, 1},
                                           {"Add", 2, 1},  {"Triad", 2, 1},
                                           {"Dot", 2, 0},  {"device to device", 1, 1}};

KernelPoint stream_point(const CsvTable& table, std::size_t row) {
  const std::string chip(table.at(row, "chip"));
  const std::string_view kernel = table.at(row, "kernel");
  const auto* known = std::ranges::find(kStreamKernels, kernel, &StreamKernel::name);
  if (known == std::end(kStreamKernels))
    return not_predicted(Family::kMemoryBound, chip, fmt::format("'{}' names no array", kernel));
  RowNumbers number(table, row);
  const double array = number("array_MB") * 1e6, rate = number("value_gb_s") * 1e9;
  const Streaming streaming{.read = Bytes(known->reads * array),
                            .written = Bytes(known->writes * array)};
  return checked({operator_row(Family::kMemoryBound, Format::kFp32, streaming),
                  chip,
                  {},
                  (known->reads + known->writes) * array / rate * 1e6},
                 number);
}

// The innermost folder is the chip: ".../gemm/h20/data.csv".
std::string folder_of(const std::string& path) {
  const std::size_t end = path.find_last_of('/');
  if (end == path.npos || end == 0) return {};
  const std::size_t begin = path.find_last_of('/', end - 1);
  return path.substr(begin == path.npos ? 0 : begin + 1,
                     end - (begin == path.npos ? 0 : begin + 1));
}

// Dense products of InferSim are DeepGEMM's: FP8 with a scale for each block.
KernelPoint product_point(const CsvTable& table, std::size_t row) {
  RowNumbers number(table, row);
  const Gemm gemm{.m = number("m"),
                  .n = number("n"),
                  .k = number("k"),
                  .a = Format::kFp8Block,
                  .b = Format::kFp8Block};
  return checked({operator_row(Family::kGemm, Format::kFp8Block, gemm),
                  folder_of(table.file),
                  {},
                  number("latency_us")},
                 number);
}

// The two products of the experts of one device, without the activation between them.
KernelPoint experts_point(const CsvTable& table, std::size_t row) {
  RowNumbers number(table, row);
  const MoeBlock moe{.tokens = number("batch_size_per_gpu") * number("num_gpus"),
                     .hidden = number("hidden_size"),
                     .width = number("intermediate_size"),
                     .experts = number("num_experts"),
                     .local_experts = number("num_local_experts"),
                     .topk = number("topk"),
                     .a = Format::kFp8Block,
                     .b = Format::kFp8Block,
                     .exchanged = true,
                     .step = true};
  return checked({operator_row(Family::kMoe, Format::kFp8Block, moe),
                  folder_of(table.file),
                  {},
                  number("up_proj_us") + number("down_proj_us")},
                 number);
}

// The file's name is heads, key-value heads and width of a head: "32-8-128".
KernelPoint heads_point(const CsvTable& table, std::size_t row) {
  const std::string chip = folder_of(table.file), stem = file_stem(table.file);
  std::array<double, 3> heads{};
  const char* at = stem.data();
  for (double& value : heads) {
    at = std::from_chars(at, stem.data() + stem.size(), value).ptr;
    if (at != stem.data() + stem.size() && *at == '-') ++at;
  }
  const auto compute = kernel_format(table.at(row, "dtype")),
             cache = kernel_format(table.at(row, "kv_dtype"));
  if (heads[2] <= 0 || !compute || !cache)
    return not_predicted(Family::kAttentionDecode, chip, "heads or format are not named");
  RowNumbers number(table, row);
  const AttentionCore core{.batch = number("batch_size"),
                           .q_len = 1,
                           .kv_len = number("kv_len"),
                           .heads = heads[0],
                           .kv_heads = heads[1],
                           .qk_dim = heads[2],
                           .v_dim = heads[2],
                           .compute = *compute,
                           .cache = *cache};
  return checked(
      {operator_row(Family::kAttentionDecode, *compute, core), chip, {}, number("latency_us")},
      number);
}

// What a call from the host takes, 13 to 53 us by operator, hides what is shorter.
constexpr Seconds kHostCall(40e-6);

// LLMCompass timed PyTorch in FP16, one call at a time: products in ms ("0.1900ms"), all else as
// 1e9 values a second.
KernelPoint eager_point(const CsvTable& table, std::size_t row) {
  const std::string chip(table.at(row, "chip"));
  const std::string_view op = table.at(row, "op");
  RowNumbers number(table, row);
  const double m = number("m"), n = op == "gelu" ? 1 : number("n");
  if (op == "matmul") {
    double ms = 0;
    const std::string_view text = table.at(row, "value");
    const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
    std::from_chars(text.data() + begin, text.data() + text.size(), ms);
    // FP16 and BF16 products run at one rate, and stacks are measured in BF16.
    const Gemm gemm{.m = m, .n = n, .k = number("k")};
    return checked(
        {operator_row(Family::kGemm, Format::kBf16, gemm), chip, {}, ms * 1e3, kHostCall}, number);
  }
  constexpr double kFp16Bytes = 2;
  const Bytes moved(m * n * kFp16Bytes);
  return checked({operator_row(Family::kMemoryBound, Format::kFp16,
                               Streaming{.read = moved, .written = moved}),
                  chip, kEagerStack, m * n / number("value") * 1e-3, kHostCall},
                 number);
}

struct PointForm {
  std::initializer_list<std::string_view> columns;  // that tell it from the other forms
  PointReader reader;
};

// Headerless tables: what their name begins with, and the columns they have.
struct Untitled {
  std::string_view op;
  std::initializer_list<std::string_view> columns;
};
const Untitled kUntitled[] = {{"gelu", {"m", "value"}},
                              {"layernorm", {"m", "n", "value"}},
                              {"softmax", {"m", "n", "value"}},
                              {"matmul", {"m", "n", "k", "value", "value2"}}};

// What was taken for the header is the first row.
void put_back(CsvTable& table, std::initializer_list<std::string_view> names) {
  table.rows.insert(table.rows.begin(), table.columns);
  table.lines.insert(table.lines.begin(), 1);
  table.columns.assign(names.begin(), names.end());
}

}  // namespace

PointReader point_reader(const CsvTable& table) {
  const PointForm forms[] = {{{"kernel", "value_gb_s"}, stream_point},
                             {{"op", "chip", "m", "value"}, eager_point},
                             {{"up_proj_us", "down_proj_us"}, experts_point},
                             {{"kv_len", "latency_us"}, heads_point},
                             {{"m", "n", "k", "latency_us"}, product_point}};
  for (const PointForm& form : forms) {
    if (std::ranges::all_of(form.columns,
                            [&](std::string_view name) { return table.column(name) >= 0; }))
      return form.reader;
  }
  return nullptr;
}

CsvTable with_header(CsvTable table) {
  const std::string stem = file_stem(table.file);
  if (table.columns.size() == 6 && format_from_name(table.columns[0]) &&
      format_from_name(table.columns[1])) {
    put_back(table, {"dtype", "kv_dtype", "batch_size", "kv_len", "latency_us", "mfu"});
    return table;
  }
  for (const Untitled& form : kUntitled) {
    const std::size_t name = form.op.size();
    if (!stem.starts_with(form.op) || stem.size() <= name + 1 || stem[name] != '_' ||
        table.columns.size() != form.columns.size())
      continue;
    put_back(table, form.columns);
    table.columns.insert(table.columns.end(), {"op", "chip"});
    for (std::vector<std::string>& row : table.rows)
      row.insert(row.end(), {std::string(form.op), stem.substr(name + 1)});
    return table;
  }
  return table;
}

}  // namespace fivefold
