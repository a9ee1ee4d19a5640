// InferenceX: github.com/SemiAnalysisAI/InferenceX, benchmarks/single_node/*.sh for the flags of
// each engine, utils/bench_serving/benchmark_serving.py for the load, perf-changelog.yaml for which
// image belongs to which configuration (read in November 2026).
#include "fivefold/evidence/serving_runs.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>

namespace fivefold {
namespace {

struct Row {
  const CsvTable& table;
  std::size_t row;
  std::string_view operator[](std::string_view column) const { return table.at(row, column); }
  bool has(std::string_view column, std::string_view part) const {
    return (*this)[column].find(part) != std::string_view::npos;
  }
  double number(std::string_view column) const { return table.number(row, column).value_or(0); }
};

// Lengths are uniform between 0.8 of the nominal one and all of it; each client sends ten requests.
constexpr double kMeanLength = 0.9;
constexpr double kLengthSpread = 0.2 / kMeanLength;
constexpr double kRounds = 10;
constexpr double kStreamInterval = 10;  // 20 and 30 in some

// Engines are given 0.75 to 0.95 of the memory, weights included, or of what weights leave.
constexpr double kMemoryReserve = 0.05;

// TensorRT-LLM's runs of DeepSeek with multi-token prediction share model, layout and engine with
// those without. Image 1.2.0rc6.post3 is of the former only (changes 632 and 642),
// and 1.1.0rc2.post2 of both, of which the runs of 14 January 2026 are theirs.
bool drafts_tokens(const Row& row) {
  if (row["engine"] != "trtllm" || row["phase"] != "agg" || !row.has("model", "DeepSeek"))
    return false;
  return row.has("image", "1.2.0rc6.post3") ||
         (row.has("image", "1.1.0rc2.post2") && row["measured"] == "2026-01-14");
}

// Text of DeepSeek-R1 under its chat template; of each of up to three drafts.
constexpr double kAcceptance = 0.7;

// "0.5.10.post1" is before {0, 5, 11}. Rows without a version are of 2025.
bool is_before(std::string_view version, std::array<int, 3> limit) {
  std::array<int, 3> parts{};
  const char* at = version.data();
  const char* end = at + version.size();
  for (int& part : parts) {
    const auto [stop, error] = std::from_chars(at, end, part);
    if (error != std::errc() || stop == end || *stop != '.') break;
    at = stop + 1;
  }
  return parts < limit;
}

// vLLM schedules ahead of the kernels since 0.14 and before only where it is asked to, as
// InferenceX does. SGLang's steps have been without a gap since 0.5.8: told by the rows themselves.
bool serial_host(const Row& row) {
  if (row["engine"] == "vllm")
    return !row.has("origin", "InferenceX") && is_before(row["engine_version"], {0, 14, 0});
  return row["engine"] == "sglang" && is_before(row["engine_version"], {0, 5, 8});
}

void add_inferencex(const Row& row, ServingRun& run) {
  ServingWorkload& load = run.workload;
  load.input *= kMeanLength;
  load.output *= kMeanLength;
  load.length_spread = kLengthSpread;
  load.loop_rounds = kRounds;
  const bool deepseek = row.has("model", "DeepSeek"), attention_dp = row.number("attn_dp") > 1;
  if (row["engine"] != "vllm") load.stream_interval = kStreamInterval;
  // The first token too is sent with those of the interval that follow it.
  if (row["engine"] != "vllm" && deepseek) load.first_steps = kStreamInterval - 1;
  // --max_num_tokens, which had no floor in 2025 nor with multi-token prediction.
  if (row["engine"] == "trtllm" && deepseek && row["phase"] == "agg" &&
      (drafts_tokens(row) || row["measured"] < "2026-01-20")) {
    load.batch_tokens = row.number("isl") + row.number("concurrency") + 127;
  }
  if (drafts_tokens(row)) {
    load.draft_tokens = attention_dp ? 1 : 3;
    load.acceptance = kAcceptance;
  }
  // timeout_iters of attention_dp_config: groups wait so long for each other's prompts.
  if (row["engine"] == "trtllm" && deepseek && attention_dp) load.poll_steps = 60;
  if (row["engine"] == "sglang" && row["chip"] == "B200") {
    run.cache = "fp8";
    // --scheduler-recv-interval
    if (row["phase"] == "agg") load.poll_steps = row.number("concurrency") >= 16 ? 30 : 10;
  }
}

}  // namespace

ServingRun serving_run(const CsvTable& table, std::size_t row, double input, double output) {
  const Row of{table, row};
  ServingRun run;
  run.workload = {.input = input,
                  .output = output,
                  .microbatch_overlap = false,
                  .memory_reserve = kMemoryReserve};
  // Checkpoints quantised with Nvidia's tool carry a cache in FP8, which TensorRT-LLM and vLLM take
  // up.
  const std::string_view dense = of["gemm_dtype"];
  if (dense == "nvfp4" || (dense == "fp8" && of["engine"] != "sglang")) run.cache = "fp8";
  run.workload.serial_host = serial_host(of);
  if (of.has("origin", "InferenceX")) {
    add_inferencex(of, run);
    return run;
  }
  // Others start all clients at once with requests of one length, or where lengths are in
  // thousands, offer a steady load.
  if (std::fmod(input, 1000) != 0) {
    run.workload.loop_rounds = kRounds;
    run.workload.length_spread = 0;
  }
  return run;
}

std::vector<bool> contradicted_rows(const CsvTable& table) {
  constexpr double kFewer = 4, kQuicker = 0.7;
  std::map<std::string, std::vector<std::size_t>> alike;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    std::string shape;
    for (const std::string_view column : {"chip", "model", "gemm_dtype", "engine", "phase", "isl",
                                          "osl", "chips", "tp", "attn_dp", "moe_tp", "moe_ep"}) {
      shape += std::string(table.at(row, column)) + "|";
    }
    if (table.at(row, "phase") == "agg") alike[shape].push_back(row);
  }
  std::vector<bool> contradicted(table.rows.size(), false);
  const auto number = [&](std::size_t row, std::string_view column) {
    return table.number(row, column).value_or(0);
  };
  for (const auto& [shape, rows] : alike) {
    for (const std::size_t row : rows) {
      const double requests = number(row, "concurrency"), time = number(row, "tpot_ms");
      contradicted[row] = std::any_of(rows.begin(), rows.end(), [&](std::size_t few) {
        const double fewer = number(few, "concurrency");
        return fewer > 0 && kFewer * fewer <= requests && time < kQuicker * number(few, "tpot_ms");
      });
    }
  }
  return contradicted;
}

bool exceeds_arithmetic(const ServingRig& rig, const ServingWorkload& load, double devices,
                        double requests, double ttft, double tpot) {
  constexpr double kMost = 0.7;
  const double life = (ttft + load.output * tpot) / 1e3;
  if (life <= 0) return false;
  const Ops prompt = load.input * forward_ops_per_token(*rig.model, load.input / 2);
  const Ops answer = load.output * forward_ops_per_token(*rig.model, load.input + load.output / 2);
  const Format format = rig.kernels.compute_format(rig.precision.gemm_a, rig.precision.gemm_b);
  const double peak = devices * rig.machine.device.peak_for(format).value();
  return peak > 0 && requests / life * (prompt + answer).value() > kMost * peak;
}

}  // namespace fivefold
