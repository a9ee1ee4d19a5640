#include "fivefold/collective/collective.h"

#include <fmt/format.h>

#include "fivefold/collective/operation.h"

namespace fivefold {
namespace {

// The best so far: by the time that a library expects, or by the time that is. Its plan is made at
// the end, once.
struct Best {
  Algorithm algorithm = Algorithm::kDirect;
  int protocol = 0;
  bool chosen = false;
  double seconds = 0;
  CollectiveTime time;  // where that decides
  void consider(Algorithm candidate, int under, double expected) {
    if (chosen && expected >= seconds) return;
    *this = {candidate, under, true, expected, {}};
  }
  void consider(const CollectiveTime& candidate) {
    if (chosen && candidate.time.value() >= seconds) return;
    *this = {candidate.algorithm, candidate.protocol, true, candidate.time.value(), candidate};
  }
};

// The plan of one algorithm under one protocol, which the operation is known to have.
CollectivePlan plan_for(const Operation& op, Algorithm algorithm, int protocol) {
  CollectivePlan plan;
  if (algorithm == Algorithm::kInNetwork) {
    plan_in_network(op, plan);
  } else if (!has_protocols(algorithm)) {
    plan_direct(op, algorithm, plan);
  } else {
    Loads loads;
    load(op, algorithm, loads);
    plan = plan_of(op, loads, protocol);
  }
  return plan;
}

bool has(const LinkParameters& link, int protocol) {
  return link.protocols[std::size_t(protocol)].share > 0;
}

Refusal consider_protocols(const Operation& op, Algorithm algorithm, Best& best,
                           bool by_expectation = true) {
  Loads loads;
  if (const Refusal refused = load(op, algorithm, loads); !refused.empty()) return refused;
  const LinkParameters& link = op.governing();
  for (int protocol = 0; protocol < kProtocolCount; ++protocol) {
    if (!has(link, protocol)) continue;
    if (link.expected.nccl && by_expectation) {
      best.consider(algorithm, protocol, expected_by_nccl(op, algorithm, protocol));
    } else {
      best.consider(time_of(op, loads, protocol));
    }
  }
  return {};
}

void consider_in_network(const Operation& op, Best& best) {
  if (!refuse_in_network(op).empty()) return;
  if (op.governing().expected.nccl) {
    best.consider(Algorithm::kInNetwork, 0, expected_by_nccl(op, Algorithm::kInNetwork, 0));
  } else {
    best.consider(time_of(plan_for(op, Algorithm::kInNetwork, 0)));
  }
}

// Kernels over peer memory come before the library below them, where they take the operation and
// are faster.
void or_direct(const Operation& op, Best& best) {
  if (op.collective != Collective::kAllReduce) return;
  CollectiveTime time;
  for (const Algorithm algorithm : {Algorithm::kOneShot, Algorithm::kTwoShot}) {
    if (time_direct(op, algorithm, time).empty()) best.consider(time);
  }
}

bool has_tree(const Operation& op) {
  const bool several_hosts =
      op.innermost() != op.outermost() || op.fanout(op.outermost()) > op.governing().chain;
  return op.governing().tree_share > 0 && several_hosts;
}

Best choose(const Operation& op) {
  Best best;
  switch (op.collective) {
    case Collective::kAllReduce:
      consider_protocols(op, Algorithm::kRing, best);
      if (has_tree(op)) consider_protocols(op, Algorithm::kDoubleTree, best);
      consider_protocols(op, Algorithm::kHierarchical, best);
      consider_in_network(op, best);
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
  return best;
}

// What the library would do, with its time. No plan is made but of a reduction in switches: the
// planner asks for very many.
Best chosen(const Operation& op) {
  Best best = choose(op);
  if (best.time.time.value() <= 0 && has_protocols(best.algorithm)) {
    Loads loads;
    load(op, best.algorithm, loads);
    best.time = time_of(op, loads, best.protocol);
  } else if (best.time.time.value() <= 0) {
    best.time = time_of(plan_for(op, best.algorithm, best.protocol));
  }
  best.seconds = best.time.time.value();
  or_direct(op, best);
  return best;
}

CollectivePlan chosen_plan(const Operation& op) {
  const Best best = chosen(op);
  return plan_for(op, best.algorithm, best.protocol);
}

Refusal plan_forced(const Operation& op, Algorithm algorithm, CollectivePlan& plan) {
  if (algorithm == Algorithm::kInNetwork) return plan_in_network(op, plan);
  if (!has_protocols(algorithm)) return plan_direct(op, algorithm, plan);
  Best best;
  Refusal refused = consider_protocols(op, algorithm, best);
  if (refused.empty() && std::isinf(best.seconds)) {  // the library expects nothing of it
    best = {};
    refused = consider_protocols(op, algorithm, best, false);
  }
  if (refused.empty()) plan = plan_for(op, algorithm, best.protocol);
  return refused;
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

Operation operation(const Machine& machine, Collective collective, const Group& group,
                    Bytes bytes) {
  Operation op{.machine = machine,
               .group = group,
               .collective = collective,
               .traffic = traffic_of(collective),
               .bytes = bytes.value()};
  while (op.inner + 1 < op.levels() && op.fanout(op.inner) <= 1) ++op.inner;
  op.outer = op.levels() - 1;
  while (op.outer > 0 && op.fanout(op.outer) <= 1) --op.outer;
  return op;
}

std::string_view name(Collective collective) {
  return collective == Collective::kReduce ? "reduce" : name(traffic_of(collective));
}

double bus_share(Collective collective, double ranks) {
  const double others = (ranks - 1) / ranks;
  switch (collective) {
    case Collective::kAllReduce:
      return 2 * others;
    case Collective::kBroadcast:
    case Collective::kReduce:
    case Collective::kSendRecv:
      return 1;
    default:
      return others;
  }
}

Result<CollectivePlan> plan_collective(const Machine& machine, Collective collective,
                                       const Group& group, Bytes bytes,
                                       const CollectiveOptions& options) {
  if (group.size <= 1 || group.fanout.empty()) return CollectivePlan{};
  Operation op = operation(machine, collective, group, bytes);
  op.busiest = std::max(options.largest_row, options.largest_column);
  op.in_network = options.in_network;
  if (!options.forced) return chosen_plan(op);
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
  return chosen(operation(machine, collective, group, bytes)).time;
}

}  // namespace fivefold
