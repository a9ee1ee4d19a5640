// What an algorithm sends, as rounds of messages between ranks: the same traffic as its closed form
// (algorithms.cpp), spelled out so that it can be put on links.
//
// In a round every rank sends its messages at once; it starts its next round when what it sent and
// what it received in this one has arrived. Ranks are numbered within the group, by its fanouts
// from the inside out; a message goes to the rank of the same place in another block, as libraries
// pair network cards.
//
// Rings: a library runs one ring for each card of a host, turned so that each leaves the host from
// another device. In sum every device then sends to its neighbour at every level what its port
// carries of the rings; in a mesh, whose links the rings share out, to each neighbour the same. A
// round is one step of them all.
#pragma once

#include <functional>
#include <vector>

#include "fivefold/collective/plan.h"

namespace fivefold {

struct Message {
  int to = 0;
  int via = -1;  // a rank that passes the message on while it receives it (-1: none)
  double bytes = 0;
};

struct Round {
  int repeat = 1;
  Seconds delay;  // from a rank's start of the round to its first byte
  std::function<void(int rank, std::vector<Message>& messages)> messages;
  // Every rank sends to ranks at the same distances, blocks of this many ranks alike (1: all ranks
  // do); 0: not so, as in a tree.
  int alike = 1;
};

// The rounds of a plan for this operation. Their delays and bytes add up to the plan's time where
// no link is shared with other traffic.
std::vector<Round> rounds_of(const Machine& machine, Collective collective, const Group& group,
                             Bytes bytes, const CollectivePlan& plan);

}  // namespace fivefold
