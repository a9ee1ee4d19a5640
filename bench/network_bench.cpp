// The network simulator on the work that its rivals were measured with (docs/network.md has the
// table): two-level fat trees of 16-host leaves with 8 uplinks, all links 12.5 GB/s,
// destination-mod-k routing. Cost sketch: a filling looks at each (flow, link) pair about three
// times, 5 ns each; an event through the queue 40 ns; a departure among random flows some hundred
// looks at link levels.
#include <random>

#include <benchmark/benchmark.h>

#include "fivefold/network/simulate.h"

namespace fivefold {
namespace {

// Up and down links of hosts, then of leaves: spine k of leaf i is link 2 x hosts + 16 i + k up.
struct FatTree {
  int hosts;
  int leaf = 16;
  int spines = 8;
  std::vector<double> capacities() const {
    return std::vector<double>(std::size_t(2 * hosts + hosts / leaf * spines * 2), 12.5e9);
  }
  void path(int from, int to, std::vector<Hop>& hops) const {
    hops.clear();
    hops.push_back({from, 1});
    if (from / leaf != to / leaf) {
      const int spine = to % spines;
      hops.push_back({2 * hosts + (from / leaf) * spines * 2 + spine, 1});
      hops.push_back({2 * hosts + (to / leaf) * spines * 2 + spines + spine, 1});
    }
    hops.push_back({hosts + to, 1});
  }
};

FlowSchedule all_to_all(const FatTree& tree, double bytes) {
  FlowSchedule schedule;
  std::vector<Hop> hops;
  for (int i = 0; i < tree.hosts; ++i) {
    for (int j = 0; j < tree.hosts; ++j) {
      if (i == j) continue;
      tree.path(i, j, hops);
      schedule.add({.path = schedule.paths.add(hops), .bytes = bytes});
    }
  }
  return schedule;
}

// `fanout` 0: pairs at random; else each host to so many others.
FlowSchedule random_flows(const FatTree& tree, int flows, int fanout = 0) {
  FlowSchedule schedule;
  std::vector<Hop> hops;
  std::mt19937_64 random(7);
  for (int i = 0; i < flows; ++i) {
    const int from = fanout > 0 ? i / fanout : int(random() % std::uint64_t(tree.hosts));
    int to = from;
    while (to == from) to = int(random() % std::uint64_t(tree.hosts));
    tree.path(from, to, hops);
    schedule.add({.path = schedule.paths.add(hops), .bytes = 1e6 + double(random() % 9000000)});
  }
  return schedule;
}

void run(benchmark::State& state, const FatTree& tree, const FlowSchedule& schedule,
         double tolerance) {
  const auto capacities = tree.capacities();
  for (auto _ : state) {
    const auto timeline = simulate(capacities, schedule, {.tolerance = tolerance});
    state.counters["end_ms"] = double(timeline->end) / 1e9;
    state.counters["events"] = double(timeline->events);
    state.counters["settled"] = double(timeline->settled);
  }
  state.counters["flows"] = double(schedule.tasks.size());
}

void EventsHold(benchmark::State& state) {
  EventQueue<std::uint64_t> queue;
  std::mt19937_64 random(1);
  std::vector<std::uint32_t> steps(1 << 16);
  for (auto& step : steps) step = std::uint32_t(random() % 2000000);
  for (int i = 0; i < int(state.range(0)); ++i) queue.push(steps[std::size_t(i) & 0xFFFF], 0);
  std::size_t next = 0;
  for (auto _ : state) {
    const auto event = queue.pop();
    queue.push(event.time + steps[next++ & 0xFFFF], event.payload);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(EventsHold)->Arg(1000)->Arg(100000)->Arg(1000000);

void AllToAllFatTree(benchmark::State& state) {
  const FatTree tree{int(state.range(0))};
  run(state, tree, all_to_all(tree, 1e6), SimulationOptions{}.tolerance);
}
BENCHMARK(AllToAllFatTree)->Arg(256)->Arg(1024)->Unit(benchmark::kMillisecond);

void RandomFlows(benchmark::State& state) {
  const FatTree tree{int(state.range(0))};
  run(state, tree, random_flows(tree, int(state.range(1))), 1.0 / double(state.range(2)));
}
BENCHMARK(RandomFlows)
    ->Args({256, 5000, 1000000000})
    ->Args({256, 5000, 1000})
    ->Args({1024, 20000, 1000000000})
    ->Args({1024, 20000, 10000})
    ->Args({1024, 20000, 1000})
    ->Args({1024, 1000, 1000})
    ->Args({1024, 10000, 1000})
    ->Args({1024, 100000, 1000})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

// Each of 8,192 chips sends to 64 others, unequal sizes: 524,288 flows.
void UnevenDispatch(benchmark::State& state) {
  const FatTree tree{8192};
  run(state, tree, random_flows(tree, 8192 * 64, 64), SimulationOptions{}.tolerance);
}
BENCHMARK(UnevenDispatch)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace fivefold
