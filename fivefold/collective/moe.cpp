#include <algorithm>
#include <cmath>

#include "fivefold/collective/collective.h"

namespace fivefold {
namespace {

// Of `places` equally likely ones, how many distinct ones `choices` draws reach.
double distinct(double places, double choices) {
  return places * (1 - std::pow(1 - 1 / places, choices));
}

}  // namespace

CollectiveTime moe_exchange_time(const Machine& machine, const Group& group,
                                 const MoeExchange& exchange) {
  CollectiveTime result;
  result.algorithm = Algorithm::kDirect;
  if (group.size <= 1 || group.fanout.empty()) return result;
  const Traffic traffic = exchange.combine ? Traffic::kMoeCombine : Traffic::kMoeDispatch;
  const double n = group.size;
  const double copies = exchange.low_latency ? exchange.topk : distinct(n, exchange.topk);
  const double bytes = exchange.tokens * exchange.bytes_per_token.value() * exchange.imbalance;
  double run = 0, slowest = 0, latency = 0, longest = -1, inside = 1;
  for (std::size_t i = 0; i < group.fanout.size(); ++i) {
    const double f = group.fanout[i];
    const Level& level = machine.levels[i];
    const LinkParameters& link = level.link[traffic];
    if (f <= 1) continue;
    double crossings = copies * inside * (f - 1) / n;
    if (link.forwards && !exchange.low_latency) {
      const double blocks = n / inside;
      const double nodes =
          exchange.nodes_limit > 0 ? std::min(blocks, exchange.nodes_limit) : blocks;
      crossings = distinct(nodes, exchange.topk) * (f - 1) / f;
    }
    inside *= f;
    const double rate =
        usable_bandwidth(level, int(f), Pattern::kExchange).value() * link.efficiency;
    const double time = bytes * crossings / rate;
    const bool shares = i > 0 && machine.levels[i - 1].carries_outer;
    run = shares ? run + time : time;
    slowest = std::max(slowest, run);
    latency = std::max(latency, (link.protocols[0].base + link.protocols[0].step).value());
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
