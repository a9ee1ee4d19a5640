#include "fivefold/traffic/gaps.h"

#include <cmath>

namespace fivefold {

double gamma_variate(Random& random, double shape) {
  if (shape < 1) {
    const double power = std::pow(random.uniform(), 1 / shape);
    return power * gamma_variate(random, shape + 1);
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = random.normal();
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = random.uniform();
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

Gaps Gaps::with_cv(double mean, double cv) {
  if (!(cv > 0)) return {Kind::kEqual, 1, mean};
  return {Kind::kGamma, 1 / (cv * cv), mean};
}

double Gaps::next(Random& random) const {
  switch (kind) {
    case Kind::kEqual:
      return mean;
    case Kind::kGamma:
      return mean / shape * gamma_variate(random, shape);
    case Kind::kWeibull:
      break;
  }
  const double power = std::pow(-std::log(random.uniform()), 1 / shape);
  return mean * power / std::tgamma(1 + 1 / shape);
}

double Gaps::first(Random& random) const {
  const double share = random.uniform();
  switch (kind) {
    case Kind::kEqual:
      return share * mean;
    case Kind::kGamma:
      return share * mean / shape * gamma_variate(random, shape + 1);
    case Kind::kWeibull:
      break;
  }
  // The power `shape` of a Weibull gap is exponential; of one met by its length, gamma.
  const double power = std::pow(gamma_variate(random, 1 + 1 / shape), 1 / shape);
  return share * mean * power / std::tgamma(1 + 1 / shape);
}

}  // namespace fivefold
