// Any bytes as a Chakra trace, protobuf or JSON: nodes in an order in which they can run, or an
// error with problems. What is read is run on two devices: a time, or an error, and nothing else.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fivefold/fabric/import.h"
#include "fivefold/replay/network.h"
#include "fivefold/replay/replay.h"

namespace {

using fivefold::Machine;
using fivefold::Result;
using fivefold::Topology;
using fivefold::Trace;

void check(const Result<Trace>& trace) {
  if (!trace) {
    if (trace.error().problems.empty()) std::abort();
    return;
  }
  for (std::size_t i = 0; i < trace->nodes.size(); ++i) {
    for (const std::int32_t need : trace->nodes[i].needs) {
      if (need < 0 || std::size_t(need) >= i) std::abort();
    }
  }
  static const Topology topology =
      fivefold::read_topology(
          "topology: [ Ring ]\nnpus_count: [ 2 ]\nbandwidth: [ 50 ]\nlatency: [ 500 ]\n", "net.yml")
          .value();
  static const Machine machine = fivefold::machine_of(topology);
  const auto replayed = fivefold::replay(machine, topology.graph, {*trace}, nullptr,
                                         {.copies = 2, .times = fivefold::ComputeTimes::kRecorded});
  if (!replayed) {
    if (replayed.error().problems.empty()) std::abort();
    return;
  }
  for (const fivefold::RankTime& rank : replayed->ranks) {
    if (!std::isfinite(rank.total.value()) || rank.idle.value() < 0) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(size > 0 && data[0] == '{' ? fivefold::read_json_trace(bytes, "t.json")
                                   : fivefold::read_trace(bytes, "t.et"));
  return 0;
}
