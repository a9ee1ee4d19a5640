// Sums and quantiles of samples. An empty sample has no mean: callers ask for none.
#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace fivefold {

// In pairs, so that a sum of a million values keeps its digits and does not depend on who adds
// them.
inline double pairwise_sum(std::span<const double> values) {
  constexpr std::size_t kFew = 16;
  if (values.size() <= kFew) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum;
  }
  const std::size_t half = values.size() / 2;
  return pairwise_sum(values.first(half)) + pairwise_sum(values.subspan(half));
}

inline double mean(std::span<const double> values) {
  assert(!values.empty());
  return pairwise_sum(values) / static_cast<double>(values.size());
}

// Linear between order statistics (type 7 of Hyndman and Fan, 1996) of values in ascending order;
// share from 0 to 1.
inline double sorted_quantile(std::span<const double> values, double share) {
  assert(!values.empty());
  const double position = std::clamp(share, 0.0, 1.0) * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(position));
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (position - static_cast<double>(below));
}

// The same of values in any order.
inline double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return sorted_quantile(values, share);
}

inline double median(std::vector<double> values) {
  return quantile(std::move(values), 0.5);
}

}  // namespace fivefold
