#include "fivefold/replay/replay.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "fivefold/replay/intervals.h"
#include "fivefold/replay/match.h"

namespace fivefold {

std::string_view name(Stream stream) {
  switch (stream) {
    case Stream::kCompute:
      return "compute";
    case Stream::kMemory:
      return "memory";
    case Stream::kHost:
      return "host";
    case Stream::kCommunication:
      return "communication";
  }
  return "";
}

namespace {

Picoseconds picoseconds(Seconds time) {
  return Picoseconds(std::llround(time.value() * 1e12));
}

Seconds seconds(Picoseconds time) {
  return Seconds(double(time) * 1e-12);
}

Stream stream_of(const TraceNode& node) {
  if (node.type >= TraceType::kSend) return Stream::kCommunication;
  if (node.type == TraceType::kMemLoad || node.type == TraceType::kMemStore) return Stream::kMemory;
  return node.host ? Stream::kHost : Stream::kCompute;
}

// An operation as it is put down, for all groups of one form.
struct Prepared {
  CollectivePlan plan;
  std::vector<Round> rounds;
  std::vector<double> reached;
};

// The tasks of one node: it takes part from the end of `begin` to the end of `done`.
struct NodeTasks {
  std::int32_t begin = -1, done = -1;
  std::int32_t partner = -1;  // of a receive: the `begin` of its send
};

class Replayer {
 public:
  Replayer(const Machine& machine, const Graph& graph, const KernelModel* kernels,
           const ReplayOptions& options, std::vector<const Trace*> traces)
      : machine_(machine),
        graph_(graph),
        kernels_(kernels),
        options_(options),
        traces_(std::move(traces)),
        assembler_(graph, options.routing),
        router_(graph, options.routing),
        put_down_(int(traces_.size())) {}

  Result<Replay> run() {
    auto matches = match(traces_, machine_, options_.groups);
    if (!matches) return fail(std::move(matches.error()));
    matches_ = *std::move(matches);
    auto folded = find_fold_of_ranks();
    if (!folded) return fail(std::move(folded.error()));
    if (auto placed = place_nodes(); !placed) return fail(std::move(placed.error()));
    if (auto placed = place_collectives(); !placed) return fail(std::move(placed.error()));
    if (auto placed = place_messages(); !placed) return fail(std::move(placed.error()));
    place_needs();
    std::vector<double> capacity;
    for (const Link& link : graph_.links) capacity.push_back(link.bandwidth.value());
    const std::vector<double> asked = asked_of_links();
    auto timeline = simulate(capacity, assembler_.schedule,
                             {.tolerance = options_.tolerance,
                              .watched = busiest_links(asked, capacity),
                              .progress = options_.progress});
    if (!timeline) {
      if (auto named = circle()) return tl::unexpected(*std::move(named));
      return fail(std::move(timeline.error()));
    }
    measure(*timeline);
    measure_links(asked, capacity);
    result_.samples = std::move(timeline->samples);
    return std::move(result_);
  }

 private:
  int ranks() const { return int(traces_.size()); }
  const Trace& trace(int rank) const { return *traces_[std::size_t(rank)]; }
  const TraceNode& node(int rank, std::int32_t place) const {
    return trace(rank).nodes[std::size_t(place)];
  }
  NodeTasks& tasks(int rank, std::int32_t place) {
    return tasks_[std::size_t(rank)][std::size_t(place)];
  }

  // A plan depends on the form of the group only. `far`: how much longer the way is than one hop
  // of its level.
  Result<const Prepared*> prepared(Collective collective, const Group& shape, Bytes bytes,
                                   double far = 1) {
    std::vector<int> fanout(shape.fanout.begin(), shape.fanout.end());
    const auto key = std::tuple(collective, bytes.value(), far, std::move(fanout));
    if (const auto known = prepared_.find(key); known != prepared_.end()) return &known->second;
    auto plan = plan_collective(machine_, collective, shape, bytes);
    if (!plan) return fail(std::move(plan.error()));
    for (LevelPlan& level : plan->levels) level.step = level.step * far;
    Prepared made;
    made.rounds = rounds_of(machine_, collective, shape, bytes, *plan);
    made.reached = reached_by(machine_, shape, *plan, collective);
    made.plan = *std::move(plan);
    return &prepared_.emplace(key, std::move(made)).first->second;
  }

  // If all ranks run the same nodes and only collectives of all join them, and the rounds of these
  // look alike from each block of devices, then so does everything.
  Result<void> find_fold_of_ranks() {
    const bool joined =
        ranks() > 1 && ranks() == graph_.devices && matches_.messages.empty() &&
        std::all_of(matches_.collectives.begin(), matches_.collectives.end(),
                    [&](const MatchedCollective& one) { return int(one.ranks.size()) == ranks(); });
    if (!options_.fold || !joined) return {};
    for (const Trace* trace : traces_) {
      if (trace != traces_.front() && !alike(*trace, *traces_.front())) return {};
    }
    std::vector<Round> rounds;
    bool all_path = false;
    for (const MatchedCollective& one : matches_.collectives) {
      auto made = prepared(one.collective, group_of(machine_, one.ranks), one.bytes);
      if (!made) return fail(std::move(made.error()));
      rounds.insert(rounds.end(), (*made)->rounds.begin(), (*made)->rounds.end());
      all_path = all_path || (*made)->plan.algorithm == Algorithm::kAllPath;
    }
    fold_ = find_fold(machine_, graph_, rounds);
    if (fold_.unit > 0) put_down_ = result_.folded_to = fold_.unit;
    return {};
  }

  static bool alike(const Trace& one, const Trace& other) {
    const auto same = [](const TraceNode& a, const TraceNode& b) {
      return a.type == b.type && a.host == b.host && a.needs == b.needs && a.micros == b.micros &&
             a.ops == b.ops && a.bytes == b.bytes && a.comm_type == b.comm_type &&
             a.comm_size == b.comm_size && a.group == b.group;
    };
    return std::equal(one.nodes.begin(), one.nodes.end(), other.nodes.begin(), other.nodes.end(),
                      same);
  }

  Result<void> place_nodes() {
    FlowSchedule& schedule = assembler_.schedule;
    tasks_.resize(std::size_t(put_down_));
    for (int rank = 0; rank < put_down_; ++rank) {
      const std::vector<TraceNode>& nodes = trace(rank).nodes;
      tasks_[std::size_t(rank)].resize(nodes.size());
      std::array<std::int32_t, 3> lanes = {kNoLane, kNoLane, kNoLane};
      for (std::int32_t i = 0; i < std::int32_t(nodes.size()); ++i) {
        const TraceNode& node = nodes[std::size_t(i)];
        Task task;
        const bool works = node.type < TraceType::kSend && node.type != TraceType::kMetadata;
        if (works) {
          auto time = time_of(node, options_.times, kernels_);
          if (!time) return located(rank, std::move(time.error()));
          task.delay = picoseconds(time->time);
          count(time->basis);
        }
        const std::int32_t added = schedule.add(task);
        tasks(rank, i) = {added, added};
        if (!works) continue;
        std::int32_t& lane = lanes[std::size_t(stream_of(node))];
        if (lane == kNoLane) lane = lanes_++;
        schedule.set_lane(added, lane);
      }
    }
    return {};
  }

  tl::unexpected<Error> located(int rank, Error error) const {
    for (Problem& problem : error.problems) problem.place.file = trace(rank).file;
    return fail(std::move(error));
  }

  void count(TimeBasis basis) {
    std::size_t& counter = basis == TimeBasis::kRecorded ? result_.recorded
                           : basis == TimeBasis::kModel  ? result_.modelled
                                                         : result_.untimed;
    ++counter;
  }

  Result<void> place_collectives() {
    for (const MatchedCollective& one : matches_.collectives) {
      ++result_.collectives;
      if (one.ranks.size() == 1) {
        if (ranks() == 1) return alone(one);
        ++result_.alone;
        continue;
      }
      auto placed = place_collective(one);
      if (!placed) return placed;
    }
    return {};
  }

  Result<void> alone(const MatchedCollective& one) const {
    return located(one.ranks.front(),
                   make_error(fmt::format("{} is a collective of one rank: its peers have no trace",
                                          describe(node(one.ranks.front(), one.nodes.front()))),
                              "--copies N lets each of N ranks run this trace"));
  }

  Result<void> place_collective(const MatchedCollective& one) {
    auto made = prepared(one.collective, group_of(machine_, one.ranks), one.bytes);
    if (!made) {
      return located(one.ranks.front(), std::move(made.error()));
    }
    const CollectivePlan& plan = (*made)->plan;
    const int members = fold_.unit > 0 ? fold_.unit : int(one.ranks.size());
    std::vector<std::int32_t> ready;
    for (int i = 0; i < members; ++i) {
      const int rank = one.ranks[std::size_t(i)];
      const std::int32_t arrival = tasks(rank, one.nodes[std::size_t(i)]).begin;
      if (one.before >= 0) {
        const MatchedCollective& before = matches_.collectives[std::size_t(one.before)];
        assembler_.schedule.wait(arrival, tasks(rank, before.nodes[std::size_t(i)]).done);
      }
      ready.push_back(after(arrival, plan.staging + plan.base));
    }
    auto placed =
        assembler_.add((*made)->rounds, {.groups = {&one.ranks, 1},
                                         .fold = &fold_,
                                         .all_path = plan.algorithm == Algorithm::kAllPath,
                                         .ready = ready,
                                         .meets = true,
                                         .reached = (*made)->reached});
    if (!placed) return located(one.ranks.front(), std::move(placed.error()));
    result_.flows += placed->flows;
    for (int i = 0; i < members; ++i) {
      NodeTasks& own = tasks(one.ranks[std::size_t(i)], one.nodes[std::size_t(i)]);
      own.done = finish(plan, own.begin, placed->waits.back()[std::size_t(i)]);
    }
    return {};
  }

  std::int32_t after(std::int32_t task, Seconds delay) {
    if (delay.value() <= 0) return task;
    const std::int32_t added = assembler_.schedule.add({.delay = picoseconds(delay)});
    assembler_.schedule.wait(added, task);
    return added;
  }

  // staging + max(host, base + moved + copy), on one rank.
  std::int32_t finish(const CollectivePlan& plan, std::int32_t arrival, std::int32_t moved) {
    const std::int32_t copied = after(moved, plan.copy);
    if (plan.host.value() <= 0) return copied;
    const std::int32_t issued = after(arrival, plan.staging + plan.host);
    const std::int32_t both = assembler_.schedule.add({});
    assembler_.schedule.wait(both, copied);
    assembler_.schedule.wait(both, issued);
    return both;
  }

  Result<void> place_messages() {
    for (const MatchedMessage& one : matches_.messages) {
      ++result_.messages;
      const std::vector<int> pair = {std::min(one.from, one.to), std::max(one.from, one.to)};
      auto made = prepared(Collective::kSendRecv, group_of(machine_, pair), one.bytes,
                           far(one.from, one.to, pair));
      if (!made) return located(one.from, std::move(made.error()));
      const CollectivePlan& plan = (*made)->plan;
      NodeTasks &send = tasks(one.from, one.send), &receive = tasks(one.to, one.receive);
      const Ranks ends = {one.from, one.to};
      const std::array<std::int32_t, 2> ready = {after(send.begin, plan.staging + plan.base),
                                                 receive.begin};
      auto placed = assembler_.add(
          (*made)->rounds, {.groups = {&ends, 1}, .ready = ready, .reached = (*made)->reached});
      if (!placed) return located(one.from, std::move(placed.error()));
      result_.flows += placed->flows;
      receive.partner = send.begin;
      send.done = finish(plan, send.begin, placed->waits.back()[0]);
      // What has arrived before its receive is there at once.
      const std::int32_t arrived = assembler_.schedule.add({});
      assembler_.schedule.wait(arrived, placed->waits.back()[0]);
      assembler_.schedule.wait(arrived, receive.begin);
      receive.done = finish(plan, receive.begin, arrived);
    }
    return {};
  }

  // A way of several hops through a mesh takes the level's latency as often.
  double far(int from, int to, const std::vector<int>& pair) {
    const Group shape = group_of(machine_, pair);
    for (std::size_t i = 0; i < machine_.levels.size(); ++i) {
      if (shape.fanout[i] < 2 || machine_.levels[i].latency.value() <= 0) continue;
      hops_.clear();
      if (!router_.route(from, to, 0, hops_)) return 1;
      const Seconds way = path_length(graph_, from, to, hops_).latency;
      return std::max(1.0, way / machine_.levels[i].latency);
    }
    return 1;
  }

  void place_needs() {
    for (int rank = 0; rank < put_down_; ++rank) {
      const std::vector<TraceNode>& nodes = trace(rank).nodes;
      for (std::int32_t i = 0; i < std::int32_t(nodes.size()); ++i) {
        for (const std::int32_t need : nodes[std::size_t(i)].needs) {
          assembler_.schedule.wait(tasks(rank, i).begin, tasks(rank, need).done);
        }
      }
    }
  }

  // Bytes that each link is asked for, in payload over what the plan reaches.
  std::vector<double> asked_of_links() const {
    std::vector<double> asked(graph_.links.size(), 0.0);
    for (const Task& task : assembler_.schedule.tasks) {
      if (task.path == Task::kDelay) continue;
      for (const Hop& hop : assembler_.schedule.paths.hops(task.path)) {
        asked[std::size_t(hop.link)] += task.bytes * double(hop.share);
      }
    }
    return asked;
  }

  std::vector<std::int32_t> busiest_links(const std::vector<double>& asked,
                                          const std::vector<double>& capacity) const {
    std::vector<std::int32_t> links(asked.size());
    std::iota(links.begin(), links.end(), 0);
    const auto most = std::min(links.size(), std::size_t(std::max(0, options_.watched)));
    const auto use = [&](std::int32_t link) {
      return asked[std::size_t(link)] / capacity[std::size_t(link)];
    };
    std::partial_sort(
        links.begin(), links.begin() + std::ptrdiff_t(most), links.end(),
        [&](std::int32_t a, std::int32_t b) { return use(a) != use(b) ? use(a) > use(b) : a < b; });
    links.resize(most);
    while (!links.empty() && asked[std::size_t(links.back())] == 0) links.pop_back();
    return links;
  }

  // Nodes whose tasks were never done, each waiting for the next.
  std::optional<Error> circle() const {
    const FlowSchedule& schedule = assembler_.schedule;
    const std::size_t count = schedule.tasks.size();
    std::vector<std::int32_t> missing(count, 0), waits_for(count, -1), owner(count, -1);
    std::vector<std::vector<std::int32_t>> followers(count);
    for (const auto& [waiting, needed] : schedule.waits) {
      ++missing[std::size_t(waiting)];
      followers[std::size_t(needed)].push_back(waiting);
    }
    std::vector<std::int32_t> ready;
    for (std::size_t i = 0; i < count; ++i) {
      if (missing[i] == 0) ready.push_back(std::int32_t(i));
    }
    while (!ready.empty()) {
      const auto done = std::size_t(ready.back());
      ready.pop_back();
      for (const std::int32_t next : followers[done]) {
        if (--missing[std::size_t(next)] == 0) ready.push_back(next);
      }
    }
    for (const auto& [waiting, needed] : schedule.waits) {
      if (missing[std::size_t(waiting)] > 0 && missing[std::size_t(needed)] > 0) {
        waits_for[std::size_t(waiting)] = needed;
      }
    }
    const auto first =
        std::find_if(waits_for.begin(), waits_for.end(), [](auto i) { return i >= 0; });
    if (first == waits_for.end()) return std::nullopt;
    return name_circle(std::int32_t(first - waits_for.begin()), waits_for);
  }

  std::optional<Error> name_circle(std::int32_t at,
                                   const std::vector<std::int32_t>& waits_for) const {
    std::map<std::int32_t, std::pair<int, std::int32_t>> owner;  // of tasks: rank and node
    for (int rank = 0; rank < put_down_; ++rank) {
      const auto& own = tasks_[std::size_t(rank)];
      for (std::int32_t i = 0; i < std::int32_t(own.size()); ++i) {
        owner[own[std::size_t(i)].begin] = owner[own[std::size_t(i)].done] = {rank, i};
      }
    }
    std::vector<bool> seen(waits_for.size(), false);
    for (; !seen[std::size_t(at)]; at = waits_for[std::size_t(at)]) seen[std::size_t(at)] = true;
    std::vector<std::pair<int, std::int32_t>> way;
    std::int32_t next = at;
    do {
      const auto found = owner.find(next);
      if (found != owner.end() && (way.empty() || way.back() != found->second)) {
        way.push_back(found->second);
      }
      next = waits_for[std::size_t(next)];
    } while (next != at);
    if (way.size() > 1 && way.back() == way.front()) way.pop_back();
    if (way.empty()) return std::nullopt;
    std::string text = "nodes of several ranks wait for each other in a circle: ";
    for (std::size_t i = 0; i <= way.size(); ++i) {
      const auto& [rank, place] = way[i % way.size()];
      if (i == 8 && way.size() > 8) {
        text += fmt::format(", and so on ({} nodes)", way.size());
        break;
      }
      text += fmt::format("{}{} of rank {}",
                          i == 0   ? ""
                          : i == 1 ? " waits for "
                                   : ", that for ",
                          describe(node(rank, place)), rank);
    }
    return make_error(text, "collectives and messages must be met in an order that all ranks share",
                      {trace(way.front().first).file, 0, 0});
  }

  void measure(const Timeline& timeline) {
    result_.time = seconds(timeline.end);
    for (int rank = 0; rank < put_down_; ++rank) {
      std::array<Intervals, 4> intervals;  // by stream
      Picoseconds end = 0;
      const auto& own = tasks_[std::size_t(rank)];
      for (std::int32_t i = 0; i < std::int32_t(own.size()); ++i) {
        const TraceNode& node = this->node(rank, i);
        const auto [from, to] = span_of(timeline, own[std::size_t(i)], node);
        end = std::max(end, to);
        if (node.type == TraceType::kMetadata) continue;
        const Stream stream = stream_of(node);
        intervals[std::size_t(stream)].emplace_back(from, to);
        if (options_.spans) result_.spans.push_back({rank, stream, i, from, to});
      }
      result_.ranks.push_back(rank_time(end, intervals));
    }
    for (int rank = put_down_; rank < ranks(); ++rank) {
      result_.ranks.push_back(result_.ranks[std::size_t(rank % put_down_)]);
    }
    for (const Trace* trace : traces_) {
      result_.nodes += trace->nodes.size();
      result_.dropped_parents += trace->dropped_parents;
      result_.call_trees = result_.call_trees || trace->call_tree;
    }
    const std::size_t images = std::size_t(ranks() / put_down_);
    for (std::size_t* counter : {&result_.recorded, &result_.modelled, &result_.untimed}) {
      *counter *= images;
    }
  }

  std::pair<Picoseconds, Picoseconds> span_of(const Timeline& timeline, const NodeTasks& own,
                                              const TraceNode& node) const {
    const Picoseconds to = timeline.finish[std::size_t(own.done)];
    Picoseconds from = timeline.finish[std::size_t(own.begin)];
    if (node.type < TraceType::kSend) {
      from -= assembler_.schedule.tasks[std::size_t(own.begin)].delay;
    }
    if (own.partner >= 0) from = std::max(from, timeline.finish[std::size_t(own.partner)]);
    return {std::min(from, to), to};
  }

  static RankTime rank_time(Picoseconds end, std::array<Intervals, 4>& intervals) {
    for (Intervals& one : intervals) one = united(std::move(one));
    const auto& [compute, memory, host, communication] = intervals;
    Intervals works = compute;
    works.insert(works.end(), memory.begin(), memory.end());
    works = united(std::move(works));
    const Picoseconds exposed = length(communication) - overlap(communication, works);
    return {.total = seconds(end),
            .compute = seconds(length(compute)),
            .memory = seconds(length(memory)),
            .host = seconds(length(host)),
            .communication = seconds(length(communication)),
            .exposed = seconds(exposed),
            .idle = seconds(end - length(works) - exposed)};
  }

  void measure_links(const std::vector<double>& asked, const std::vector<double>& capacity) {
    std::vector<int> images;  // a folded link stands for all of them
    if (fold_.unit > 0) {
      images.resize(graph_.links.size());
      for (const std::int32_t link : fold_.link) ++images[std::size_t(link)];
    }
    result_.levels.resize(machine_.levels.size());
    const double time = result_.time.value();
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (asked[i] == 0 || time <= 0) continue;
      const double use = asked[i] / capacity[i] / time;
      if (use > result_.busiest) {
        result_.busiest = use;
        result_.busiest_link = std::int32_t(i);
      }
      const std::int32_t level = graph_.links[i].level;
      if (level < 0 || std::size_t(level) >= result_.levels.size()) continue;
      LevelUse& own = result_.levels[std::size_t(level)];
      own.bytes += assembler_.payload[i] * (images.empty() ? 1 : images[i]);
      own.busiest = std::max(own.busiest, use);
    }
  }

  const Machine& machine_;
  const Graph& graph_;
  const KernelModel* kernels_;
  const ReplayOptions& options_;
  std::vector<const Trace*> traces_;  // of each rank
  Assembler assembler_;
  Router router_;
  int put_down_;  // ranks that are simulated
  Matches matches_;
  Fold fold_;
  std::map<std::tuple<Collective, double, double, std::vector<int>>, Prepared> prepared_;
  std::vector<std::vector<NodeTasks>> tasks_;  // by rank put down and node
  std::int32_t lanes_ = 0;
  std::vector<Hop> hops_;
  Replay result_;
};

}  // namespace

Result<Replay> replay(const Machine& machine, const Graph& graph, const std::vector<Trace>& traces,
                      const KernelModel* kernels, const ReplayOptions& options) {
  if (traces.empty()) return fail("no traces to replay");
  std::vector<const Trace*> of_rank;
  if (options.copies > 0) {
    if (traces.size() != 1) {
      return fail(fmt::format("copies of {} traces", traces.size()), "one trace can be copied");
    }
    of_rank.assign(std::size_t(options.copies), &traces.front());
  } else {
    for (const Trace& trace : traces) of_rank.push_back(&trace);
  }
  if (int(of_rank.size()) > graph.devices) {
    return fail(fmt::format("{} ranks on a machine of {} devices", of_rank.size(), graph.devices),
                "each rank runs on a device of its own");
  }
  return Replayer(machine, graph, kernels, options, std::move(of_rank)).run();
}

}  // namespace fivefold
