#include "fivefold/kernel/walk.h"

#include <algorithm>
#include <cmath>

namespace fivefold {
namespace {

constexpr double kLeastPart = 64;  // tokens of cache that a unit walks along at least
// Bytes over the cache's capacity at which the first and the last of them are read from DRAM.
constexpr double kFirstDropped = 0.9, kLastDropped = 1.3;

}  // namespace

double rounded_up(double value, double to) {
  return std::ceil(value / to) * to;
}

UnitRows unit_rows(const FamilyParameters& p, double heads, double queries) {
  const double most = std::max(p.unit_rows, p.tile_m);
  const bool apart = heads > p.together;
  const double rows = rounded_up(apart ? queries : heads * queries, p.tile_m);
  return {(apart ? heads : 1) * std::ceil(rows / most), std::min(rows, most)};
}

double dram_seconds(const FamilyParameters& p, const Moved& moved) {
  double share = 1;
  if (moved.resident && p.cache > 0) {
    const double filled = moved.bytes / p.cache;
    share = std::clamp((filled - kFirstDropped) / (kLastDropped - kFirstDropped), 0.0, 1.0);
  }
  return share * moved.bytes / p.memory_rate;
}

double pair_time(const FamilyParameters& p, double ops) {
  return ops / p.compute_rate + p.score_time;
}

KernelTime walked(const FamilyParameters& p, double cores, const Walk& walk) {
  const double arithmetic = std::max(walk.time / cores, walk.longest);
  const double traffic = dram_seconds(p, walk.moved);
  const double waiting = p.launch + p.fill * std::ceil(walk.units / cores);
  KernelTime result = overlapped_after(waiting, arithmetic, traffic);
  const double busy = walk.time / cores;
  if (std::fmod(walk.units, cores) != 0)
    result.limit = limit_with_tail(result, {busy, arithmetic - busy});
  return result;
}

KernelTime decoded(const FamilyParameters& p, double cores, const CacheWalk& walk) {
  const double most = std::max(1.0, walk.tokens / kLeastPart);
  const double parts = std::clamp(std::min(cores / walk.units, p.parts), 1.0, most);
  const double arithmetic = walk.ops_per_token / p.compute_rate;
  const double brought = walk.bytes_per_token / p.feed_rate;
  const double per_token = std::max(arithmetic, brought);
  const double busy = walk.units * walk.tokens / cores * per_token;
  const double along = std::max(busy, walk.tokens / parts * per_token);
  const double traffic = dram_seconds(p, walk.moved);
  const double waiting = p.launch + p.fill * (1 + std::ceil(walk.units / cores));
  KernelTime result = overlapped_after(waiting, along, traffic);
  if (result.limit == Limit::kCompute && brought > arithmetic) result.limit = Limit::kCache;
  result.limit = limit_with_tail(result, {busy, along - busy});
  return result;
}

}  // namespace fivefold
