#include "fivefold/collective/moe.h"

#include <algorithm>
#include <cmath>

namespace fivefold {

Traffic traffic_of(const MoeExchange& exchange) {
  if (exchange.low_latency) {
    return exchange.combine ? Traffic::kMoeCombineLl : Traffic::kMoeDispatchLl;
  }
  return exchange.combine ? Traffic::kMoeCombine : Traffic::kMoeDispatch;
}

double forwarding_block(const Machine& machine, const Group& group, Traffic traffic) {
  double inside = 1, block = 0;
  for (std::size_t i = 0; i < group.fanout.size(); ++i) {
    if (group.fanout[i] > 1 && machine.levels[i].link[traffic].exchange.forwards) block = inside;
    inside *= group.fanout[i];
  }
  return block;
}

namespace {

// Of `places` equally likely ones, how many distinct ones `choices` draws reach.
double distinct(double places, double choices) {
  return places * (1 - std::pow(1 - 1 / places, choices));
}

// Copies of one token that cross a level; `inside` devices form a block of the level inside, `f`
// such blocks one of this level. A forwarded token enters each block once, at the device of the
// sender's own place, and from there crosses to the other blocks that it needs.
double crossings(const MoeExchange& exchange, double block, double n, double inside, double f) {
  if (exchange.low_latency) return exchange.topk * inside * (f - 1) / n;
  if (block <= 0) return distinct(n, exchange.topk) * inside * (f - 1) / n;
  const double reach = exchange.nodes_limit > 0 ? std::min(n, exchange.nodes_limit * block) : n;
  return distinct(std::max(1.0, reach / inside), exchange.topk) * (f - 1) / f;
}

// Seconds that the port of this level takes for the copies that cross it.
double wire_time(const Machine& machine, const Group& group, const MoeExchange& exchange,
                 Traffic traffic, double block, std::size_t i, double inside) {
  const double bytes = exchange.tokens * exchange.bytes_per_token.value() * exchange.imbalance;
  const double rate =
      usable_bandwidth(machine.levels[i], group.fanout[i], Pattern::kExchange).value() *
      machine.levels[i].link[traffic].efficiency;
  return bytes * crossings(exchange, block, group.size, inside, group.fanout[i]) / rate;
}

// The cores that move this device's copies; besides, each token is read or written once at home.
double core_time(const MoeExchange& exchange, const ExchangeParameters& own, double n) {
  if (own.sm_rate.value() <= 0) return 0;
  const double copies = exchange.low_latency ? exchange.topk : distinct(n, exchange.topk);
  const double sms = exchange.sms > 0 ? exchange.sms : own.sms;
  const double each =
      (copies + 1) * exchange.bytes_per_token.value() / own.sm_rate.value() + own.sm_token.value();
  return exchange.tokens * each / sms * exchange.imbalance;
}

// Copies that one expert takes in from all devices.
double received_by_expert(const MoeExchange& exchange, double n) {
  if (exchange.experts <= 0) return 0;
  return exchange.tokens * exchange.topk * n / exchange.experts * exchange.imbalance;
}

double latency_of(const MoeExchange& exchange, const LinkParameters& link, double n) {
  const ExchangeParameters& own = link.exchange;
  double latency = link.protocols[0].base.value() + link.protocols[0].step.value() * (n - 1) +
                   own.expert_base.value() * exchange.experts;
  if (own.fill_rate.value() > 0) {
    latency += exchange.bytes_per_token.value() / own.fill_rate.value();
  }
  return latency;
}

}  // namespace

MoeFloors moe_floors(const Machine& machine, const Group& group, const MoeExchange& exchange,
                     double received) {
  const Traffic traffic = traffic_of(exchange);
  const LinkParameters* innermost = nullptr;
  const LinkParameters* outermost = nullptr;
  for (std::size_t i = 0; i < group.fanout.size(); ++i) {
    if (group.fanout[i] <= 1) continue;
    outermost = &machine.levels[i].link[traffic];
    if (innermost == nullptr) innermost = outermost;
  }
  MoeFloors floors;
  if (outermost == nullptr) return floors;
  const double n = group.size;
  floors.latency = Seconds(latency_of(exchange, *outermost, n));
  floors.cores = Seconds(core_time(exchange, innermost->exchange, n));
  const BytesPerSecond rate = outermost->exchange.expert_rate;
  if (rate.value() > 0) floors.expert = exchange.bytes_per_token * received / rate;
  return floors;
}

// As latency and transfer of a ring hide behind each other (plan.h).
double beside_cores(const MoeFloors& floors, double wire) {
  return std::hypot(floors.cores.value(), wire);
}

double wire_of_innermost(const Machine& machine, const Group& group, const MoeExchange& exchange) {
  const Traffic traffic = traffic_of(exchange);
  const double block = forwarding_block(machine, group, traffic);
  for (std::size_t i = 0; i < group.fanout.size(); ++i) {
    if (group.fanout[i] <= 1) continue;
    return wire_time(machine, group, exchange, traffic, block, i, 1);
  }
  return 0;
}

CollectiveTime moe_exchange_time(const Machine& machine, const Group& group,
                                 const MoeExchange& exchange) {
  CollectiveTime result;
  result.algorithm = Algorithm::kDirect;
  if (group.size <= 1 || group.fanout.empty()) return result;
  const Traffic traffic = traffic_of(exchange);
  const double n = group.size;
  const double block = forwarding_block(machine, group, traffic);
  const MoeFloors floors = moe_floors(machine, group, exchange, received_by_expert(exchange, n));
  double run = 0, slowest = 0, longest = -1, inside = 1;
  for (std::size_t i = 0; i < group.fanout.size(); ++i) {
    const double f = group.fanout[i];
    if (f <= 1) continue;
    double time = wire_time(machine, group, exchange, traffic, block, i, inside);
    if (inside == 1) time = beside_cores(floors, time);
    inside *= f;
    const bool shares_port = i > 0 && machine.levels[i - 1].carries_outer;
    run = shares_port ? run + time : time;
    slowest = std::max(slowest, run);
    if (time > longest) {
      longest = time;
      result.bottleneck = int(i);
    }
  }
  result.latency = floors.latency;
  result.time = floors.latency + std::max(Seconds(slowest), floors.expert);
  return result;
}

}  // namespace fivefold
