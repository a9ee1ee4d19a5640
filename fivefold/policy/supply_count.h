// The futures of a question, counted; internal to the room.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fivefold/policy/supply_flow.h"

namespace fivefold {

using PerSample = std::vector<double>;
using Choice = std::vector<std::uint8_t>;  // which limit, of each sample

// Of a vendor, or of all of an origin: [period][sample], quarters first, then whole years.
struct SupplyTally {
  std::vector<PerSample> chips, dies;
  std::vector<Choice> limit;
  void resize(std::size_t periods, std::size_t samples) {
    chips.assign(periods, PerSample(samples));
    dies.assign(periods, PerSample(samples));
    limit.assign(periods, Choice(samples));
  }
};

struct SupplySpan {
  int first = 0, last = 0;  // quarters since the start, both in it
  std::string label;
  int year = 0;  // 0: a quarter
};

struct SupplyCounts {
  std::vector<SupplyTally> vendors;  // that were asked for
  SupplyTally domestic, total;
  std::vector<std::vector<PerSample>> lines;  // [line][period]
};

struct SupplySimulation {
  const SupplyBook::Data& data;
  const std::vector<SeriesView>& views;
  const std::vector<PerSample>& draws;
  const std::vector<SupplySpan>& spans;
  const std::vector<std::size_t>& asked;
  int quarters;
};

// The quarters of a question, then its whole years.
std::vector<SupplySpan> supply_spans(const SupplyBook::Data& data, const SupplyQuestion& question);

// Latin hypercube (McKay, Beckman and Conover, 1979): of each series one draw in each of as many
// strata as there are samples, in an order of its own.
std::vector<PerSample> stratified(const std::vector<SeriesView>& views, std::size_t samples,
                                  std::uint64_t seed);

SupplyCounts count_futures(const SupplySimulation& sim, std::size_t samples,
                           const std::function<void(double)>& progress);

}  // namespace fivefold
