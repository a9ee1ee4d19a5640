#include "fivefold/reliability/stragglers.h"

#include <algorithm>
#include <cmath>

namespace fivefold {
namespace {

// The largest of `count` is below x with probability Phi(x)^count.
double largest_at(double probability, double count) {
  // Near one, 1 - p^(1/count) keeps its digits only as expm1; the quantile is odd.
  return -normal_quantile(-std::expm1(std::log(probability) / count));
}

}  // namespace

double chance_of_slow(const Stragglers& stragglers) {
  if (stragglers.slow_share >= 1) return 1;
  return -std::expm1(stragglers.hosts * std::log1p(-stragglers.slow_share));
}

double expected_largest(double count) {
  constexpr int kQuantiles = 2000;
  double sum = 0;
  for (int i = 0; i < kQuantiles; ++i) sum += largest_at((i + 0.5) / kQuantiles, count);
  return sum / kQuantiles;
}

double expected_slowdown(const Stragglers& stragglers) {
  double slowdown = stragglers.slow_by * chance_of_slow(stragglers);
  if (stragglers.jitter > 0) slowdown += stragglers.jitter * expected_largest(stragglers.hosts);
  return slowdown;
}

double drawn_slowdown(const Stragglers& stragglers, bool slow, double steps, Random& random) {
  double slowdown = slow ? stragglers.slow_by : 0;
  if (stragglers.jitter > 0) {
    // A mean of many steps hardly scatters: a few stand for all.
    const int draws = int(std::clamp(steps, 1.0, 16.0));
    double sum = 0;
    for (int i = 0; i < draws; ++i) sum += largest_at(random.uniform(), stragglers.hosts);
    slowdown += stragglers.jitter * sum / draws;
  }
  return slowdown;
}

}  // namespace fivefold
