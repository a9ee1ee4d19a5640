#include "fivefold/collective/simulate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "fivefold/collective/moe.h"
#include "fivefold/collective/rounds.h"

namespace fivefold {
namespace {

// Rounds of a repetition that are simulated before it is asked whether their times repeat.
constexpr int kProbe = 6;

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
std::vector<double> capacities(const Graph& graph, const std::vector<double>& reached) {
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

Picoseconds latest(const Timeline& timeline, const std::vector<std::int32_t>& tasks) {
  Picoseconds end = 0;
  for (const std::int32_t task : tasks) {
    end = std::max(end, timeline.finish[std::size_t(task)]);
  }
  return end;
}

// The end of all rounds from a timeline that holds at most kProbe repetitions of each; negative if
// the last ones of some round did not take equally long.
double extrapolated(const std::vector<Round>& rounds, const Placed& flows,
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
std::vector<double> link_bytes(const std::vector<Round>& rounds, const Placed& flows,
                               const FlowSchedule& schedule, int most) {
  std::vector<double> bytes;
  std::size_t wait = 0;
  for (const Round& round : rounds) {
    const int built = std::min(round.repeat, most);
    const double times = double(round.repeat) / built;
    const auto first = std::size_t(flows.waits[wait].front());
    wait += std::size_t(built);
    const auto last = std::size_t(flows.waits[wait].front());
    for (std::size_t i = first; i < last; ++i) {
      const Task& task = schedule.tasks[i];
      if (task.path < 0) continue;
      for (const Hop& hop : schedule.paths.hops(task.path)) {
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

// Rounds that a library runs at these rates, on links.
struct Run {
  const Machine& machine;
  const Graph& graph;
  const std::vector<Ranks>& groups;
  std::vector<double> capacity;
  bool all_path = false;
};

// Fills in everything but the plan. `moved_to_time`: from the end of the last flow to the time of
// the operation.
template <class MovedToTime>
Result<void> run_rounds(const Run& run, const std::vector<Round>& rounds,
                        const FlowOptions& options, MovedToTime moved_to_time,
                        SimulatedCollective& result) {
  const bool all = run.groups.size() == 1 && is_every_device(run.groups.front(), run.graph);
  const Fold fold = options.fold && all ? find_fold(run.machine, run.graph, rounds) : Fold{};
  result.folded_to = fold.unit;
  result.levels.resize(run.machine.levels.size());
  constexpr int kAll = std::numeric_limits<int>::max();
  for (const int most : {options.fold ? kProbe : kAll, kAll}) {
    Assembler assembler(run.graph, options.routing);
    auto flows = assembler.add(
        rounds, {.groups = run.groups, .fold = &fold, .all_path = run.all_path, .most = most});
    if (!flows) return fail(std::move(flows.error()));
    auto timeline = simulate(
        run.capacity, assembler.schedule,
        {.tolerance = options.tolerance, .watched = options.watched, .progress = options.progress});
    if (!timeline) return fail(std::move(timeline.error()));
    const double end =
        most == kProbe ? extrapolated(rounds, *flows, *timeline) : double(timeline->end);
    if (end < 0) continue;
    result.time.time = moved_to_time(Seconds(end * 1e-12));
    result.link_bytes = link_bytes(rounds, *flows, assembler.schedule, most);
    set_use(run.graph, result.link_bytes, run.capacity, fold, result);
    result.flows = flows->flows;
    result.schedule = std::move(assembler.schedule);
    result.senders = std::move(assembler.senders);
    result.timeline = *std::move(timeline);
    break;
  }
  return {};
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
  const auto plan = plan_collective(machine, collective, shape, bytes, options.choice);
  if (!plan) return fail(plan.error());
  SimulatedCollective result;
  result.plan = *plan;
  result.time = time_of(*plan);
  const Run run{machine, graph, groups,
                capacities(graph, reached_by(machine, shape, *plan, collective)),
                plan->algorithm == Algorithm::kAllPath};
  const auto done = run_rounds(
      run, rounds_of(machine, collective, shape, bytes, *plan), options,
      [&](Seconds moved) {
        return plan->staging + std::max(plan->host, plan->base + moved + plan->copy);
      },
      result);
  if (!done) return fail(done.error());
  return result;
}

Result<SimulatedCollective> simulate_moe_exchange(const Machine& machine, const Graph& graph,
                                                  const Group& shape, const Ranks& ranks,
                                                  const MoeExchange& exchange,
                                                  const MoeRouting& routing,
                                                  const FlowOptions& options) {
  const std::vector<Ranks> groups = {ranks};
  auto checked = check_groups(graph, shape, groups);
  if (!checked) return fail(std::move(checked.error()));
  if (!(exchange.experts >= 1 && exchange.experts <= 1e6) || !(exchange.topk >= 1) ||
      exchange.topk > exchange.experts || !(exchange.tokens > 0)) {
    return fail(fmt::format("{} tokens, each to {} of {} experts", exchange.tokens, exchange.topk,
                            exchange.experts),
                "at least one token, and no more choices than experts");
  }
  const Traffic kind = traffic_of(exchange);
  const MoeTraffic traffic =
      draw_traffic(exchange, shape.size, int(forwarding_block(machine, shape, kind)), routing);
  std::vector<double> reached;
  for (const Level& level : machine.levels) reached.push_back(level.link[kind].efficiency);
  SimulatedCollective result;
  result.time = moe_exchange_time(machine, shape, exchange);
  const MoeFloors floors = moe_floors(machine, shape, exchange, traffic.busiest_expert);
  // The cores slow the innermost links by as much as they do in the closed form.
  const double wire = wire_of_innermost(machine, shape, exchange);
  for (std::size_t i = 0; i < reached.size() && wire > 0; ++i) {
    if (shape.fanout[i] <= 1) continue;
    reached[i] *= wire / beside_cores(floors, wire);
    break;
  }
  const Run run{machine, graph, groups, capacities(graph, reached)};
  const auto done = run_rounds(
      run, traffic.rounds, options,
      [&](Seconds moved) { return floors.latency + std::max(moved, floors.expert); }, result);
  if (!done) return fail(done.error());
  return result;
}

}  // namespace fivefold
