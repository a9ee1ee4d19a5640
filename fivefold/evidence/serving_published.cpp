// Serving points from papers and engine teams: the rows that catalog/deployments writes out.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/evidence/deployment.h"

namespace fivefold {
namespace {

// What a deployment yields, in the units of the metrics.
struct Outcome {
  Seconds ttft, tpot;
  double tokens_per_second_per_device = 0;
};

std::string short_reason(const Error& error) {
  const std::string& what = error.problems.front().what;
  return what.starts_with("does not fit") ? "does not fit" : what;
}

tl::expected<Outcome, std::string> outcome_of(const ServingModel& serving, const Deployment& d,
                                              const ServingWorkload& workload) {
  const double devices = d.layout.devices();
  if (d.phase == Deployment::Phase::kPrefill) {
    const auto e = serving.prefill(workload, d.layout, *d.tokens);
    if (!e) return tl::unexpected(short_reason(e.error()));
    return Outcome{e->time, {}, e->tokens_per_second / devices};
  }
  if (d.phase == Deployment::Phase::kDecode) {
    const auto e = d.batch ? serving.decode(workload, d.layout, *d.batch)
                           : serving.best_decode(workload, d.layout);
    if (!e) return tl::unexpected(short_reason(e.error()));
    return Outcome{{}, e->tpot, e->tokens_per_second / devices};
  }
  double concurrency = d.concurrency.value_or(0);
  if (!d.concurrency) {
    const auto memory = serving.memory(workload, d.layout);
    if (!memory) return tl::unexpected(short_reason(memory.error()));
    concurrency = std::floor(memory->max_sequences) * d.layout.dp;
  }
  const auto e = serving.mixed(workload, d.layout, concurrency);
  if (!e) return tl::unexpected(short_reason(e.error()));
  return Outcome{e->ttft, e->tpot, e->tokens_per_second / devices};
}

// A metric as its family, and how it follows from the outcome; negative: not of this phase.
struct Metric {
  std::string family;
  double predicted = -1;
};

Metric metric_of(std::string_view metric, const Outcome& outcome, const ServingRig& rig) {
  const double per_chip =
      outcome.tokens_per_second_per_device * rig.machine.system->chip->devices_per_chip;
  if (metric == "tpot") return {"tpot", outcome.tpot.value() * 1e3};
  if (metric == "ttft" || metric == "latency") return {"ttft", outcome.ttft.value() * 1e3};
  if (metric.ends_with("throughput_per_chip") || metric.ends_with("throughput_per_card")) {
    return {"throughput", per_chip};
  }
  // Nodes of these rows have eight chips.
  if (metric.find("throughput_per_node") != metric.npos) return {"throughput", 8 * per_chip};
  return {"throughput", -1};
}

std::string family_of(std::string_view metric) {
  if (metric == "tpot") return "tpot";
  return metric == "ttft" || metric == "latency" ? "ttft" : "throughput";
}

const Deployment* find(const std::vector<Deployment>& deployments, std::string_view id) {
  for (const Deployment& d : deployments) {
    if (std::find(d.rows.begin(), d.rows.end(), id) != d.rows.end()) return &d;
  }
  return nullptr;
}

Prediction blank(const Catalog& catalog, const CsvTable& table, std::size_t row) {
  Prediction p;
  p.form = "serving";
  p.family = family_of(table.at(row, "metric"));
  p.chip = std::string(table.at(row, "chip"));
  if (const auto chip = catalog.chip(p.chip)) {
    p.chip = (*chip)->id;
    p.stack = catalog.default_stack(**chip).id;
  }
  p.model = std::string(table.at(row, "model"));
  p.row = fmt::format("{}:{} {}", file_stem(table.file), table.lines[row], table.at(row, "id"));
  p.unit = std::string(table.at(row, "unit"));
  p.measured = table.number(row, "value").value_or(0);
  return p;
}

void predict_row(ServingRigs& rigs, const Deployment& d, const CsvTable& table, std::size_t row,
                 Prediction& p) {
  ServingSetup setup = d.setup;
  setup.chip = p.chip;
  if (const auto stack = rigs.stack_of(setup)) p.stack = stack->id;
  const auto rig = rigs.find(setup);
  if (!rig) {
    p.refused = rig.error();
    return;
  }
  ServingWorkload workload = d.workload;
  const auto input = d.input ? d.input : table.number(row, "input_len");
  if (!input) {
    p.refused = "input length not published";
    return;
  }
  workload.input = *input;
  workload.output = d.output.value_or(table.number(row, "output_len").value_or(1));
  const auto outcome = outcome_of(*(*rig)->serving, d, workload);
  if (!outcome) {
    p.refused = outcome.error();
    return;
  }
  const Metric metric = metric_of(table.at(row, "metric"), *outcome, **rig);
  if (metric.predicted <= 0) {
    p.refused = fmt::format("metric {} is not comparable", table.at(row, "metric"));
    return;
  }
  p.predicted = metric.predicted;
}

}  // namespace

Result<Predictions> predict_published_serving(const Catalog& catalog, const CsvTable& table) {
  if (auto columns = need_columns(table, {"id", "chip", "model", "phase", "input_len", "output_len",
                                          "metric", "value", "unit"});
      !columns) {
    return fail(std::move(columns.error()));
  }
  const auto deployments = load_deployments();
  if (!deployments) return fail(deployments.error());
  ServingRigs rigs(catalog);
  Predictions predictions;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    Prediction p = blank(catalog, table, row);
    const Deployment* d = find(*deployments, table.at(row, "id"));
    if (table.at(row, "phase") == "ablation" || table.at(row, "phase") == "fleet") {
      p.refused = fmt::format("{} figure, not a serving point", table.at(row, "phase"));
    } else if (d == nullptr) {
      p.refused = "layout not published in full";
    } else {
      predict_row(rigs, *d, table, row, p);
    }
    predictions.push_back(std::move(p));
  }
  return predictions;
}

}  // namespace fivefold
