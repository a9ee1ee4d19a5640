// Time of collective operations in closed form over the levels of a machine.
//
// Message sizes follow nccl-tests: the full buffer for all-gather and reduce-scatter, the send
// buffer of one rank for all-to-all and all-reduce. busbw = algbw x 2(n-1)/n for all-reduce,
// (n-1)/n for all-gather, reduce-scatter and all-to-all, 1 for the others.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "fivefold/base/inline_vector.h"
#include "fivefold/fabric/machine.h"

namespace fivefold {

enum class Collective : std::uint8_t {
  kAllReduce,
  kAllGather,
  kReduceScatter,
  kAllToAll,
  kBroadcast,
  kSendRecv,
  kReduce,
};
std::string_view name(Collective collective);
// busbw / algbw, as nccl-tests has it (doc/PERFORMANCE.md).
double bus_share(Collective collective, double ranks);

// How many members a group has at each level: tp=8 inside a node of 8 is {8,1}; dp=4 with stride 8
// is {1,4}.
struct Group {
  InlineVector<int, 8> fanout;  // per level of the machine, product = size
  int size = 1;
};
// Ranks r, r+stride, r+2 stride, ... (`size` of them), ranks numbered from the inside out.
Group make_group(const Machine& machine, int size, int stride);
// Ranks on these devices, in this order: a level's blocks count as such where consecutive ranks
// fill them alike; elsewhere each rank counts as a block of its own.
Group group_of(const Machine& machine, std::span<const int> devices);

// plan.h lists what each moves and where its closed form is from.
enum class Algorithm : std::uint8_t {
  kRing,
  kTree,        // one binary tree
  kDoubleTree,  // two, each with half of the buffer
  kHalvingDoubling,
  kHierarchical,
  kOneShot,
  kTwoShot,
  kInNetwork,
  kPairwise,
  kRailAligned,
  kAllPath,
  kDirect,
};
std::string_view name(Algorithm algorithm);

struct CollectiveTime {
  Seconds time;
  Seconds latency;  // the part that does not shrink with the message
  Algorithm algorithm = Algorithm::kDirect;
  int protocol = 0;    // index of LinkParameters::protocols
  int bottleneck = 0;  // level
};

// Zero for a group of one. What the stack's library would choose: by its own tuning model where
// that is known (choice.cpp), else the fastest algorithm that it has. More choices: plan.h.
CollectiveTime collective_time(const Machine& machine, Collective collective, const Group& group,
                               Bytes bytes);

// MoE dispatch or combine: each device holds `tokens`, each sent to `topk` experts spread over the
// group. Normal mode sends a token once to each distinct device, and over the network between nodes
// once to each distinct node (at most `nodes_limit`) where the library forwards it inside (DeepEP);
// k choices among L reach L (1 - (1 - 1/L)^k) distinct ones. `low_latency` sends each of the k
// copies directly.
struct MoeExchange {
  double tokens = 0;
  double topk = 0;
  double nodes_limit = 0;  // 0: none
  Bytes bytes_per_token;   // of one copy, in the format sent
  double imbalance = 1;
  bool low_latency = false;
  double experts = 0;    // of the model; 0: unknown, what grows with it is left out
  double sms = 0;        // cores given to the exchange; 0: the library's default
  bool combine = false;  // the way back: same traffic, other library parameters
};
CollectiveTime moe_exchange_time(const Machine& machine, const Group& group,
                                 const MoeExchange& exchange);

}  // namespace fivefold
