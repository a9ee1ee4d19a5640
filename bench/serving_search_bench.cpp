// Full searches over ways to serve. The aim: DeepSeek-R1 on the 768 devices of a CloudMatrix384
// within two seconds on two cores.
#include <benchmark/benchmark.h>

#include "bench/subject.h"
#include "fivefold/planner/serving_search.h"

namespace fivefold {
namespace {

void search_serving_of(benchmark::State& state, const char* system, int chips, const char* model,
                       Seconds ttft) {
  const Subject s = subject(system, chips, model);
  const Precision precision = serving_precision(*s.model, s.machine.device);
  const ServingModel serving(s.machine, *s.model, s.kernels, precision);
  const EnginePolicy policy;
  const ServingSpace space{serving, s.machine, *s.model, policy, &s.catalog};
  ServingGoal goal;
  goal.slo = {.ttft = ttft, .tpot = Seconds(0.05), .e2e = {}};
  long evaluated = 0;
  for (auto _ : state) {
    const auto found = search_serving(space, goal);
    evaluated = found ? found->report.evaluated : 0;
    benchmark::DoNotOptimize(found);
  }
  state.counters["plans"] = double(evaluated);
}

BENCHMARK_CAPTURE(search_serving_of, deepseek_r1_cloudmatrix384, "cloudmatrix384", 384,
                  "deepseek-ai/DeepSeek-R1", Seconds(0))
    ->Name("planner/serve_deepseek_r1_cloudmatrix384")
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search_serving_of, deepseek_r1_cloudmatrix384_ttft, "cloudmatrix384", 384,
                  "deepseek-ai/DeepSeek-R1", Seconds(2))
    ->Name("planner/serve_deepseek_r1_cloudmatrix384_ttft")
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search_serving_of, llama_70b_h100, "dgx_h100_8", 8, "meta-llama/Llama-3.1-70B",
                  Seconds(2))
    ->Name("planner/serve_llama_70b_8_h100")
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fivefold
