#include "fivefold/planner/serving_load.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "fivefold/base/parallel.h"
#include "fivefold/traffic/traffic.h"

namespace fivefold {
namespace {

constexpr std::size_t kAtOnce = 4;     // factors tried side by side, whatever the machine has
constexpr double kCloseEnough = 1.01;  // of the factors that hold and do not
constexpr double kLeast = 1e-3, kMost = 1e4;

// Which limit more requests miss, or the queue if none does.
std::string limit_of(const SimulationResult& result, const RequestLoad& load, const Slo& slo) {
  std::array<std::size_t, 3> missed{};
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    const auto over = [&](const Slo& one) {
      return one.any() && !holds(result.requests[i], load.requests[i], one);
    };
    missed[0] += over({.ttft = slo.ttft});
    missed[1] += over({.tpot = slo.tpot});
    missed[2] += over({.e2e = slo.e2e});
  }
  const auto most = std::max_element(missed.begin(), missed.end());
  if (*most == 0) return "the queue";
  constexpr std::array<const char*, 3> kNames = {"TTFT", "TPOT", "E2E"};
  return kNames[std::size_t(most - missed.begin())];
}

}  // namespace

Result<LoadTrial> try_load(const SimulationSetup& setup, const RequestLoad& load, const Slo& slo,
                           double share, double factor) {
  const RequestLoad dense = scaled(load, factor);
  const auto result = simulate(setup, dense);
  if (!result) return fail(result.error());
  LoadTrial trial;
  trial.metrics = metrics_of(*result, dense, slo);
  trial.holds = trial.metrics.attainment() >= share && trial.metrics.overload <= 0;
  if (!trial.holds) trial.limit = limit_of(*result, dense, slo);
  return trial;
}

Result<LargestLoad> largest_load(const SimulationSetup& setup, const RequestLoad& load,
                                 const Slo& slo, double share) {
  double low = 0, high = 0;  // the largest that holds, the smallest that does not; 0: none yet
  LoadTrial at_low, at_high;
  while (low == 0 || high == 0 || high / low > kCloseEnough) {
    // Doubled or halved until both ends are there, then between them.
    double first = 0.5, step = 2;
    if (low > 0 && high > 0) {
      step = std::pow(high / low, 1.0 / double(kAtOnce + 1));
      first = low * step;
    } else if (low > 0) {
      first = 2 * low;
    } else if (high > 0) {
      first = high / 16;
    }
    if (first > kMost || (high > 0 && high < kLeast)) break;
    const auto factor = [&](std::size_t i) { return first * std::pow(step, double(i)); };
    std::array<Result<LoadTrial>, kAtOnce> trials;
    parallel_for(kAtOnce,
                 [&](std::size_t i) { trials[i] = try_load(setup, load, slo, share, factor(i)); });
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      if (!trials[i]) return fail(trials[i].error());
      // More load can hold where less did not, by chance of a burst: the first to fail ends it.
      if (!trials[i]->holds) {
        high = factor(i);
        at_high = *trials[i];
        break;
      }
      low = factor(i);
      at_low = *trials[i];
    }
  }
  if (high == 0) {
    const auto beyond = try_load(setup, load, slo, share, 2 * low);
    if (!beyond) return fail(beyond.error());
    at_high = *beyond;
    if (at_high.holds) at_high.limit = "the queue";
  }
  LargestLoad largest;
  largest.beyond = at_high.metrics;
  largest.limit = at_high.limit;
  if (low == 0) return largest;
  largest.factor = low;
  largest.metrics = at_low.metrics;
  const double span = load.span() / low;
  largest.rate = span > 0 ? double(load.requests.size()) / span : 0;
  return largest;
}

}  // namespace fivefold
