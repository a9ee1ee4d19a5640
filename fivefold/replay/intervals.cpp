#include "fivefold/replay/intervals.h"

#include <algorithm>

namespace fivefold {

Intervals united(Intervals intervals) {
  std::sort(intervals.begin(), intervals.end());
  Intervals result;
  for (const auto& [begin, end] : intervals) {
    if (begin >= end) continue;
    if (!result.empty() && begin <= result.back().second) {
      result.back().second = std::max(result.back().second, end);
    } else {
      result.emplace_back(begin, end);
    }
  }
  return result;
}

Picoseconds length(const Intervals& united) {
  Picoseconds sum = 0;
  for (const auto& [begin, end] : united) sum += end - begin;
  return sum;
}

Picoseconds overlap(const Intervals& all, const Intervals& other) {
  Picoseconds sum = 0;
  for (std::size_t i = 0, j = 0; i < all.size() && j < other.size();) {
    const Picoseconds begin = std::max(all[i].first, other[j].first);
    const Picoseconds end = std::min(all[i].second, other[j].second);
    if (begin < end) sum += end - begin;
    all[i].second < other[j].second ? ++i : ++j;
  }
  return sum;
}

}  // namespace fivefold
