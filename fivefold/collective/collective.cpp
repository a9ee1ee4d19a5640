#include "fivefold/collective/collective.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fivefold {
namespace {

constexpr int kMaxLevels = 8;

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
      return Traffic::kBroadcast;
    case Collective::kSendRecv:
      return Traffic::kSendRecv;
  }
  return Traffic::kSendRecv;
}

// What one algorithm asks of one level: bytes through each device's port, and steps one after the
// other.
struct Load {
  double bytes = 0;
  double steps = 0;
  Pattern pattern = Pattern::kReduction;
};
using Loads = std::array<Load, kMaxLevels>;

struct Operation {
  const Machine& machine;
  const Group& group;
  Traffic traffic;
  double bytes;
  int levels() const { return int(group.fanout.size()); }
  const Level& level(int i) const { return machine.levels[std::size_t(i)]; }
  const LinkParameters& link(int i) const { return level(i).link[traffic]; }
  int fanout(int i) const { return group.fanout[std::size_t(i)]; }
  // The outermost level with more than one member: its library parameters govern the operation.
  int outermost() const {
    int found = 0;
    for (int i = 0; i < levels(); ++i) {
      if (fanout(i) > 1) found = i;
    }
    return found;
  }
};

struct Choice {
  double share = 1;       // of the link's efficiency
  int protocol = 0;       // index, or -1 for `direct`
  bool pipelined = true;  // levels work at the same time
};

const Protocol& protocol_of(const LinkParameters& link, int protocol) {
  return protocol < 0 ? link.direct : link.protocols[std::size_t(protocol)];
}

// base + steps + the slowest port (levels that share a port add up; pipelined levels overlap).
CollectiveTime time_of(const Operation& op, const Loads& loads, const Choice& choice,
                       Algorithm algorithm) {
  CollectiveTime result;
  result.algorithm = algorithm;
  double latency = protocol_of(op.link(op.outermost()), choice.protocol).base.value();
  double run = 0, slowest = 0, sum = 0, longest_level = -1;
  for (int i = 0; i < op.levels(); ++i) {
    if (op.fanout(i) <= 1) continue;
    const Load& load = loads[std::size_t(i)];
    const LinkParameters& link = op.link(i);
    const Protocol& protocol = protocol_of(link, choice.protocol);
    const double share = protocol.share > 0 ? protocol.share : 1;
    const double rate = usable_bandwidth(op.level(i), op.fanout(i), load.pattern).value() *
                        link.efficiency * share * choice.share;
    const double time =
        load.bytes > 0 ? (load.bytes + link.half_size.value() * (choice.protocol == 0)) / rate : 0;
    latency += load.steps * protocol.step.value();
    sum += time;
    const bool shares = i > 0 && op.level(i - 1).carries_outer;
    run = shares ? run + time : time;
    slowest = std::max(slowest, run);
    if (time > longest_level) {
      longest_level = time;
      result.bottleneck = i;
    }
  }
  result.latency = Seconds(latency);
  result.time = Seconds(latency + (choice.pipelined ? slowest : sum));
  return result;
}

void keep_faster(CollectiveTime& best, const CollectiveTime& candidate) {
  if (candidate.time < best.time) best = candidate;
}

// Bytes through each device's port when rings (or trees) run inside out, each outer level on the
// shard that the inner ones leave: passes x (f-1)/f of the shard (Patarasuk & Yuan 2009, J.
// Parallel Distrib. Comput. 69: bandwidth-optimal; Thakur et al. 2005 for the hierarchy).
Loads reduction_bytes(const Operation& op, double passes) {
  Loads loads;
  double shard = op.bytes;
  for (int i = 0; i < op.levels(); ++i) {
    const double f = op.fanout(i);
    loads[std::size_t(i)].bytes = passes * (f - 1) / f * shard;
    shard /= f;
  }
  return loads;
}

CollectiveTime ring(const Operation& op, double passes, int protocol) {
  Loads loads = reduction_bytes(op, passes);
  // One ring through all: n-1 steps a pass, each block boundary of a level crossed by as many steps
  // as there are blocks behind it.
  double outer = 1;
  for (int i = op.levels() - 1; i >= 0; --i) {
    loads[std::size_t(i)].steps = passes * (op.fanout(i) - 1) * outer;
    outer *= op.fanout(i);
  }
  return time_of(op, loads, {.protocol = protocol}, Algorithm::kRing);
}

CollectiveTime hierarchical(const Operation& op, double passes, int protocol) {
  Loads loads = reduction_bytes(op, passes);
  for (int i = 0; i < op.levels(); ++i) loads[std::size_t(i)].steps = passes * (op.fanout(i) - 1);
  return time_of(op, loads, {.protocol = protocol, .pipelined = false}, Algorithm::kHierarchical);
}

// Double binary tree: reduce to the roots and broadcast back (Sanders, Speck, Traff 2009), depth
// log2.
CollectiveTime tree(const Operation& op, double share, int protocol) {
  Loads loads = reduction_bytes(op, 2);
  for (int i = 0; i < op.levels(); ++i) {
    loads[std::size_t(i)].steps = 2 * std::ceil(std::log2(double(op.fanout(i))));
  }
  return time_of(op, loads, {.share = share, .protocol = protocol}, Algorithm::kTree);
}

void consider_direct(const Operation& op, CollectiveTime& best) {
  Loads one;
  Loads two = reduction_bytes(op, 2);
  double reached = 1;
  for (int i = 0; i < op.levels(); ++i) {
    const double members = reached * op.fanout(i);
    one[std::size_t(i)] = {.bytes = (members - reached) * op.bytes, .steps = 1};
    two[std::size_t(i)].steps = 2;
    reached = members;
  }
  keep_faster(best, time_of(op, one, {.protocol = -1}, Algorithm::kOneShot));
  keep_faster(best, time_of(op, two, {.protocol = -1}, Algorithm::kTwoShot));
}

// The innermost level reduces in its switches: a device sends its buffer once and receives the sum
// once; outer levels reduce the shards (NVLS and NVLS tree of NCCL).
CollectiveTime in_network(const Operation& op) {
  Loads loads = reduction_bytes(op, 2);
  const LinkParameters& link = op.link(0);
  loads[0].bytes = op.bytes;
  loads[0].steps = 2;
  for (int i = 1; i < op.levels(); ++i) {
    loads[std::size_t(i)].steps = 2 * std::ceil(std::log2(double(op.fanout(i))));
  }
  CollectiveTime result = time_of(op, loads, {}, Algorithm::kInNetwork);
  const double wire = op.bytes / op.level(0).bandwidth.value();
  const double extra = wire / link.in_network_efficiency - wire / link.efficiency;
  result.time += Seconds(std::max(0.0, extra)) + link.in_network_base;
  result.latency += link.in_network_base;
  return result;
}

CollectiveTime all_reduce(const Operation& op) {
  CollectiveTime best;
  best.time = Seconds(std::numeric_limits<double>::infinity());
  const LinkParameters& link = op.link(op.outermost());
  for (int p = 0; p < kProtocolCount; ++p) {
    if (link.protocols[std::size_t(p)].share <= 0) continue;
    keep_faster(best, ring(op, 2, p));
    keep_faster(best, hierarchical(op, 2, p));
    if (link.tree_share > 0) keep_faster(best, tree(op, link.tree_share, p));
  }
  if (link.direct.share > 0) consider_direct(op, best);
  if (op.fanout(0) > 1 && op.link(0).in_network_efficiency > 0) keep_faster(best, in_network(op));
  return best;
}

CollectiveTime one_pass(const Operation& op) {
  CollectiveTime best;
  best.time = Seconds(std::numeric_limits<double>::infinity());
  const LinkParameters& link = op.link(op.outermost());
  for (int p = 0; p < kProtocolCount; ++p) {
    if (link.protocols[std::size_t(p)].share <= 0) continue;
    keep_faster(best, ring(op, 1, p));
    keep_faster(best, hierarchical(op, 1, p));
  }
  return best;
}

// Each rank sends 1/n of its buffer to each other; what goes to a destination in the same block of
// a level but not of the level inside crosses that level.
CollectiveTime all_to_all(const Operation& op) {
  Loads loads;
  double reached = 1;
  for (int i = 0; i < op.levels(); ++i) {
    const double members = reached * op.fanout(i);
    loads[std::size_t(i)] = {.bytes = (members - reached) / op.group.size * op.bytes,
                             .steps = members - reached,
                             .pattern = Pattern::kExchange};
    reached = members;
  }
  CollectiveTime best;
  best.time = Seconds(std::numeric_limits<double>::infinity());
  const LinkParameters& link = op.link(op.outermost());
  for (int p = 0; p < kProtocolCount; ++p) {
    if (link.protocols[std::size_t(p)].share <= 0) continue;
    keep_faster(best, time_of(op, loads, {.protocol = p}, Algorithm::kPairwise));
  }
  return best;
}

// One message over the outermost level of the group; every level inside that shares its port
// carries it.
CollectiveTime send_recv(const Operation& op) {
  const int level = op.outermost();
  Loads loads;
  loads[std::size_t(level)] = {.bytes = op.bytes, .steps = 1, .pattern = Pattern::kPair};
  CollectiveTime best;
  best.time = Seconds(std::numeric_limits<double>::infinity());
  for (int p = 0; p < kProtocolCount; ++p) {
    if (op.link(level).protocols[std::size_t(p)].share <= 0) continue;
    keep_faster(best, time_of(op, loads, {.protocol = p}, Algorithm::kDirect));
  }
  return best;
}

}  // namespace

std::string_view name(Collective collective) {
  return name(traffic_of(collective));
}

std::string_view name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kRing:
      return "ring";
    case Algorithm::kTree:
      return "tree";
    case Algorithm::kOneShot:
      return "one_shot";
    case Algorithm::kTwoShot:
      return "two_shot";
    case Algorithm::kHierarchical:
      return "hierarchical";
    case Algorithm::kInNetwork:
      return "in_network";
    case Algorithm::kPairwise:
      return "pairwise";
    case Algorithm::kDirect:
      return "direct";
  }
  return "";
}

CollectiveTime collective_time(const Machine& machine, Collective collective, const Group& group,
                               Bytes bytes) {
  if (group.size <= 1 || group.fanout.empty()) return {};
  const Operation op{machine, group, traffic_of(collective), bytes.value()};
  switch (collective) {
    case Collective::kAllReduce:
      return all_reduce(op);
    case Collective::kAllGather:
    case Collective::kReduceScatter:
    case Collective::kBroadcast:
      return one_pass(op);
    case Collective::kAllToAll:
      return all_to_all(op);
    case Collective::kSendRecv:
      return send_recv(op);
  }
  return {};
}

}  // namespace fivefold
