// Training layouts a second: what a search over thousands of layouts costs on one core. The sketch:
// a step is a sum over pipeline stages of costs that are kept by (tp, ep, micro batch), so below a
// microsecond and a few for gradient collectives; the first of each kind pays for its operators.
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/subject.h"
#include "fivefold/training/training.h"

namespace fivefold {
namespace {

// Every power-of-two layout of 2048 chips and micro batch.
std::vector<TrainingLayout> layouts(int devices) {
  std::vector<TrainingLayout> all;
  for (int tp = 1; tp <= 8; tp *= 2) {
    for (int pp = 1; pp <= 32; pp *= 2) {
      for (int ep = 1; ep <= 64; ep *= 2) {
        for (int micro_batch = 1; micro_batch <= 4; micro_batch *= 2) {
          all.push_back(
              {.tp = tp, .pp = pp, .dp = devices / tp / pp, .ep = ep, .micro_batch = micro_batch});
        }
      }
    }
  }
  return all;
}

void search_layouts(benchmark::State& state) {
  const Subject s = subject("dgx_h100_8", 2048, "deepseek-ai/DeepSeek-V3");
  const auto all = layouts(2048);
  const TrainingJob job{.global_batch = 16384, .seq_len = 4096, .format = Format::kFp8};
  std::size_t estimates = 0;
  for (auto _ : state) {
    const TrainingModel training(s.machine, *s.model, s.kernels);
    for (const TrainingLayout& layout : all) {
      auto estimate = training.estimate(job, layout, false);
      benchmark::DoNotOptimize(estimate);
      ++estimates;
    }
  }
  state.counters["estimates/s"] =
      benchmark::Counter(double(estimates), benchmark::Counter::kIsRate);
}
BENCHMARK(search_layouts)->Name("training/search_2048_chips")->Unit(benchmark::kMillisecond);

void first_estimate(benchmark::State& state) {
  const Subject s = subject("dgx_h100_8", 2048, "deepseek-ai/DeepSeek-V3");
  const TrainingJob job{.global_batch = 16384, .seq_len = 4096};
  const TrainingLayout layout{.pp = 16, .dp = 128, .ep = 64};
  for (auto _ : state) {
    const TrainingModel training(s.machine, *s.model, s.kernels);
    auto estimate = training.estimate(job, layout, false);
    benchmark::DoNotOptimize(estimate);
  }
}
BENCHMARK(first_estimate)->Name("training/first_estimate")->Unit(benchmark::kMicrosecond);

void next_estimate(benchmark::State& state) {
  const Subject s = subject("dgx_h100_8", 2048, "deepseek-ai/DeepSeek-V3");
  const TrainingJob job{.global_batch = 16384, .seq_len = 4096};
  const TrainingLayout layout{.pp = 16, .dp = 128, .ep = 64};
  const TrainingModel training(s.machine, *s.model, s.kernels);
  for (auto _ : state) {
    auto estimate = training.estimate(job, layout, false);
    benchmark::DoNotOptimize(estimate);
  }
}
BENCHMARK(next_estimate)->Name("training/next_estimate")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace fivefold
