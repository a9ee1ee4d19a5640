// What users ask of a simulated load, in the words of vLLM's and SGLang's benchmarks.
//   TTFT  arrival to first token          TPOT  (E2E - TTFT) / (output - 1), requests of one token
//   have none ITL   each gap between tokens         E2E   arrival to last token
// Goodput: requests a second that hold every limit (DistServe, arXiv 2401.09670, section 2).
#pragma once

#include <string>

#include "fivefold/serving/simulate.h"

namespace fivefold {

// Of the mean over a request's tokens for TPOT, of each request otherwise; 0: no limit.
struct Slo {
  Seconds ttft{0}, tpot{0}, e2e{0};
  bool any() const { return ttft > Seconds(0) || tpot > Seconds(0) || e2e > Seconds(0); }
};

struct Spread {  // seconds
  double mean = 0, deviation = 0, p50 = 0, p90 = 0, p95 = 0, p99 = 0, largest = 0;
};

struct ServingMetrics {
  std::size_t requests = 0;
  double duration = 0;  // seconds, first arrival to last token
  double input_tokens = 0, output_tokens = 0, cached_tokens = 0;
  Spread ttft, tpot, itl, e2e, queue;  // queue: arrival to the first step that takes a request in
  std::size_t within = 0;              // requests that hold the limits; all without limits
  double mean_concurrency = 0;         // requests in the system (Little: arrivals x time)
  // Requests arrive faster than they are served: the queue has not been empty for a quarter of the
  // arrivals and holds a fiftieth of them. By what share arrivals are over what is served; 0: not.
  double overload = 0;

  double attainment() const { return requests > 0 ? double(within) / double(requests) : 0; }
  double requests_per_second() const { return duration > 0 ? double(requests) / duration : 0; }
  double goodput() const { return duration > 0 ? double(within) / duration : 0; }
  double output_per_second() const { return duration > 0 ? output_tokens / duration : 0; }
};
ServingMetrics metrics_of(const SimulationResult& result, const RequestLoad& load, const Slo& slo);

// Of one request.
double ttft_of(const RequestTimes& times);
double tpot_of(const RequestTimes& times, const Request& request);
bool holds(const RequestTimes& times, const Request& request, const Slo& slo);

}  // namespace fivefold
