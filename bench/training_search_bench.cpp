// Full searches over layouts. The sketch: Calculon evaluates 419 layouts a second on two cores
// (Turing-530B on 5,128 A100: 8,112 of them in 19.7 s); ours keeps the cost of layers between
// layouts and drops what its compute alone makes too slow.
#include <benchmark/benchmark.h>

#include "bench/subject.h"
#include "fivefold/planner/training_search.h"

namespace fivefold {
namespace {

void search(benchmark::State& state, const char* system, int chips, const char* model,
            TrainingJob job) {
  const Subject s = subject(system, chips, model);
  long layouts = 0;
  for (auto _ : state) {
    const TrainingModel training(s.machine, *s.model, s.kernels);
    const auto found = search_training(training, s.machine, *s.model, job);
    layouts = found ? found->layouts : 0;
    benchmark::DoNotOptimize(found);
  }
  state.counters["layouts"] = double(layouts);
}

BENCHMARK_CAPTURE(search, turing_530b_on_5128_a100, "dgx_a100_8", 5128, "turing-530b",
                  TrainingJob{.global_batch = 1923, .seq_len = 2048})
    ->Name("planner/search_turing_530b_5128_a100")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, deepseek_v3_on_8192_h100, "dgx_h100_8", 8192, "deepseek-ai/DeepSeek-V3",
                  TrainingJob{.global_batch = 16384, .seq_len = 4096, .format = Format::kFp8})
    ->Name("planner/search_deepseek_v3_8192_h100")
    ->Unit(benchmark::kMillisecond);

void search_grows(benchmark::State& state) {
  search(state, "dgx_h100_8", int(state.range(0)), "meta-llama/Llama-3.1-70B",
         {.global_batch = std::max(64, int(state.range(0)) / 8), .seq_len = 8192});
}
BENCHMARK(search_grows)
    ->Name("planner/search_llama_70b")
    ->RangeMultiplier(8)
    ->Range(64, 131072)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fivefold
