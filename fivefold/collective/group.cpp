#include <algorithm>

#include "fivefold/collective/collective.h"

namespace fivefold {
namespace {

// The largest divisor of `size` that is a multiple of `inner` and at most `limit`.
int largest_share(int size, int inner, int limit) {
  for (int share = std::min(size, limit); share > inner; --share) {
    if (size % share == 0 && share % inner == 0) return share;
  }
  return inner;
}

}  // namespace

Group make_group(const Machine& machine, int size, int stride) {
  Group group;
  group.size = std::max(1, size);
  int inside = 1;  // members that share a block of the level
  for (std::size_t i = 0; i < machine.levels.size(); ++i) {
    const bool outermost = i + 1 == machine.levels.size();
    const int block = machine.levels[i].size / std::max(1, stride);
    // Equal parts: 12 ranks on nodes of 8 are 6 and 6, as launchers place them.
    const int members = outermost ? group.size : largest_share(group.size, inside, block);
    group.fanout.push_back(members / inside);
    inside = members;
  }
  return group;
}

}  // namespace fivefold
