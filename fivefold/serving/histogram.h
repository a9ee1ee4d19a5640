// Weighted values above zero in bins of half a percent: quantiles of a billion gaps in a few KiB.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace fivefold {

class Histogram {
 public:
  void add(double value, std::uint64_t times = 1) {
    if (times == 0) return;
    const int bin = bin_of(value);
    if (counts_.empty()) first_ = bin;
    if (bin < first_) {
      counts_.insert(counts_.begin(), std::size_t(first_ - bin), 0);
      first_ = bin;
    }
    if (std::size_t(bin - first_) >= counts_.size()) counts_.resize(std::size_t(bin - first_) + 1);
    counts_[std::size_t(bin - first_)] += times;
    count_ += times;
    sum_ += value * double(times);
    squares_ += value * value * double(times);
    largest_ = std::max(largest_, value);
  }
  std::uint64_t count() const { return count_; }
  double mean() const { return count_ > 0 ? sum_ / double(count_) : 0; }
  double deviation() const {
    return count_ > 0 ? std::sqrt(std::max(0.0, squares_ / double(count_) - mean() * mean())) : 0;
  }
  double largest() const { return largest_; }
  // Within half a percent; 0 of nothing.
  double quantile(double share) const {
    const double wanted = share * double(count_);
    double below = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const double here = double(counts_[i]);
      if (here > 0 && below + here >= wanted) {
        const double inside = std::clamp((wanted - below) / here, 0.0, 1.0);
        return std::min(largest_, std::exp2((first_ + double(i) + inside) / kBinsPerOctave));
      }
      below += here;
    }
    return largest_;
  }

 private:
  static constexpr double kBinsPerOctave = 128;
  static constexpr double kSmallest = 1e-9;  // what is no time at all is held as this
  static int bin_of(double value) {
    return int(std::floor(std::log2(std::max(value, kSmallest)) * kBinsPerOctave));
  }
  std::vector<std::uint64_t> counts_;
  int first_ = 0;
  std::uint64_t count_ = 0;
  double sum_ = 0, squares_ = 0, largest_ = 0;
};

}  // namespace fivefold
