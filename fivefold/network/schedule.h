// What is to be sent: tasks that wait for each other. A task is a transfer over a path of links, or
// a delay (computing, a host's time). A value: built by collectives and traces, run by simulate().
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fivefold/fabric/graph.h"
#include "fivefold/network/event_queue.h"

namespace fivefold {

inline constexpr double kNoCap = std::numeric_limits<double>::infinity();

// Ways through the network, each kept once.
class PathTable {
 public:
  // `cap`: bytes per second of one flow of weight 1 on this path. An empty path without a cap (a
  // device to itself) takes no time.
  std::int32_t add(std::span<const Hop> hops, double cap = kNoCap);
  std::size_t size() const { return caps_.size(); }
  std::span<const Hop> hops(std::int32_t path) const {
    return {hops_.data() + first_[std::size_t(path)],
            first_[std::size_t(path) + 1] - first_[std::size_t(path)]};
  }
  double cap(std::int32_t path) const { return caps_[std::size_t(path)]; }

 private:
  std::vector<Hop> hops_;
  std::vector<std::size_t> first_ = {0};
  std::vector<double> caps_;
  std::unordered_multimap<std::uint64_t, std::int32_t> known_;
};

struct Task {
  static constexpr std::int32_t kDelay = -1;  // no path: only the delay

  std::int32_t path = kDelay;
  float weight = 1;       // of the flow, in sharing
  Picoseconds delay = 0;  // from ready to the first byte: latency and the host's or library's time
  double bytes = 0;
};

inline constexpr std::int32_t kNoLane = -1;

struct FlowSchedule {
  PathTable paths;
  std::vector<Task> tasks;
  // (task, task that it waits for), in any order.
  std::vector<std::pair<std::int32_t, std::int32_t>> waits;
  // What tasks share that does one at a time, a processor or a stream of its kernels: the lane of
  // each task, kNoLane or none for those at the end that have none. Of the tasks of a lane that are
  // ready the one with the lowest number runs next, to its end.
  std::vector<std::int32_t> lanes;

  std::int32_t add(const Task& task) {
    tasks.push_back(task);
    return std::int32_t(tasks.size()) - 1;
  }
  void wait(std::int32_t task, std::int32_t needed) { waits.emplace_back(task, needed); }
  void set_lane(std::int32_t task, std::int32_t lane) {
    if (lanes.size() <= std::size_t(task)) lanes.resize(std::size_t(task) + 1, kNoLane);
    lanes[std::size_t(task)] = lane;
  }
};

}  // namespace fivefold
