#include "fivefold/network/schedule.h"

#include <algorithm>
#include <bit>

namespace fivefold {
namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ull;
  return hash ^ (hash >> 29);
}

std::uint64_t hash_of(std::span<const Hop> hops, double cap) {
  std::uint64_t hash = mix(0, std::bit_cast<std::uint64_t>(cap));
  for (const Hop& hop : hops) {
    hash = mix(hash, std::uint64_t(std::uint32_t(hop.link)) << 32 |
                         std::bit_cast<std::uint32_t>(hop.share));
  }
  return hash;
}

bool same(const Hop& a, const Hop& b) {
  return a.link == b.link && a.share == b.share;
}

}  // namespace

std::int32_t PathTable::add(std::span<const Hop> path, double cap) {
  const std::uint64_t hash = hash_of(path, cap);
  const auto [first, last] = known_.equal_range(hash);
  for (auto known = first; known != last; ++known) {
    const auto there = hops(known->second);
    if (caps_[std::size_t(known->second)] == cap &&
        std::equal(there.begin(), there.end(), path.begin(), path.end(), same)) {
      return known->second;
    }
  }
  const auto index = std::int32_t(caps_.size());
  hops_.insert(hops_.end(), path.begin(), path.end());
  first_.push_back(hops_.size());
  caps_.push_back(cap);
  known_.emplace(hash, index);
  return index;
}

}  // namespace fivefold
