// A simulated load in words and numbers: what users wait, what the machine gives, what it costs,
// and the largest load that holds the limits.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fivefold/planner/serving_load.h"
#include "fivefold/report/trace.h"
#include "fivefold/serving/metrics.h"
#include "fivefold/serving/text.h"
#include "fivefold/traffic/traffic.h"

namespace fivefold {

struct PoolView {
  std::string name;  // "serving", "prefill", "decode"
  std::string system;
  std::string engine;
  ServingInstances instances;
  int devices_per_chip = 1;
  PoolUse use;
  double chips() const {
    return double(instances.count) * instances.layout.devices() / devices_per_chip;
  }
};

// Of the chips in use, over the time of the load; nothing where the catalog does not know it.
struct LoadCost {
  std::optional<Watts> power;
  std::optional<Usd> usd_per_million;  // output tokens
  std::string unknown;                 // why not
};

struct ServingView {
  std::string model;
  std::vector<PoolView> pools;
  std::string load_name;
  LoadSummary load;
  bool timed = true;  // arrivals are of the load; else all wait from the start or a loop
  int concurrency = 0;
  std::vector<std::string> notes;  // of the trace, of what was left out, of ranges of fits
  Slo slo;
  double share = 0.9;  // of requests that must hold the limits
  ServingMetrics metrics;
  std::uint64_t preemptions = 0;
  LoadCost cost;
  std::optional<LargestLoad> largest;

  double chips() const;
};

std::string to_text(const ServingView& view);
std::string to_csv(const ServingView& view);  // quantity, unit, value
// Field names of vLLM's `bench serve` and SGLang's `bench_serving`, so that scripts for them read
// it; beside them what they do not have.
std::string to_json(const ServingView& view);

// Each request: its lengths and its times.
std::string requests_csv(const SimulationResult& result, const RequestLoad& load);
// Steps of the instances, and counters of waiting, running and cache in use.
TraceView timeline_of(const SimulationResult& result, const std::vector<PoolView>& pools);

}  // namespace fivefold
