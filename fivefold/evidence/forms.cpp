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

// Every column of the forms, those included that only people read.
// clang-format off
constexpr std::string_view kColumns[] = {
    "active_params_B", "algbw_GBps", "algorithm", "allreduce_dtype", "architecture", "array_MB",
    "attn_dp", "attn_dtype", "availability", "average_power", "backend", "backward_ms", "batch",
    "batch_or_concurrency", "batch_per_rank", "batch_size", "batch_size_per_gpu", "bmm_dtype",
    "busbw_GBps", "bytes", "bytes_meaning", "causal", "chip", "chips", "collective",
    "combine_avg_t_us", "combine_bandwidth_gbps", "combine_notify_us", "combine_sms",
    "combine_transmit_us", "compress_ratio", "concurrency", "confidence", "cp", "d_attn_dp",
    "d_batch", "d_conv", "d_model", "d_moe_ep", "d_moe_tp", "d_pp", "d_tp", "d_workers", "date",
    "dispatch_avg_t_us", "dispatch_bandwidth_gbps", "dispatch_notify_us", "dispatch_sms",
    "dispatch_transmit_us", "dispatcher", "distribution", "down_mfu", "down_proj_us", "dp",
    "dp_num_tokens", "dtype", "e2e_time", "engine", "engine_version", "ep", "expert_ffn",
    "experts", "fabric", "forward_ms", "gbytes_per_s", "gemm_dtype", "gemm_type",
    "global_batch_seqs", "group", "groups", "hardware", "head_dim", "head_k_dim", "head_v_dim",
    "heads", "heads_kv", "heads_q", "hidden", "hidden_size", "id", "image", "implementation",
    "input_len", "inter_size", "intermediate_size", "isl", "k", "kernel", "kernel_source",
    "kind", "kv_cache_dtype", "kv_dtype", "kv_len", "latency", "latency_us", "layer", "layers",
    "layout_flag", "level", "lib", "library", "m", "max_allocated_GiB", "measured",
    "message_size", "metric", "metric2", "mfu", "micro_batch", "mla_dtype", "mode", "model",
    "model_name", "moe_dtype", "moe_ep", "moe_ep_size", "moe_kernel", "moe_tp", "moe_tp_size",
    "n", "nccl_dtype", "node_num", "nodes", "notes", "num_experts", "num_gpus", "num_heads",
    "num_k_heads", "num_key_value_heads", "num_local_experts", "num_slots", "num_token",
    "num_tokens", "num_topk", "num_v_heads", "op", "op_name", "origin", "osl", "output_len",
    "p_attn_dp", "p_batch", "p_moe_ep", "p_moe_tp", "p_pp", "p_tp", "p_workers",
    "page_or_table", "parallelism", "params_B", "pct_of_spec", "peak_mem_GiB", "peak_power",
    "phase", "pp", "precision", "prompt_size", "prompt_time", "q_len", "quant_dtype",
    "quantity", "rank0_num_tokens", "ranks", "ranks_per_node", "ratio_of_peak_busbw",
    "recompute", "round", "scenario", "schedule", "seq_len", "shared_expert_ffn",
    "simulation_mode", "software", "source", "sp", "step", "submitter", "system", "table",
    "tensor_parallel", "tflops", "time_us", "token_size", "token_time", "tokens_per_expert",
    "tokens_per_rank", "tool", "top_k", "topk", "tp", "tp_size", "tpot_ms", "ttft_ms", "unit",
    "up_mfu", "up_proj_us", "utilisation_pct", "value", "value2", "value_gb_s", "vocab", "vpp",
    "window_size", "wip", "zero_fsdp"};
// clang-format on

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
         has_all(table, {"up_proj_us", "down_proj_us"}) ||
         has_all(table, {"kernel", "value_gb_s"}) || has_all(table, {"op", "chip", "m", "value"});
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

std::vector<std::string> unknown_columns(const CsvTable& table) {
  std::vector<std::string> unknown;
  for (const std::string& column : table.columns) {
    if (!std::ranges::binary_search(kColumns, column)) unknown.push_back(column);
  }
  return unknown;
}

std::string file_stem(const std::string& path) {
  std::string name = path.substr(path.find_last_of('/') + 1);
  for (const std::string_view ending : {".gz", ".csv"}) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  return name;
}

}  // namespace fivefold
