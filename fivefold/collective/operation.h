// Inside the room: one collective operation on one group, and what each algorithm asks of the
// levels.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "fivefold/collective/plan.h"

namespace fivefold {

inline constexpr int kMaxLevels = 8;

// Whose library parameters the operation takes.
Traffic traffic_of(Collective collective);

struct Operation {
  const Machine& machine;
  const Group& group;
  Collective collective;
  Traffic traffic;
  double bytes;
  double busiest = 1;      // of an all-to-all: the busiest port over the mean
  bool in_network = true;  // switches may reduce
  int levels() const { return int(group.fanout.size()); }
  const Level& level(int i) const { return machine.levels[std::size_t(i)]; }
  const LinkParameters& link(int i) const { return level(i).link[traffic]; }
  int fanout(int i) const { return group.fanout[std::size_t(i)]; }
  double ranks() const { return group.size; }
  // The levels with more than one member: library parameters of the outermost govern the operation.
  int inner = 0, outer = 0;
  int innermost() const { return inner; }
  int outermost() const { return outer; }
  const LinkParameters& governing() const { return link(outermost()); }
};

// With its outermost and innermost levels found.
Operation operation(const Machine& machine, Collective collective, const Group& group, Bytes bytes);

struct Load {
  double bytes = 0;
  double steps = 0;
  Pattern pattern = Pattern::kReduction;
};

// What one algorithm asks of all levels.
struct Loads {
  std::array<Load, kMaxLevels> level{};
  Algorithm algorithm = Algorithm::kDirect;
  bool pipelined = true;
  // Of the bandwidth that each protocol reaches, innermost.
  std::array<double, kProtocolCount> inner_share = {1, 1, 1};
  double piece = 0;  // bytes that move as one: what fills a protocol's channels
};

// Each refuses with the reason, or fills in the loads.
using Refusal = std::string_view;  // empty: none
Refusal load(const Operation& op, Algorithm algorithm, Loads& loads);

CollectivePlan plan_of(const Operation& op, const Loads& loads, int protocol);
CollectiveTime time_of(const Operation& op, const Loads& loads, int protocol);
// Algorithms with parameters of their own instead of protocols.
bool has_protocols(Algorithm algorithm);
Refusal plan_direct(const Operation& op, Algorithm algorithm, CollectivePlan& plan);
Refusal time_direct(const Operation& op, Algorithm algorithm, CollectiveTime& time);
Refusal plan_in_network(const Operation& op, CollectivePlan& plan);
Refusal refuse_in_network(const Operation& op);

// Seconds that the library itself expects, by which it chooses; infinite: it would not take it.
double expected_by_nccl(const Operation& op, Algorithm algorithm, int protocol);

// Devices have links of their own to each other.
inline bool is_mesh(LevelKind kind) {
  return kind == LevelKind::kFullMesh || kind == LevelKind::kNdFullMesh ||
         kind == LevelKind::kTorus || kind == LevelKind::kDirect;
}

inline double rounds(double members) {
  return std::ceil(std::log2(members));
}

}  // namespace fivefold
