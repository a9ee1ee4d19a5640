#include "fivefold/evidence/calibrate_training.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <tuple>

#include <fmt/format.h>

#include "fivefold/evidence/training_bench.h"
#include "fivefold/evidence/training_choice.h"
#include "fivefold/evidence/training_row.h"

namespace fivefold {
namespace {

constexpr double kMicroseconds = 1e-6;
constexpr int kHalvings = 6;
// vTrain's 1040 steps of one node are sums of 64 times (training_row.h): that many count.
constexpr double kVtrainIndependent = 64.0 / 1040;

}  // namespace

// Later ones go over earlier ones, as entries do.
const std::vector<TrainingFact>& training_facts() {
  constexpr std::string_view kCuda = "train/cuda", kCore = "train/megatron-core",
                             kCore2509 = "train/megatron-core-25.09",
                             kCore2606 = "train/megatron-core-26.06",
                             kDeepspeed = "train/megatron-deepspeed", kFsdp = "train/fsdp",
                             kFoundry = "train/llm-foundry";
  static const std::vector<TrainingFact> facts = {
      {kCuda, "ampere", "*", "sustained", "", 1, 0.95, 0.6, 1.05},
      {kCuda, "hopper", "*", "sustained", "", 1, 0.85, 0.5, 1},
      {kCuda, "hopper", kNarrowFormats, "sustained", "", 1, 0.85, 0.5, 1},
      {kCuda, "h100_hbm2e_96g", "*", "sustained", "", 1, 0.75, 0.4, 1.05},
      {kCuda, "h100_hbm2e_96g", kNarrowFormats, "sustained", "", 1, 0.85, 0.5, 1},
      {kCuda, "blackwell", "*", "sustained", "", 1, 0.75, 0.4, 1.05},
      {kCuda, "blackwell", kNarrowFormats, "sustained", "", 1, 0.85, 0.5, 1},
      {kCuda, "gb200_gpu", "*", "sustained", "", 1, 0.75, 0.4, 1.05},
      {kCuda, "gb200_gpu", kNarrowFormats, "sustained", "", 1, 0.85, 0.5, 1},
      {kCuda, "blackwell", "nvfp4", "sustained", "", 1, 0.85, 0.5, 1},
      {kCuda, "*", "*", "spread", "", 1, 0.01, 0, 0.06},
      {kCore, "hopper", "*", "attention_backward", "", 1, 2.5, 1.5, 4},
      {kCore, "blackwell", "*", "attention_backward", "", 1, 2.5, 1.5, 4},
      {kCore, "*", "*", "pointwise", "", 1, 1.1, 0.9, 1.6},
      {kCore, "*", "*", "grouped", "", 1, 0.9, 0.6, 1.1},
      {kCore, "hopper", "*", "linear", "", 1, 0.6, 0.1, 1.2},
      {kCore, "blackwell", "*", "linear", "", 1, 0.4, 0.1, 1.2},
      {kCore, "*", "*", "exchange_overlap", "", 1, 0.1, 0, 1},
      {kCore, "hopper", "*", "exchange", "", 1, 1, 0.5, 4},
      {kCore, "blackwell", "*", "exchange", "", 1, 1, 0.5, 4},
      {kCore, "*", "*", "host_time", "us", kMicroseconds, 5, 0, 100},
      {kCore, "*", "*", "expert_host_time", "us", kMicroseconds, 20, 0, 300},
      {kCore, "*", "mxfp8", "expert_host_time", "us", kMicroseconds, 100, 0, 300},
      {kCore2509, "*", "*", "exchange", "", 1, 1, 0.3, 4},
      {kCore2606, "blackwell", "*", "grouped", "", 1, 1, 0.4, 1.2},
      {kCore2606, "blackwell", "*", "exchange", "", 1, 3, 0.5, 6},
      {kCore2606, "blackwell", "*", "exchange_overlap", "", 1, 0.1, 0, 1},
      {kCore2606, "blackwell", "*", "expert_host_time", "us", kMicroseconds, 0, 0, 300},
      {kDeepspeed, "*", "*", "pointwise", "", 1, 1, 0.7, 2.5},
      {kDeepspeed, "ampere", "*", "odd", "", 1, 0.3, 0.1, 1},
      {kDeepspeed, "*", "*", "host_time", "us", kMicroseconds, 88, 0, 200},
      {kFsdp, "ampere", "*", "attention", "", 1, 1, 0.3, 1.6},
      {kFsdp, "hopper", "*", "attention", "", 1, 0.6, 0.2, 1.2},
      {kFsdp, "ampere", "*", "attention_backward", "", 1, 2.9, 1.5, 4.5},
      {kFsdp, "hopper", "*", "attention_backward", "", 1, 2.9, 1.5, 4.5},
      {kFoundry, "*", "*", "pointwise", "", 1, 1.5, 0.8, 4},
      {kFoundry, "*", "*", "host_time", "us", kMicroseconds, 20, 0, 200},
  };
  return facts;
}

namespace {

struct StepRow {
  TrainingCase c;
  std::unique_ptr<TrainingBench> bench;
  std::string file;
  TrainingTarget target;
  double independent = 1;  // of a measurement
  double weight = 1;
  bool held = false;
  TrainingParameters base;
  std::vector<std::size_t> facts;  // that concern it, in their order
  double error = 0, bias = 0;      // with the present values
};
using StepRows = std::vector<std::unique_ptr<StepRow>>;

// Entries of another fit are not what this one starts from.
Stack without(const Stack& stack, std::string_view source) {
  Stack rest = stack;
  std::erase_if(rest.entries, [&](const StackEntry& entry) {
    if (entry.family != "training" || entry.parameters->all.empty()) return false;
    const auto& sources = entry.parameters->all.front().sources;
    return std::find(sources.begin(), sources.end(), source) != sources.end();
  });
  return rest;
}

// The framework and what it extends, and the chip's own stack.
bool runs_under(const Catalog& catalog, const TrainingCase& c, std::string_view stack) {
  if (c.stack.id == stack || c.framework == stack) return true;
  const auto framework = catalog.stack(c.framework);
  if (!framework) return false;
  const auto& lineage = (*framework)->lineage;
  return std::find(lineage.begin(), lineage.end(), stack) != lineage.end();
}

std::unique_ptr<StepRow> read_row(const Catalog& catalog, const CsvTable& table, std::size_t at,
                                  std::string_view source) {
  auto c = training_case(catalog, table, at);
  // What is chosen is not what ran.
  if (!c || c->chip->vendor != "Nvidia" || !c->open.family().empty()) return {};
  const TrainingTarget target = training_target(table, at, *c);
  if (target.family != "step_time" || !target.refused.empty() || target.value <= 0) return {};
  auto row = std::make_unique<StepRow>();
  row->c = std::move(*c);
  auto bench = training_bench(row->c);
  if (!bench) return {};
  row->bench = std::make_unique<TrainingBench>(std::move(*bench));
  row->file = file_stem(table.file);
  row->target = target;
  if (is_vtrain_single(table, at)) row->independent = kVtrainIndependent;
  row->held = !is_calibrated_row(row->c, table, at, target.family, row->c.chip->id);
  const Device& device = row->bench->machine.device;
  row->base = training_parameters(without(row->c.stack, source), device, row->c.job.format);
  for (std::size_t i = 0; i < training_facts().size(); ++i) {
    const TrainingFact& fact = training_facts()[i];
    const StackEntry entry{.family = "training",
                           .architecture = std::string(fact.architecture),
                           .format = std::string(fact.format)};
    if (concerns(entry, device) && concerns(entry, row->c.job.format) &&
        runs_under(catalog, row->c, fact.stack)) {
      row->facts.push_back(i);
    }
  }
  return row;
}

double error_of(const StepRow& row, const std::vector<double>& values) {
  TrainingParameters parameters = row.base;
  for (const std::size_t i : row.facts) {
    set_parameter(parameters, training_facts()[i].name, values[i] * training_facts()[i].scale);
  }
  const TrainingModel model(row.bench->machine, row.c.model, row.bench->kernels, parameters);
  const auto chosen = choose(row.bench->machine, model, row.c);
  if (!chosen) return 1;
  return std::abs(chosen->estimate.step.value() / row.target.measured(chosen->job) - 1);
}

void set_weights(StepRows& rows) {
  if (rows.empty()) return;
  // Releases of a software that repeat one job are one piece of evidence.
  const auto job_of = [](const StepRow& r) {
    const TrainingLayout& l = r.c.layout;
    return std::tuple(r.file, r.c.chip->id, r.c.framework, r.c.model.id, r.c.model.layer_count(),
                      r.c.model.hidden, int(r.c.job.format), r.c.chips, r.c.job.seq_len, l.tp, l.pp,
                      l.ep, l.cp, l.micro_batch, l.vpp, l.zero);
  };
  std::map<decltype(job_of(*rows.front())), int> alike;
  std::map<std::string, double> size;
  for (const auto& row : rows) {
    if (row->held) continue;
    size[row->file] += row->independent;
    alike[job_of(*row)] += 1;
  }
  for (const auto& row : rows) {
    const int repeated = row->independent < 1 ? 1 : alike[job_of(*row)];
    row->weight = row->held ? 0 : row->independent / std::sqrt(size[row->file]) / repeated;
  }
}

// Moves one value if the rows that it concerns fit better.
bool improve(const StepRows& rows, std::vector<double>& values, std::size_t at, double step) {
  const TrainingFact& fact = training_facts()[at];
  const double present = values[at];
  std::vector<StepRow*> concerned;
  for (const auto& row : rows) {
    if (row->weight > 0 && std::find(row->facts.begin(), row->facts.end(), at) != row->facts.end())
      concerned.push_back(row.get());
  }
  double before = 0;
  for (const StepRow* row : concerned) before += row->weight * row->error;
  for (const double direction : {1.0, -1.0}) {
    values[at] =
        std::clamp(present + direction * step * (fact.high - fact.low), fact.low, fact.high);
    if (values[at] == present) continue;
    double after = 0;
    std::vector<double> errors;
    for (const StepRow* row : concerned) {
      errors.push_back(error_of(*row, values));
      after += row->weight * errors.back();
    }
    if (after < before * (1 - 1e-4)) {
      for (std::size_t i = 0; i < concerned.size(); ++i) concerned[i]->error = errors[i];
      return true;
    }
  }
  values[at] = present;
  return false;
}

std::vector<TrainingFit::Table> tables_of(const StepRows& rows) {
  std::map<std::pair<std::string, std::string>, TrainingFit::Table> tables;
  for (const auto& row : rows) {
    TrainingFit::Table& table = tables[{row->file, row->c.chip->id}];
    table.file = row->file;
    table.chip = row->c.chip->id;
    (row->held ? table.held_rows : table.rows) += 1;
    (row->held ? table.held_error : table.error) += row->error;
  }
  std::vector<TrainingFit::Table> result;
  for (auto& [key, table] : tables) {
    if (table.rows > 0) table.error /= table.rows;
    if (table.held_rows > 0) table.held_error /= table.held_rows;
    result.push_back(table);
  }
  return result;
}

Result<StepRows> read_rows(const Catalog& catalog, const std::vector<std::string>& paths,
                           std::string_view source) {
  const auto files = measured_files(paths);
  if (!files) return fail(files.error());
  StepRows rows;
  for (const std::string& file : *files) {
    const auto table = read_csv(file);
    if (!table) return fail(table.error());
    if (!is_training_table(*table) || table->column("global_batch_seqs") < 0) continue;
    for (std::size_t at = 0; at < table->rows.size(); ++at) {
      if (auto row = read_row(catalog, *table, at, source)) rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace

Result<TrainingFit> fit_training(const Catalog& catalog, const std::vector<std::string>& paths,
                                 std::string_view source,
                                 const std::function<void(double)>& progress) {
  auto rows = read_rows(catalog, paths, source);
  if (!rows) return fail(rows.error());
  set_weights(*rows);
  std::vector<double> values;
  for (const TrainingFact& fact : training_facts()) values.push_back(fact.start);
  for (const auto& row : *rows) row->error = error_of(*row, values);
  double step = 0.16;
  for (int halving = 0; halving < kHalvings; ++halving, step /= 2) {
    constexpr int kSweeps = 3;
    bool moved = true;
    for (int sweep = 0; moved && sweep < kSweeps; ++sweep) {
      moved = false;
      for (std::size_t i = 0; i < values.size(); ++i) moved |= improve(*rows, values, i, step);
    }
    if (progress) progress((halving + 1.0) / kHalvings);
  }
  for (const auto& row : *rows) row->error = error_of(*row, values);
  TrainingFit fit;
  fit.tables = tables_of(*rows);
  for (std::size_t i = 0; i < values.size(); ++i) {
    int concerned = 0;
    for (const auto& row : *rows) {
      const bool has = std::find(row->facts.begin(), row->facts.end(), i) != row->facts.end();
      concerned += has && !row->held ? 1 : 0;
    }
    if (concerned > 0) fit.values.push_back({training_facts()[i], values[i], concerned});
  }
  return fit;
}

std::string training_yaml(const TrainingFit& fit, const std::string& source) {
  std::string text = "stacks:\n";
  std::string_view stack;
  constexpr double kRange = 0.1;  // what another tenth of rows would move them by
  // Of one stack together, otherwise in their order.
  std::vector<TrainingFit::Value> values = fit.values;
  std::stable_sort(values.begin(), values.end(),
                   [](const auto& a, const auto& b) { return a.fact.stack < b.fact.stack; });
  for (const TrainingFit::Value& v : values) {
    if (v.fact.stack != stack) {
      stack = v.fact.stack;
      text += fmt::format("- id: train/fitted/{}\n  entries:\n", stack.substr(stack.find('/') + 1));
    }
    text += "  - family: training\n";
    if (v.fact.architecture != "*") {
      text += fmt::format("    architecture: {}\n", v.fact.architecture);
    }
    if (v.fact.format != "*") text += fmt::format("    format: {}\n", v.fact.format);
    text += fmt::format(
        "    source: {}\n    confidence: medium\n    parameters:\n      {}: {{value: {:.4g}, "
        "{}low: {:.4g}, high: {:.4g}, note: {} rows}}\n",
        source, v.fact.name, v.value,
        v.fact.unit.empty() ? "" : fmt::format("unit: {}, ", v.fact.unit), v.value * (1 - kRange),
        v.value * (1 + kRange), v.rows);
  }
  return text;
}

}  // namespace fivefold
