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
  Seconds step;                             // of a batch, decode or prefill
  Seconds layers;                           // of the step: without head, drafts and overhead
  double tokens_per_second_per_device = 0;  // prefill: cached tokens counted as done
  double tokens_per_second = 0;             // of all instances
};

std::string short_reason(const Error& error) {
  const std::string& what = error.problems.front().what;
  return what.starts_with("does not fit") ? "does not fit" : what;
}

template <class Estimate>
Outcome outcome_of(const Estimate& e, double devices) {
  const Seconds beside = e.parts.head + e.parts.drafts + e.parts.overhead;
  return {.step = e.step,
          .layers = e.step - beside,
          .tokens_per_second_per_device = e.tokens_per_second / devices,
          .tokens_per_second = e.tokens_per_second};
}

tl::expected<Outcome, std::string> run(const ServingModel& serving, const Deployment& d,
                                       const ServingWorkload& workload) {
  const double devices = d.layout.devices();
  const auto refuse = [](const Error& e) { return tl::unexpected(short_reason(e)); };
  switch (d.phase) {
    case Deployment::Phase::kPrefill: {
      const auto e = serving.prefill(workload, d.layout, *d.tokens);
      if (!e) return refuse(e.error());
      Outcome outcome = outcome_of(*e, devices);
      outcome.ttft = e->time;
      return outcome;
    }
    case Deployment::Phase::kDecode: {
      const auto e = d.batch ? serving.decode(workload, d.layout, *d.batch)
                             : serving.best_decode(workload, d.layout);
      if (!e) return refuse(e.error());
      Outcome outcome = outcome_of(*e, devices);
      outcome.tpot = e->tpot;
      return outcome;
    }
    case Deployment::Phase::kFull: {
      const auto e = full_load(serving, workload, d.layout, d.limits);
      if (!e) return refuse(e.error());
      return Outcome{.tpot = e->tpot,
                     .step = e->step,
                     .tokens_per_second_per_device = e->tokens_per_second / devices,
                     .tokens_per_second = d.instances * e->tokens_per_second};
    }
    default:
      break;
  }
  const bool pools = d.phase == Deployment::Phase::kPools;
  const auto e = pools ? serving.split(workload,
                                       {.prefill = d.prefill_layout,
                                        .decode = d.layout,
                                        .prefill_instances = d.prefill_instances,
                                        .decode_instances = d.instances},
                                       *d.concurrency)
                       : serving.mixed(workload, d.layout, *d.concurrency / d.instances);
  if (!e) return refuse(e.error());
  const double all =
      pools ? d.instances * devices + d.prefill_instances * d.prefill_layout.devices() : devices;
  return Outcome{.ttft = e->ttft,
                 .tpot = e->tpot,
                 .step = e->decode_step,
                 .tokens_per_second_per_device = e->tokens_per_second / all,
                 .tokens_per_second = e->tokens_per_second * (pools ? 1 : d.instances)};
}

std::string family_of(std::string_view metric) {
  if (metric.find("gain") != metric.npos || metric.find("speedup") != metric.npos) return "gain";
  if (metric.ends_with("layer_latency") || metric.ends_with("stream_latency")) return "layer";
  if (metric == "tpot" || metric == "decode_step") return "tpot";
  if (metric == "ttft" || metric == "latency" || metric == "ttft_reduction") return "ttft";
  return "throughput";
}

// Tokens a second for each 10^12 operations that the package can do in 8 bits.
double efficiency(double per_chip, const Chip& chip) {
  const auto peak = std::max(chip.peak(Format::kFp8), chip.peak(Format::kInt8));
  return peak.value() > 0 ? per_chip / (peak.value() / 1e12) : 0;
}

// Two deployments compared. Gains in percent are taken as ratios, measured ones too: a gain of
// nothing has no relative error.
void compare(std::string_view metric, const Outcome& outcome, const Outcome& against,
             Prediction& p) {
  if (metric == "ttft_reduction") {
    p.predicted = (against.ttft - outcome.ttft).value() * 1e3;
    return;
  }
  p.predicted = outcome.tokens_per_second_per_device / against.tokens_per_second_per_device;
  if (p.unit != "percent") return;
  p.measured = 1 + p.measured / 100;
  p.unit = "x";
}

// How a metric follows from the outcome; zero: not of this phase.
double value_of(std::string_view metric, const Outcome& outcome, const ServingRig& rig,
                const ServingWorkload& workload) {
  const Chip& chip = *rig.machine.system->chip;
  const double per_chip = outcome.tokens_per_second_per_device * chip.devices_per_chip;
  if (metric == "tpot") return outcome.tpot.value() * 1e3;
  if (metric == "decode_step") return outcome.step.value() * 1e3;
  if (metric == "ttft" || metric == "latency") return outcome.ttft.value() * 1e3;
  if (metric == "output_speed_per_user")
    return outcome.tpot > Seconds(0) ? 1 / outcome.tpot.value() : 0;
  if (metric == "system_output_throughput") return outcome.tokens_per_second;
  if (metric.ends_with("throughput_per_chip") || metric.ends_with("throughput_per_card")) {
    return per_chip;
  }
  if (metric.ends_with("_per_TFLOPS")) return efficiency(per_chip, chip);
  // Nodes of these rows have eight chips.
  if (metric.ends_with("throughput_per_node")) return 8 * per_chip;
  if (metric.ends_with("throughput_per_node_excl_hits")) {
    return 8 * per_chip * (1 - workload.prefix_hit);
  }
  const double layers = std::max(1, rig.model->layer_count());
  if (metric == "decode_layer_latency") return outcome.layers.value() * 1e6 / layers;
  // Each of two micro-batches has half of a layer's time.
  if (metric == "microbatch_stream_latency") return outcome.layers.value() * 1e6 / layers / 2;
  return 0;
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

tl::expected<Outcome, std::string> outcome_of(const ServingRig& rig, const Deployment& d,
                                              const CsvTable& table, std::size_t row) {
  ServingWorkload workload = d.workload;
  const auto input = d.input ? d.input : table.number(row, "input_len");
  if (!input) return tl::unexpected<std::string>("input length not published");
  workload.input = *input;
  workload.output = d.output.value_or(table.number(row, "output_len").value_or(1));
  return run(*rig.serving, d, workload);
}

void predict_row(ServingRigs& rigs, const Deployment& d, const CsvTable& table, std::size_t row,
                 Prediction& p) {
  p.calibrated = d.calibrates;
  if (d.phase == Deployment::Phase::kLoad) {
    const auto predicted = predict_at_load(rigs, d, table, row, p);
    if (predicted) p.predicted = *predicted;
    if (!predicted) p.refused = predicted.error();
    return;
  }
  ServingSetup setup = d.setup;
  setup.chip = p.chip;
  if (const auto stack = rigs.stack_of(setup)) p.stack = stack->id;
  const auto rig = rigs.find(setup);
  if (!rig) {
    p.refused = rig.error();
    return;
  }
  const auto outcome = outcome_of(**rig, d, table, row);
  if (!outcome) {
    p.refused = outcome.error();
    return;
  }
  const std::string_view metric = table.at(row, "metric");
  if (d.against.empty()) {
    p.predicted = value_of(metric, *outcome, **rig, d.workload);
  } else {
    ServingSetup other = d.against.front().setup;
    other.chip = p.chip;
    const auto other_rig = rigs.find(other);
    const auto against = other_rig ? outcome_of(**other_rig, d.against.front(), table, row)
                                   : tl::unexpected(other_rig.error());
    if (!against) {
      p.refused = against.error();
      return;
    }
    compare(metric, *outcome, *against, p);
  }
  if (p.predicted <= 0) p.refused = fmt::format("metric {} is not comparable", metric);
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
    const Deployment* d = deployment_of(*deployments, table.at(row, "id"));
    if (d == nullptr) {
      p.refused = "layout not published in full";
    } else if (!d->refused.empty()) {
      p.refused = d->refused;
    } else {
      predict_row(rigs, *d, table, row, p);
    }
    predictions.push_back(std::move(p));
  }
  return predictions;
}

}  // namespace fivefold
