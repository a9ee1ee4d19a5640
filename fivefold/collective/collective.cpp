#include "fivefold/collective/collective.h"

#include <algorithm>
#include <array>
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
  // The levels with more than one member: library parameters of the outermost govern the operation.
  int innermost() const {
    int i = 0;
    while (i + 1 < levels() && fanout(i) <= 1) ++i;
    return i;
  }
  int outermost() const {
    int i = levels() - 1;
    while (i > 0 && fanout(i) <= 1) --i;
    return i;
  }
};

struct Choice {
  int protocol = 0;
  double share = 1;       // of the bandwidth that the protocol reaches
  bool pipelined = true;  // levels work at the same time
};

CollectiveTime never() {
  CollectiveTime result;
  result.time = Seconds(std::numeric_limits<double>::infinity());
  return result;
}

void keep_faster(CollectiveTime& best, const CollectiveTime& candidate) {
  if (candidate.time < best.time) best = candidate;
}

// base + steps + the slowest port: levels that share a port add up, pipelined levels overlap. The
// way through the device's own cores comes on top of the innermost wire.
CollectiveTime time_of(const Operation& op, const Loads& loads, const Choice& choice,
                       Algorithm algorithm) {
  CollectiveTime result;
  result.algorithm = algorithm;
  const auto protocol = std::size_t(choice.protocol);
  const int innermost = op.innermost();
  double latency = op.link(op.outermost()).protocols[protocol].base.value();
  double run = 0, slowest = 0, sum = 0, longest = -1;
  for (int i = 0; i < op.levels(); ++i) {
    if (op.fanout(i) <= 1) continue;
    const Load& load = loads[std::size_t(i)];
    const LinkParameters& link = op.link(i);
    const double rate =
        usable_bandwidth(op.level(i), op.fanout(i), load.pattern).value() * link.efficiency;
    double time = load.bytes / rate;
    if (i == innermost && link.copy_rate.value() > 0) time += op.bytes / link.copy_rate.value();
    const double protocol_share = link.protocols[protocol].share;
    time /= choice.share * (protocol_share > 0 ? protocol_share : 1);
    latency += load.steps * link.protocols[protocol].step.value();
    sum += time;
    const bool shares_port = i > 0 && op.level(i - 1).carries_outer;
    run = shares_port ? run + time : time;
    slowest = std::max(slowest, run);
    if (time > longest) {
      longest = time;
      result.bottleneck = i;
    }
  }
  result.latency = Seconds(latency);
  result.time = Seconds(latency + (choice.pipelined ? slowest : sum));
  return result;
}

// One ring through all ranks, `passes` times around (Patarasuk & Yuan 2009, J. Parallel Distrib.
// Comput. 69: bandwidth-optimal): each rank sends passes (n-1)/n of the buffer. Of a block with m
// members, 1/m of that leaves the block.
CollectiveTime ring(const Operation& op, double passes, int protocol) {
  Loads loads;
  const double n = op.group.size;
  const double sent = passes * (n - 1) / n * op.bytes;
  double inside = 1;
  for (int i = 0; i < op.levels(); ++i) {
    const double f = op.fanout(i);
    const double blocks_outside = n / (inside * f);
    const bool outermost = i == op.outermost();
    loads[std::size_t(i)].bytes = sent * (1 / inside - (outermost ? 0 : 1 / (inside * f)));
    loads[std::size_t(i)].steps = passes * (f - 1) * blocks_outside;
    inside *= f;
  }
  return time_of(op, loads, {.protocol = protocol}, Algorithm::kRing);
}

// Steps of one bandwidth-optimal pass over one level: recursive halving or doubling through a
// switch, every peer at once in a full mesh, dimension by dimension in a mesh or torus (half way
// around each ring in both directions).
double rounds_of(const Level& level, int members) {
  switch (level.kind) {
    case LevelKind::kDirect:
    case LevelKind::kFullMesh:
      return 1;
    case LevelKind::kNdFullMesh:
    case LevelKind::kTorus: {
      double steps = 0;
      int left = members;
      for (const int dim : level.dims) {
        const int used = std::min(dim, left);
        if (used <= 1) break;
        left = (left + used - 1) / used;
        steps += level.kind == LevelKind::kTorus ? std::ceil((used - 1) / 2.0) : 1;
      }
      return steps;
    }
    default:
      return std::ceil(std::log2(double(members)));
  }
}

// Level by level, each on the shard that the inner ones leave: reduce-scatter inside, all-reduce
// across, all-gather inside (Thakur, Rabenseifner, Gropp 2005, IJHPCA 19).
CollectiveTime hierarchical(const Operation& op, double passes, int protocol) {
  Loads loads;
  double shard = op.bytes;
  for (int i = 0; i < op.levels(); ++i) {
    const double f = op.fanout(i);
    loads[std::size_t(i)] = {.bytes = passes * (f - 1) / f * shard,
                             .steps = f > 1 ? passes * rounds_of(op.level(i), op.fanout(i)) : 0};
    shard /= f;
  }
  return time_of(op, loads, {.protocol = protocol, .pipelined = false}, Algorithm::kHierarchical);
}

double rounds(double members) {
  return std::ceil(std::log2(members));
}

// Double binary tree (Sanders, Speck, Traff 2009, Parallel Computing 35) up and down: a chain
// through the ranks of a host, a tree over hosts; half of the buffer over each of two trees.
CollectiveTime tree(const Operation& op, double share, int protocol) {
  Loads loads;
  double inside = 1;
  const int innermost = op.innermost();
  for (int i = 0; i < op.levels(); ++i) {
    const double f = op.fanout(i);
    Load& load = loads[std::size_t(i)];
    load.bytes = i == innermost ? 2 * op.bytes : 2 * (f - 1) / f * op.bytes / inside;
    const double chain = i == innermost ? std::min(f, op.link(i).chain) : 1;
    load.steps = 2 * (chain - 1 + rounds(f / chain));
    inside *= f;
  }
  return time_of(op, loads, {.protocol = protocol, .share = share}, Algorithm::kTree);
}

// One-shot: every rank reads all buffers. Two-shot: each reduces its part, then all gather.
void consider_direct(const Operation& op, CollectiveTime& best) {
  const int i = op.outermost();
  const DirectKernels& direct = op.link(i).direct;
  const double n = op.group.size;
  if (op.innermost() != i || n > direct.most_ranks || op.bytes > direct.largest.value()) return;
  const double rate = usable_bandwidth(op.level(i), op.fanout(i), Pattern::kReduction).value();
  const auto consider = [&](double bytes, double efficiency, double latency, Algorithm algorithm) {
    if (efficiency <= 0) return;
    CollectiveTime candidate;
    candidate.algorithm = algorithm;
    candidate.bottleneck = i;
    candidate.latency = Seconds(latency);
    candidate.time = Seconds(latency + bytes / (rate * efficiency));
    keep_faster(best, candidate);
  };
  const double visit = direct.step.value() * (n - 1);
  consider((n - 1) * op.bytes, direct.one_shot_efficiency, direct.one_shot_base.value() + visit,
           Algorithm::kOneShot);
  consider(2 * (n - 1) / n * op.bytes, direct.two_shot_efficiency,
           direct.two_shot_base.value() + 2 * visit, Algorithm::kTwoShot);
}

// The innermost level reduces in its switches. Each rank pulls the sum of its n-th part and
// multicasts it, so that every port carries the buffer and an n-th of it (NVLS; the gain over a
// ring, 2(n-1)/(n+1), is 1.2 at 4 ranks and 1.56 at 8). Outer levels reduce the parts by trees.
void consider_in_network(const Operation& op, CollectiveTime& best) {
  const int innermost = op.innermost();
  const LinkParameters& link = op.link(innermost);
  const LevelKind kind = op.level(innermost).kind;
  const bool switched = kind == LevelKind::kSwitch || kind == LevelKind::kClos;
  if (!switched || link.in_network_efficiency <= 0) return;
  Loads loads;
  double inside = op.fanout(innermost);
  for (int i = innermost + 1; i < op.levels(); ++i) {
    const double f = op.fanout(i);
    loads[std::size_t(i)] = {.bytes = 2 * (f - 1) / f * op.bytes / inside, .steps = 2 * rounds(f)};
    inside *= f;
  }
  CollectiveTime outer = time_of(op, loads, {}, Algorithm::kInNetwork);
  const double n = op.fanout(innermost);
  const double rate = op.level(innermost).bandwidth.value() * link.in_network_efficiency;
  const double wire = (n + 1) / n * op.bytes / rate;
  const double outside = (outer.time - outer.latency).value();
  if (wire > outside) outer.bottleneck = innermost;
  outer.latency += link.in_network_base - op.link(op.outermost()).protocols[0].base;
  outer.time = outer.latency + Seconds(std::max(wire, outside));
  keep_faster(best, outer);
}

CollectiveTime all_reduce(const Operation& op) {
  CollectiveTime best = never();
  const LinkParameters& link = op.link(op.outermost());
  const bool several_hosts =
      op.innermost() != op.outermost() || op.fanout(op.outermost()) > link.chain;
  for (int protocol = 0; protocol < kProtocolCount; ++protocol) {
    if (link.protocols[std::size_t(protocol)].share <= 0) continue;
    keep_faster(best, ring(op, 2, protocol));
    if (link.hierarchical) keep_faster(best, hierarchical(op, 2, protocol));
    if (link.tree_share > 0 && several_hosts)
      keep_faster(best, tree(op, link.tree_share, protocol));
  }
  consider_direct(op, best);
  consider_in_network(op, best);
  return best;
}

CollectiveTime one_pass(const Operation& op) {
  CollectiveTime best = never();
  const LinkParameters& link = op.link(op.outermost());
  for (int protocol = 0; protocol < kProtocolCount; ++protocol) {
    if (link.protocols[std::size_t(protocol)].share <= 0) continue;
    keep_faster(best, ring(op, 1, protocol));
    if (link.hierarchical) keep_faster(best, hierarchical(op, 1, protocol));
  }
  return best;
}

// Each rank sends 1/n of its buffer to each other; what goes to a destination in the same block of
// a level but not of the level inside crosses that level.
CollectiveTime all_to_all(const Operation& op) {
  Loads loads;
  double inside = 1;
  for (int i = 0; i < op.levels(); ++i) {
    const double members = inside * op.fanout(i);
    loads[std::size_t(i)] = {.bytes = (members - inside) / op.group.size * op.bytes,
                             .steps = members - inside,
                             .pattern = Pattern::kExchange};
    inside = members;
  }
  CollectiveTime best = never();
  for (int protocol = 0; protocol < kProtocolCount; ++protocol) {
    if (op.link(op.outermost()).protocols[std::size_t(protocol)].share <= 0) continue;
    keep_faster(best, time_of(op, loads, {.protocol = protocol}, Algorithm::kPairwise));
  }
  return best;
}

// One message over the outermost level of the group.
CollectiveTime send_recv(const Operation& op) {
  const int outermost = op.outermost();
  Loads loads;
  loads[std::size_t(outermost)] = {.bytes = op.bytes, .steps = 1, .pattern = Pattern::kPair};
  CollectiveTime best = never();
  for (int protocol = 0; protocol < kProtocolCount; ++protocol) {
    if (op.link(outermost).protocols[std::size_t(protocol)].share <= 0) continue;
    keep_faster(best, time_of(op, loads, {.protocol = protocol}, Algorithm::kDirect));
  }
  return best;
}

CollectiveTime fastest(const Operation& op, Collective collective) {
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
  CollectiveTime result = fastest(op, collective);
  const LinkParameters& link = op.link(op.outermost());
  if (link.staging_rate.value() > 0) result.time += bytes / link.staging_rate;
  result.time = std::max(result.time, link.host_time);
  return result;
}

}  // namespace fivefold
