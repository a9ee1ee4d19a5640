#include "fivefold/kernel/walk.h"

#include <algorithm>
#include <cmath>

namespace fivefold {
namespace {

constexpr double kLeastPart = 128;  // tokens of cache that a unit walks at least

}  // namespace

double rounded_up(double value, double to) {
  return std::ceil(value / to) * to;
}

KernelTime walked(const FamilyParameters& p, double cores, const Walk& walk) {
  // Units are handed out longest first, so the cores end together unless one unit is longer than a
  // share.
  const double spread = walk.ops / (p.compute_rate * cores);
  const double arithmetic =
      std::max(spread, walk.unit_ops / p.compute_rate) + p.fill * std::ceil(walk.units / cores);
  const double traffic = walk.bytes / p.memory_rate;
  KernelTime result;
  result.compute = Seconds(arithmetic);
  result.memory = Seconds(traffic);
  result.overhead = Seconds(p.launch);
  result.time = Seconds(p.launch + overlapped(arithmetic, traffic));
  result.limit = limit_of(arithmetic, traffic, p.launch);
  return result;
}

KernelTime decoded(const FamilyParameters& p, double cores, double units, double kv_len,
                   double unit_ops_per_token, double unit_bytes_per_token, double bytes) {
  const double parts = std::max(1.0, std::floor(cores / units));
  const double part = std::max(std::ceil(kv_len / parts), std::min(kv_len, kLeastPart));
  const double per_token =
      std::max(unit_ops_per_token / p.compute_rate, unit_bytes_per_token / p.feed_rate);
  const double waves = std::max(units * parts / cores, 1.0);
  const double walked = waves * part * per_token + p.fill * (1 + std::ceil(units / cores));
  const double traffic = bytes / p.memory_rate;
  KernelTime result;
  result.compute = Seconds(walked);
  result.memory = Seconds(traffic);
  result.overhead = Seconds(p.launch);
  result.time = Seconds(p.launch + overlapped(walked, traffic));
  result.limit = limit_of(walked, traffic, p.launch);
  return result;
}

}  // namespace fivefold
