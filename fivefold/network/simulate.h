// Runs a schedule on links: flows share them by max-min fairness (max_min.h) from their first byte
// to their last; a flow's bytes arrive together when the last has been sent and count as sent from
// its `delay` on, which holds the latency of its path.
//
// Where it stops being true: packets, buffers and retransmission are not modelled, nor a congestion
// control that is slow or unfair; a flow finds its fair rate at once.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "fivefold/base/error.h"
#include "fivefold/network/schedule.h"

namespace fivefold {

struct SimulationOptions {
  double tolerance = 2e-3;                    // of rates: max_min.h
  std::vector<std::int32_t> watched = {};     // links whose use over time is recorded
  std::function<void(double)> progress = {};  // told the share of the tasks that are done
};

// From `time` on the watched link carries `rate`.
struct LinkSample {
  Picoseconds time = 0;
  std::int32_t link = 0;
  double rate = 0;  // bytes per second
};

struct Timeline {
  Picoseconds end = 0;
  std::vector<Picoseconds> start;   // of each task: its first byte, after its delay
  std::vector<Picoseconds> finish;  // of each task
  std::vector<double> link_bytes;   // through each link
  std::vector<LinkSample> samples;
  std::size_t events = 0;   // that the queue gave out
  std::size_t settled = 0;  // times that rates were found
};

// `capacities`: bytes per second of each link that the paths name. Fails if a capacity is not above
// zero, a path names a link that is not there, a size or weight is not a positive number, tasks
// wait for each other in a circle (named), or a transfer would outlast the clock of 106 days.
Result<Timeline> simulate(std::span<const double> capacities, const FlowSchedule& schedule,
                          const SimulationOptions& options = {});

}  // namespace fivefold
