#include "fivefold/evidence/kernel_rows.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "fivefold/kernel/parameters.h"
#include "fivefold/workload/layer.h"

namespace fivefold {

KernelRow refuse(std::string family, std::string reason) {
  KernelRow row;
  row.family = std::move(family);
  row.refused = std::move(reason);
  return row;
}

std::string_view kernel_named(const CsvTable& table, std::size_t row, const KernelRow& read) {
  return read.kernel.empty() ? table.at(row, "kernel_source") : std::string_view(read.kernel);
}

namespace {

// Whether a published rate is one of bytes.
bool of_bandwidth(const CsvTable& table, std::size_t row) {
  const std::string_view notes = table.at(row, "notes");
  return table.number(row, "gbytes_per_s").has_value() ||
         notes.find("of peak bandwidth") != notes.npos || notes.find("GB/s") != notes.npos;
}

// The exponent of "power_law_1.2"; none if tokens do not fall on experts so.
std::optional<double> power_law_of(std::string_view spread) {
  constexpr std::string_view kPowerLaw = "power_law_";
  if (!spread.starts_with(kPowerLaw)) return std::nullopt;
  spread.remove_prefix(kPowerLaw.size());
  double power = 0;
  std::from_chars(spread.data(), spread.data() + spread.size(), power);
  return power;
}

KernelRow one(std::string family, Family kernel, Format format, Shape shape) {
  return {std::move(family), {}, name(kernel), format, {{kernel, shape}}};
}

// Kernels over a cache of another format are listed apart.
KernelRow attention(std::string family, Family kernel, Format compute, Format cache, Shape shape) {
  KernelRow row = one(std::move(family), kernel, compute, shape);
  if (cache != compute) row.listed = variant_name(kernel);
  return row;
}

KernelRow gemm_row(const CsvTable& table, std::size_t row, RowNumbers& number) {
  const auto format = kernel_format(table.at(row, "gemm_dtype"));
  if (!format)
    return refuse("gemm", fmt::format("format '{}' is not modelled", table.at(row, "gemm_dtype")));
  // Of weight-only formats ("int4_wo") activations stay in BF16. SmoothQuant's plugin is timed on
  // activations that were narrowed before it.
  const std::string_view written = table.at(row, "gemm_dtype");
  const bool weights_only = written.ends_with("_wo");
  const Format a = weights_only ? Format::kBf16 : *format;
  const bool quantises = is_narrow(a) && written != "sq";
  return one("gemm", Family::kGemm, *format,
             Gemm{.m = number("m"),
                  .n = number("n"),
                  .k = number("k"),
                  .a = a,
                  .b = *format,
                  .quantises = quantises});
}

KernelRow attention_row(const CsvTable& table, std::size_t row, RowNumbers& number, bool decode) {
  const char* family = decode ? "attention_decode" : "attention_prefill";
  const auto compute = kernel_format(table.at(row, "attn_dtype")),
             cache = kernel_format(table.at(row, "kv_cache_dtype"));
  if (!compute || !cache) return refuse(family, "format of attention or cache is not modelled");
  AttentionCore core{.batch = number("batch_size"),
                     .q_len = decode ? 1 : number("isl"),
                     .kv_len = number("isl") + number("step"),
                     .heads = number("num_heads"),
                     .kv_heads = number("num_key_value_heads"),
                     .qk_dim = number("head_dim"),
                     .window = number.or_zero("window_size"),
                     .compute = *compute,
                     .cache = *cache,
                     .resident = true};
  if (core.kv_heads == 0) core.kv_heads = core.heads;  // the tables write multi-head attention so
  core.v_dim = core.qk_dim;
  return attention(family, decode ? Family::kAttentionDecode : Family::kAttentionPrefill, *compute,
                   *cache, core);
}

KernelRow mla_row(const CsvTable& table, std::size_t row, RowNumbers& number, bool decode) {
  const char* family = decode ? "mla_decode" : "mla_prefill";
  const auto compute = kernel_format(table.at(row, "mla_dtype")),
             cache = kernel_format(table.at(row, "kv_cache_dtype"));
  if (!compute || !cache) return refuse(family, "format of attention or cache is not modelled");
  const double context = number("isl") + number("step");
  // DeepSeek-V3: 512 + 64 compressed; 128 + 64 and 128 a head when not absorbed.
  if (decode) {
    return attention(family, Family::kMlaDecode, *compute, *cache,
                     MlaCore{.batch = number("batch_size"),
                             .q_len = 1,
                             .kv_len = context,
                             .heads = number("num_heads"),
                             .kv_rank = 512,
                             .rope_dim = 64,
                             .compute = *compute,
                             .cache = *cache,
                             .resident = true});
  }
  AttentionCore core{.batch = number("batch_size"),
                     .q_len = number("isl"),
                     .kv_len = context,
                     .heads = number("num_heads"),
                     .kv_heads = number("num_heads"),
                     .qk_dim = 192,
                     .v_dim = 128,
                     .compute = *compute,
                     .cache = *cache,
                     .resident = true};
  // SGLang's Hopper and Ampere path walks the compressed cache in prefill too: one shared head,
  // absorbed.
  if (table.at(row, "kernel_source") == "flash_attention") {
    core.kv_heads = 1;
    core.qk_dim = 576;
    core.v_dim = 512;
    KernelRow absorbed = one(family, Family::kMlaPrefill, *compute, core);
    absorbed.listed = variant_name(Family::kMlaPrefill, served_by(core).variant);
    return absorbed;
  }
  return attention(family, Family::kMlaPrefill, *compute, *cache, core);
}

// Nemotron-3's experts have no gate (squared ReLU), which a table says by its kernel's name or not
// at all: SGLang 0.5.10's timed them as gated, later ones as they are. They are known by 22 experts
// a token, or 2,688 values of one of 128 experts.
bool ungated_experts(const CsvTable& table, std::size_t row, const MoeBlock& moe) {
  if (table.at(row, "kernel_source").ends_with("_nongated")) return true;
  const auto named = table_name(table.file);
  if (!named || named->stack == "sglang-0.5.10") return false;
  return moe.topk == 22 || (moe.hidden == 2688 && moe.experts == 128);
}

// DeepSeek-R1's router takes experts of 4 out of 8 groups. SGLang's tables of 0.5.14 route through
// it, where a balanced input ties and falls on half of the experts: with all of them on a device
// rows take 20 to 50% less time than those of other models, with the first of many twice as much.
std::string doubt_of(const CsvTable& table, const MoeBlock& moe, bool balanced) {
  const auto named = table_name(table.file);
  if (!named || named->stack != "sglang-0.5.14" || !balanced) return {};
  if (moe.hidden == 7168 && moe.experts == 256 && moe.topk == 8)
    return "balanced input falls on half of the experts where the router limits groups";
  return {};
}

KernelRow moe_row(const CsvTable& table, std::size_t row, RowNumbers& number, bool exchanged,
                  bool step) {
  const auto format = kernel_format(table.at(row, "moe_dtype"));
  if (!format)
    return refuse("moe", fmt::format("format '{}' is not modelled", table.at(row, "moe_dtype")));
  // Weights are of 4 bit: "w4a16" and "w4a8" say what activations are.
  const bool narrowed = table.at(row, "moe_dtype") == "w4a8_mxfp4_mxfp8";
  const bool weights_only = *format == Format::kInt4 || *format == Format::kMxFp4;
  MoeBlock moe{.tokens = number("num_tokens"),
               .hidden = number("hidden_size"),
               .width = number("inter_size") / number("moe_tp_size"),
               .experts = number("num_experts"),
               .local_experts = number("num_experts") / number("moe_ep_size"),
               .topk = number("topk"),
               .a = narrowed       ? Format::kMxFp8
                    : weights_only ? Format::kBf16
                                   : *format,
               .b = *format,
               .exchanged = exchanged,
               .step = step};
  const std::string_view spread = table.at(row, "distribution");
  const auto power = power_law_of(spread);
  if (!power && spread != "balanced" && spread != "uniform")
    return refuse("moe", fmt::format("distribution '{}' is not modelled", spread));
  moe.power_law = power.value_or(0);
  if (std::string reason = doubt_of(table, moe, spread == "balanced"); !reason.empty())
    return refuse("moe", std::move(reason));
  moe.even = moe.power_law == 0;
  moe.gated = !ungated_experts(table, row, moe);
  // Releases after it skip the rows of experts that are elsewhere.
  const auto named = table_name(table.file);
  moe.absent_rows = named && named->stack == "sglang-0.5.10" && !exchanged;
  KernelRow result = one("moe", Family::kMoe, *format, moe);
  if (variant_of(moe) != Variant::kPlain)
    result.listed = variant_name(Family::kMoe, variant_of(moe));
  return result;
}

// TensorRT-LLM's experts behind its own exchange: `num_slots` places for experts, of which busy
// ones take several where they were balanced by their load ("_eplb"), so that tokens fall on all
// devices alike.
KernelRow wide_moe_row(const CsvTable& table, std::size_t row, RowNumbers& number) {
  const auto format = kernel_format(table.at(row, "moe_dtype"));
  if (!format)
    return refuse("moe", fmt::format("format '{}' is not modelled", table.at(row, "moe_dtype")));
  MoeBlock moe{.tokens = number("num_tokens"),
               .hidden = number("hidden_size"),
               .width = number("inter_size") / number("moe_tp_size"),
               .experts = number("num_slots"),
               .local_experts = number("num_slots") / number("moe_ep_size"),
               .topk = number("topk"),
               .a = *format,
               .b = *format,
               .exchanged = true};
  const std::string_view spread = table.at(row, "distribution");
  const auto power = power_law_of(spread);
  if (!power) return refuse("moe", fmt::format("distribution '{}' is not modelled", spread));
  if (!spread.ends_with("_eplb")) moe.power_law = *power;
  KernelRow result = one("moe", Family::kMoe, *format, moe);
  result.listed = variant_name(Family::kMoe, variant_of(moe));
  return result;
}

// What tables of linear attention hold that contradicts itself.
std::string doubt_of(const CsvTable& table, LinearCore core) {
  const auto named = table_name(table.file);
  if (!named) return {};
  // A 32,768-token sequence of 12,288 channels would pass through an A100 at three times its
  // bandwidth and a step of 1,024 sequences at twice, while 64 sequences of one token each take as
  // long as 64 of 128.
  if (core.part == LinearPart::kConvolution && named->stack == "sglang-0.5.10") {
    return "times of this release's convolution do not follow its tokens, and long ones are faster "
           "than memory";
  }
  // Shapes that stand in this table more than once agree within 1% when they are small, as they do
  // on all other chips; large ones differ up to 2.8 times, and take up to 4.8 times as long as on
  // an H100. A state is updated in place; chunks leave some arrays between their kernels.
  constexpr double kUnsteadyBytes = 3e8;
  core.resident = false;
  const double arrays = core.step ? 0.5 : core.part == LinearPart::kRule ? 3 : 1;
  if (named->chip == "h200_sxm" && arrays * work(core).activations.value() > kUnsteadyBytes)
    return "the same large shapes take one to three times as long when this table repeats them";
  return {};
}

// Benchmarks repeat one operator, so that its operands may stay in the cache.
KernelRow linear_row(const CsvTable& table, std::size_t row, RowNumbers& number) {
  const std::string_view kernel = table.at(row, "kernel_source");
  LinearCore core{.batch = number("batch_size"),
                  .q_len = number("seq_len"),
                  .k_heads = number("num_k_heads"),
                  .v_heads = number("num_v_heads"),
                  .k_dim = number("head_k_dim"),
                  .v_dim = number("head_v_dim"),
                  .conv = number("d_conv"),
                  .step = table.at(row, "phase") == "generation",
                  .resident = true};
  if (kernel.find("conv1d") != kernel.npos) core.part = LinearPart::kConvolution;
  if (std::string reason = doubt_of(table, core); !reason.empty())
    return refuse("linear_attention", std::move(reason));
  KernelRow result = one("linear_attention", Family::kLinearAttention, Format::kBf16, core);
  if (variant_of(core) != Variant::kPlain)
    result.listed = variant_name(Family::kLinearAttention, variant_of(core));
  return result;
}

// A tensor is divided by its scale, clamped, cast to FP8 and copied to its place, each by a kernel
// of its own: the quotient and the clamped values are FP32, then a byte each.
KernelRow scale_row(RowNumbers& number) {
  const double values = number("m") * number("k");
  KernelRow row = one("memory_bound", Family::kMemoryBound, Format::kBf16,
                      Streaming{.read = Bytes(2 * values),
                                .written = Bytes(values),
                                .ops = Ops(3 * values),
                                .launches = 4,
                                .quantise = true,
                                .between = Bytes((4 + 4 + 4 + 4 + 1 + 1) * values)});
  row.listed = variant_name(Family::kMemoryBound);
  return row;
}

// Batched products that absorb MLA's up-projections: one 128 x 512 matrix a head.
KernelRow absorb_row(const CsvTable& table, std::size_t row, RowNumbers& number) {
  const auto format = kernel_format(table.at(row, "bmm_dtype"));
  if (!format) return refuse("gemm", "format is not modelled");
  const bool before = table.at(row, "op_name") == "mla_gen_pre";
  KernelRow batched = one("gemm", Family::kGemm, *format,
                          Gemm{.m = number("num_tokens"),
                               .n = before ? 512.0 : 128.0,
                               .k = before ? 128.0 : 512.0,
                               .batch = number("num_heads"),
                               .a = *format,
                               .b = *format});
  batched.listed = variant_name(Family::kGemm);
  return batched;
}

}  // namespace

std::optional<Format> kernel_format(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Format>, 11> kNames = {
      {{"int4_wo", Format::kInt4},
       {"w4a8_mxfp4_mxfp8", Format::kMxFp4},
       {"sq", Format::kInt8},
       {"fp8_e4m3", Format::kFp8},
       {"w4a16_mxfp4", Format::kMxFp4},
       {"FP8 block-scaled", Format::kFp8Block},
       {"BF16", Format::kBf16},
       {"FP16", Format::kFp16},
       {"FP8", Format::kFp8},
       {"INT8", Format::kInt8},
       {"INT8 in, BF16 out", Format::kInt8}}};
  for (const auto& [known, format] : kNames) {
    if (text == known) return format;
  }
  return format_from_name(text);
}

std::optional<TableName> table_name(const std::string& path) {
  const std::string stem = file_stem(path);
  const std::size_t first = stem.find("__"), last = stem.rfind("__");
  if (first == stem.npos || last == first) return std::nullopt;
  return TableName{stem.substr(0, first), stem.substr(first + 2, last - first - 2),
                   stem.substr(last + 2)};
}

Result<const Stack*> stack_of_release(const Catalog& catalog, std::string_view name) {
  auto listed = catalog.stack(name);
  const std::size_t end = name.rfind('-');
  if (listed || end == name.npos || end + 1 == name.size() || name[end + 1] < '0' ||
      name[end + 1] > '9')
    return listed;
  auto engine = catalog.stack(name.substr(0, end));
  return engine ? engine : listed;
}

KernelRow read_kernel_row(const CsvTable& table, std::size_t row, const std::string& kind,
                          const Catalog& catalog) {
  RowNumbers number(table, row);
  KernelRow result = [&]() -> KernelRow {
    if (kind == "gemm") return gemm_row(table, row, number);
    if (kind == "moe") return moe_row(table, row, number, false, false);
    if (kind == "wideep_context_moe") return moe_row(table, row, number, true, false);
    if (kind == "wideep_generation_moe") return moe_row(table, row, number, true, true);
    if (kind == "context_attention") return attention_row(table, row, number, false);
    if (kind == "generation_attention") return attention_row(table, row, number, true);
    if (kind == "context_mla") return mla_row(table, row, number, false);
    if (kind == "generation_mla") return mla_row(table, row, number, true);
    if (kind == "gdn") return linear_row(table, row, number);
    if (kind == "mla_bmm") return absorb_row(table, row, number);
    if (is_module_table(kind)) return module_row(table, row, number, kind, catalog);
    if (kind == "wideep_moe") return wide_moe_row(table, row, number);
    if (kind == "encoder_attention") {
      AttentionCore core{.batch = number("batch_size"),
                         .q_len = number("isl"),
                         .kv_len = number("isl"),
                         .heads = number("num_heads"),
                         .kv_heads = number("num_heads"),
                         .qk_dim = number("head_dim"),
                         .v_dim = number("head_dim"),
                         .causal = false,
                         .resident = true};
      return one("encoder_attention", Family::kEncoderAttention, Format::kBf16, core);
    }
    if (kind == "scale_matrix") return scale_row(number);
    if (kind == "computescale") {
      return refuse("memory_bound",
                    "'computescale' is the difference of two timed operators where it is above 0");
    }
    return refuse("memory_bound", fmt::format("tables '{}' are not predicted yet", kind));
  }();
  if (result.refused.empty() && !number.missing().empty()) {
    return refuse(result.family, fmt::format("column '{}' is empty", number.missing()));
  }
  return result;
}

Seconds published_seconds(const CsvTable& table, std::size_t row, const Device& device,
                          const Work& needed) {
  const Bytes moved = needed.weights + needed.activations;
  if (const auto us = table.number(row, "time_us")) return Seconds(*us * 1e-6);
  if (const auto rate = table.number(row, "gbytes_per_s"))
    return moved / BytesPerSecond(*rate * 1e9);
  if (const auto rate = table.number(row, "tflops")) return needed.ops / OpsPerSecond(*rate * 1e12);
  const auto percent = table.number(row, "utilisation_pct");
  if (!percent || *percent <= 0) return Seconds(0);
  const Seconds full = of_bandwidth(table, row) ? moved / device.memory_bandwidth
                                                : needed.ops / device.peak_for(needed.compute);
  return full / (*percent / 100);
}

namespace {

// Rows that say what share of a device its MLA kernel reaches at best name no shape. With 128 heads
// and two tokens, as a drafted one is checked, arithmetic binds on any chip; with 16 heads and one
// token memory does. Caches are long, so that nothing else takes time.
MlaCore best_setting(bool by_bandwidth, Format format) {
  return {.batch = 128,
          .q_len = by_bandwidth ? 1.0 : 2.0,
          .kv_len = 32768,
          .heads = by_bandwidth ? 16.0 : 128.0,
          .kv_rank = 512,
          .rope_dim = 64,
          .compute = format,
          .cache = format};
}

}  // namespace

KernelRow read_published_row(const CsvTable& table, std::size_t row) {
  RowNumbers number(table, row);
  const std::string_view op = table.at(row, "op");
  const auto format = kernel_format(table.at(row, "dtype"));
  if (op != "gemm" && op != "grouped_gemm" && op != "mla_decode")
    return refuse("gemm", fmt::format("'{}' rows are not predicted yet", op));
  if (!format)
    return refuse("gemm", fmt::format("format '{}' is not modelled", table.at(row, "dtype")));
  const bool product = op != "mla_decode";
  if (!product && !table.number(row, "kv_len") && !table.number(row, "time_us"))
    return one("mla_decode", Family::kMlaDecode, *format,
               best_setting(of_bandwidth(table, row), *format));
  KernelRow result = product ? one("gemm", Family::kGemm, *format,
                                   Gemm{.m = number("m"),
                                        .n = number("n"),
                                        .k = number("k"),
                                        .batch = std::max(1.0, number.or_zero("groups")),
                                        .a = *format,
                                        .b = *format})
                             : one("mla_decode", Family::kMlaDecode, *format,
                                   MlaCore{.batch = number("batch"),
                                           .q_len = std::max(1.0, number.or_zero("q_len")),
                                           .kv_len = number("kv_len"),
                                           .heads = number("heads_q"),
                                           .kv_rank = 512,
                                           .rope_dim = 64,
                                           .compute = *format,
                                           .cache = *format});
  if (!number.missing().empty())
    return refuse(result.family, fmt::format("column '{}' is empty", number.missing()));
  return result;
}

// The kernel that the stack is said to run for a family and format; empty: it does not say.
std::string kernel_of(const Stack& stack, const Device& device, std::string_view family,
                      Format format) {
  std::string kernel;
  if (family.empty()) return kernel;
  constexpr std::string_view kConverted = "_converted";  // over another cache: the same kernel
  if (family.ends_with(kConverted)) family.remove_suffix(kConverted.size());
  for (const StackEntry& entry : stack.entries) {
    const bool applies = (entry.family == "*" || entry.family == family) &&
                         concerns(entry, device) && concerns(entry, format);
    if (!applies) continue;
    if (const Fact* fact = entry.parameters->find("kernel")) kernel = fact->text;
  }
  return kernel;
}

// The columns that say what was timed, in the order of the file: what rows are held out by.
std::string shape_text(const CsvTable& table, std::size_t row) {
  std::string text;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const std::string& column = table.columns[c];
    if (column == "latency" || column == "op_name" || column == "kernel_source") continue;
    text += table.rows[row][c];
    text += ',';
  }
  return text;
}

// What each kind of operator table must have beside kernel and latency.
std::vector<std::string_view> needed_columns(std::string_view kind) {
  std::vector<std::string_view> columns = {"kernel_source", "latency"};
  const auto add = [&](std::initializer_list<std::string_view> more) {
    columns.insert(columns.end(), more);
  };
  if (kind == "gemm") add({"gemm_dtype", "m", "n", "k"});
  if (kind.ends_with("moe") && !kind.starts_with("wideep_moe")) {
    add({"moe_dtype", "num_tokens", "hidden_size", "inter_size", "topk", "num_experts",
         "moe_tp_size", "moe_ep_size", "distribution"});
  }
  if (kind == "context_attention" || kind == "generation_attention") {
    add({"attn_dtype", "kv_cache_dtype", "batch_size", "isl", "step", "num_heads",
         "num_key_value_heads", "head_dim"});
  }
  if (kind == "context_mla" || kind == "generation_mla") {
    add({"mla_dtype", "kv_cache_dtype", "batch_size", "isl", "step", "num_heads"});
  }
  if (is_module_table(kind)) {
    add({"model", "mla_dtype", "kv_cache_dtype", "gemm_type", "num_heads", "batch_size", "isl",
         "step"});
  }
  if (kind == "wideep_moe") {
    add({"moe_dtype", "num_tokens", "hidden_size", "inter_size", "topk", "num_slots", "moe_tp_size",
         "moe_ep_size", "distribution"});
  }
  if (kind == "encoder_attention") add({"batch_size", "isl", "num_heads", "head_dim"});
  return columns;
}

std::string size_of(const Shape& shape) {
  constexpr double kSmall = 64, kSmallBytes = 4e6;
  struct Visitor {
    bool operator()(const Streaming& s) const { return (s.read + s.written).value() < kSmallBytes; }
    bool operator()(const Gemm& g) const { return g.m < kSmall; }
    bool operator()(const MoeBlock& m) const { return m.tokens < kSmall; }
    bool operator()(const AttentionCore& a) const { return a.batch * a.q_len < kSmall; }
    bool operator()(const MlaCore& m) const { return m.batch * m.q_len < kSmall; }
    bool operator()(const LinearCore& l) const { return l.batch * l.q_len < kSmall; }
    bool operator()(const ModuleRest& m) const { return m.batch * m.q_len < kSmall; }
  };
  return std::visit(Visitor{}, shape) ? "small" : "large";
}

}  // namespace fivefold
