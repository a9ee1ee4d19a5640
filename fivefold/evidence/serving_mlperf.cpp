// MLPerf Inference: results name the chips, the model and the scenario, never the layout or batch.
// The fastest layout within memory is searched; lengths and limits stand in catalog/benchmarks.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "fivefold/catalog/embedded.h"
#include "fivefold/catalog/yaml_tree.h"
#include "fivefold/evidence/full_load.h"
#include "fivefold/evidence/serving_case.h"

namespace fivefold {
namespace {

struct Benchmark {
  std::vector<std::string> models;  // a trailing * stands for any rest
  double input = 0, output = 0;
  Seconds server_ttft{0}, server_tpot{0}, interactive_ttft{0}, interactive_tpot{0};
};

struct Benchmarks {
  EngineLimits limits;
  double reserve = 0;
  std::string stages_since;  // the first round with pipeline stages
  std::vector<Benchmark> all;
  std::vector<std::string> systems;
};

double number(const yaml::Node* parent, std::string_view key) {
  const yaml::Node* node = parent == nullptr ? nullptr : parent->find(key);
  double value = 0;
  if (node != nullptr) {
    const std::string& text = node->scalar;
    std::from_chars(text.data(), text.data() + text.size(), value);
  }
  return value;
}

std::vector<std::string> texts(const yaml::Node* list) {
  std::vector<std::string> result;
  if (list == nullptr) return result;
  for (const yaml::Node& item : list->items) result.push_back(item.scalar);
  return result;
}

Benchmark read_benchmark(const yaml::Node& node) {
  const yaml::Node* server = node.find("server");
  const yaml::Node* interactive = node.find("interactive");
  const auto limit = [](const yaml::Node* of, std::string_view key) {
    return Seconds(number(of, key) / 1e3);
  };
  return {.models = texts(node.find("models")),
          .input = number(&node, "input"),
          .output = number(&node, "output"),
          .server_ttft = limit(server, "ttft_ms"),
          .server_tpot = limit(server, "tpot_ms"),
          .interactive_ttft = limit(interactive, "ttft_ms"),
          .interactive_tpot = limit(interactive, "tpot_ms")};
}

Result<Benchmarks> load_benchmarks() {
  Benchmarks read;
  for (const EmbeddedFile& file : embedded_catalog()) {
    if (!file.path.starts_with("benchmarks/")) continue;
    std::vector<Problem> problems;
    const yaml::Node root = yaml::parse(file.text, std::string(file.path), problems);
    if (!problems.empty()) return fail(Error{std::move(problems)});
    const yaml::Node* engine = root.find("engine");
    read.limits = {.sequences = number(engine, "sequences"),
                   .batch_tokens = number(engine, "batch_tokens"),
                   .grows = true};
    read.reserve = number(engine, "reserve");
    const yaml::Node* since = engine == nullptr ? nullptr : engine->find("stages_since");
    if (since != nullptr) read.stages_since = since->scalar;
    read.systems = texts(root.find("systems"));
    const yaml::Node* list = root.find("benchmarks");
    if (list == nullptr) continue;
    for (const yaml::Node& node : list->items) read.all.push_back(read_benchmark(node));
  }
  return read;
}

const Benchmark* benchmark_of(const Benchmarks& benchmarks, std::string_view model) {
  for (const Benchmark& benchmark : benchmarks.all) {
    for (const std::string& name : benchmark.models) {
      const bool any_rest = name.ends_with('*');
      if (any_rest ? model.starts_with(name.substr(0, name.size() - 1)) : model == name) {
        return &benchmark;
      }
    }
  }
  return nullptr;
}

// The format that the row states; else the narrowest that the chip computes in.
std::string format_of(const CsvTable& table, std::size_t row, const Device& device) {
  const std::string_view stated = table.at(row, "precision");
  if (stated == "fp4") return device.peak_for(Format::kNvFp4).value() > 0 ? "nvfp4" : "mxfp4";
  if (stated == "fp8" || table.at(row, "model").find("fp8") != std::string_view::npos) return "fp8";
  if (device.peak_for(Format::kNvFp4).value() > 0) return "nvfp4";
  return device.peak_for(Format::kFp8).value() > 0 ? "fp8" : "bf16";
}

std::string engine_of(const CsvTable& table, std::size_t row, const Chip& chip) {
  if (chip.vendor != "Nvidia") return "";
  const std::string_view software = table.at(row, "software");
  return software.find("vLLM") != software.npos || software.find("vllm") != software.npos
             ? "vllm"
             : "trtllm";
}

// Instances of 1, 2, 4 ... devices up to a node, cut by tensors, by stages, and experts by device.
std::vector<ServingLayout> layouts_within(int devices, const Model& model, bool stages) {
  std::vector<ServingLayout> layouts;
  for (int size = 1; size <= devices; size *= 2) {
    for (int pp = 1; pp <= (stages ? size : 1); pp *= 2)
      layouts.push_back({.tp = size / pp, .pp = pp});
    if (most_experts(model) > 0 && size > 1) {
      layouts.push_back({.tp = size, .ep = size});
      layouts.push_back({.dp = size, .ep = size});
    }
  }
  return layouts;
}

struct Scenario {
  ServingWorkload workload;
  bool limited = false;  // latencies bind: server and interactive
  bool stages = true;    // a layout may have pipeline stages
};

tl::expected<Scenario, std::string> scenario_of(const Benchmark& benchmark, double reserve,
                                                std::string_view name) {
  Scenario scenario;
  scenario.workload = {.input = benchmark.input,
                       .output = benchmark.output,
                       .microbatch_overlap = false,
                       .memory_reserve = reserve,
                       .stream_interval = kNoStream};
  scenario.limited = name != "Offline";
  if (name == "Server") {
    scenario.workload.ttft_limit = benchmark.server_ttft;
    scenario.workload.tpot_limit = benchmark.server_tpot;
  } else if (name == "Interactive") {
    scenario.workload.ttft_limit = benchmark.interactive_ttft;
    scenario.workload.tpot_limit = benchmark.interactive_tpot;
  }
  if (scenario.limited && scenario.workload.tpot_limit <= Seconds(0)) {
    return tl::unexpected(fmt::format("limits of scenario {} are not known", name));
  }
  return scenario;
}

// Tokens a second of one device under the layout that yields most.
tl::expected<double, std::string> best_rate(const ServingRig& rig, const Scenario& scenario,
                                            const EngineLimits& limits, int devices) {
  double best = 0;
  std::string refusal = "does not fit";
  for (const ServingLayout& layout : layouts_within(devices, *rig.model, scenario.stages)) {
    const auto load = scenario.limited
                          ? load_within_limits(*rig.serving, scenario.workload, layout, limits)
                          : full_load(*rig.serving, scenario.workload, layout, limits);
    if (load) {
      best = std::max(best, load->tokens_per_second / layout.devices());
    } else if (!load.error().problems.front().what.starts_with("does not fit")) {
      refusal = load.error().problems.front().what;
    }
  }
  if (best <= 0) return tl::unexpected(refusal);
  return best;
}

std::string system_of(const Catalog& catalog, const std::vector<std::string>& preferred,
                      const Chip& chip) {
  for (const std::string& id : preferred) {
    const auto system = catalog.system(id);
    if (system && (*system)->chip->id == chip.id) return id;
  }
  for (const System* system : catalog.systems()) {
    if (system->chip != nullptr && system->chip->id == chip.id) return system->id;
  }
  return "";
}

tl::expected<double, std::string> predict_row(ServingRigs& rigs, const Catalog& catalog,
                                              const Benchmarks& benchmarks, const CsvTable& table,
                                              std::size_t row, Prediction& p) {
  const Benchmark* benchmark = benchmark_of(benchmarks, table.at(row, "model"));
  if (benchmark == nullptr) return tl::unexpected<std::string>("lengths of the data set not known");
  const auto chip = catalog.chip(table.at(row, "chip"));
  if (!chip) return tl::unexpected(fmt::format("chip {} is not in the catalog", p.chip));
  if (table.at(row, "system").find("Pruned") != std::string_view::npos) {
    return tl::unexpected<std::string>("the model was pruned");
  }
  const std::string system = system_of(catalog, benchmarks.systems, **chip);
  if (system.empty()) return tl::unexpected<std::string>("no system of these chips in the catalog");
  const double chips = table.number(row, "chips").value_or(0);
  const double nodes = std::max(1.0, table.number(row, "nodes").value_or(1));
  if (chips < 1) return tl::unexpected<std::string>("number of chips not published");
  ServingSetup setup{.system = system,
                     .chip = p.chip,
                     .model = p.model,
                     .engine = engine_of(table, row, **chip),
                     .dense = format_of(table, row, (*chip)->device),
                     .chips = 8};
  if ((*chip)->device.peak_for(Format::kFp8).value() > 0) setup.cache = "fp8";
  if (const auto stack = rigs.stack_of(setup)) p.stack = stack->id;
  const auto rig = rigs.find(setup);
  if (!rig) return tl::unexpected(rig.error());
  auto scenario = scenario_of(*benchmark, benchmarks.reserve, table.at(row, "scenario"));
  if (!scenario) return tl::unexpected(scenario.error());
  scenario->stages = table.at(row, "round") >= benchmarks.stages_since;
  const int devices = int(chips / nodes) * (*chip)->devices_per_chip;
  const auto rate = best_rate(**rig, *scenario, benchmarks.limits, std::max(1, devices));
  if (!rate) return tl::unexpected(rate.error());
  const double tokens = *rate * chips * (*chip)->devices_per_chip;
  return tokens;
}

// Throughput with and without limits of latency are told apart.
std::string scenario_family(std::string_view scenario) {
  if (scenario == "Offline") return "mlperf_offline";
  return scenario == "Server" ? "mlperf_server" : "mlperf_interactive";
}

}  // namespace

Result<Predictions> predict_mlperf(const Catalog& catalog, const CsvTable& table) {
  const auto benchmarks = load_benchmarks();
  if (!benchmarks) return fail(benchmarks.error());
  ServingRigs rigs(catalog);
  Predictions predictions;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    Prediction p;
    p.form = "serving";
    p.family = scenario_family(table.at(row, "scenario"));
    p.chip = rigs.chip_of({.chip = std::string(table.at(row, "chip"))});
    p.model = std::string(table.at(row, "model"));
    p.row = fmt::format("{}:{} {}", file_stem(table.file), table.lines[row], table.at(row, "id"));
    p.unit = std::string(table.at(row, "unit"));
    p.measured = table.number(row, "value").value_or(0);
    const auto predicted = predict_row(rigs, catalog, *benchmarks, table, row, p);
    if (predicted) {
      p.predicted = *predicted;
    } else {
      p.refused = predicted.error();
    }
    predictions.push_back(std::move(p));
  }
  return predictions;
}

}  // namespace fivefold
