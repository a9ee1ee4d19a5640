// What a collective operation asks of each level of a machine, from which its time is computed in
// one place. The flow simulator takes the same plan: bytes and steps become flows, base, step and
// rate stay what the library reaches there.
//
//   time = staging + max(host, base + levels + copy)
//   levels, all at once (pipelined): waited steps + hypot(hidden steps, the busiest port or link)
//   levels, one after the other:     sum over levels of the same
// The latency of a step hides behind the transfer of the piece before it, or the transfer behind
// the latency; the root of the sum of squares rounds the corner between them, as tables of ring
// collectives show it (docs/accuracy.md). Steps over network cards are waited for. Levels that
// share a port add up their bytes there; what goes on takes its own time on the links outside.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "fivefold/base/inline_vector.h"
#include "fivefold/collective/collective.h"

namespace fivefold {

struct LevelPlan {
  int level = 0;
  double bytes = 0;  // through the port of the busiest device, each direction
  double steps = 0;  // one after the other
  Seconds step;
  BytesPerSecond rate;       // payload that the port reaches under the protocol
  bool shares_port = false;  // with the level inside: both transfers pass one port
  bool waits = false;        // steps are waited for, not hidden
  Pattern pattern = Pattern::kReduction;
};

// Beside the levels.
struct PlanTerms {
  Algorithm algorithm = Algorithm::kDirect;
  int protocol = 0;       // index of LinkParameters::protocols
  bool pipelined = true;  // levels work at the same time
  Seconds base;           // once, before anything moves
  Seconds copy;           // of a device's own part through its cores
  Seconds staging;        // to and from the library's own buffers
  Seconds host;           // the host issues the operation so long; less is not seen
};

struct CollectivePlan : PlanTerms {
  InlineVector<LevelPlan, 8> levels;  // those with more than one member, from the inside out
};

// The latency of steps, the transfer at the busiest port or link, and both as they overlap,
// seconds.
struct LevelTime {
  double latency = 0, transfer = 0, total = 0;
};
LevelTime time_of(const LevelPlan& level);

// The sum itself, level by level from the inside out.
class PlanClock {
 public:
  void add(const LevelPlan& level);
  LevelTime together() const;  // of levels that work at the same time
  CollectiveTime end(const PlanTerms& terms) const;

 private:
  double hidden_ = 0, waited_ = 0, slowest_ = 0, one_by_one_ = 0, longest_ = -1;
  double port_ = 0, port_rate_ = 0;  // levels that share a port: its transfer
  int bottleneck_ = 0;
};
LevelTime time_together(const CollectivePlan& plan);
CollectiveTime time_of(const CollectivePlan& plan);

struct CollectiveOptions {
  std::optional<Algorithm> forced;  // instead of the library's own choice
  // Of an all-to-all: what the busiest sender sends and the busiest receiver receives, over the
  // mean.
  double largest_row = 1, largest_column = 1;
  bool in_network = true;  // false: the element type or a setting rules reduction in switches out
};
// Fails if an algorithm is forced that the operation, the library or the fabric does not have. A
// group of one has a plan without levels.
Result<CollectivePlan> plan_collective(const Machine& machine, Collective collective,
                                       const Group& group, Bytes bytes,
                                       const CollectiveOptions& options = {});

// The closed forms, in the order in which equal times are decided.
struct AlgorithmInfo {
  Algorithm algorithm;
  std::string_view serves;  // which operations
  std::string_view bound;   // bytes through the busiest port and steps, n ranks, buffer b
  std::string_view source;
};
std::span<const AlgorithmInfo> all_algorithms();

}  // namespace fivefold
