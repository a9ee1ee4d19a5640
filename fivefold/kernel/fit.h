// Parameters and correction of one kernel from measured times.
//
// First the mechanism: Nelder-Mead (Computer Journal 7, 1965) on the mean |ln(predicted/measured)|,
// in the logarithm of each parameter between its bounds, from several fixed starts. Then the
// correction on top of it: least squares over the knots of the family's terms, penalised by first
// and second differences along each axis (P-splines of degree one; Eilers and Marx, Statistical
// Science 11, 1996) and reweighted towards least absolute errors. Same samples, same result,
// whatever the number of threads.
#pragma once

#include <span>
#include <vector>

#include "fivefold/kernel/parameters.h"

namespace fivefold {

struct KernelSample {
  Shape shape;
  const Device* device = nullptr;  // of the row: samples of several chips may be fitted as one
  double seconds = 0;              // measured
  int line = 0;                    // of its table
};

// A parameter that is fitted, in the unit of KernelFacts.
struct FittedFact {
  std::string_view name;
  double KernelFacts::*value;
  double low, high;
  std::vector<double> starts;
  bool chosen = false;  // one of `starts`, not between them
};
// Those that the mechanism of a family uses. How far rates grow as formats get narrower (drag) can
// only be told from samples of several.
std::vector<FittedFact> fitted_facts(Family family, bool formats_differ);

struct KernelFit {
  KernelFacts facts;
  Residual residual;
  double mechanism_error = 0;  // mean |predicted/measured - 1| over the samples, without residual
  double error = 0;            // with it
};

// Fewer samples than this say nothing about parameters, and fewer than the second nothing about a
// correction, which is then left out.
inline constexpr std::size_t kLeastSamples = 40;
inline constexpr std::size_t kLeastForResidual = 150;

KernelFit fit_kernel(Family family, std::span<const KernelSample> samples,
                     bool formats_differ = false);

// The time that a fit gives.
double fitted_seconds(const KernelFit& fit, const KernelSample& sample);
// Mean |predicted/measured - 1|; 0 of no samples.
double mean_error(const KernelFit& fit, std::span<const KernelSample> samples);

}  // namespace fivefold
