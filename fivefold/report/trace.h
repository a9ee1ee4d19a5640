// Timelines as Chrome trace JSON, which Perfetto (ui.perfetto.dev), chrome://tracing and Holistic
// Trace Analysis open. A process is a rank, a thread a stream of it; spans of one track that
// overlap are spread over several, since a viewer nests what overlaps.
// Times are microseconds with six decimals, so that picoseconds are kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fivefold/network/event_queue.h"

namespace fivefold {

struct TraceSpan {
  int process = 0;
  int track = 0;  // of the process, from 0
  std::string name;
  std::string category;
  Picoseconds begin = 0, end = 0;
  // Shown with the span: a key and a JSON value ("42" or "\"text\"").
  std::vector<std::pair<std::string, std::string>> details = {};
};

// From `time` on the counter has this value.
struct TraceCounter {
  std::string name;
  Picoseconds time = 0;
  double value = 0;
};

struct TraceView {
  std::vector<TraceSpan> spans;
  std::vector<TraceCounter> counters;
  std::vector<std::string> tracks;  // their names; the spans of a track without one have its number
  std::string process = "rank";     // "rank 3"
};

std::string to_chrome_trace(const TraceView& view);

// What each device of a simulated collective sends, and what was recorded of watched links.
struct SimulatedCollective;
struct Graph;
TraceView transfers_of(const SimulatedCollective& result, const Graph& graph);

}  // namespace fivefold
