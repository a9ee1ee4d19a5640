#include "fivefold/collective/assemble.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/collective/operation.h"
#include "fivefold/fabric/folding.h"

namespace fivefold {

Fold find_fold(const Machine& machine, const Graph& graph, std::span<const Round> rounds) {
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

std::vector<double> reached_by(const Machine& machine, const Group& shape,
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
  return reached;
}

// One operation while it is put down.
struct Assembler::Job {
  const Placement& placement;
  Placed placed = {};
  int ranks = 0;  // put down of each group
  Router* router = nullptr;
  std::vector<std::vector<std::int32_t>> before = {};  // by group and rank: what its next wait
                                                       // waits for
  bool folded() const { return placement.fold != nullptr && placement.fold->unit > 0; }
};

Assembler::Assembler(const Graph& graph, Routing routing)
    : graph_(graph), router_(graph, routing) {}

Result<Placed> Assembler::add(std::span<const Round> rounds, const Placement& placement) {
  Job job{.placement = placement};
  senders.resize(schedule.tasks.size(), -1);
  job.ranks = job.folded() ? placement.fold->unit : int(placement.groups.front().size());
  job.router = &router_;
  if (placement.all_path) {
    if (!all_path_) all_path_.emplace(graph_, Routing::kAllPath);
    job.router = &*all_path_;
  }
  job.before.resize(placement.groups.size() * std::size_t(job.ranks));
  for (std::size_t i = 0; i < placement.ready.size(); ++i) {
    job.before[i].push_back(placement.ready[i]);
  }
  for (const Round& round : rounds) {
    for (int time = 0; time < std::min(round.repeat, placement.most); ++time) {
      auto added = add_round(job, round);
      if (!added) return fail(std::move(added.error()));
    }
  }
  close(job, 0);
  return std::move(job.placed);
}

// The waits that begin a round, or after the last one end the operation.
void Assembler::close(Job& job, Picoseconds delay) {
  std::vector<std::int32_t> waits;
  waits.reserve(job.before.size());
  for (std::vector<std::int32_t>& before : job.before) {
    const std::int32_t wait = schedule.add({.delay = delay});
    senders.push_back(-1);
    for (const std::int32_t task : before) schedule.wait(wait, task);
    before.assign(1, wait);
    waits.push_back(wait);
  }
  job.placed.waits.push_back(std::move(waits));
}

Result<void> Assembler::add_round(Job& job, const Round& round) {
  close(job, Picoseconds(std::llround(round.delay.value() * 1e12)));
  for (std::size_t member = 0; member < job.before.size(); ++member) {
    messages_.clear();
    round.messages(int(member % std::size_t(job.ranks)), messages_);
    const std::size_t first = schedule.tasks.size();
    if (first > kMostTasks) {
      return fail(fmt::format("more than {} million transfers", kMostTasks / 1'000'000),
                  "fewer ranks, or traces that fold (the same on all ranks)");
    }
    for (const Message& message : messages_) {
      if (message.bytes <= 0) continue;
      auto sent = send(job, member, message, first);
      if (!sent) return sent;
    }
  }
  return {};
}

Result<void> Assembler::send(Job& job, std::size_t member, const Message& message,
                             std::size_t first) {
  const Placement& placement = job.placement;
  const std::size_t group = member / std::size_t(job.ranks);
  const int rank = int(member % std::size_t(job.ranks));
  const Ranks& devices = placement.groups[group];
  const int from = devices[std::size_t(rank)];
  hops_.clear();
  int at = from;
  for (const int stop : {message.via, message.to}) {
    if (stop < 0) continue;
    const int next = devices[std::size_t(stop)];
    if (!job.router->route(at, next, 0, hops_)) {
      return fail(fmt::format("no way from device {} to device {}", at, next),
                  "the fabric does not join them");
    }
    at = next;
  }
  if (job.folded()) {
    for (Hop& hop : hops_) hop.link = placement.fold->link[std::size_t(hop.link)];
    job.placed.flows += devices.size() / std::size_t(job.ranks);
  } else {
    ++job.placed.flows;
  }
  const Task flow = placement.reached.empty() ? Task{.bytes = message.bytes}
                                              : scaled(placement.reached, message.bytes);
  const std::int32_t path = schedule.paths.add(hops_);
  const int receiver = message.to % job.ranks;
  // Folded messages of one rank over one path to the images of one receiver are one flow.
  if (job.folded() && merge(path, receiver, flow, first)) return {};
  const std::int32_t task =
      schedule.add({.path = path, .weight = flow.weight, .bytes = flow.bytes});
  senders.push_back(from);
  schedule.wait(task, job.placed.waits.back()[member]);
  const std::size_t other = group * std::size_t(job.ranks) + std::size_t(receiver);
  if (placement.meets && other != member) schedule.wait(task, job.placed.waits.back()[other]);
  job.before[member].push_back(task);
  if (other != member) job.before[other].push_back(task);
  if (job.folded()) sent_[std::size_t(path)] = {task, receiver};
  return {};
}

bool Assembler::merge(std::int32_t path, int receiver, const Task& flow, std::size_t first) {
  if (sent_.size() < schedule.paths.size()) sent_.resize(schedule.paths.size(), {-1, -1});
  const auto [task, to] = sent_[std::size_t(path)];
  if (task < std::int32_t(first) || to != receiver) return false;
  Task& sent = schedule.tasks[std::size_t(task)];
  // Flows of equal bytes only: others would end at other times.
  if (sent.bytes * double(flow.weight) != flow.bytes * double(sent.weight)) return false;
  sent.bytes += flow.bytes;
  sent.weight += flow.weight;
  return true;
}

Task Assembler::scaled(std::span<const double> reached, double bytes) {
  const auto reached_on = [&](const Hop& hop) {
    const std::int32_t level = graph_.links[std::size_t(hop.link)].level;
    return level >= 0 && std::size_t(level) < reached.size() ? reached[std::size_t(level)] : 1.0;
  };
  if (payload.empty()) payload.resize(graph_.links.size(), 0.0);
  double worst = std::numeric_limits<double>::infinity();
  for (const Hop& hop : hops_) {
    worst = std::min(worst, reached_on(hop));
    payload[std::size_t(hop.link)] += bytes * double(hop.share);
  }
  if (hops_.empty()) return {.bytes = bytes};
  for (Hop& hop : hops_) hop.share = float(double(hop.share) * (worst / reached_on(hop)));
  return {.weight = float(1 / worst), .bytes = bytes / worst};
}

}  // namespace fivefold
