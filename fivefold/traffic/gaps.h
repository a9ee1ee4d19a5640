// Gaps between arrivals of a renewal process.
#pragma once

#include "fivefold/base/random.h"

namespace fivefold {

// Gamma with scale 1, by Marsaglia and Tsang ("A simple method for generating gamma variables",
// ACM TOMS 26, 2000); below shape 1 by their own boost.
double gamma_variate(Random& random, double shape);

struct Gaps {
  enum class Kind : std::uint8_t { kEqual, kGamma, kWeibull } kind = Kind::kGamma;
  double shape = 1;
  double mean = 1;  // seconds

  static Gaps with_cv(double mean, double cv);  // gamma, or equal for a cv of 0
  double next(Random& random) const;
  // From any moment to the next arrival, when nothing is known of the last one: a share of a gap
  // that was met in proportion to its length. With it the expected count is exactly time / mean.
  double first(Random& random) const;
};

}  // namespace fivefold
