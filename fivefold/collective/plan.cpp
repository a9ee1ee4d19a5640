#include "fivefold/collective/plan.h"

#include "fivefold/collective/operation.h"

namespace fivefold {
namespace {

// What a protocol adds to its latency for a piece of so many bytes: the piece waits until its
// channels are full, larger ones take more channels.
double filled(double fill, Bytes fill_bytes, double piece) {
  if (fill <= 0) return 1;
  return 1 + fill * std::min(1.0, piece / std::max(1.0, fill_bytes.value()));
}

LevelPlan level_plan(const Operation& op, int i, const Load& load) {
  const bool shares_port = i > 0 && op.level(i - 1).carries_outer;
  return {.level = i,
          .bytes = load.bytes,
          .steps = load.steps,
          .step = Seconds(0),
          .rate = usable_bandwidth(op.level(i), op.fanout(i), load.pattern),
          .shares_port = shares_port,
          .waits = op.link(i).expected.network,
          .pattern = load.pattern};
}

void set_host(const Operation& op, CollectivePlan& plan) {
  const LinkParameters& link = op.governing();
  double of_host = op.ranks();
  for (int i = 0; i < op.levels(); ++i) {
    if (op.link(i).expected.network) of_host /= op.fanout(i);
  }
  plan.host = std::max(link.host_time, op.link(op.innermost()).host_each * of_host);
  if (link.staging_rate.value() > 0) plan.staging = Bytes(op.bytes) / link.staging_rate;
}

}  // namespace

CollectivePlan plan_of(const Operation& op, const Loads& loads, int protocol) {
  CollectivePlan plan;
  plan.algorithm = loads.algorithm;
  plan.protocol = protocol;
  plan.pipelined = loads.pipelined;
  const auto p = std::size_t(protocol);
  const LinkParameters& governing = op.governing();
  const Protocol& own = governing.protocols[p];
  const double stretch = filled(own.fill, own.fill_bytes, loads.piece);
  plan.base = own.base * stretch;
  for (int i = 0; i < op.levels(); ++i) {
    if (op.fanout(i) <= 1) continue;
    LevelPlan level = level_plan(op, i, loads.level[std::size_t(i)]);
    const LinkParameters& link = op.link(i);
    const double protocol_share = link.protocols[p].share > 0 ? link.protocols[p].share : 1;
    const double share = i == op.innermost() ? loads.inner_share[p] : 1;
    level.rate = level.rate * (link.efficiency * protocol_share * share);
    level.step = link.protocols[p].step * stretch;
    if (i == op.innermost() && link.copy_share > 0)
      plan.copy = Bytes(loads.piece) / (op.level(i).bandwidth * link.copy_share);
    plan.levels.push_back(level);
  }
  set_host(op, plan);
  return plan;
}

// One-shot: every rank reads all buffers. Two-shot: each reduces its part, then all gather.
Refusal plan_direct(const Operation& op, Algorithm algorithm, CollectivePlan& plan) {
  if (op.collective != Collective::kAllReduce) return "kernels over peer memory reduce to all";
  const int i = op.outermost();
  const DirectKernels& direct = op.link(i).direct;
  const double n = op.ranks();
  const bool once = algorithm == Algorithm::kOneShot;
  const double efficiency = once ? direct.one_shot_efficiency : direct.two_shot_efficiency;
  if (efficiency <= 0) return "the library has no such kernel on this fabric";
  if (op.innermost() != i) return "kernels over peer memory stay on one level";
  if (n > direct.most_ranks || op.bytes > direct.largest.value())
    return "the library's kernel takes fewer ranks or bytes";
  plan = {};
  plan.algorithm = algorithm;
  // All peers are met at a barrier before anything moves.
  const double visits = (once ? 1 : 2) * (n - 1);
  plan.base = (once ? direct.one_shot_base : direct.two_shot_base) + direct.step * visits;
  LevelPlan level = level_plan(
      op, i,
      {.bytes = (once ? n - 1 : 2 * (n - 1) / n) * op.bytes, .steps = (once ? 1 : 2) * (n - 1)});
  level.rate = level.rate * efficiency;
  level.step = direct.step;
  plan.pipelined = true;
  plan.levels.push_back(level);
  set_host(op, plan);
  return {};
}

// The innermost level reduces in its switches. Each rank pulls the sum of its n-th part and
// multicasts it, so that every port carries the buffer and an n-th of it. Outer levels reduce the
// parts by trees.
Refusal plan_in_network(const Operation& op, CollectivePlan& plan) {
  if (op.collective != Collective::kAllReduce) return "switches reduce to all";
  if (!op.in_network) return "the operation rules out reduction in switches";
  const int innermost = op.innermost();
  const LinkParameters& link = op.link(innermost);
  const LevelKind kind = op.level(innermost).kind;
  const bool switched = kind == LevelKind::kSwitch || kind == LevelKind::kClos;
  if (!switched || link.in_network_efficiency <= 0)
    return "the switches of this fabric do not reduce under this library";
  Loads loads;
  loads.algorithm = Algorithm::kInNetwork;
  const double n = op.fanout(innermost);
  loads.level[std::size_t(innermost)].bytes = (n + 1) / n * op.bytes;
  double inside = n;
  for (int i = innermost + 1; i < op.levels(); ++i) {
    const double f = op.fanout(i);
    loads.level[std::size_t(i)] = {.bytes = 2 * (f - 1) / f * op.bytes / inside,
                                   .steps = f > 1 ? 2 * rounds(f) : 0};
    inside *= f;
  }
  plan = plan_of(op, loads, 0);
  plan.copy = Seconds(0);
  plan.base =
      link.in_network_base * filled(link.in_network_fill, link.in_network_fill_bytes, op.bytes);
  plan.base += link.in_network_step * (std::ceil(n / std::max(1.0, link.chain)) - 1);
  LevelPlan& reducing = plan.levels[0];
  reducing.rate = op.level(innermost).bandwidth * link.in_network_efficiency;
  return {};
}

namespace {

// As std::hypot, for numbers far from the ends of their range.
double beside(double a, double b) {
  return std::sqrt(a * a + b * b);
}

}  // namespace

LevelTime time_of(const LevelPlan& level) {
  LevelTime time;
  time.latency = level.steps * level.step.value();
  time.transfer = level.bytes > 0 ? level.bytes / level.rate.value() : 0;
  time.total = level.waits ? time.latency + time.transfer : beside(time.latency, time.transfer);
  return time;
}

LevelTime time_together(const CollectivePlan& plan) {
  LevelTime time;
  double hidden = 0, waited = 0, port = 0, port_rate = 1;
  for (const LevelPlan& level : plan.levels) {
    (level.waits ? waited : hidden) += level.steps * level.step.value();
    if (!level.shares_port) {
      port = 0;
      port_rate = level.rate.value();
    }
    port += level.bytes / port_rate;
    time.transfer = std::max({time.transfer, port, time_of(level).transfer});
  }
  time.latency = hidden + waited;
  time.total = waited + beside(hidden, time.transfer);
  return time;
}

CollectiveTime time_of(const CollectivePlan& plan) {
  CollectiveTime result;
  result.algorithm = plan.algorithm;
  result.protocol = plan.protocol;
  double latency = 0, in_turn = 0, longest = -1;
  for (const LevelPlan& level : plan.levels) {
    const LevelTime time = time_of(level);
    latency += time.latency;
    in_turn += time.total;
    if (time.transfer > longest) {
      longest = time.transfer;
      result.bottleneck = level.level;
    }
  }
  const double moved = plan.pipelined ? time_together(plan).total : in_turn;
  result.latency = plan.base + Seconds(latency);
  result.time = plan.staging + std::max(plan.host, plan.base + Seconds(moved) + plan.copy);
  return result;
}

}  // namespace fivefold
