// How many accelerators can be made or brought in, quarter by quarter: wafers to dies to good dies
// to packages, limited by memory stacks, packaging, imports and stock, drawn over the ranges of
// the facts (catalog/policy/*.yaml, key `supply`).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/base/date.h"
#include "fivefold/catalog/catalog.h"

namespace fivefold {

struct SupplyQuestion {
  std::vector<std::string> vendors = {};  // ids; empty: all
  Quarter from{2024, 1}, to{2027, 4};
  int samples = 10000;
  std::uint64_t seed = 1;
  std::optional<Date> known_by = {};  // only facts dated no later: what could be said on that day
  // What would have to hold: inputs times a factor, from a quarter on (of what arrives or leaves in
  // it) or always. `what` is a kind of series ("wafers", "yield", "hbm", "packaging", "dies",
  // "imports"), a series, or one fact of it.
  struct Scale {
    std::string what;
    double factor = 1;
    std::optional<Quarter> from = {};
  };
  std::vector<Scale> scaled = {};
};

// Of drawn futures.
struct Quantiles {
  double p5 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0, mean = 0;
};

// Of a sample that is not empty.
Quantiles quantiles_of(std::vector<double> values);

struct Binding {
  std::string constraint;  // "logic dies", "memory stacks", "packaging", "imports", "demand"
  double probability = 0;
};

struct SupplyPeriod {
  std::string label;  // "2025Q3" or "2025"
  Quantiles chips;    // packages that pass, as they are sold
  Quantiles dies;     // compute dies that were put into packages in China, good packages or not
  std::vector<Binding> binding;  // most probable first; sums to 1
};

struct VendorSupply {
  std::string id, name, origin;               // "CN", "US"
  std::vector<SupplyPeriod> quarters, years;  // years that are whole in the question
  struct Product {
    std::string chip;  // catalog id, empty if there is none
    std::string name;
    std::vector<Quantiles> quarters, years;
  };
  std::vector<Product> products;
  std::vector<const Fact*> facts;        // what it rests on; live as long as the book
  std::vector<std::string> assumptions;  // of them, those that nobody published: their ids
};

struct SupplyResult {
  SupplyQuestion question;
  std::vector<VendorSupply> vendors;
  // All vendors of origin CN, and all there are, whichever were asked for; of the same draws.
  std::vector<SupplyPeriod> domestic_quarters, domestic_years, total_years;
  // Share of futures in which `numerator` is at least `times` `denominator` (years, all domestic).
  struct Growth {
    int from = 0, to = 0;
    Quantiles factor;
    double probability_of_three = 0;  // at least three times
  };
  std::vector<Growth> domestic_growth;
  // Chips of every draw by vendor and year, for those who go on from here (gap, reliance):
  // draws[vendor][year index][sample]. The dies of `die_draws` are in the same order.
  std::vector<int> years;
  std::vector<std::vector<std::vector<double>>> draws, die_draws;
  std::vector<std::vector<double>> domestic_draws;  // [year index][sample]
};

class SupplyBook {
 public:
  // Every problem of the files at once, with file and line.
  static Result<SupplyBook> load(const Catalog& catalog);
  // Of files by themselves, lowest layer first; their sources and chips are not looked up.
  static Result<SupplyBook> read(const std::vector<CatalogFile>& files);
  std::vector<std::string> vendors() const;  // ids in the order of the files
  // A published total by its id ("idc.2025.nvidia"), which the model is held against and never
  // uses.
  Result<const Fact*> published(std::string_view id) const;
  struct Data;
  const Data& data() const { return *data_; }

 private:
  std::shared_ptr<const Data> data_;
};

// Same bytes for the same seed, whatever the number of threads. An unknown vendor is an error with
// the nearest names.
Result<SupplyResult> simulate_supply(const SupplyBook& book, const SupplyQuestion& question,
                                     const std::function<void(double)>& progress = {});

// --- Parts, each a closed form ---------------------------------------------------------------

// Candidate dies of a round wafer (de Vries, 2005, "Investigation of gross die per wafer
// formulas", IEEE Trans. Semicond. Manuf. 18(1)). Areas in mm2, lengths in mm.
struct Wafer {
  double diameter = 300, edge = 3, scribe = 0.1;
};
// By formula, pi (d/2)^2 / A - pi d / sqrt(2 A), of the whole diameter and of dies with their
// scribe lines: its second term is what the rim loses, so that the edge is not taken off again.
// Never below zero.
double gross_dies(double width, double height, const Wafer& wafer = {});
// Counted: the best placement of a grid of whole dies within the edge (offsets in 1/64 of a pitch).
int placed_dies(double width, double height, const Wafer& wafer = {});

enum class YieldModel { kPoisson, kMurphy, kNegativeBinomial };
// Share of dies without a killing defect; area in cm2, density per cm2, neither negative. Poisson:
// exp(-A D). Murphy (1964): ((1 - exp(-A D)) / (A D))^2. Negative binomial (Stapper, 1983): (1 + A
// D / alpha)^-alpha.
Result<double> die_yield(YieldModel model, double area, double density, double alpha = 2);
// The density that gives a published yield on a known area.
Result<double> defect_density(YieldModel model, double area, double yield, double alpha = 2);

}  // namespace fivefold
