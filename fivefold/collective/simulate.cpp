#include "fivefold/collective/simulate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "fivefold/collective/operation.h"
#include "fivefold/collective/rounds.h"
#include "fivefold/fabric/folding.h"

namespace fivefold {
namespace {

// Rounds of a repetition that are simulated before it is asked whether their times repeat.
constexpr int kProbe = 6;

Picoseconds picoseconds(Seconds time) {
  return Picoseconds(std::llround(time.value() * 1e12));
}

Result<void> check_groups(const Graph& graph, const Group& shape,
                          const std::vector<Ranks>& groups) {
  if (groups.empty() || shape.size < 2) return fail("a collective needs a group of two ranks");
  for (const Ranks& ranks : groups) {
    if (int(ranks.size()) != shape.size) {
      return fail(fmt::format("a group of {} ranks among groups of {}", ranks.size(), shape.size));
    }
    Ranks sorted = ranks;
    std::sort(sorted.begin(), sorted.end());
    if (sorted.front() < 0 || sorted.back() >= graph.devices) {
      return fail(fmt::format("rank on device {} of a fabric of {} devices",
                              sorted.front() < 0 ? sorted.front() : sorted.back(), graph.devices),
                  "devices count from 0");
    }
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) {
      return fail(fmt::format("two ranks of one group on device {}", *twice));
    }
  }
  return {};
}

// What each link carries, bytes per second: nominal, times what the library reaches on its level.
std::vector<double> capacities(const Machine& machine, const Graph& graph, const Group& shape,
                               const CollectivePlan& plan, Collective collective) {
  std::vector<double> reached;
  for (const Level& level : machine.levels) {
    reached.push_back(level.link[traffic_of(collective)].efficiency);
  }
  for (const LevelPlan& level : plan.levels) {
    const auto i = std::size_t(level.level);
    const BytesPerSecond nominal =
        usable_bandwidth(machine.levels[i], shape.fanout[i], level.pattern);
    reached[i] = level.rate / nominal;
  }
  std::vector<double> result;
  result.reserve(graph.links.size());
  for (const Link& link : graph.links) {
    const bool known = link.level >= 0 && std::size_t(link.level) < reached.size();
    result.push_back(link.bandwidth.value() * (known ? reached[std::size_t(link.level)] : 1));
  }
  return result;
}

bool is_every_device(const Ranks& ranks, const Graph& graph) {
  if (int(ranks.size()) != graph.devices) return false;
  for (int i = 0; i < graph.devices; ++i) {
    if (ranks[std::size_t(i)] != i) return false;
  }
  return true;
}

// The smallest block of devices that stands for all, or all of them.
struct Fold {
  int unit = 0;  // 0: none
  std::vector<std::int32_t> link;
};

Fold find_fold(const Machine& machine, const Graph& graph, const std::vector<Ranks>& groups,
               const std::vector<Round>& rounds) {
  if (groups.size() != 1 || !is_every_device(groups.front(), graph)) return {};
  std::vector<int> units = {1};
  for (const Level& level : machine.levels) {
    for (int dims = 1; const int dim : level.dims) {
      dims *= dim;
      units.push_back(level.size / std::max(1, level.fanout) * dims);
    }
    units.push_back(level.size);
  }
  std::sort(units.begin(), units.end());
  units.erase(std::unique(units.begin(), units.end()), units.end());
  for (const int unit : units) {
    if (unit >= graph.devices || graph.devices % unit != 0) continue;
    const bool alike = std::all_of(rounds.begin(), rounds.end(), [&](const Round& round) {
      return round.alike > 0 && unit % round.alike == 0;
    });
    if (!alike) continue;
    if (auto links = folded_links(graph, unit)) return {unit, *std::move(links)};
  }
  return {};
}

// Puts rounds on links. Each rank of each group has one wait a round, which ends when all that it
// sent and received in the round before has arrived, and the round's delay has passed.
class Assembler {
 public:
  Assembler(const Graph& graph, const std::vector<Ranks>& groups, const FlowOptions& options,
            const CollectivePlan& plan, const Fold& fold)
      : groups_(groups),
        fold_(fold),
        router_(graph, plan.algorithm == Algorithm::kAllPath ? Routing::kAllPath : options.routing),
        ranks_(fold.unit > 0 ? fold.unit : int(groups.front().size())) {
    before_.resize(groups.size() * std::size_t(ranks_));
  }

  // `most`: repetitions of one round that are put down.
  Result<void> add(const std::vector<Round>& rounds, int most) {
    for (const Round& round : rounds) {
      for (int time = 0; time < std::min(round.repeat, most); ++time) {
        if (!add(round)) {
          return fail(fmt::format("no way from device {} to device {}", lost_from_, lost_to_),
                      "the fabric does not join them");
        }
      }
    }
    close(0);
    return {};
  }

  Schedule schedule;
  std::vector<std::int32_t> senders;
  std::vector<std::vector<std::int32_t>> waits;  // of each round put down, those of all ranks
  std::size_t flows = 0;                         // per repetition of what was put down, unfolded

 private:
  // The waits that begin a round, or after the last one end the operation.
  void close(Picoseconds delay) {
    std::vector<std::int32_t> waits_now;
    for (std::vector<std::int32_t>& before : before_) {
      const std::int32_t wait = schedule.add({.delay = delay});
      senders.push_back(-1);
      for (const std::int32_t task : before) schedule.wait(wait, task);
      before.assign(1, wait);
      waits_now.push_back(wait);
    }
    waits.push_back(std::move(waits_now));
  }

  bool add(const Round& round) {
    close(picoseconds(round.delay));
    for (std::size_t group = 0; group < groups_.size(); ++group) {
      for (int rank = 0; rank < ranks_; ++rank) {
        messages_.clear();
        round.messages(rank, messages_);
        const std::size_t first = schedule.tasks.size();
        for (const Message& message : messages_) {
          if (message.bytes > 0 && !send(group, rank, message, first)) return false;
        }
      }
    }
    return true;
  }

  bool send(std::size_t group, int rank, const Message& message, std::size_t first) {
    const int from = groups_[group][std::size_t(rank)];
    hops_.clear();
    int at = from;
    for (const int stop : {message.via, message.to}) {
      if (stop < 0) continue;
      const int next = groups_[group][std::size_t(stop)];
      if (!router_.route(at, next, 0, hops_)) {
        lost_from_ = at;
        lost_to_ = next;
        return false;
      }
      at = next;
    }
    if (fold_.unit > 0) {
      for (Hop& hop : hops_) hop.link = fold_.link[std::size_t(hop.link)];
      flows += std::size_t(groups_[group].size()) / std::size_t(ranks_);
    } else {
      ++flows;
    }
    const std::int32_t path = schedule.paths.add(hops_);
    const int receiver = message.to % ranks_;
    // Folded messages of one rank over one path to the images of one receiver are one flow.
    if (fold_.unit > 0 && merge(path, receiver, message.bytes, first)) return true;
    const std::int32_t task = schedule.add({.path = path, .bytes = message.bytes});
    senders.push_back(from);
    schedule.wait(task, wait_of(group, rank));
    before_[group * std::size_t(ranks_) + std::size_t(rank)].push_back(task);
    if (receiver != rank) {
      before_[group * std::size_t(ranks_) + std::size_t(receiver)].push_back(task);
    }
    if (fold_.unit > 0) sent_[std::size_t(path)] = {task, receiver};
    return true;
  }

  bool merge(std::int32_t path, int receiver, double bytes, std::size_t first) {
    if (sent_.size() < schedule.paths.size()) sent_.resize(schedule.paths.size(), {-1, -1});
    const auto [task, to] = sent_[std::size_t(path)];
    if (task < std::int32_t(first) || to != receiver) return false;
    Task& sent = schedule.tasks[std::size_t(task)];
    // Flows of equal bytes only: others would end at other times.
    if (sent.bytes != bytes * double(sent.weight)) return false;
    sent.bytes += bytes;
    sent.weight += 1;
    return true;
  }

  std::int32_t wait_of(std::size_t group, int rank) const {
    return waits.back()[group * std::size_t(ranks_) + std::size_t(rank)];
  }

  const std::vector<Ranks>& groups_;
  const Fold& fold_;
  Router router_;
  int ranks_;
  std::vector<std::vector<std::int32_t>>
      before_;  // by group and rank: what its next wait waits for
  std::vector<std::pair<std::int32_t, int>> sent_;  // by path: last task on it, and its receiver
  std::vector<Message> messages_;
  std::vector<Hop> hops_;
  int lost_from_ = 0, lost_to_ = 0;
};

Picoseconds latest(const Timeline& timeline, const std::vector<std::int32_t>& tasks) {
  Picoseconds end = 0;
  for (const std::int32_t task : tasks) {
    end = std::max(end, timeline.finish[std::size_t(task)]);
  }
  return end;
}

// The end of all rounds from a timeline that holds at most kProbe repetitions of each; negative if
// the last ones of some round did not take equally long.
double extrapolated(const std::vector<Round>& rounds, const Assembler& flows,
                    const Timeline& timeline) {
  double extra = 0;
  std::size_t wait = 0;  // of the first repetition of the round
  for (const Round& round : rounds) {
    const int built = std::min(round.repeat, kProbe);
    if (built < round.repeat) {
      const auto at = [&](int back) {
        return double(latest(timeline, flows.waits[wait + std::size_t(built - back)]));
      };
      const double last = at(1) - at(2), one_before = at(2) - at(3);
      if (std::abs(last - one_before) > 1e-6 * last + 2) return -1;
      extra += double(round.repeat - built) * last;
    }
    wait += std::size_t(built);
  }
  return double(timeline.end) + extra;
}

// Bytes of each link over all repetitions; the schedule may hold fewer.
std::vector<double> link_bytes(const std::vector<Round>& rounds, const Assembler& flows, int most) {
  std::vector<double> bytes;
  std::size_t wait = 0;
  for (const Round& round : rounds) {
    const int built = std::min(round.repeat, most);
    const double times = double(round.repeat) / built;
    const auto first = std::size_t(flows.waits[wait].front());
    wait += std::size_t(built);
    const auto last = std::size_t(flows.waits[wait].front());
    for (std::size_t i = first; i < last; ++i) {
      const Task& task = flows.schedule.tasks[i];
      if (task.path < 0) continue;
      for (const Hop& hop : flows.schedule.paths.hops(task.path)) {
        if (bytes.size() <= std::size_t(hop.link)) bytes.resize(std::size_t(hop.link) + 1, 0.0);
        bytes[std::size_t(hop.link)] += times * task.bytes * double(hop.share);
      }
    }
  }
  return bytes;
}

void set_use(const Graph& graph, const std::vector<double>& bytes,
             const std::vector<double>& capacity, const Fold& fold, SimulatedCollective& result) {
  // A folded link stands for all its images.
  std::vector<int> images;
  if (fold.unit > 0) {
    images.resize(graph.links.size());
    for (const std::int32_t link : fold.link) ++images[std::size_t(link)];
  }
  const double seconds = result.time.time.value();
  double most = -1;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == 0) continue;
    const double used = bytes[i] / capacity[i] / seconds;
    const std::int32_t level = graph.links[i].level;
    if (level >= 0 && std::size_t(level) < result.levels.size()) {
      LevelUse& use = result.levels[std::size_t(level)];
      use.bytes += bytes[i] * (images.empty() ? 1 : images[i]);
      use.busiest = std::max(use.busiest, used);
    }
    if (used <= most) continue;
    most = used;
    result.busiest_link = std::int32_t(i);
    result.time.bottleneck = std::max(0, level);
  }
}

}  // namespace

Ranks strided_ranks(int first, int size, int stride) {
  Ranks ranks(std::size_t(size), 0);
  for (int i = 0; i < size; ++i) ranks[std::size_t(i)] = first + i * stride;
  return ranks;
}

Result<SimulatedCollective> simulate_collective(const Machine& machine, const Graph& graph,
                                                Collective collective, const Group& shape,
                                                const std::vector<Ranks>& groups, Bytes bytes,
                                                const FlowOptions& options) {
  auto checked = check_groups(graph, shape, groups);
  if (!checked) return fail(std::move(checked.error()));
  auto plan = plan_collective(machine, collective, shape, bytes, options.choice);
  if (!plan) return fail(std::move(plan.error()));
  const std::vector<Round> rounds = rounds_of(machine, collective, shape, bytes, *plan);
  const Fold fold = options.fold ? find_fold(machine, graph, groups, rounds) : Fold{};
  const std::vector<double> capacity = capacities(machine, graph, shape, *plan, collective);

  SimulatedCollective result;
  result.plan = *plan;
  result.folded_to = fold.unit;
  result.levels.resize(machine.levels.size());
  for (const int most :
       {options.fold ? kProbe : std::numeric_limits<int>::max(), std::numeric_limits<int>::max()}) {
    Assembler flows(graph, groups, options, *plan, fold);
    auto added = flows.add(rounds, most);
    if (!added) return fail(std::move(added.error()));
    auto timeline = simulate(capacity, flows.schedule, {.tolerance = options.tolerance});
    if (!timeline) return fail(std::move(timeline.error()));
    const double end =
        most == kProbe ? extrapolated(rounds, flows, *timeline) : double(timeline->end);
    if (end < 0) continue;
    const Seconds moved(end * 1e-12);
    result.time = time_of(*plan);
    result.time.time = plan->staging + std::max(plan->host, plan->base + moved + plan->copy);
    set_use(graph, link_bytes(rounds, flows, most), capacity, fold, result);
    result.flows = flows.flows;
    result.schedule = std::move(flows.schedule);
    result.senders = std::move(flows.senders);
    result.timeline = *std::move(timeline);
    return result;
  }
  return result;
}

}  // namespace fivefold
