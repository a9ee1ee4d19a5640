// Training steps: time and memory of each row of the measured tables.
#include <utility>

#include <fmt/format.h>

#include "fivefold/evidence/evidence.h"
#include "fivefold/evidence/reliability.h"
#include "fivefold/evidence/training_bench.h"
#include "fivefold/evidence/training_choice.h"
#include "fivefold/evidence/training_row.h"

namespace fivefold {
namespace {

using Target = TrainingTarget;

// Operations a second of one chip as tokens a second of all, by the software's own count.
Target rate_of_operations(const CsvTable& table, std::size_t row, const TrainingCase& c,
                          double operations) {
  const double each = counted_ops_per_token(table, row, c.model, c.job.seq_len).value();
  if (each <= 0) return {.refused = "operation count of the source not known"};
  return {.value = operations * c.chips / each, .rate = true};
}

}  // namespace

TrainingTarget training_target(const CsvTable& table, std::size_t row, const TrainingCase& c) {
  const std::string_view metric = table.at(row, "metric");
  const double value = table.number(row, "value").value_or(0);
  if (metric == "step_time_s") return {.value = value};
  if (metric == "tokens_per_s_per_gpu") return {.value = value * c.chips, .rate = true};
  if (metric == "tflops_per_gpu" && table.at(row, "metric2") == "step_time_s") {
    return {.value = table.number(row, "value2").value_or(0)};
  }
  if (metric == "tflops_per_gpu") return rate_of_operations(table, row, c, value * 1e12);
  if (metric == "mfu") {
    const OpsPerSecond peak = c.chip->device.peak_for(c.job.format);
    return rate_of_operations(table, row, c, value * peak.value() * c.chip->devices_per_chip);
  }
  if (metric == "activation_mem_GiB" || metric == "param_optimizer_mem_GiB") {
    return {.family = "peak_memory", .unit = "GiB", .value = value};
  }
  if (metric == "activation_mem_percent_of_baseline") {
    return {.family = "peak_memory", .unit = "%", .value = value};
  }
  if (metric == "time_to_target_min") {
    return {.refused = "steps to a target quality are not modelled, only the time of one"};
  }
  return {.refused = fmt::format("metric {} is not comparable", metric)};
}

double TrainingTarget::measured(const TrainingJob& job) const {
  return rate ? double(job.global_batch) * job.seq_len / value : value;
}

tl::expected<TrainingBench, std::string> training_bench(const TrainingCase& c) {
  auto machine = build_machine(c.system, c.chips, c.stack);
  if (!machine) return tl::unexpected<std::string>(machine.error().problems.front().what);
  auto kernels = KernelModel::make(machine->device, c.stack);
  if (!kernels) return tl::unexpected<std::string>(kernels.error().problems.front().what);
  return TrainingBench{std::move(*machine), std::move(*kernels)};
}

bool is_calibrated_row(const TrainingCase& c, const CsvTable& table, std::size_t row,
                       std::string_view family, std::string_view chip) {
  const std::string_view id = table.at(row, "id");
  return is_calibrated(c.stack, "training", table.at(row, "group"), family, chip, id) ||
         is_calibrated(c.stack, "training", file_stem(table.file), family, chip, id);
}

namespace {

// Activations as a share of those without sequence parallelism and recomputation.
double percent_of_baseline(const TrainingModel& training, const TrainingChoice& c,
                           Bytes activations) {
  TrainingLayout base = c.layout;
  base.sequence_parallel = false;
  base.recompute = Recompute::kNone;
  const auto baseline = training.estimate(c.job, base, false);
  return baseline ? 100 * (activations / baseline->memory.activations) : 0;
}

double predicted_value(const TrainingModel& training, const TrainingChoice& c,
                       std::string_view metric) {
  const TrainingMemory& m = c.estimate.memory;
  if (metric == "activation_mem_GiB") return m.activations.value() / kGib;
  if (metric == "param_optimizer_mem_GiB") {
    return (m.weights + m.gradients + m.optimizer).value() / kGib;
  }
  if (metric == "activation_mem_percent_of_baseline") {
    return percent_of_baseline(training, c, m.activations);
  }
  return c.estimate.step.value();
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

// A row that runs: what is predicted for its metric and its memory.
std::string predict_case(const CsvTable& table, std::size_t row, const TrainingCase& c,
                         Prediction& p, Prediction& memory) {
  const Target target = training_target(table, row, c);
  p.family = target.family + std::string(c.open.family());
  memory.family += c.open.recompute ? "_inferred" : c.open.family();
  p.unit = target.unit;
  p.stack = memory.stack = c.stack.id;
  p.calibrated = is_calibrated_row(c, table, row, target.family, p.chip);
  p.refused = target.refused;
  const auto bench = training_bench(c);
  if (!bench) return bench.error();
  const TrainingModel training(bench->machine, c.model, bench->kernels);
  const auto chosen = choose(bench->machine, training, c);
  if (!chosen) return chosen.error().problems.front().what;
  p.measured = target.measured(chosen->job);
  p.predicted = predicted_value(training, *chosen, table.at(row, "metric"));
  memory.predicted = chosen->estimate.memory.total.value() / kGib;
  return {};
}

// The prediction of the row's metric and, where it has a peak, of its memory.
void predict_row(const Catalog& catalog, const CsvTable& table, std::size_t row,
                 Predictions& predictions) {
  Prediction p = blank(table, row);
  if (const auto chip = catalog.chip(p.chip)) p.chip = (*chip)->id;
  Prediction memory = p;
  memory.family = "peak_memory";
  memory.unit = "GiB";
  memory.measured = table.number(row, "peak_mem_GiB").value_or(0);
  std::string reason;
  if (const auto c = training_case(catalog, table, row); !c) {
    reason = c.error();
  } else {
    reason = predict_case(table, row, *c, p, memory);
  }
  if (p.refused.empty()) p.refused = reason;
  memory.refused = reason;
  if (memory.measured > 0) predictions.push_back(memory);
  predictions.push_back(std::move(p));
}

}  // namespace

Result<Predictions> predict_training(const Catalog& catalog, const CsvTable& table) {
  if (table.column("quantity") >= 0) return predict_reliability(catalog, table);
  if (table.column("dispatcher") >= 0) {
    return predict_moe_layers(catalog, table);
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
