// Operators that only move bytes.
#include "fivefold/kernel/parameters.h"

namespace fivefold {

KernelTime streaming_time(const FamilyParameters& p, const Streaming& streaming) {
  KernelTime result;
  result.memory = Seconds((streaming.read + streaming.written).value() / p.memory_rate);
  result.overhead = Seconds(p.launch * streaming.launches);
  result.time = result.memory + result.overhead;
  result.limit = limit_of(0, result.memory.value(), result.overhead.value());
  return result;
}

void streaming_features(const Streaming&, Features&) {}

std::span<const Term> streaming_terms() {
  return {};
}

}  // namespace fivefold
