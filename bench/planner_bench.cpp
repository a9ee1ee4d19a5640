// What a person waits for: the search over layouts and the whole comparison. The aim is 100,000
// estimates a second on one core; a search evaluates some thousand layouts at many batches.
#include <benchmark/benchmark.h>

#include "bench/subject.h"
#include "fivefold/planner/comparison.h"

namespace fivefold {
namespace {

// As `fivefold compare` asks it when nothing else is said.
Question question() {
  Question question;
  question.serving.tpot_limit = Seconds(0.05);
  question.serving.ttft_limit = Seconds(2);
  question.training = {.global_batch = 1152, .seq_len = 4096};
  return question;
}

void search_decode(benchmark::State& state) {
  const Subject s = subject("cloudmatrix384", 384, "deepseek-ai/DeepSeek-R1");
  const Precision precision = serving_precision(*s.model, s.machine.device);
  const ServingModel serving(s.machine, *s.model, s.kernels, precision);
  long evaluated = 0;
  for (auto _ : state) {
    SearchReport report;
    auto plans =
        decode_plans(serving, s.machine, *s.model, question().serving, s.machine.devices, report);
    benchmark::DoNotOptimize(plans);
    evaluated += report.evaluated;
  }
  state.counters["layouts/s"] = benchmark::Counter(double(evaluated), benchmark::Counter::kIsRate);
}
BENCHMARK(search_decode)
    ->Name("planner/decode_layouts_cloudmatrix384")
    ->Unit(benchmark::kMillisecond);

void search_all(benchmark::State& state) {
  const Catalog catalog = *Catalog::load();
  const System& system = **catalog.system("cloudmatrix384");
  const Model& model = **catalog.model("deepseek-ai/DeepSeek-R1");
  for (auto _ : state) {
    auto answer = answer_for(catalog, system, model, question());
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(search_all)->Name("planner/answer_cloudmatrix384")->Unit(benchmark::kMillisecond);

void whole_comparison(benchmark::State& state) {
  const Catalog catalog = *Catalog::load();
  const System& left = **catalog.system("cloudmatrix384");
  const System& right = **catalog.system("gb200-nvl72");
  const Model& model = **catalog.model("deepseek-ai/DeepSeek-R1");
  for (auto _ : state) {
    auto comparison = compare(catalog, left, right, model, question());
    benchmark::DoNotOptimize(comparison);
  }
}
BENCHMARK(whole_comparison)->Name("planner/compare")->Unit(benchmark::kMillisecond);

void load_catalog(benchmark::State& state) {
  for (auto _ : state) {
    auto catalog = Catalog::load();
    benchmark::DoNotOptimize(catalog);
  }
}
BENCHMARK(load_catalog)->Name("catalog/load")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fivefold
