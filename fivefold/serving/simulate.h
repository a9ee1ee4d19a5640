// Request by request: what an engine does with a load, step after step.
//
// Each instance of a pool steps by itself; the attention groups of an instance (dp) step together,
// as the exchange of experts makes them. A group has a scheduler and a cache of its own
// (engine.h). A step takes what the closed form says of its tokens (step_table.h). Decoding
// sequences are kept in sums, so that a step costs the same whether ten or a thousand decode.
//
// Times of a request: arrival, then tokeniser and HTTP (EngineParameters::request_overhead), then
// the queue. TTFT ends with the step of its last prompt chunk; with pools of their own, when its
// cache has reached the decode instance and is taken in there.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fivefold/serving/engine.h"
#include "fivefold/serving/histogram.h"
#include "fivefold/traffic/requests.h"

namespace fivefold {

struct ServingPool {
  const ServingModel* model = nullptr;  // on the pool's machine; must outlive the simulation
  ServingLayout layout;
  int instances = 1;
  EnginePolicy engine;
};

// Which attention group takes a request: in turn; the one with the fewest (waiting ones count four
// times, as vLLM's data-parallel balancer has it); the one that last held most of its prompt,
// unless it is far busier than the idlest (cache-aware routing of SGLang).
enum class RequestRouter : std::uint8_t { kInTurn, kLeastLoaded, kPrefix };
std::string_view name(RequestRouter router);
Result<RequestRouter> router_named(std::string_view text);

struct SimulationSetup {
  ServingPool pool;                    // serves alone; with `prefill`, decodes
  std::optional<ServingPool> prefill;  // prompts on instances of their own
  // Drafts, acceptance, overlap, imbalance of experts; lengths and limits are the load's.
  ServingWorkload options;
  RequestRouter router = RequestRouter::kLeastLoaded;
  int concurrency = 0;  // above 0: closed loop, requests arrive as others end
  std::uint64_t seed = 1;
  std::size_t record_steps = 0;  // so many steps are kept for a timeline
};

struct RequestTimes {
  double arrival = 0, scheduled = 0, first_token = 0, finish = 0;  // seconds
  std::int32_t cached = 0;       // prompt tokens found in the cache
  std::int32_t preemptions = 0;  // times it lost its cache
  std::int32_t group = 0;        // that ended it
};

struct PoolUse {
  double busy = 0;                     // seconds of all instances
  double arithmetic = 0, traffic = 0;  // of these, were kernels only to compute, only to move bytes
  std::uint64_t steps = 0, decode_steps = 0;
  double decoding = 0;                    // mean sequences a decode step, an attention group
  double cache_mean = 0, cache_peak = 0;  // share of the capacity in use
  CacheCapacity capacity;
};

struct StepRecord {
  int pool = 0;  // 0: prefill if there is one, else the only one
  int instance = 0;
  double begin = 0, end = 0;
  int decodes = 0, prompt_tokens = 0;
  double cache = 0;  // share in use
};

struct LoadSample {
  double time = 0;
  std::uint32_t waiting = 0, running = 0;
  double cache = 0;
};

struct SimulationResult {
  std::vector<RequestTimes> requests;  // in the order of the load
  Histogram itl;                       // each gap between a request's tokens
  std::vector<PoolUse> pools;          // prefill first, if there is one
  std::uint64_t preemptions = 0;
  std::uint64_t prompt_tokens = 0, cached_tokens = 0, output_tokens = 0;
  double makespan = 0;  // from the first arrival to the last token
  std::vector<LoadSample> samples;
  std::vector<StepRecord> steps;
};

// Fails if a layout does not fit, or a request never can: its length is over the model's context
// or over a whole cache; names the request.
Result<SimulationResult> simulate(const SimulationSetup& setup, const RequestLoad& load);

}  // namespace fivefold
