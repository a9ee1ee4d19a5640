// Serving estimates a second on one core: what a search over layouts costs. The sketch: three kinds
// of layers of about thirty operators, a head and two exchanges, some 50 ns each: 5 us for a decode
// step in turn, and half of that again for its overlapped form.
#include <benchmark/benchmark.h>

#include "bench/subject.h"
#include "fivefold/serving/serving.h"

namespace fivefold {
namespace {

void count(benchmark::State& state) {
  state.counters["estimates/s"] =
      benchmark::Counter(double(state.iterations()), benchmark::Counter::kIsRate);
}

void decode_moe(benchmark::State& state) {
  const Subject s = subject("cloudmatrix384", 384, "deepseek-ai/DeepSeek-R1");
  const Precision precision = serving_precision(*s.model, s.machine.device);
  const ServingModel serving(s.machine, *s.model, s.kernels, precision);
  ServingWorkload workload;
  workload.microbatch_overlap = state.range(0) != 0;
  double batch = 1;
  for (auto _ : state) {
    batch = batch >= 64 ? 1 : batch + 1;
    auto estimate = serving.decode(workload, {.dp = 320, .ep = 320}, batch);
    benchmark::DoNotOptimize(estimate);
  }
  count(state);
}
BENCHMARK(decode_moe)->Name("serving/decode_moe")->Arg(0)->Arg(1)->ArgName("overlap");

void decode_dense(benchmark::State& state) {
  const Subject s = subject("dgx_h100_8", 8, "llama3.1-70b");
  const Precision precision = serving_precision(*s.model, s.machine.device);
  const ServingModel serving(s.machine, *s.model, s.kernels, precision);
  double batch = 1;
  for (auto _ : state) {
    batch = batch >= 64 ? 1 : batch + 1;
    auto estimate = serving.decode({}, {.tp = 8}, batch);
    benchmark::DoNotOptimize(estimate);
  }
  count(state);
}
BENCHMARK(decode_dense)->Name("serving/decode_dense");

void best_decode_moe(benchmark::State& state) {
  const Subject s = subject("cloudmatrix384", 384, "deepseek-ai/DeepSeek-R1");
  const Precision precision = serving_precision(*s.model, s.machine.device);
  const ServingModel serving(s.machine, *s.model, s.kernels, precision);
  const ServingWorkload workload{.tpot_limit = Seconds(0.05)};
  for (auto _ : state) {
    auto estimate = serving.best_decode(workload, {.dp = 320, .ep = 320});
    benchmark::DoNotOptimize(estimate);
  }
  count(state);
}
BENCHMARK(best_decode_moe)->Name("serving/best_decode_moe");

void prefill_moe(benchmark::State& state) {
  const Subject s = subject("cloudmatrix384", 384, "deepseek-ai/DeepSeek-R1");
  const Precision precision = serving_precision(*s.model, s.machine.device);
  const ServingModel serving(s.machine, *s.model, s.kernels, precision);
  for (auto _ : state) {
    auto estimate = serving.prefill({}, {.dp = 32, .ep = 32}, 8192);
    benchmark::DoNotOptimize(estimate);
  }
  count(state);
}
BENCHMARK(prefill_moe)->Name("serving/prefill_moe");

}  // namespace
}  // namespace fivefold
