// One recorded run of an engine, request by request: the run's own settings (meta.json beside it)
// and arrivals are played, and each request's times are held against those recorded.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/evidence/serving_case.h"
#include "fivefold/serving/metrics.h"
#include "fivefold/traffic/traffic.h"

namespace fivefold {
namespace {

using nlohmann::json;

Result<json> read_json(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(fmt::format("cannot read '{}'", path), "the run's settings stand there");
  std::ostringstream text;
  text << in.rdbuf();
  const json parsed = json::parse(text.str(), nullptr, false);
  if (!parsed.is_object()) return fail("is not a JSON object", {}, {path, 0, 0});
  return parsed;
}

struct Recorded {
  double queued = 0, first_token = 0, last_token = 0;
};

Result<std::vector<Recorded>> read_times(const std::string& path) {
  std::ifstream in(path);
  std::vector<Recorded> times;
  std::string text;
  for (int line = 1; std::getline(in, text); ++line) {
    if (text.empty()) continue;
    const json row = json::parse(text, nullptr, false);
    const auto number = [&](const char* key) {
      return row.is_object() && row.contains(key) && row[key].is_number() ? row[key].get<double>()
                                                                          : -1;
    };
    times.push_back({number("queued_ts"), number("first_token_ts"), number("last_token_ts")});
    if (times.back().queued < 0 || times.back().first_token < 0 || times.back().last_token < 0) {
      return fail("queued_ts, first_token_ts and last_token_ts are needed", {}, {path, line, 0});
    }
  }
  return times;
}

// A system of the catalog with this chip, of which one device of the run is a part.
const System* system_with(const Catalog& catalog, const Chip& chip) {
  const System* found = nullptr;
  for (const System* system : catalog.systems()) {
    if (system->chip->id == chip.id && (found == nullptr || system->chips < found->chips)) {
      found = system;
    }
  }
  return found;
}

template <class T>
void take(const json& from, const char* key, T& into) {
  if (from.contains(key) && from[key].is_number()) into = from[key].get<T>();
}

EnginePolicy policy_of(const json& meta, const ServingRig& rig) {
  EnginePolicy policy = engine_policy(*rig.stack, rig.machine.device);
  const json engine = meta.value("engine_kwargs", json::object());
  take(engine, "max_num_seqs", policy.max_sequences);
  take(engine, "max_num_batched_tokens", policy.max_step_tokens);
  const json cache = meta.value("kv_cache", json::object());
  take(cache, "block_size", policy.page_tokens);
  take(cache, "gpu_memory_utilization", policy.memory_share);
  return policy;
}

Prediction line(const std::string& file, std::size_t request, const char* family, const char* unit,
                double measured, double predicted) {
  Prediction p;
  p.form = "requests";
  p.family = family;
  p.row = fmt::format("{}:{}", file, request + 1);
  p.unit = unit;
  p.measured = measured;
  p.predicted = predicted;
  return p;
}

}  // namespace

bool is_request_run(const std::string& path) {
  const std::filesystem::path file(path);
  return file.filename() == "requests.jsonl" &&
         std::filesystem::exists(file.parent_path() / "meta.json");
}

Result<Predictions> predict_request_run(const Catalog& catalog, const std::string& path) {
  const auto meta = read_json((std::filesystem::path(path).parent_path() / "meta.json").string());
  if (!meta) return fail(meta.error());
  const auto recorded = read_times(path);
  if (!recorded) return fail(recorded.error());
  auto read = read_load(path, {.sort = true});
  if (!read) return fail(read.error());
  RequestLoad& load = read->load;

  const json hardware = meta->value("hardware", json::object());
  const std::string device = hardware.value("device_name", std::string());
  const auto chip = catalog.chip(device);
  if (!chip) return fail(chip.error());
  const System* system = system_with(catalog, **chip);
  if (system == nullptr) return fail(fmt::format("no system has the chip {}", (*chip)->id));
  const json engine = meta->value("engine_kwargs", json::object());
  const int tp = engine.value("tensor_parallel_size", 1);
  ServingRigs rigs(catalog);
  const std::string dtype = engine.value("dtype", std::string("auto"));
  const ServingSetup setup{.system = system->id,
                           .chip = (*chip)->id,
                           .model = meta->value("model", std::string()),
                           .engine = meta->contains("vllm_version") ? "vllm" : "sglang",
                           .dense = dtype == "bfloat16" ? "bf16" : "",
                           .chips = std::max(1, tp)};
  const auto rig = rigs.find(setup);
  if (!rig) return fail(rig.error());

  // The engine's clock starts when a request is in its queue: what lies before is not in the times.
  double first = recorded->front().queued;
  for (const Recorded& r : *recorded) first = std::min(first, r.queued);
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    load.requests[i].arrival = (*recorded)[i].queued - first;
  }
  SimulationSetup simulation;
  simulation.pool = {(*rig)->serving.get(), {.tp = tp}, 1, policy_of(*meta, **rig)};
  simulation.options.microbatch_overlap = false;
  const auto result = simulate(simulation, load);
  if (!result) return fail(result.error());

  Predictions predictions;
  const std::string file = "requests.jsonl";
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    const Recorded& r = (*recorded)[i];
    const RequestTimes& t = result->requests[i];
    // From the queue on, as the record.
    const EngineParameters& host = (*rig)->serving->engine();
    const double overhead =
        (host.request_overhead + load.requests[i].input * host.request_token).value();
    const int gaps = std::max(1, load.requests[i].output - 1);
    predictions.push_back(
        line(file, i, "ttft", "s", r.first_token - r.queued, ttft_of(t) - overhead));
    predictions.push_back(line(file, i, "itl", "ms", (r.last_token - r.first_token) / gaps * 1e3,
                               tpot_of(t, load.requests[i]) * 1e3));
    predictions.push_back(
        line(file, i, "e2e", "s", r.last_token - r.queued, t.finish - t.arrival - overhead));
  }
  const json cache = meta->value("kv_cache", json::object());
  if (cache.contains("num_kv_tokens")) {
    predictions.push_back(line(file, 0, "kv_cache", "tokens", cache["num_kv_tokens"].get<double>(),
                               result->pools.front().capacity.tokens));
  }
  for (Prediction& p : predictions) {
    p.chip = (*chip)->id;
    p.stack = (*rig)->stack->id;
    p.model = setup.model;
  }
  return predictions;
}

}  // namespace fivefold
