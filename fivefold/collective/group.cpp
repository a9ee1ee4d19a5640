#include <algorithm>
#include <set>

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

// Ranks in each block of `size` devices, if consecutive ranks fill as many blocks as there are,
// each with as many; else 0.
int ranks_in_blocks(std::span<const int> devices, int size) {
  std::size_t each = 1;
  while (each < devices.size() && devices[each] / size == devices[0] / size) ++each;
  if (devices.size() % each != 0) return 0;
  std::set<int> blocks;
  for (std::size_t first = 0; first < devices.size(); first += each) {
    const int block = devices[first] / size;
    if (!blocks.insert(block).second) return 0;
    for (std::size_t i = first; i < first + each; ++i) {
      if (devices[i] / size != block) return 0;
    }
  }
  return int(each);
}

}  // namespace

Group group_of(const Machine& machine, std::span<const int> devices) {
  Group group;
  group.size = std::max(1, int(devices.size()));
  int inside = 1;
  for (std::size_t i = 0; i < machine.levels.size(); ++i) {
    const bool outermost = i + 1 == machine.levels.size();
    int members = outermost ? group.size : ranks_in_blocks(devices, machine.levels[i].size);
    if (members < inside || members % inside != 0) members = inside;
    group.fanout.push_back(members / inside);
    inside = members;
  }
  return group;
}

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
