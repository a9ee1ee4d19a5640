// Futures of supply: 10,000 of sixteen quarters and twelve vendors are to take less than 5 s on one
// core. The sketch: a future is some 20 quarters of 25 products and 50 series at some ten
// nanoseconds each, so a quarter of a millisecond.
#include <benchmark/benchmark.h>

#include "fivefold/policy/supply_flow.h"

namespace fivefold {
namespace {

SupplyBook shipped_book() {
  return *SupplyBook::load(*Catalog::load());
}

void one_future(benchmark::State& state) {
  const SupplyBook book = shipped_book();
  const int quarters = quarters_between(book.data().start, {2027, 4}) + 1;
  const auto views = views_of(book.data(), {}, quarters);
  SupplyFuture future(book.data(), views, quarters);
  std::vector<double> draws(views.size(), 0.4);
  for (auto _ : state) {
    draws[0] = draws[0] < 0.9 ? draws[0] + 0.01 : 0.1;  // nothing is worked out once
    future.run(draws);
    benchmark::DoNotOptimize(future.vendor(quarters - 1, 0));
  }
}
BENCHMARK(one_future)->Name("supply/future");

// On all cores, with quantiles.
void ten_thousand(benchmark::State& state) {
  const SupplyBook book = shipped_book();
  for (auto _ : state) {
    auto result = simulate_supply(book, {});
    benchmark::DoNotOptimize(result);
  }
}
BENCHMARK(ten_thousand)->Name("supply/10000_futures")->Unit(benchmark::kMillisecond);

void load(benchmark::State& state) {
  const Catalog catalog = *Catalog::load();
  for (auto _ : state) {
    auto book = SupplyBook::load(catalog);
    benchmark::DoNotOptimize(book);
  }
}
BENCHMARK(load)->Name("supply/load")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fivefold
