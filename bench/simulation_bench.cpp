// Requests played through an engine: a million conversations like those of Azure's 2023 trace
// (lengths, rate and gaps of its profile), growth with requests and with attention groups.
#include <benchmark/benchmark.h>

#include "bench/subject.h"
#include "fivefold/serving/simulate.h"
#include "fivefold/traffic/named.h"
#include "fivefold/traffic/traffic.h"

namespace fivefold {
namespace {

EnginePolicy policy_of(const Subject& s) {
  const Chip& chip = *s.machine.system->chip;
  return engine_policy(with_engine(s.catalog, s.kernels.stack(), chip), s.machine.device);
}

void count(benchmark::State& state, std::uint64_t requests, std::uint64_t steps) {
  state.counters["requests"] = benchmark::Counter(double(requests), benchmark::Counter::kIsRate);
  state.counters["steps"] = benchmark::Counter(double(steps), benchmark::Counter::kIsRate);
}

// 64 replicas of an 8B model, each at the rate of the trace.
void conversations(benchmark::State& state) {
  const Subject s = subject("dgx_h100_8", 8, "meta-llama/Llama-3.1-8B-Instruct");
  const ServingModel serving(s.machine, *s.model, s.kernels,
                             serving_precision(*s.model, s.machine.device));
  const RequestLoad load =
      scaled(*draw_profile("azure/conversation-2023", std::size_t(state.range(0)), 1), 64);
  SimulationSetup setup;
  setup.pool = {&serving, {.tp = 1}, 64, policy_of(s)};
  std::uint64_t steps = 0, requests = 0;
  for (auto _ : state) {
    const auto result = simulate(setup, load);
    steps += result->pools[0].steps;
    requests += load.requests.size();
  }
  count(state, requests, steps);
}
BENCHMARK(conversations)
    ->Name("simulate/conversations_on_64_replicas")
    ->RangeMultiplier(10)
    ->Range(10'000, 1'000'000)
    ->Unit(benchmark::kMillisecond);

// DeepSeek-R1 over so many attention groups that step together; ten requests each.
void groups(benchmark::State& state) {
  const Subject s = subject("cloudmatrix384", 384, "deepseek-ai/DeepSeek-R1");
  const ServingModel serving(s.machine, *s.model, s.kernels,
                             serving_precision(*s.model, s.machine.device));
  const int ranks = int(state.range(0));
  const RequestLoad load =
      draw_load({.input = 512, .output = 256}, {.rate = 0.2 * ranks}, 10 * std::size_t(ranks), 1);
  SimulationSetup setup;
  setup.pool = {&serving, {.dp = ranks, .ep = ranks}, 1, policy_of(s)};
  std::uint64_t steps = 0, requests = 0;
  for (auto _ : state) {
    const auto result = simulate(setup, load);
    steps += result->pools[0].steps;
    requests += load.requests.size();
  }
  count(state, requests, steps);
}
BENCHMARK(groups)
    ->Name("simulate/groups_that_step_together")
    ->RangeMultiplier(2)
    ->Range(32, 512)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fivefold
