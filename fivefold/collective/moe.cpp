#include <algorithm>
#include <cmath>

#include "fivefold/collective/collective.h"

namespace fivefold {
namespace {

// Of `places` equally likely ones, how many distinct ones `choices` draws reach.
double distinct(double places, double choices) {
  return places * (1 - std::pow(1 - 1 / places, choices));
}

Traffic traffic_of(const MoeExchange& exchange) {
  if (exchange.low_latency) {
    return exchange.combine ? Traffic::kMoeCombineLl : Traffic::kMoeDispatchLl;
  }
  return exchange.combine ? Traffic::kMoeCombine : Traffic::kMoeDispatch;
}

// Copies of one token that cross a level: `inside` devices form a block of the level inside, `f`
// blocks one of this level.
double crossings(const MoeExchange& exchange, bool forwards, double n, double inside, double f) {
  if (exchange.low_latency) return exchange.topk * inside * (f - 1) / n;
  if (!forwards) return distinct(n, exchange.topk) * inside * (f - 1) / n;
  const double blocks = n / inside;
  const double reachable =
      exchange.nodes_limit > 0 ? std::min(blocks, exchange.nodes_limit) : blocks;
  return distinct(reachable, exchange.topk) * (f - 1) / f;
}

// The device's own part beside the wire: cores that move copies, experts that take them in.
double device_time(const MoeExchange& exchange, const ExchangeParameters& own, double n) {
  const double copies =
      exchange.tokens * (exchange.low_latency ? exchange.topk : distinct(n, exchange.topk));
  const double bytes = exchange.bytes_per_token.value();
  double time = 0;
  if (own.sm_rate.value() > 0) {
    const double sms = exchange.sms > 0 ? exchange.sms : own.sms;
    time = copies * (bytes / own.sm_rate.value() + own.sm_token.value()) / sms;
  }
  if (own.expert_rate.value() > 0 && exchange.experts > 0) {
    const double each = exchange.tokens * exchange.topk * n / exchange.experts;
    time = std::max(time, each * bytes / own.expert_rate.value());
  }
  return time * exchange.imbalance;
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

CollectiveTime moe_exchange_time(const Machine& machine, const Group& group,
                                 const MoeExchange& exchange) {
  CollectiveTime result;
  result.algorithm = Algorithm::kDirect;
  if (group.size <= 1 || group.fanout.empty()) return result;
  const Traffic traffic = traffic_of(exchange);
  const double n = group.size;
  const double bytes = exchange.tokens * exchange.bytes_per_token.value() * exchange.imbalance;
  double run = 0, slowest = 0, latency = 0, longest = -1, inside = 1;
  for (std::size_t i = 0; i < group.fanout.size(); ++i) {
    const double f = group.fanout[i];
    if (f <= 1) continue;
    const Level& level = machine.levels[i];
    const LinkParameters& link = level.link[traffic];
    const double rate =
        usable_bandwidth(level, group.fanout[i], Pattern::kExchange).value() * link.efficiency;
    double time = bytes * crossings(exchange, link.exchange.forwards, n, inside, f) / rate;
    inside *= f;
    const bool shares_port = i > 0 && machine.levels[i - 1].carries_outer;
    run = shares_port ? run + time : time;
    slowest = std::max({slowest, run, device_time(exchange, link.exchange, n)});
    // The outermost level that takes part governs.
    latency = latency_of(exchange, link, n);
    if (time > longest) {
      longest = time;
      result.bottleneck = int(i);
    }
  }
  result.latency = Seconds(latency);
  result.time = Seconds(latency + slowest);
  return result;
}

}  // namespace fivefold
