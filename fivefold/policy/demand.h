// Money and chips of the buyers' side: what capex buys, what is installed, what is missing, and how
// much of it comes from abroad.
//
// Stock of a year = stock of the year before, less failures and retirements, plus what was
// supplied. Shares and gaps are of drawn futures (supply.h), in chips, peak FLOPS, memory bandwidth
// and the work that chips do (effective.h).
#pragma once

#include <string>
#include <vector>

#include "fivefold/policy/effective.h"
#include "fivefold/policy/supply.h"

namespace fivefold {

// A number with its range.
struct Ranged {
  double value = 0, low = 0, high = 0;
};
// Money of a budget over the price of a chip with its duties: `budget` and `price` are facts of
// money (economics ids "capex.bytedance.2026", "price.910c"), `share` the part that goes to chips.
struct Purchase {
  const Fact* budget = nullptr;
  const Fact* price = nullptr;
  double share = 1, tariff = 0;
};
Ranged chips_for(const Purchase& purchase);

// What one chip brings: peak and work. Work is empty where the program cannot estimate the chip,
// and `why` says so.
struct ChipWork {
  const Chip* chip = nullptr;
  double flops = 0;      // dense BF16 or FP16
  double bandwidth = 0;  // bytes/s of memory
  std::optional<double> tokens_per_day, runs_per_year;
  std::optional<double> watts;  // serving
  std::string why;
  ReferenceMachine machine;
};
ChipWork work_of(const Catalog& catalog, const Chip& chip, const Service& service,
                 const TrainingTask* training);

// Sums over chips of one origin.
struct Fleet {
  Quantiles chips, flops, bandwidth, tokens_per_day, runs_per_year;
};
struct GapYear {
  int year = 0;
  Fleet added_domestic, added_foreign;          // supplied in the year
  Fleet installed_domestic, installed_foreign;  // at its end
  // Share of what is installed that comes from abroad.
  Quantiles reliance_chips, reliance_flops, reliance_bandwidth, reliance_tokens;
  Quantiles reliance_added;  // of the chips of the year
  // Money, USD: what buyers would spend, what is supplied at list prices, and the difference.
  std::optional<Ranged> demand;
  Quantiles supplied;
  std::optional<Quantiles> shortage;  // negative: more is made than is asked for
  // What it would take to fill the shortage with domestic chips of that year's mix.
  std::optional<Quantiles> missing_chips, missing_tokens_per_day;
};
struct Gap {
  std::vector<GapYear> years;
  std::vector<ChipWork> chips;    // of every product of the supply
  double chips_without_work = 0;  // share of supplied chips that could not be estimated
  std::vector<std::string> assumptions;
  std::vector<const Fact*> facts;
};
// `supply` must hold whole years. Same bytes on any number of threads.
Result<Gap> gap_of(const Catalog& catalog, const SupplyResult& supply, const Service& service,
                   const TrainingTask* training, const std::function<void(double)>& progress = {});

}  // namespace fivefold
