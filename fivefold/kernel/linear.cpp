// Attention with a recurrent state, and the short convolution before it.
//
// In decode the state is read, updated and written once a token. In prefill a chunk of 64 tokens is
// attended to densely and then folded into the state (Gated Delta Networks, arXiv 2412.06464
// section 3.3; Mamba-2, arXiv 2405.21060 section 6). Some small kernels work on all chunks at once
// and hand arrays of a token's width to each other; one walks from chunk to chunk with the state, a
// unit per sequence and head; and the delta rule first inverts a triangle of chunk x chunk, row
// after row.
#include <algorithm>
#include <cmath>

#include "fivefold/kernel/parameters.h"

namespace fivefold {
namespace {

constexpr double kChunk = 64;
constexpr double kBf16Bytes = 2;
constexpr double kKernels = 6;  // that hand arrays to each other, each about a share of the bytes
// Arrays of a head's width that are written or read for each token: queries, keys and values, the
// two transforms of them that the delta rule adds, new values and results.
constexpr double kDeltaArrays = 10, kScanArrays = 5;
// Rows past the end of a sequence in a chunk of its own are not loaded but still computed.
constexpr double kPadding = 0.4;
// The triangle's rows in steps of the walk from chunk to chunk.
constexpr double kTriangleSteps = 10;
// Share of the cache that one pass leaves intact for the next over the same array.
constexpr double kHeldByPass = 0.55;

struct Passes {
  double bytes = 0;    // through the cores
  double touched = 0;  // array that each pass goes through
  double steps = 0;    // that wait for each other
};

Passes chunked(double cores, const LinearCore& l) {
  const double tokens = l.batch * l.q_len, units = l.batch * l.v_heads;
  const double chunks = std::ceil(l.q_len / kChunk);
  const double in_chunks = kPadding * l.batch * chunks * kChunk + (1 - kPadding) * tokens;
  const double arrays = l.delta_rule ? kDeltaArrays : kScanArrays;
  const double width = (l.k_dim + l.v_dim) / 2;
  const double state = l.k_dim * l.v_dim * 4;
  Passes passes;
  passes.bytes =
      in_chunks * l.v_heads * width * kBf16Bytes * arrays + 2 * units * (chunks + 1) * state;
  passes.touched = passes.bytes / kKernels;
  passes.steps = std::max(1.0, units / cores) * chunks;
  if (l.delta_rule) passes.steps += kTriangleSteps * std::min(1.0, l.q_len / kChunk);
  return passes;
}

// In place: what is read is written again.
Passes in_place(double bytes) {
  return {bytes, bytes / 2, 0};
}

}  // namespace

KernelTime linear_time(const FamilyParameters& p, double cores, const LinearCore& linear) {
  LinearCore needed = linear;
  needed.resident = false;
  const Work least = work(needed);
  const bool chunks = linear.part == LinearPart::kRule && !linear.step;
  const Passes passes = chunks ? chunked(cores, linear) : in_place(least.activations.value());
  const double again = passes.bytes * missed(kHeldByPass * p.cache, passes.touched);
  const double dram = linear.resident ? again : std::max(again, least.activations.value());
  const double arithmetic = least.ops.value() / (p.compute_rate * cores);
  const double moved = streamed(p, cores, passes.bytes, dram);
  KernelTime result;
  result.compute = Seconds(arithmetic);
  result.memory = Seconds(dram / p.memory_rate);
  result.overhead = Seconds(p.launch + p.fill * passes.steps);
  // Arithmetic overlaps with the bytes as those of memory and network do with each other.
  result.time = result.overhead + Seconds(std::sqrt(arithmetic * arithmetic + moved * moved));
  result.limit = limit_of(arithmetic, moved, result.overhead.value());
  return result;
}

namespace {

constexpr float kLinearBatchKnots[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
constexpr float kLinearTokenKnots[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
constexpr float kLinearSizeKnots[] = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26};
constexpr float kLinearUnitKnots[] = {-8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 5, 8};
constexpr float kLinearLengthKnots[] = {0, 3, 4, 5, 6, 8, 10, 12, 15};
constexpr float kLinearKeyHeadKnots[] = {0, 1, 2, 3, 4};
constexpr float kLinearHeadKnots[] = {1, 2, 3, 4, 5, 6};
constexpr float kLinearCoarseSizeKnots[] = {4, 9, 14, 18, 22};
// 0 sequences, 1 tokens of each, 2 heads, 3 key heads, 4 units a core, 5 tokens and heads in all.
constexpr Term kLinearTerms[] = {
    {{Axis{0, kLinearBatchKnots}, Axis{1, kLinearTokenKnots}}, 2},
    {{Axis{5, kLinearSizeKnots}}, 1},
    {{Axis{4, kLinearUnitKnots}, Axis{1, kLinearLengthKnots}}, 2},
    {{Axis{3, kLinearKeyHeadKnots}, Axis{2, kLinearHeadKnots}, Axis{5, kLinearCoarseSizeKnots}},
     3}};

}  // namespace

void linear_features(double cores, const LinearCore& linear, Features& features) {
  features[0] = quick_log2(linear.batch);
  features[1] = quick_log2(linear.q_len);
  features[2] = quick_log2(linear.v_heads);
  features[3] = quick_log2(linear.k_heads);
  features[4] = features[0] + features[2] - quick_log2(cores);
  features[5] = features[0] + features[1] + features[2];
}

std::span<const Term> linear_terms() {
  return kLinearTerms;
}

}  // namespace fivefold
