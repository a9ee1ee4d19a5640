// Training steps: time and memory of each row of the measured tables.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "fivefold/evidence/evidence.h"
#include "fivefold/evidence/training_bench.h"

namespace fivefold {
namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

using Target = TrainingTarget;

// Model operations of a step as Megatron-LM counts them (Narayanan 2021, arXiv 2104.04473, section
// 5.1): full attention, vocabulary once; its own tables add the recomputed forward pass.
Target step_from_tflops(const CsvTable& table, std::size_t row) {
  if (table.at(row, "metric2") == "step_time_s") {
    return {.measured = table.number(row, "value2").value_or(0)};
  }
  const auto layers = table.number(row, "layers"), hidden = table.number(row, "hidden");
  const auto vocabulary = table.number(row, "vocab"), seq = table.number(row, "seq_len");
  const auto batch = table.number(row, "global_batch_seqs"), chips = table.number(row, "chips");
  const auto rate = table.number(row, "value");
  const std::string_view software = table.at(row, "software");
  const bool counts_so =
      software.starts_with("Megatron-LM") || software.starts_with("Megatron-Core");
  if (!counts_so || !layers || !hidden || !vocabulary || !seq || !batch || !chips || !rate) {
    return {.refused = "operation count of the source not known"};
  }
  const bool recomputed = table.at(row, "recompute") == "full";
  const double ops = 72 * *batch * *seq * *layers * *hidden * *hidden * (1 + *seq / (6 * *hidden)) *
                         (recomputed ? 4.0 / 3 : 1) +
                     6 * *batch * *seq * *hidden * *vocabulary;
  return {.measured = ops / (*rate * 1e12 * *chips)};
}

}  // namespace

TrainingTarget training_target(const CsvTable& table, std::size_t row) {
  const std::string_view metric = table.at(row, "metric");
  const double value = table.number(row, "value").value_or(0);
  if (metric == "step_time_s") return {.measured = value};
  if (metric == "tokens_per_s_per_gpu") {
    const auto batch = table.number(row, "global_batch_seqs"), seq = table.number(row, "seq_len");
    const auto chips = table.number(row, "chips");
    if (!batch || !seq || !chips) return {.refused = "global batch not published"};
    return {.measured = *batch * *seq / (value * *chips)};
  }
  if (metric == "tflops_per_gpu") return step_from_tflops(table, row);
  if (metric == "activation_mem_GiB" || metric == "param_optimizer_mem_GiB") {
    return {.family = "peak_memory", .unit = "GiB", .measured = value};
  }
  if (metric == "activation_mem_percent_of_baseline") {
    return {.family = "peak_memory", .unit = "%", .measured = value};
  }
  return {.refused = fmt::format("metric {} is not comparable", metric)};
}

tl::expected<TrainingBench, std::string> training_bench(const TrainingCase& c) {
  auto machine = build_machine(c.system, c.chips, c.stack);
  if (!machine) return tl::unexpected<std::string>(machine.error().problems.front().what);
  auto kernels = KernelModel::make(machine->device, c.stack);
  if (!kernels) return tl::unexpected<std::string>(kernels.error().problems.front().what);
  return TrainingBench{std::move(*machine), std::move(*kernels)};
}

namespace {

// A step of which so many layers are computed again that it fits, as Megatron-Core's
// recompute_num_layers chooses them: between keeping everything and keeping layer inputs only, time
// and memory are linear in their number.
TrainingEstimate blend(const TrainingEstimate& kept, const TrainingEstimate& again, Bytes capacity) {
  const Bytes none, saved = kept.memory.total - again.memory.total;
  const Bytes excess = std::max(none, kept.memory.total - capacity);
  const double share = saved > none ? std::min(1.0, excess / saved) : 1;
  TrainingEstimate e = kept;
  e.step += share * (again.step - kept.step);
  e.recompute = share * again.recompute;
  e.memory.activations += share * (again.memory.activations - kept.memory.activations);
  e.memory.total -= share * saved;
  return e;
}

}  // namespace

Result<TrainingEstimate> training_row_estimate(const TrainingBench& bench, const TrainingCase& c,
                                               const TrainingModel& training) {
  if (c.recompute_known) return training.estimate(c.job, c.layout, false);
  TrainingLayout layout = c.layout;
  layout.recompute = Recompute::kNone;
  const auto kept = training.estimate(c.job, layout, false);
  if (!kept) return kept;
  layout.recompute = Recompute::kFull;
  const auto again = training.estimate(c.job, layout, false);
  if (!again) return again;
  return blend(*kept, *again, bench.machine.device.memory_capacity);
}

bool is_calibrated_row(const TrainingCase& c, const CsvTable& table, std::size_t row,
                       std::string_view family, std::string_view chip) {
  const std::string_view id = table.at(row, "id");
  return is_calibrated(c.stack, "training", table.at(row, "group"), family, chip, id) ||
         is_calibrated(c.stack, "training", file_stem(table.file), family, chip, id);
}

namespace {

// Activations as a share of those without sequence parallelism and recomputation.
double percent_of_baseline(const TrainingBench& bench, const TrainingCase& c, Bytes activations) {
  const TrainingModel training(bench.machine, c.model, bench.kernels);
  TrainingLayout base = c.layout;
  base.sequence_parallel = false;
  base.recompute = Recompute::kNone;
  const auto baseline = training.estimate(c.job, base, false);
  return baseline ? 100 * (activations / baseline->memory.activations) : 0;
}

double predicted_value(const TrainingBench& bench, const TrainingCase& c, const TrainingEstimate& e,
                       std::string_view metric) {
  const TrainingMemory& m = e.memory;
  if (metric == "activation_mem_GiB") return m.activations.value() / kGib;
  if (metric == "param_optimizer_mem_GiB") {
    return (m.weights + m.gradients + m.optimizer).value() / kGib;
  }
  if (metric == "activation_mem_percent_of_baseline") {
    return percent_of_baseline(bench, c, m.activations);
  }
  return e.step.value();
}

Prediction blank(const CsvTable& table, std::size_t row) {
  Prediction p;
  p.form = "training";
  p.family = "step_time";
  p.chip = std::string(table.at(row, "chip"));
  p.model = std::string(table.at(row, "model"));
  p.row = fmt::format("{}:{} {}", file_stem(table.file), table.lines[row], table.at(row, "id"));
  p.unit = "s";
  return p;
}

// The prediction of the row's metric and, where it has a peak, of its memory.
void predict_row(const Catalog& catalog, const CsvTable& table, std::size_t row,
                 Predictions& predictions) {
  Prediction p = blank(table, row);
  if (const auto chip = catalog.chip(p.chip)) p.chip = (*chip)->id;
  const Target target = training_target(table, row);
  p.family = target.family;
  p.unit = target.unit;
  p.measured = target.measured;
  p.refused = target.refused;
  Prediction memory = p;
  memory.family = "peak_memory";
  memory.unit = "GiB";
  memory.refused.clear();
  memory.measured = table.number(row, "peak_mem_GiB").value_or(0);
  const auto refuse = [&](const std::string& reason) {
    if (p.refused.empty()) p.refused = reason;
    memory.refused = reason;
  };
  if (auto c = training_case(catalog, table, row); !c) {
    refuse(c.error());
  } else {
    p.stack = memory.stack = c->stack.id;
    p.calibrated = is_calibrated_row(*c, table, row, p.family, p.chip);
    if (auto bench = training_bench(*c); !bench) {
      refuse(bench.error());
    } else if (const auto e = training_row_estimate(
                   *bench, *c, TrainingModel(bench->machine, c->model, bench->kernels));
               !e) {
      refuse(e.error().problems.front().what);
    } else {
      p.predicted = predicted_value(*bench, *c, *e, table.at(row, "metric"));
      memory.predicted = e->memory.total.value() / kGib;
    }
  }
  if (memory.measured > 0) predictions.push_back(memory);
  predictions.push_back(std::move(p));
}

// Rows of a form that is read but not predicted.
Predictions refuse_all(const CsvTable& table, std::string_view family, std::string_view reason) {
  Predictions predictions;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    Prediction p = blank(table, row);
    p.family = family;
    p.measured = table.number(row, "value").value_or(0);
    p.unit = std::string(table.at(row, "unit"));
    p.refused = reason;
    predictions.push_back(std::move(p));
  }
  return predictions;
}

}  // namespace

Result<Predictions> predict_training(const Catalog& catalog, const CsvTable& table) {
  if (table.column("quantity") >= 0) {
    return refuse_all(table, "reliability", "reliability is not modelled yet");
  }
  if (table.column("dispatcher") >= 0) {
    return refuse_all(table, "step_time", "a single layer is not a training step");
  }
  const auto complete =
      need_columns(table, {"chip", "chips", "model", "seq_len", "global_batch_seqs", "micro_batch",
                           "precision", "tp", "pp", "metric", "value"});
  if (!complete) return fail(complete.error());
  Predictions predictions;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    predict_row(catalog, table, row, predictions);
  }
  return predictions;
}

}  // namespace fivefold
