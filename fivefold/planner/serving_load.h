// The largest load that a deployment serves within its limits, found by playing it.
#pragma once

#include "fivefold/serving/metrics.h"

namespace fivefold {

// The load with its arrivals `factor` times as dense, played once.
struct LoadTrial {
  ServingMetrics metrics;
  bool holds = false;  // enough requests are within the limits, and the queue does not grow
  std::string limit;   // where it does not: "TTFT", "TPOT", "E2E", or "the queue"
};
Result<LoadTrial> try_load(const SimulationSetup& setup, const RequestLoad& load, const Slo& slo,
                           double share, double factor);

// The load's arrivals, so many times as dense, such that at least `share` of the requests hold the
// limits (DistServe, arXiv 2401.09670, plans for 90%) and the queue does not grow without end.
struct LargestLoad {
  double factor = 0;       // of the load as given; 0: not even a thousandth of it
  double rate = 0;         // requests a second
  ServingMetrics metrics;  // at this load
  ServingMetrics beyond;   // a little above: what breaks first
  std::string limit;       // "TTFT", "TPOT", "E2E" or "the queue": what more would break
};
// By bisection to a hundredth, several loads at a time; the same whatever the number of threads.
// Fails as `simulate` does.
Result<LargestLoad> largest_load(const SimulationSetup& setup, const RequestLoad& load,
                                 const Slo& slo, double share);

}  // namespace fivefold
