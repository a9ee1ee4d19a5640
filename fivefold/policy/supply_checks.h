// The model of supply against what was published: totals, arithmetic on the facts, and what would
// have to hold for the output of China to triple in 2026.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fivefold/policy/supply.h"

namespace fivefold {

// A published total and where it lies in the distribution of the model.
struct SupplyComparison {
  std::string id, what, of, counts;  // "chips", "dies", "share" (of all chips, from 0 to 1)
  int year = 0;
  double published = 0;
  std::optional<double> low, high;
  Quantiles model;
  double quantile = 0;  // share of futures below the published value
  bool input = false;   // something of the model rests on the same statement
  std::vector<std::string> sources;
  Confidence confidence = Confidence::kLow;
  std::string as_of, note;
};

// Arithmetic on the facts, without futures: one published figure out of others.
struct SupplyArithmetic {
  std::string what;
  double computed = 0, published = 0;
  double tolerance = 0;  // relative
  bool closes() const;
};

struct SupplyChecks {
  std::vector<SupplyComparison> totals;  // those that the book states, of years that are whole
  std::vector<SupplyArithmetic> arithmetic;
};
// The question says which futures: samples, seed, known_by and scales; from and to are set to the
// years that the checks ask for. Vendors are all.
Result<SupplyChecks> check_supply(const SupplyBook& book, const SupplyQuestion& question,
                                  const std::function<void(double)>& progress = {});

struct Tripling {
  Quantiles factor;        // all Chinese vendors, 2026 over 2025
  double probability = 0;  // at least three times
  struct Need {
    // Multiplied together, from 2026Q1 on; "hbm" with the stock of the years before, which 2026
    // lives on.
    std::vector<std::string> kinds;
    std::optional<double> times;  // for even odds; empty: not even with `most` times
    double most = 0;
    double probability = 0;  // with `times`, or with `most`
  };
  std::vector<Need> needs;
};
Result<Tripling> examine_tripling(const SupplyBook& book, const SupplyQuestion& question,
                                  const std::function<void(double)>& progress = {});

}  // namespace fivefold
