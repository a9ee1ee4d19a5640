// Serving: time to first token and time per output token of each row of the measured tables.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/evidence/serving_case.h"
#include "fivefold/evidence/serving_runs.h"

namespace fivefold {
namespace {

std::string text(const CsvTable& table, std::size_t row, std::string_view column) {
  return std::string(table.at(row, column));
}

int whole(const CsvTable& table, std::size_t row, std::string_view column, int otherwise) {
  return int(table.number(row, column).value_or(otherwise));
}

Prediction blank(const CsvTable& table, std::size_t row, std::string family, std::string unit) {
  Prediction p;
  p.form = "serving";
  p.family = std::move(family);
  p.chip = text(table, row, "chip");
  p.model = text(table, row, "model");
  p.row = fmt::format("{}:{} {}", file_stem(table.file), table.lines[row], table.at(row, "id"));
  p.unit = std::move(unit);
  return p;
}

// Two lines of one row: both refused, or both with a value.
void refuse_both(Prediction& ttft, Prediction& tpot, const std::string& reason) {
  ttft.refused = tpot.refused = reason;
}

ServingSetup loop_setup(const CsvTable& table, std::size_t row, const std::string& cache = {}) {
  return {.system = text(table, row, "system"),
          .chip = text(table, row, "chip"),
          .model = text(table, row, "model"),
          .engine = text(table, row, "engine"),
          .dense = text(table, row, "gemm_dtype"),
          .experts = text(table, row, "moe_dtype"),
          .cache = cache,
          .chips = 8};
}

// Attention is cut over all devices of an instance, or each holds other sequences. `corrected` rows
// give tp and ep multiplied by each other: their devices count.
tl::expected<ServingLayout, std::string> one_layout(const CsvTable& table, std::size_t row) {
  const int devices = whole(table, row, "chips", 0);
  const int attention_dp = whole(table, row, "attn_dp", 1);
  const int moe_tp = std::max(1, whole(table, row, "moe_tp", 1));
  const int moe_ep = std::max(1, whole(table, row, "moe_ep", 1));
  if (devices < 1) return tl::unexpected<std::string>("number of chips not published");
  ServingLayout layout;
  layout.dp = attention_dp > 1 ? devices : 1;
  layout.tp = devices / layout.dp;
  layout.ep = moe_ep > 1 ? devices : 1;
  if (table.at(row, "layout_flag") == "ok") {
    layout.ep = moe_ep;
    const bool experts_fill = moe_tp * moe_ep == devices;
    const bool dense = moe_tp * moe_ep == 1;  // the columns mean nothing without experts
    const bool attention_fills = whole(table, row, "tp", 1) * std::max(1, attention_dp) == devices;
    if (!attention_fills || !(experts_fill || dense)) {
      return tl::unexpected<std::string>("layout does not give its devices");
    }
  }
  return layout;
}

tl::expected<ServingLayout, std::string> pool_layout(const CsvTable& table, std::size_t row,
                                                     const std::string& pool) {
  const int tp = whole(table, row, pool + "tp", 0), dp = whole(table, row, pool + "attn_dp", 1);
  const int moe_tp = std::max(1, whole(table, row, pool + "moe_tp", 1));
  const int moe_ep = std::max(1, whole(table, row, pool + "moe_ep", 1));
  if (tp < 1) return tl::unexpected<std::string>("layout of the pools not published");
  const int devices = std::max({tp, dp, moe_tp * moe_ep});
  ServingLayout layout;
  layout.dp = std::max(1, dp);
  layout.tp = devices / layout.dp;
  layout.ep = moe_ep;
  return layout;
}

std::string shape_of(const CsvTable& table, std::size_t row) {
  std::string shape;
  for (const std::string_view column :
       {"model", "gemm_dtype", "engine", "phase", "isl", "osl", "concurrency", "chips", "tp",
        "attn_dp", "moe_ep", "p_workers", "p_tp", "p_attn_dp", "d_workers", "d_tp", "d_attn_dp"}) {
    shape += std::string(table.at(row, column)) + "|";
  }
  return shape;
}

tl::expected<LoopEstimate, std::string> closed_loop(ServingRigs& rigs, const CsvTable& table,
                                                    std::size_t row) {
  const auto input = table.number(row, "isl"), output = table.number(row, "osl");
  const auto concurrency = table.number(row, "concurrency");
  if (!input || !output || !concurrency) {
    return tl::unexpected<std::string>("lengths or concurrency not published");
  }
  const ServingRun run = serving_run(table, row, *input, *output);
  const ServingWorkload& workload = run.workload;
  ServingSetup setup = loop_setup(table, row, run.cache);
  const auto finish = [](Result<LoopEstimate> loop) -> tl::expected<LoopEstimate, std::string> {
    if (loop) return *loop;
    const std::string& what = loop.error().problems.front().what;
    return tl::unexpected(what.starts_with("does not fit") ? "does not fit" : what);
  };
  if (table.at(row, "phase") == "agg") {
    const auto layout = one_layout(table, row);
    if (!layout) return tl::unexpected(layout.error());
    const auto rig = rigs.find(setup);
    if (!rig) return tl::unexpected(rig.error());
    const double ttft = table.number(row, "ttft_ms").value_or(0);
    const double tpot = table.number(row, "tpot_ms").value_or(0);
    if (exceeds_arithmetic(**rig, workload, layout->devices(), *concurrency, ttft, tpot)) {
      return tl::unexpected<std::string>("its times ask for more arithmetic than chips reach");
    }
    return finish((*rig)->serving->mixed(workload, *layout, *concurrency));
  }
  const auto prefills = table.number(row, "p_workers"), decodes = table.number(row, "d_workers");
  if (!prefills || !decodes) return tl::unexpected<std::string>("number of workers not published");
  const auto prefill = pool_layout(table, row, "p_"), decode = pool_layout(table, row, "d_");
  if (!prefill) return tl::unexpected(prefill.error());
  if (!decode) return tl::unexpected(decode.error());
  // Whole systems: the cache travels between them.
  setup.chips = 8 * std::max(2, (whole(table, row, "chips", 16) + 7) / 8);
  const auto rig = rigs.find(setup);
  if (!rig) return tl::unexpected(rig.error());
  return finish((*rig)->serving->split(workload,
                                       {.prefill = *prefill,
                                        .decode = *decode,
                                        .prefill_instances = *prefills,
                                        .decode_instances = *decodes},
                                       *concurrency));
}

// Prompt and token times of one instance without a queue (power/splitwise form): times in ms.
Result<Predictions> predict_prompts(const Catalog& catalog, const CsvTable& table) {
  if (auto columns =
          need_columns(table, {"model", "hardware", "prompt_size", "batch_size", "token_size",
                               "prompt_time", "token_time", "tensor_parallel"});
      !columns) {
    return fail(std::move(columns.error()));
  }
  ServingRigs rigs(catalog);
  Predictions predictions;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    Prediction ttft = blank(table, row, "ttft", "ms"), tpot = blank(table, row, "tpot", "ms");
    ttft.measured = table.number(row, "prompt_time").value_or(0);
    tpot.measured = table.number(row, "token_time").value_or(0);
    const std::string_view hardware = table.at(row, "hardware");
    const bool hopper = hardware.starts_with("h100");
    const ServingSetup setup{.system = hopper ? "dgx_h100_8" : "dgx_a100_8",
                             .chip = hopper ? "h100_sxm" : "a100_sxm",
                             .model = text(table, row, "model"),
                             .chips = 8};
    ttft.chip = tpot.chip = rigs.chip_of(setup);
    if (const auto stack = rigs.stack_of(setup)) ttft.stack = tpot.stack = stack->id;
    const auto prompt = table.number(row, "prompt_size"), batch = table.number(row, "batch_size");
    const auto output = table.number(row, "token_size");
    const int tp = whole(table, row, "tensor_parallel", 0);
    const auto rig = rigs.find(setup);
    if (hardware.find("pcap") != hardware.npos) {
      refuse_both(ttft, tpot, "power of the chips is capped");
    } else if (!rig) {
      refuse_both(ttft, tpot, rig.error());
    } else if (!prompt || !batch || !output || tp < 1) {
      refuse_both(ttft, tpot, "lengths or batch not published");
    } else {
      const ServingWorkload workload{.input = *prompt, .output = *output};
      const ServingLayout layout{.tp = tp};
      const auto first = (*rig)->serving->prefill(workload, layout, *prompt * *batch / tp);
      const auto next = (*rig)->serving->decode(workload, layout, *batch);
      if (!first || !next) {
        refuse_both(ttft, tpot, "does not fit");
      } else {
        ttft.predicted = first->time.value() * 1e3;
        tpot.predicted = next->tpot.value() * 1e3;
      }
    }
    predictions.push_back(std::move(ttft));
    predictions.push_back(std::move(tpot));
  }
  return predictions;
}

}  // namespace

Result<Predictions> predict_loops(ServingRigs& rigs, const CsvTable& table,
                                  std::string_view engine) {
  if (auto columns = need_columns(
          table, {"system", "chip", "model", "engine", "phase", "isl", "osl", "concurrency",
                  "chips", "tp", "attn_dp", "moe_ep", "layout_flag", "ttft_ms", "tpot_ms"});
      !columns) {
    return fail(std::move(columns.error()));
  }
  const std::vector<bool> contradicted = contradicted_rows(table);
  Predictions predictions;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    if (!engine.empty() && table.at(row, "engine") != engine) continue;
    Prediction ttft = blank(table, row, "ttft", "ms"), tpot = blank(table, row, "tpot", "ms");
    ttft.measured = table.number(row, "ttft_ms").value_or(0);
    tpot.measured = table.number(row, "tpot_ms").value_or(0);
    const ServingSetup setup = loop_setup(table, row);
    ttft.chip = tpot.chip = rigs.chip_of(setup);
    if (const auto stack = rigs.stack_of(setup)) {
      ttft.stack = tpot.stack = stack->id;
      const bool fitted = table.at(row, "layout_flag") == "ok";
      for (Prediction* p : {&ttft, &tpot}) {
        p->calibrated = fitted && is_calibrated(*stack, p->form, file_stem(table.file), p->family,
                                                p->chip, shape_of(table, row));
      }
    }
    if (table.at(row, "wip") == "True") {
      refuse_both(ttft, tpot, "unfinished tuning");
    } else if (contradicted[row]) {
      refuse_both(ttft, tpot, "slower with a quarter of its requests or fewer");
    } else if (const auto loop = closed_loop(rigs, table, row); !loop) {
      refuse_both(ttft, tpot, loop.error());
    } else {
      ttft.predicted = loop->ttft.value() * 1e3;
      tpot.predicted = loop->tpot.value() * 1e3;
    }
    predictions.push_back(std::move(ttft));
    predictions.push_back(std::move(tpot));
  }
  return predictions;
}

Result<Predictions> predict_serving(const Catalog& catalog, const CsvTable& table) {
  if (table.column("ttft_ms") >= 0) {
    ServingRigs rigs(catalog);
    return predict_loops(rigs, table);
  }
  if (table.column("prompt_time") >= 0) return predict_prompts(catalog, table);
  if (table.column("scenario") >= 0) return predict_mlperf(catalog, table);
  return predict_published_serving(catalog, table);
}

}  // namespace fivefold
