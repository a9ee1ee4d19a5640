#include "fivefold/collective/collective.h"

#include <fmt/format.h>

#include "fivefold/collective/operation.h"

namespace fivefold {
namespace {

// The best so far: by the time that a library expects, or by the time that is.
struct Best {
  CollectivePlan plan;
  bool chosen = false;
  double expected = 0;
  bool wants(double seconds) const { return !chosen || seconds < expected; }
  void consider(const CollectivePlan& candidate, double seconds) {
    if (!wants(seconds)) return;
    chosen = true;
    expected = seconds;
    plan = candidate;
  }
};

bool has(const LinkParameters& link, int protocol) {
  return link.protocols[std::size_t(protocol)].share > 0;
}

void consider_protocols(const Operation& op, Algorithm algorithm, Best& best) {
  Loads loads;
  if (!load(op, algorithm, loads).empty()) return;
  const LinkParameters& link = op.governing();
  for (int protocol = 0; protocol < kProtocolCount; ++protocol) {
    if (!has(link, protocol)) continue;
    if (!link.expected.nccl) {
      const CollectivePlan plan = plan_of(op, loads, protocol);
      best.consider(plan, time_of(plan).time.value());
    } else if (const double seconds = expected_by_nccl(op, algorithm, protocol);
               best.wants(seconds)) {
      best.consider(plan_of(op, loads, protocol), seconds);
    }
  }
}

void consider_in_network(const Operation& op, Best& best) {
  CollectivePlan plan;
  if (!plan_in_network(op, plan).empty()) return;
  best.consider(plan, op.governing().expected.nccl ? expected_by_nccl(op, Algorithm::kInNetwork, 0)
                                                   : time_of(plan).time.value());
}

// Kernels over peer memory come before the library below them, where they take the operation.
void consider_direct(const Operation& op, Best& best) {
  Best direct;
  CollectivePlan plan;
  for (const Algorithm algorithm : {Algorithm::kOneShot, Algorithm::kTwoShot}) {
    if (plan_direct(op, algorithm, plan).empty()) direct.consider(plan, time_of(plan).time.value());
  }
  if (direct.chosen && direct.expected < time_of(best.plan).time.value()) best = direct;
}

bool has_tree(const Operation& op) {
  const bool several_hosts =
      op.innermost() != op.outermost() || op.fanout(op.outermost()) > op.governing().chain;
  return op.governing().tree_share > 0 && several_hosts;
}

CollectivePlan choose(const Operation& op) {
  Best best;
  switch (op.collective) {
    case Collective::kAllReduce:
      consider_protocols(op, Algorithm::kRing, best);
      if (has_tree(op)) consider_protocols(op, Algorithm::kDoubleTree, best);
      consider_protocols(op, Algorithm::kHierarchical, best);
      consider_in_network(op, best);
      consider_direct(op, best);
      break;
    case Collective::kBroadcast:
    case Collective::kReduce:
      consider_protocols(op, Algorithm::kRing, best);
      if (has_tree(op)) consider_protocols(op, Algorithm::kDoubleTree, best);
      break;
    case Collective::kAllGather:
    case Collective::kReduceScatter:
      consider_protocols(op, Algorithm::kRing, best);
      consider_protocols(op, Algorithm::kHierarchical, best);
      break;
    case Collective::kAllToAll:
      consider_protocols(op, Algorithm::kPairwise, best);
      break;
    case Collective::kSendRecv:
      consider_protocols(op, Algorithm::kDirect, best);
      break;
  }
  if (op.governing().all_path) consider_protocols(op, Algorithm::kAllPath, best);
  return best.plan;
}

Refusal plan_forced(const Operation& op, Algorithm algorithm, CollectivePlan& plan) {
  if (algorithm == Algorithm::kInNetwork) return plan_in_network(op, plan);
  if (!has_protocols(algorithm)) return plan_direct(op, algorithm, plan);
  Loads loads;
  if (const Refusal refused = load(op, algorithm, loads); !refused.empty()) return refused;
  Best best;
  const LinkParameters& link = op.governing();
  for (int protocol = 0; protocol < kProtocolCount; ++protocol) {
    if (!has(link, protocol)) continue;
    const CollectivePlan candidate = plan_of(op, loads, protocol);
    const double expected = link.expected.nccl ? expected_by_nccl(op, algorithm, protocol)
                                               : std::numeric_limits<double>::infinity();
    best.consider(candidate, expected < std::numeric_limits<double>::infinity()
                                 ? expected
                                 : time_of(candidate).time.value());
  }
  plan = best.plan;
  return {};
}

}  // namespace

Traffic traffic_of(Collective collective) {
  switch (collective) {
    case Collective::kAllReduce:
      return Traffic::kAllReduce;
    case Collective::kAllGather:
      return Traffic::kAllGather;
    case Collective::kReduceScatter:
      return Traffic::kReduceScatter;
    case Collective::kAllToAll:
      return Traffic::kAllToAll;
    case Collective::kBroadcast:
    case Collective::kReduce:  // a broadcast backwards
      return Traffic::kBroadcast;
    case Collective::kSendRecv:
      return Traffic::kSendRecv;
  }
  return Traffic::kSendRecv;
}

std::string_view name(Collective collective) {
  return collective == Collective::kReduce ? "reduce" : name(traffic_of(collective));
}

Result<CollectivePlan> plan_collective(const Machine& machine, Collective collective,
                                       const Group& group, Bytes bytes,
                                       const CollectiveOptions& options) {
  if (group.size <= 1 || group.fanout.empty()) return CollectivePlan{};
  const Operation op{.machine = machine,
                     .group = group,
                     .collective = collective,
                     .traffic = traffic_of(collective),
                     .bytes = bytes.value(),
                     .busiest = std::max(options.largest_row, options.largest_column),
                     .in_network = options.in_network};
  if (!options.forced) return choose(op);
  CollectivePlan plan;
  const Refusal refused = plan_forced(op, *options.forced, plan);
  if (!refused.empty()) {
    return fail(fmt::format("{} by {}: {}", name(collective), name(*options.forced), refused));
  }
  return plan;
}

CollectiveTime collective_time(const Machine& machine, Collective collective, const Group& group,
                               Bytes bytes) {
  if (group.size <= 1 || group.fanout.empty()) return {};
  return time_of(choose({.machine = machine,
                         .group = group,
                         .collective = collective,
                         .traffic = traffic_of(collective),
                         .bytes = bytes.value()}));
}

}  // namespace fivefold
