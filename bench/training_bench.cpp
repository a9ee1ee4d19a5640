// Training layouts a second: what a search over thousands of layouts costs on one core. The sketch:
// a step is a sum over pipeline stages of costs that are kept by (tp, ep, micro batch), so below a
// microsecond and a few for gradient collectives; the first of each kind pays for its operators.
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/subject.h"
#include "fivefold/training/layout.h"
#include "fivefold/training/layout_text.h"
#include "fivefold/training/simulate.h"

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

// Layouts of one schedule that are possible on the machine.
std::vector<TrainingLayout> layouts_of(Schedule schedule, const Subject& s,
                                       const TrainingJob& job) {
  std::vector<TrainingLayout> all;
  for (TrainingLayout layout : layouts(s.machine.devices)) {
    if (most_experts(*s.model) == 0) {
      if (layout.ep > 1) continue;
    }
    layout.schedule = schedule;
    if (schedule == Schedule::kInterleaved) layout.vpp = 2;
    if (check_layout(s.machine, *s.model, job, layout)) all.push_back(layout);
  }
  return all;
}

void estimate_schedule(benchmark::State& state, const char* model, Schedule schedule) {
  const Subject s = subject("dgx_h100_8", 2048, model);
  const TrainingJob job{.global_batch = 8192, .seq_len = 4096};
  const auto all = layouts_of(schedule, s, job);
  const TrainingModel training(s.machine, *s.model, s.kernels);
  std::size_t next = 0;
  for (auto _ : state) {
    auto estimate = training.estimate(job, all[next], false);
    benchmark::DoNotOptimize(estimate);
    next = (next + 1) % all.size();
  }
  state.counters["layouts"] = double(all.size());
  state.counters["estimates/s"] =
      benchmark::Counter(double(state.iterations()), benchmark::Counter::kIsRate);
}

void simulate_dualpipe(benchmark::State& state, SimulateOptions options) {
  const Subject s = subject("h800_8", 2048, "deepseek-ai/DeepSeek-V3");
  const TrainingJob job{.global_batch = 128 * 128, .seq_len = 4096, .overlap_ep = true};
  const TrainingLayout layout{.pp = 16, .dp = 128, .ep = 64, .schedule = Schedule::kDualPipe};
  const TrainingModel training(s.machine, *s.model, s.kernels);
  for (auto _ : state) {
    auto simulation = training.simulate(job, layout, options, false);
    benchmark::DoNotOptimize(simulation);
  }
}
BENCHMARK_CAPTURE(simulate_dualpipe, still, SimulateOptions{})
    ->Name("training/simulate_dualpipe_16x128")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulate_dualpipe, noise, SimulateOptions{.task_noise = 0.05})
    ->Name("training/simulate_dualpipe_16x128_noise")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulate_dualpipe, contention, SimulateOptions{.contention = true})
    ->Name("training/simulate_dualpipe_16x128_contention")
    ->Unit(benchmark::kMillisecond);

// One step on more and more chips with as much for each: neither may take longer.
void grow(benchmark::State& state) {
  const int chips = int(state.range(0));
  const Subject s = subject("dgx_h100_8", chips, "meta-llama/Llama-3.1-70B");
  const int pp = std::min(8, chips / 8);
  const TrainingLayout layout{.tp = 8, .pp = pp, .dp = chips / 8 / pp};
  const TrainingJob job{.global_batch = 32 * layout.dp, .seq_len = 4096};
  const TrainingModel training(s.machine, *s.model, s.kernels);
  for (auto _ : state) {
    auto estimate = training.estimate(job, layout, false);
    auto simulation = training.simulate(job, layout, {}, false);
    benchmark::DoNotOptimize(estimate);
    benchmark::DoNotOptimize(simulation);
  }
}
BENCHMARK(grow)
    ->Name("training/estimate_and_simulate")
    ->RangeMultiplier(8)
    ->Range(8, 131072)
    ->Unit(benchmark::kMicrosecond);

// For each schedule, a dense model and one with experts.
const bool registered = [] {
  for (const Schedule schedule : all_schedules()) {
    for (const auto& [kind, model] : {std::pair{"dense", "meta-llama/Llama-3.1-70B"},
                                      std::pair{"moe", "deepseek-ai/DeepSeek-V3"}}) {
      const std::string title = "training/estimate_" + std::string(name(schedule)) + "_" + kind;
      benchmark::RegisterBenchmark(title.c_str(),
                                   [model = model, schedule](benchmark::State& state) {
                                     estimate_schedule(state, model, schedule);
                                   });
    }
  }
  return true;
}();

}  // namespace
}  // namespace fivefold
