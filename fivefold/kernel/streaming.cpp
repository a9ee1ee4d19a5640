// Operators that only move bytes.
//
// What is read and written crosses the memory interface. What one launch leaves for the next
// crosses it only as far as the cache does not hold it. All of it passes through the cores, at most
// at the rate of the on-chip network: that is what arrays take that fit in the cache, and what
// short transfers take that do not fill the memory system is launch.
#include <algorithm>
#include <cmath>

#include "fivefold/kernel/parameters.h"

namespace fivefold {
namespace {

// Arrays that are read in the order in which they were written push each other out before the cache
// is full: so many of its bytes are of use, counted as written and read.
constexpr double kHeld = 1.2;

}  // namespace

double missed(double cache, double touched) {
  return touched > cache ? 1 - cache / touched : 0;
}

double streamed(const FamilyParameters& p, double cores, double bytes, double dram_bytes) {
  const double dram = dram_bytes / p.memory_rate, cache = bytes / (p.feed_rate * cores);
  return std::sqrt(dram * dram + cache * cache);
}

KernelTime streaming_time(const FamilyParameters& p, double cores, const Streaming& streaming) {
  const double between = streaming.between.value();
  const double crossing = (streaming.read + streaming.written).value();
  const double dram = crossing + between * missed(kHeld * p.cache, between);
  KernelTime result;
  result.memory = Seconds(dram / p.memory_rate);
  result.overhead = Seconds(p.launch * streaming.launches);
  const double moved = streamed(p, cores, crossing + between, dram);
  result.time = Seconds(moved) + result.overhead;
  result.limit = limit_of(0, moved, result.overhead.value());
  if (result.limit == Limit::kMemory && moved > 1.4142 * result.memory.value())
    result.limit = Limit::kCache;
  return result;
}

namespace {

constexpr float kByteKnots[] = {8, 12, 16, 20, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 34};
constexpr Term kStreamingTerms[] = {{{Axis{0, kByteKnots}}, 1}};

}  // namespace

void streaming_features(const Streaming& streaming, Features& features) {
  const Bytes moved = streaming.read + streaming.written + streaming.between;
  features[0] = quick_log2(std::max(1.0, moved.value()));
}

std::span<const Term> streaming_terms() {
  return kStreamingTerms;
}

}  // namespace fivefold
