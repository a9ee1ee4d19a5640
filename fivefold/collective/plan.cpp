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

void set_host(const Operation& op, PlanTerms& plan) {
  const LinkParameters& link = op.governing();
  plan.host = link.host_time;
  if (const Seconds each = op.link(op.innermost()).host_each; each.value() > 0) {
    double of_host = op.ranks();
    for (int i = 0; i < op.levels(); ++i) {
      if (op.link(i).expected.network) of_host /= op.fanout(i);
    }
    plan.host = std::max(plan.host, each * of_host);
  }
  if (link.staging_rate.value() > 0) plan.staging = Bytes(op.bytes) / link.staging_rate;
}

}  // namespace

namespace {

// What lies beside the levels, and each level in turn.
template <class TakeLevel>
PlanTerms walk(const Operation& op, const Loads& loads, int protocol, TakeLevel take) {
  PlanTerms terms;
  terms.algorithm = loads.algorithm;
  terms.protocol = protocol;
  terms.pipelined = loads.pipelined;
  const auto p = std::size_t(protocol);
  const Protocol& own = op.governing().protocols[p];
  const double stretch = filled(own.fill, own.fill_bytes, loads.piece);
  terms.base = own.base * stretch;
  const int innermost = op.innermost();
  for (int i = innermost; i < op.levels(); ++i) {
    if (op.fanout(i) <= 1) continue;
    LevelPlan level = level_plan(op, i, loads.level[std::size_t(i)]);
    const LinkParameters& link = op.link(i);
    const double protocol_share = link.protocols[p].share > 0 ? link.protocols[p].share : 1;
    const double share = i == innermost ? loads.inner_share[p] : 1;
    level.rate = level.rate * (link.efficiency * protocol_share * share);
    level.step = link.protocols[p].step * stretch;
    if (i == innermost && link.copy_share > 0)
      terms.copy = Bytes(loads.piece) / (op.level(i).bandwidth * link.copy_share);
    take(level);
  }
  set_host(op, terms);
  return terms;
}

}  // namespace

CollectivePlan plan_of(const Operation& op, const Loads& loads, int protocol) {
  CollectivePlan plan;
  static_cast<PlanTerms&>(plan) =
      walk(op, loads, protocol, [&](const LevelPlan& level) { plan.levels.push_back(level); });
  return plan;
}

CollectiveTime time_of(const Operation& op, const Loads& loads, int protocol) {
  PlanClock clock;
  return clock.end(walk(op, loads, protocol, [&](const LevelPlan& level) { clock.add(level); }));
}

namespace {

// One-shot: every rank reads all buffers. Two-shot: each reduces its part, then all gather.
Refusal direct(const Operation& op, Algorithm algorithm, PlanTerms& terms, LevelPlan& level) {
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
  terms = {};
  terms.algorithm = algorithm;
  // All peers are met at a barrier before anything moves.
  const double visits = (once ? 1 : 2) * (n - 1);
  terms.base = (once ? direct.one_shot_base : direct.two_shot_base) + direct.step * visits;
  level = level_plan(
      op, i, {.bytes = (once ? n - 1 : 2 * (n - 1) / n) * op.bytes, .steps = once ? 1.0 : 2.0});
  level.rate = level.rate * efficiency;
  set_host(op, terms);
  return {};
}

}  // namespace

Refusal plan_direct(const Operation& op, Algorithm algorithm, CollectivePlan& plan) {
  LevelPlan level;
  plan.levels.clear();
  const Refusal refused = direct(op, algorithm, plan, level);
  if (refused.empty()) plan.levels.push_back(level);
  return refused;
}

Refusal time_direct(const Operation& op, Algorithm algorithm, CollectiveTime& time) {
  PlanTerms terms;
  LevelPlan level;
  const Refusal refused = direct(op, algorithm, terms, level);
  if (!refused.empty()) return refused;
  PlanClock clock;
  clock.add(level);
  time = clock.end(terms);
  return {};
}

Refusal refuse_in_network(const Operation& op) {
  if (op.collective != Collective::kAllReduce) return "switches reduce to all";
  if (!op.in_network) return "the operation rules out reduction in switches";
  const int innermost = op.innermost();
  const LevelKind kind = op.level(innermost).kind;
  const bool switched = kind == LevelKind::kSwitch || kind == LevelKind::kClos;
  if (!switched || op.link(innermost).in_network_efficiency <= 0)
    return "the switches of this fabric do not reduce under this library";
  return {};
}

// The innermost level reduces in its switches. Each rank pulls the sum of its n-th part and
// multicasts it, so that every port carries the buffer and an n-th of it. Outer levels reduce the
// parts by trees.
Refusal plan_in_network(const Operation& op, CollectivePlan& plan) {
  if (const Refusal refused = refuse_in_network(op); !refused.empty()) return refused;
  const int innermost = op.innermost();
  const LinkParameters& link = op.link(innermost);
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

void PlanClock::add(const LevelPlan& level) {
  const LevelTime time = time_of(level);
  (level.waits ? waited_ : hidden_) += time.latency;
  if (!level.shares_port || port_rate_ == 0) {
    port_ = 0;
    port_rate_ = level.rate.value();
  }
  port_ += level.bytes / port_rate_;
  slowest_ = std::max({slowest_, port_, time.transfer});
  one_by_one_ += time.total;
  if (time.transfer > longest_) {
    longest_ = time.transfer;
    bottleneck_ = level.level;
  }
}

LevelTime PlanClock::together() const {
  return {hidden_ + waited_, slowest_, waited_ + beside(hidden_, slowest_)};
}

CollectiveTime PlanClock::end(const PlanTerms& terms) const {
  CollectiveTime result;
  result.algorithm = terms.algorithm;
  result.protocol = terms.protocol;
  result.bottleneck = bottleneck_;
  const double moved = terms.pipelined ? together().total : one_by_one_;
  result.latency = terms.base + Seconds(waited_ + hidden_);
  result.time = terms.staging + std::max(terms.host, terms.base + Seconds(moved) + terms.copy);
  return result;
}

LevelTime time_together(const CollectivePlan& plan) {
  PlanClock clock;
  for (const LevelPlan& level : plan.levels) clock.add(level);
  return clock.together();
}

CollectiveTime time_of(const CollectivePlan& plan) {
  PlanClock clock;
  for (const LevelPlan& level : plan.levels) clock.add(level);
  return clock.end(plan);
}

}  // namespace fivefold
