// Who talks with whom: the k-th collective of a group on each of its ranks is one operation, the
// k-th send from a rank to another under a tag goes with the k-th such receive.
//
// The group of a collective is its pg_name, with the ranks that the user's file of groups or the
// trace itself lists, else all ranks that use this name; without a name the ranks that differ only
// in the levels of the machine that involved_dim names; without either all ranks.
// comm_size is what one rank puts in (ASTRA-sim and the converters of PyTorch traces agree): of an
// all-gather the buffer is so much from each rank.
#pragma once

#include <span>

#include "fivefold/collective/collective.h"
#include "fivefold/replay/trace.h"

namespace fivefold {

struct MatchedCollective {
  Collective collective = Collective::kAllReduce;
  Bytes bytes;                      // as collective_time() takes them
  std::vector<int> ranks;           // ascending
  std::vector<std::int32_t> nodes;  // of each of them
  std::int32_t before = -1;         // the group's last operation before this one
};

struct MatchedMessage {
  int from = 0, to = 0;
  std::int32_t send = 0, receive = 0;  // nodes
  Bytes bytes;
};

struct Matches {
  std::vector<MatchedCollective> collectives;
  std::vector<MatchedMessage> messages;
};

// `traces`: of each rank. Fails, with every problem up to kMostProblems, if ranks disagree.
Result<Matches> match(std::span<const Trace* const> traces, const Machine& machine,
                      const RankGroups& groups);

// The form of a group on the levels of the machine, for plans.
Group group_of(const Machine& machine, const std::vector<int>& ranks);

}  // namespace fivefold
