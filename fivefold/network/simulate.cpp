#include "fivefold/network/simulate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <unordered_map>

#include <fmt/format.h>

#include "fivefold/network/max_min.h"

namespace fivefold {
namespace {

constexpr double kPicosecondsPerSecond = 1e12;
constexpr Picoseconds kLast = 9'000'000'000'000'000'000;  // the clock goes no further
constexpr double kLongestWait = double(kLast);

// The tasks that wait for each one, as one array cut into parts.
struct Followers {
  std::vector<std::int32_t> task;
  std::vector<std::uint32_t> first;
  std::vector<std::int32_t> missing;  // of each task: what it waits for and is not done

  explicit Followers(const FlowSchedule& schedule)
      : task(schedule.waits.size()),
        first(schedule.tasks.size() + 1),
        missing(schedule.tasks.size()) {
    for (const auto& [waiting, needed] : schedule.waits) {
      ++first[std::size_t(needed) + 1];
      ++missing[std::size_t(waiting)];
    }
    for (std::size_t i = 1; i < first.size(); ++i) first[i] += first[i - 1];
    std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
    for (const auto& [waiting, needed] : schedule.waits) {
      task[next[std::size_t(needed)]++] = waiting;
    }
  }
  std::span<const std::int32_t> of(std::int32_t needed) const {
    const std::size_t from = first[std::size_t(needed)];
    return {task.data() + from, first[std::size_t(needed) + 1] - from};
  }
};

// The flows of one path. They advance together, each unit of weight at the path's rate, so that a
// flow ends when what one unit has sent reaches what it was at the flow's start and the flow's
// bytes per weight.
struct PathState {
  struct Flow {
    double end;
    std::int32_t task;
    bool operator<(const Flow& other) const {  // for a heap with the earliest end in front
      return end != other.end ? end > other.end : task > other.task;
    }
  };
  std::vector<Flow> flows;
  double ahead = 0;         // of its clock: sent by one unit of weight = clock + ahead
  std::int32_t clock = -1;  // none: not yet under way
  std::uint32_t entry = 0;  // its entry in the clock's heap; others are void
};

// What one unit of weight sends under one bottleneck. All paths that a link bounds have the link's
// level for a rate: they share its clock, and a new level moves all their ends at once.
struct Clock {
  struct Entry {
    double end;  // value of `sent` at which the path's next flow is finished
    std::int32_t path;
    std::uint32_t entry;
    bool operator<(const Entry& other) const {
      return end != other.end ? end > other.end : path > other.path;
    }
  };
  double sent = 0;
  double rate = 0;
  Picoseconds since = 0;
  std::uint32_t version = 0;  // of the finish that the queue holds; older ones are void
  bool touched = false;       // its next finish may have changed
  std::vector<Entry> ends;    // heap, the earliest in front

  void advance(Picoseconds now) {
    sent += rate * (double(now - since) / kPicosecondsPerSecond);
    since = now;
  }
  // Ends that fall into the same picosecond, or that rounding parts, are one.
  double reached() const { return sent * (1 + 1e-14) + rate / kPicosecondsPerSecond; }
};

struct Lane {
  std::vector<std::int32_t> ready;  // heap, the lowest number in front
  bool busy = false;
};

struct Event {
  std::int32_t index;     // of a task whose delay is over, or a clock whose next flow is finished
  std::uint32_t version;  // of the clock; 0: a task
};

class Simulation {
 public:
  Simulation(std::span<const double> capacities, const FlowSchedule& schedule,
             const SimulationOptions& options)
      : schedule_(schedule),
        options_(options),
        followers_(schedule),
        shares_(capacities, options.tolerance),
        paths_(schedule.paths.size()),
        clocks_(capacities.size()) {
    for (std::int32_t path = 0; path < std::int32_t(paths_.size()); ++path) {
      const auto hops = schedule.paths.hops(path);
      // A device to itself: no flow is ever started on it, but classes and paths are numbered
      // alike.
      const bool nothing = hops.empty() && std::isinf(schedule.paths.cap(path));
      shares_.add_class(hops, nothing ? 1.0 : schedule.paths.cap(path));
    }
    timeline_.start.resize(schedule.tasks.size());
    timeline_.finish.resize(schedule.tasks.size());
    timeline_.link_bytes.resize(capacities.size());
    last_sample_.resize(options.watched.size());
    for (const std::int32_t lane : schedule.lanes) {
      if (std::size_t(lane + 1) > lanes_.size()) lanes_.resize(std::size_t(lane) + 1);
    }
    report_every_ = std::max<std::size_t>(1, schedule.tasks.size() / 200);
  }

  Result<Timeline> run() {
    for (std::int32_t task = 0; task < std::int32_t(schedule_.tasks.size()); ++task) {
      if (followers_.missing[std::size_t(task)] == 0) make_ready(task, 0);
    }
    start_lanes(0);
    while (!queue_.empty() && too_long_ < 0) {
      const Picoseconds now = queue_.advance();
      while (queue_.more_now()) {
        const Event event = queue_.pop().payload;
        ++timeline_.events;
        if (event.version == 0) {
          begin(event.index, now);
        } else if (clocks_[std::size_t(event.index)].version == event.version) {
          finish_flows(event.index, now);
        }
      }
      share_anew(now);
      start_lanes(now);
    }
    if (too_long_ >= 0) {
      const Task& task = schedule_.tasks[std::size_t(too_long_)];
      if (task.path == Task::kDelay) {
        return fail(
            fmt::format("the schedule would take more than 100 days: task {} waits {:.3g} s",
                        too_long_, double(task.delay) / kPicosecondsPerSecond),
            "check the times that were given");
      }
      return fail(
          fmt::format("a transfer of {:.3g} bytes would take more than 100 days", task.bytes),
          "check its size and the bandwidths on its way");
    }
    if (done_ < schedule_.tasks.size()) return fail(circle());
    return std::move(timeline_);
  }

 private:
  void make_ready(std::int32_t task, Picoseconds now) {
    const std::int32_t lane = lane_of(task);
    if (lane != kNoLane) {
      Lane& own = lanes_[std::size_t(lane)];
      own.ready.push_back(task);
      std::push_heap(own.ready.begin(), own.ready.end(), std::greater<>());
      if (!own.busy) idle_.push_back(lane);
      return;
    }
    start(task, now);
  }

  void start(std::int32_t task, Picoseconds now) {
    const Picoseconds delay = schedule_.tasks[std::size_t(task)].delay;
    if (delay > kLast || now > kLast - delay) {
      too_long_ = task;
      return;
    }
    queue_.push(now + delay, {task, 0});
  }

  std::int32_t lane_of(std::int32_t task) const {
    return std::size_t(task) < schedule_.lanes.size() ? schedule_.lanes[std::size_t(task)]
                                                      : kNoLane;
  }

  // When all that becomes ready now is known, so that the order of events decides nothing.
  void start_lanes(Picoseconds now) {
    for (const std::int32_t lane : idle_) {
      Lane& own = lanes_[std::size_t(lane)];
      if (own.busy || own.ready.empty()) continue;
      own.busy = true;
      const std::int32_t task = own.ready.front();
      std::pop_heap(own.ready.begin(), own.ready.end(), std::greater<>());
      own.ready.pop_back();
      start(task, now);
    }
    idle_.clear();
  }

  void begin(std::int32_t index, Picoseconds now) {
    const Task& task = schedule_.tasks[std::size_t(index)];
    timeline_.start[std::size_t(index)] = now;
    const bool nothing =
        task.path == Task::kDelay || task.bytes == 0 ||
        (schedule_.paths.hops(task.path).empty() && std::isinf(schedule_.paths.cap(task.path)));
    if (nothing) return finish(index, now);
    PathState& path = paths_[std::size_t(task.path)];
    // The first flow of a path gets its clock with its bottleneck; the next ones join in.
    double sent = 0;
    if (path.flows.empty()) {
      path.clock = -1;
      path.ahead = 0;
    } else {
      sent = sent_by(path, now);
    }
    path.flows.push_back({sent + task.bytes / double(task.weight), index});
    std::push_heap(path.flows.begin(), path.flows.end());
    if (path.clock >= 0 && path.flows.front().task == index) expect(task.path);
    shares_.add_weight(task.path, double(task.weight));
  }

  double sent_by(const PathState& path, Picoseconds now) {
    if (path.clock < 0) return 0;
    Clock& clock = clocks_[std::size_t(path.clock)];
    clock.advance(now);
    return clock.sent + path.ahead;
  }

  // Puts the end of the path's next flow into its clock.
  void expect(std::int32_t index) {
    PathState& path = paths_[std::size_t(index)];
    Clock& clock = clocks_[std::size_t(path.clock)];
    clock.ends.push_back({path.flows.front().end - path.ahead, index, ++path.entry});
    std::push_heap(clock.ends.begin(), clock.ends.end());
    touch(path.clock);
  }

  void touch(std::int32_t index) {
    Clock& clock = clocks_[std::size_t(index)];
    if (clock.touched) return;
    clock.touched = true;
    touched_.push_back(index);
  }

  void finish_flows(std::int32_t index, Picoseconds now) {
    clocks_[std::size_t(index)].advance(now);
    const double reached = clocks_[std::size_t(index)].reached();
    touch(index);
    while (drop_void_ends(clocks_[std::size_t(index)])) {
      Clock& clock = clocks_[std::size_t(index)];
      if (clock.ends.front().end > reached) return;
      const std::int32_t path = clock.ends.front().path;
      drop_end(clock);
      finish_next(path, reached, now);
    }
  }

  void finish_next(std::int32_t index, double reached, Picoseconds now) {
    PathState& path = paths_[std::size_t(index)];
    while (!path.flows.empty() && path.flows.front().end - path.ahead <= reached) {
      const std::int32_t task = path.flows.front().task;
      std::pop_heap(path.flows.begin(), path.flows.end());
      path.flows.pop_back();
      shares_.add_weight(index, -double(schedule_.tasks[std::size_t(task)].weight));
      for (const Hop& hop : schedule_.paths.hops(index)) {
        timeline_.link_bytes[std::size_t(hop.link)] +=
            double(hop.share) * schedule_.tasks[std::size_t(task)].bytes;
      }
      finish(task, now);
    }
    if (!path.flows.empty()) expect(index);
  }

  static void drop_end(Clock& clock) {
    std::pop_heap(clock.ends.begin(), clock.ends.end());
    clock.ends.pop_back();
  }

  // Removes ends in front that no longer hold; false if none is left.
  bool drop_void_ends(Clock& clock) {
    while (!clock.ends.empty()) {
      const Clock::Entry& front = clock.ends.front();
      const PathState& path = paths_[std::size_t(front.path)];
      if (path.entry == front.entry && !path.flows.empty()) return true;
      drop_end(clock);
    }
    return false;
  }

  void finish(std::int32_t task, Picoseconds now) {
    timeline_.finish[std::size_t(task)] = now;
    timeline_.end = std::max(timeline_.end, now);
    if (++done_ % report_every_ == 0 && options_.progress) {
      options_.progress(double(done_) / double(schedule_.tasks.size()));
    }
    if (const std::int32_t lane = lane_of(task); lane != kNoLane) {
      lanes_[std::size_t(lane)].busy = false;
      idle_.push_back(lane);
    }
    for (const std::int32_t follower : followers_.of(task)) {
      if (--followers_.missing[std::size_t(follower)] == 0) make_ready(follower, now);
    }
  }

  void share_anew(Picoseconds now) {
    const MaxMin::Changes changes = shares_.settle();
    if (!changes.levels.empty() || !changes.moved.empty()) ++timeline_.settled;
    // Paths leave their old clock as it was until now, before levels change.
    for (const std::int32_t index : changes.moved) leave(index, now);
    for (const std::int32_t link : changes.levels) {
      Clock& clock = clocks_[std::size_t(link)];
      clock.advance(now);
      clock.rate = std::isfinite(shares_.level(link)) ? shares_.level(link) : 0;
      touch(link);
    }
    for (const std::int32_t index : changes.moved) join(index, now);
    for (const std::int32_t clock : touched_) expect_next(clock, now);
    touched_.clear();
    sample(now);
  }

  void leave(std::int32_t index, Picoseconds now) {
    PathState& path = paths_[std::size_t(index)];
    path.ahead = sent_by(path, now);
    path.clock = -1;
    ++path.entry;
  }

  void join(std::int32_t index, Picoseconds now) {
    PathState& path = paths_[std::size_t(index)];
    const std::int32_t link = shares_.bottleneck(index);
    path.clock = link == MaxMin::kOwnCap ? clock_of_cap(index) : link;
    Clock& clock = clocks_[std::size_t(path.clock)];
    clock.advance(now);
    path.ahead -= clock.sent;
    expect(index);
  }

  // Paths with one cap share a clock as well; these stand behind those of the links.
  std::int32_t clock_of_cap(std::int32_t index) {
    const auto [known, fresh] =
        clocks_of_caps_.try_emplace(shares_.cap(index), std::int32_t(clocks_.size()));
    if (fresh) clocks_.emplace_back().rate = shares_.cap(index);
    return known->second;
  }

  // Queues the next finish under this clock.
  void expect_next(std::int32_t index, Picoseconds now) {
    Clock& clock = clocks_[std::size_t(index)];
    clock.touched = false;
    if (++clock.version == 0) clock.version = 1;
    if (!drop_void_ends(clock)) return;
    const double left = std::max(0.0, clock.ends.front().end - clock.sent);
    const double wait = left / clock.rate * kPicosecondsPerSecond;
    if (!(wait < kLongestWait - double(now))) {
      too_long_ = paths_[std::size_t(clock.ends.front().path)].flows.front().task;
      return;
    }
    queue_.push(now + Picoseconds(std::llround(wait)), {index, clock.version});
  }

  void sample(Picoseconds now) {
    for (std::size_t i = 0; i < options_.watched.size(); ++i) {
      const double rate = shares_.used(options_.watched[i]);
      if (rate == last_sample_[i]) continue;
      last_sample_[i] = rate;
      timeline_.samples.push_back({now, options_.watched[i], rate});
    }
  }

  // Some task that was never done waits for one that was never done, and so on: the way comes back.
  Error circle() const {
    const auto& missing = followers_.missing;
    std::vector<std::int32_t> waits_for(missing.size(), -1);
    for (const auto& [waiting, needed] : schedule_.waits) {
      if (missing[std::size_t(waiting)] > 0 && missing[std::size_t(needed)] > 0) {
        waits_for[std::size_t(waiting)] = needed;
      }
    }
    std::vector<bool> seen(missing.size(), false);
    const auto first =
        std::find_if(waits_for.begin(), waits_for.end(), [](auto i) { return i >= 0; });
    auto task = std::int32_t(first - waits_for.begin());
    while (!seen[std::size_t(task)]) {
      seen[std::size_t(task)] = true;
      task = waits_for[std::size_t(task)];
    }
    std::string names = fmt::format("{}", task);
    int shown = 0;
    for (auto next = waits_for[std::size_t(task)]; next != task;
         next = waits_for[std::size_t(next)]) {
      if (++shown <= 8) names += fmt::format(" waits for {}, which", next);
    }
    const std::string length = shown > 8 ? fmt::format(" ({} tasks)", shown + 1) : "";
    return make_error(fmt::format("tasks wait for each other in a circle: task {} waits for {}{}",
                                  names, task, length),
                      "a schedule must have an order in which it can be run");
  }

  const FlowSchedule& schedule_;
  const SimulationOptions& options_;
  Followers followers_;
  MaxMin shares_;
  std::vector<PathState> paths_;
  std::vector<Clock> clocks_;  // of the links, then of caps
  std::unordered_map<double, std::int32_t> clocks_of_caps_;
  std::vector<std::int32_t> touched_;
  EventQueue<Event> queue_;
  Timeline timeline_;
  std::vector<double> last_sample_;
  std::vector<Lane> lanes_;
  std::vector<std::int32_t> idle_;  // lanes that may have something to start
  std::size_t done_ = 0;
  std::size_t report_every_ = 1;
  std::int32_t too_long_ = -1;
};

Result<void> check(std::span<const double> capacities, const FlowSchedule& schedule) {
  const auto links = std::int64_t(capacities.size());
  for (std::int64_t link = 0; link < links; ++link) {
    const double capacity = capacities[std::size_t(link)];
    if (!(capacity > 0) || std::isinf(capacity)) {
      return fail(fmt::format("link {} carries {} bytes a second", link, capacity),
                  "a bandwidth above zero; leave out a link that has failed");
    }
  }
  for (std::int32_t path = 0; path < std::int32_t(schedule.paths.size()); ++path) {
    if (!(schedule.paths.cap(path) > 0)) return fail(fmt::format("path {} has a cap of 0", path));
    for (const Hop& hop : schedule.paths.hops(path)) {
      if (hop.link < 0 || hop.link >= links || !(hop.share > 0) || !(hop.share <= 1)) {
        return fail(fmt::format("path {} crosses link {} of {} with share {}", path, hop.link,
                                links, hop.share));
      }
    }
  }
  const auto tasks = std::int32_t(schedule.tasks.size());
  for (std::int32_t i = 0; i < tasks; ++i) {
    const Task& task = schedule.tasks[std::size_t(i)];
    if (!(task.bytes >= 0) || std::isinf(task.bytes) || !(task.weight > 0) ||
        task.path < Task::kDelay || task.path >= std::int32_t(schedule.paths.size())) {
      return fail(fmt::format("task {} sends {} bytes with weight {} on path {} of {}", i,
                              task.bytes, task.weight, task.path, schedule.paths.size()));
    }
  }
  if (schedule.lanes.size() > schedule.tasks.size()) return fail("more lanes than tasks");
  for (const std::int32_t lane : schedule.lanes) {
    if (lane < kNoLane || lane > tasks) return fail(fmt::format("a task of lane {}", lane));
  }
  for (const auto& [waiting, needed] : schedule.waits) {
    if (waiting < 0 || waiting >= tasks || needed < 0 || needed >= tasks) {
      return fail(fmt::format("task {} waits for task {}, of {} tasks", waiting, needed, tasks));
    }
  }
  return {};
}

}  // namespace

Result<Timeline> simulate(std::span<const double> capacities, const FlowSchedule& schedule,
                          const SimulationOptions& options) {
  auto checked = check(capacities, schedule);
  if (!checked) return fail(std::move(checked.error()));
  return Simulation(capacities, schedule, options).run();
}

}  // namespace fivefold
