// Deployments that publish TPOT and throughput, but neither layout nor concurrency: their product
// is the sequences in decode (Little's law), and the layout is the one that serves these fastest.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/evidence/deployment.h"

namespace fivefold {
namespace {

constexpr std::string_view kTpot = "tpot", kRate = "output_throughput_per_card";

std::optional<double> value_of(const CsvTable& table, std::string_view id) {
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    if (table.at(row, "id") == id) return table.number(row, "value");
  }
  return std::nullopt;
}

void set_formats(std::string_view precision, ServingSetup& setup) {
  const bool has_int4 = precision.find("W4A8") != precision.npos;
  const bool has_int8 = precision.find("A8") != precision.npos;
  setup.dense = has_int8 ? "int8" : "bf16";
  setup.experts = has_int4 ? "int4" : "";
}

// Attention over tp devices, experts over all: what divides.
std::vector<ServingLayout> layouts_of(int devices, const Model& model) {
  std::vector<ServingLayout> layouts;
  for (int tp = 1; tp <= devices; tp *= 2) {
    if (devices % tp != 0) continue;
    const int dp = devices / tp;
    if (most_experts(model) == 0 || dp == 1) layouts.push_back({.tp = tp, .dp = dp});
    if (most_experts(model) > 0) layouts.push_back({.tp = tp, .dp = dp, .ep = devices});
  }
  return layouts;
}

struct Load {
  double sequences = 0;  // in decode
  double devices = 0;
};

// Prompts and decode in turn on all devices.
Seconds tpot_together(const ServingRig& rig, const ServingWorkload& workload, const Load& load,
                      const EngineLimits& limits) {
  Seconds best{0};
  for (const ServingLayout& layout : layouts_of(int(load.devices), *rig.model)) {
    const auto at = load_at(*rig.serving, workload, layout, limits, load.sequences / layout.dp);
    if (at && (best <= Seconds(0) || at->tpot < best)) best = at->tpot;
  }
  return best;
}

// How the cards are parted is not published: half of them decode.
Seconds tpot_apart(const ServingRig& rig, const ServingWorkload& workload, const Load& load) {
  Seconds best{0};
  for (const ServingLayout& layout : layouts_of(int(load.devices / 2), *rig.model)) {
    const auto at = rig.serving->decode(workload, layout, load.sequences / layout.dp);
    if (at && (best <= Seconds(0) || at->tpot < best)) best = at->tpot;
  }
  return best;
}

}  // namespace

tl::expected<double, std::string> predict_at_load(ServingRigs& rigs, const Deployment& d,
                                                  const CsvTable& table, std::size_t row,
                                                  Prediction& p) {
  const std::string_view id = table.at(row, "id");
  const std::string stem(id.substr(0, id.rfind('-')));
  const auto tpot = value_of(table, fmt::format("{}-{}", stem, kTpot));
  const auto rate = value_of(table, fmt::format("{}-{}", stem, kRate));
  const auto chips = table.number(row, "chips");
  const auto input = table.number(row, "input_len"), output = table.number(row, "output_len");
  if (!tpot || !rate || !chips || !input || !output) {
    return tl::unexpected<std::string>("load not published");
  }
  ServingSetup setup = d.setup;
  setup.chip = p.chip;
  setup.model = p.model;
  setup.chips = int(*chips);
  set_formats(table.at(row, "precision"), setup);
  if (const auto stack = rigs.stack_of(setup)) p.stack = stack->id;
  const auto rig = rigs.find(setup);
  if (!rig) return tl::unexpected(rig.error());
  ServingWorkload workload = d.workload;
  workload.input = *input;
  workload.output = *output;
  if ((*rig)->model->mtp.empty()) workload.draft_tokens = 0;
  const double tokens = *rate * *chips;
  const Load load{.sequences = tokens * *tpot / 1e3,
                  .devices = *chips * (*rig)->machine.system->chip->devices_per_chip};
  const bool apart = table.at(row, "parallelism").find("separated") != std::string_view::npos;
  const Seconds predicted =
      apart ? tpot_apart(**rig, workload, load) : tpot_together(**rig, workload, load, d.limits);
  if (predicted <= Seconds(0)) return tl::unexpected<std::string>("does not fit");
  if (table.at(row, "metric") == kTpot) return predicted.value() * 1e3;
  return load.sequences / predicted.value() / *chips;
}

}  // namespace fivefold
