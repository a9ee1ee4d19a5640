#include "fivefold/training/groups.h"

#include <algorithm>

namespace fivefold {
namespace {

// `outer` groups of `inner` ranks: each level takes what both take there.
Group joined(Group inner, const Group& outer) {
  for (std::size_t level = 0; level < inner.fanout.size(); ++level) {
    inner.fanout[level] *= outer.fanout[level];
  }
  inner.size *= outer.size;
  return inner;
}

}  // namespace

Group stage_group(const Machine& machine, const TrainingLayout& l, int size, int stride) {
  const int near = l.tp * l.cp;  // ranks that no other stage lies between
  if (l.order == RankOrder::kTpCpDpPp || l.pp == 1 || size * stride <= near) {
    return make_group(machine, size, stride);
  }
  if (stride >= near) return make_group(machine, size, stride * l.pp);
  const int inside = std::max(1, near / stride);
  return joined(make_group(machine, inside, stride),
                make_group(machine, size / inside, near * l.pp));
}

Group tensor_group(const Machine& machine, const TrainingLayout& l) {
  return stage_group(machine, l, l.tp, 1);
}

Group context_group(const Machine& machine, const TrainingLayout& l) {
  return stage_group(machine, l, l.cp, l.tp);
}

Group expert_group(const Machine& machine, const TrainingLayout& l) {
  return stage_group(machine, l, l.ep, l.etp);
}

Group pipeline_group(const Machine& machine, const TrainingLayout& l) {
  const bool outside = l.order == RankOrder::kTpCpDpPp;
  return make_group(machine, l.pp, l.tp * l.cp * (outside ? l.dp : 1));
}

}  // namespace fivefold
