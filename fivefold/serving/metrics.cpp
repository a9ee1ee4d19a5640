#include "fivefold/serving/metrics.h"

#include <algorithm>
#include <cmath>

#include "fivefold/base/statistics.h"

namespace fivefold {
namespace {

TimeSpread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  TimeSpread s;
  s.mean = mean(values);
  s.p50 = sorted_quantile(values, 0.5);
  s.p90 = sorted_quantile(values, 0.9);
  s.p95 = sorted_quantile(values, 0.95);
  s.p99 = sorted_quantile(values, 0.99);
  s.largest = values.back();
  for (double& value : values) value = (value - s.mean) * (value - s.mean);
  s.deviation = std::sqrt(mean(values));
  return s;
}

TimeSpread spread_of(const Histogram& h) {
  return {h.mean(),         h.deviation(),    h.quantile(0.5), h.quantile(0.9),
          h.quantile(0.95), h.quantile(0.99), h.largest()};
}

// Since the queue was last empty, requests have come faster than they were served: by how much. A
// queue that is empty now and then, or small against what came, is no overload.
double overload_of(const SimulationResult& result, const RequestLoad& load) {
  constexpr double kLong = 0.25;  // of all arrivals
  constexpr double kLarge = 0.02;
  double empty = load.requests.front().arrival, waiting = 0;
  for (const LoadSample& s : result.samples) {
    if (s.time > load.span()) break;
    if (s.waiting == 0) empty = s.time;
    waiting = s.waiting;
  }
  const auto since =
      std::lower_bound(load.requests.begin(), load.requests.end(), empty,
                       [](const Request& r, double time) { return r.arrival < time; });
  const auto came = double(load.requests.end() - since);
  if (came < kLong * double(load.requests.size()) || waiting < kLarge * came) return 0;
  return came / std::max(1.0, came - waiting) - 1;
}

}  // namespace

double ttft_of(const RequestTimes& times) {
  return times.first_token - times.arrival;
}

double tpot_of(const RequestTimes& times, const Request& request) {
  return request.output > 1 ? (times.finish - times.first_token) / (request.output - 1) : 0;
}

bool holds(const RequestTimes& times, const Request& request, const Slo& slo) {
  const auto within = [](double value, Seconds limit) {
    return limit <= Seconds(0) || value <= limit.value();
  };
  return within(ttft_of(times), slo.ttft) && within(tpot_of(times, request), slo.tpot) &&
         within(times.finish - times.arrival, slo.e2e);
}

ServingMetrics metrics_of(const SimulationResult& result, const RequestLoad& load, const Slo& slo) {
  const bool closed = load.span() <= 0;
  ServingMetrics m;
  m.requests = result.requests.size();
  m.duration = result.makespan;
  m.output_tokens = double(result.output_tokens);
  m.input_tokens = double(result.prompt_tokens);
  m.cached_tokens = double(result.cached_tokens);
  std::vector<double> ttft, tpot, e2e, queue;
  for (auto* values : {&ttft, &tpot, &e2e, &queue}) values->reserve(m.requests);
  for (std::size_t i = 0; i < m.requests; ++i) {
    const RequestTimes& times = result.requests[i];
    ttft.push_back(ttft_of(times));
    if (load.requests[i].output > 1) tpot.push_back(tpot_of(times, load.requests[i]));
    e2e.push_back(times.finish - times.arrival);
    queue.push_back(times.scheduled - times.arrival);
    m.within += holds(times, load.requests[i], slo);
  }
  if (m.duration > 0) m.mean_concurrency = pairwise_sum(e2e) / m.duration;
  m.ttft = spread_of(std::move(ttft));
  m.tpot = spread_of(std::move(tpot));
  m.e2e = spread_of(std::move(e2e));
  m.queue = spread_of(std::move(queue));
  m.itl = spread_of(result.itl);
  if (!closed) m.overload = overload_of(result, load);
  return m;
}

}  // namespace fivefold
