// Collectives as flows on machines from 64 to 131,072 devices, folded and not: how time and memory
// grow (docs/network.md).
#include <benchmark/benchmark.h>

#include "fivefold/catalog/catalog.h"
#include "fivefold/collective/simulate.h"
#include "fivefold/fabric/plan.h"

namespace fivefold {
namespace {

void run(benchmark::State& state, const char* system, const char* stack, Collective collective,
         std::optional<Algorithm> algorithm, bool fold) {
  static const Catalog catalog = Catalog::load().value();
  const System& one = **catalog.system(system);
  const int systems = int(state.range(0)) / one.devices();
  const Machine machine = build_machine(one, one.chips * systems, **catalog.stack(stack)).value();
  for (auto _ : state) {
    const Graph graph = build_graph(machine).value();
    const auto result =
        simulate_collective(machine, graph, collective, make_group(machine, graph.devices, 1),
                            {strided_ranks(0, graph.devices, 1)}, Bytes(1e9),
                            {.choice = {.forced = algorithm}, .fold = fold});
    state.counters["flows"] = double(result->flows);
    state.counters["tasks"] = double(result->schedule.tasks.size());
    state.counters["simulated_ms"] = result->time.time.value() * 1e3;
  }
}

void RingAllReduce(benchmark::State& state) {
  run(state, "dgx_h100_8", "comm/nccl", Collective::kAllReduce, Algorithm::kRing, true);
}
BENCHMARK(RingAllReduce)->RangeMultiplier(8)->Range(64, 131072)->Unit(benchmark::kMillisecond);

void AllToAll(benchmark::State& state) {
  run(state, "dgx_h100_8", "comm/nccl", Collective::kAllToAll, std::nullopt, true);
}
BENCHMARK(AllToAll)->Arg(64)->Arg(512)->Arg(1024)->Arg(8192)->Arg(131072)->Unit(
    benchmark::kMillisecond);

// 98,304 packages are 196,608 devices.
void HierarchicalAllReduceOnCloudMatrix(benchmark::State& state) {
  run(state, "cloudmatrix384", "comm/hccl", Collective::kAllReduce, Algorithm::kHierarchical, true);
}
BENCHMARK(HierarchicalAllReduceOnCloudMatrix)
    ->Arg(768)
    ->Arg(12288)
    ->Arg(196608)
    ->Unit(benchmark::kMillisecond);

void HierarchicalAllReduceEveryDevice(benchmark::State& state) {
  run(state, "cloudmatrix384", "comm/hccl", Collective::kAllReduce, Algorithm::kHierarchical,
      false);
}
BENCHMARK(HierarchicalAllReduceEveryDevice)->Arg(768)->Arg(12288)->Unit(benchmark::kMillisecond);

void RingAllReduceEveryDevice(benchmark::State& state) {
  run(state, "dgx_h100_8", "comm/nccl", Collective::kAllReduce, Algorithm::kRing, false);
}
BENCHMARK(RingAllReduceEveryDevice)->Arg(64)->Arg(512)->Arg(1024)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fivefold
