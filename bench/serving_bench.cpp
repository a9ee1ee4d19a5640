// Serving estimates a second on one core: what a search over layouts costs. The sketch: three kinds
// of layers of about thirty operators, a head and two exchanges, some 50 ns each: 5 us for a decode
// step in turn, and half of that again for its overlapped form.
#include <benchmark/benchmark.h>

#include "fivefold/catalog/catalog.h"
#include "fivefold/serving/serving.h"

namespace fivefold {
namespace {

struct Subject {
  Catalog catalog;
  Machine machine;
  KernelModel kernels;
  const Model* model;
  Precision precision;
};

Subject subject(const char* system_name, int chips, const char* model_name) {
  Catalog catalog = *Catalog::load();
  const System& system = **catalog.system(system_name);
  const Stack& stack = catalog.default_stack(*system.chip);
  Machine machine = *build_machine(system, chips, stack);
  KernelModel kernels = *KernelModel::make(machine.device, stack);
  const Model* model = *catalog.model(model_name);
  const Precision precision = serving_precision(*model, machine.device);
  return {catalog, machine, kernels, model, precision};
}

void count(benchmark::State& state) {
  state.counters["estimates/s"] =
      benchmark::Counter(double(state.iterations()), benchmark::Counter::kIsRate);
}

void decode_moe(benchmark::State& state) {
  const Subject s = subject("cloudmatrix384", 384, "deepseek-ai/DeepSeek-R1");
  const ServingModel serving(s.machine, *s.model, s.kernels, s.precision);
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
BENCHMARK(decode_moe)->Arg(0)->Arg(1)->ArgName("overlap");

void decode_dense(benchmark::State& state) {
  const Subject s = subject("dgx_h100_8", 8, "llama3.1-70b");
  const ServingModel serving(s.machine, *s.model, s.kernels, s.precision);
  double batch = 1;
  for (auto _ : state) {
    batch = batch >= 64 ? 1 : batch + 1;
    auto estimate = serving.decode({}, {.tp = 8}, batch);
    benchmark::DoNotOptimize(estimate);
  }
  count(state);
}
BENCHMARK(decode_dense);

void best_decode_moe(benchmark::State& state) {
  const Subject s = subject("cloudmatrix384", 384, "deepseek-ai/DeepSeek-R1");
  const ServingModel serving(s.machine, *s.model, s.kernels, s.precision);
  const ServingWorkload workload{.tpot_limit = Seconds(0.05)};
  for (auto _ : state) {
    auto estimate = serving.best_decode(workload, {.dp = 320, .ep = 320});
    benchmark::DoNotOptimize(estimate);
  }
  count(state);
}
BENCHMARK(best_decode_moe);

void prefill_moe(benchmark::State& state) {
  const Subject s = subject("cloudmatrix384", 384, "deepseek-ai/DeepSeek-R1");
  const ServingModel serving(s.machine, *s.model, s.kernels, s.precision);
  for (auto _ : state) {
    auto estimate = serving.prefill({}, {.dp = 32, .ep = 32}, 8192);
    benchmark::DoNotOptimize(estimate);
  }
  count(state);
}
BENCHMARK(prefill_moe);

}  // namespace
}  // namespace fivefold
