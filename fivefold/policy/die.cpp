// From a wafer to good dies: closed forms.
#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "fivefold/policy/supply.h"

namespace fivefold {
namespace {

constexpr double kPi = std::numbers::pi;

// Whole dies of a grid whose lines pass through (x, y), inside a circle of that radius.
int dies_at(double x, double y, double width, double height, double pitch_x, double pitch_y,
            double radius) {
  int count = 0;
  for (double low = y - std::ceil((radius + y) / pitch_y) * pitch_y; low + height <= radius;
       low += pitch_y) {
    const double far = std::max(std::abs(low), std::abs(low + height));
    if (far > radius) continue;
    const double chord = std::sqrt(radius * radius - far * far);
    const double first = std::ceil((-chord - x) / pitch_x);
    const double last = std::floor((chord - width - x) / pitch_x);
    count += std::max(0, int(last - first) + 1);
  }
  return count;
}

// Murphy's share with x = A D; its limit at 0 is 1.
double murphy(double x) {
  if (x < 1e-9) return 1 - x;
  const double part = -std::expm1(-x) / x;
  return part * part;
}

Result<void> check_die(double area, double alpha) {
  if (!(area > 0) || !std::isfinite(area))
    return fail(fmt::format("an area of {} cm2 is no die", area), "areas are above zero");
  if (!(alpha > 0)) return fail(fmt::format("alpha of {} is no clustering", alpha), "above zero");
  return {};
}

// The x = A D at which Murphy's share is `yield`: bisection, since the share falls with x.
double murphy_defects(double yield) {
  double low = 0, high = 1;
  while (murphy(high) > yield) high *= 2;
  for (int i = 0; i < 100; ++i) {
    const double mid = (low + high) / 2;
    (murphy(mid) > yield ? low : high) = mid;
  }
  return (low + high) / 2;
}

}  // namespace

double gross_dies(double width, double height, const Wafer& wafer) {
  const double area = (width + wafer.scribe) * (height + wafer.scribe);
  const double radius = wafer.diameter / 2;
  if (!(area > 0)) return 0;
  return std::max(0.0, kPi * radius * radius / area - kPi * wafer.diameter / std::sqrt(2 * area));
}

int placed_dies(double width, double height, const Wafer& wafer) {
  constexpr int kOffsets = 64;
  const double radius = wafer.diameter / 2 - wafer.edge;
  const double pitch_x = width + wafer.scribe, pitch_y = height + wafer.scribe;
  if (!(width > 0) || !(height > 0) || !(radius > 0)) return 0;
  int best = 0;
  for (int i = 0; i < kOffsets; ++i) {
    for (int j = 0; j < kOffsets; ++j) {
      best = std::max(best, dies_at(-pitch_x * i / kOffsets, -pitch_y * j / kOffsets, width, height,
                                    pitch_x, pitch_y, radius));
    }
  }
  return best;
}

Result<double> die_yield(YieldModel model, double area, double density, double alpha) {
  if (const auto sane = check_die(area, alpha); !sane) return fail(sane.error());
  if (!(density >= 0))
    return fail(fmt::format("a density of {} defects per cm2", density), "zero or more");
  const double x = area * density;
  switch (model) {
    case YieldModel::kPoisson:
      return std::exp(-x);
    case YieldModel::kMurphy:
      return murphy(x);
    case YieldModel::kNegativeBinomial:
      break;
  }
  // exp and log1p keep the digits where alpha is large: the limit is Poisson's.
  return std::isinf(alpha) ? std::exp(-x) : std::exp(-alpha * std::log1p(x / alpha));
}

Result<double> defect_density(YieldModel model, double area, double yield, double alpha) {
  if (const auto sane = check_die(area, alpha); !sane) return fail(sane.error());
  if (!(yield > 0) || yield > 1)
    return fail(fmt::format("a yield of {} has no density of defects", yield),
                "above 0 and at most 1: 0.35");
  switch (model) {
    case YieldModel::kPoisson:
      return -std::log(yield) / area;
    case YieldModel::kMurphy:
      return murphy_defects(yield) / area;
    case YieldModel::kNegativeBinomial:
      break;
  }
  if (std::isinf(alpha)) return -std::log(yield) / area;
  return alpha * std::expm1(-std::log(yield) / alpha) / area;
}

}  // namespace fivefold
