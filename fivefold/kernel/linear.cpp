// Recurrent-state attention.
#include <algorithm>
#include <cmath>

#include "fivefold/kernel/walk.h"

namespace fivefold {

KernelTime linear_time(const FamilyParameters& p, double cores, const LinearCore& linear) {
  // A chunk of 64 tokens is attended to densely and then folded into the state (Gated Delta
  // Networks, arXiv 2412.06464 section 3.3; Mamba-2, arXiv 2405.21060 section 6).
  constexpr double kChunk = 64;
  constexpr double kStateBytes = 4, kBf16Bytes = 2;
  const double tokens = linear.batch * linear.q_len;
  const double state = linear.v_heads * linear.k_dim * linear.v_dim;
  const double chunk = std::min(kChunk, linear.q_len);
  const double ops =
      tokens * (6 * state + 2 * chunk * linear.v_heads * (linear.k_dim + linear.v_dim));
  const double chunks = std::ceil(linear.q_len / kChunk);
  Walk walk;
  walk.units = linear.batch * linear.v_heads;
  walk.ops = ops;
  walk.unit_ops = ops / std::max(1.0, walk.units);
  walk.bytes =
      linear.batch * 2 * state * kStateBytes +
      tokens * (2 * linear.k_heads * linear.k_dim + 2 * linear.v_heads * linear.v_dim) * kBf16Bytes;
  KernelTime result = walked(p, cores, walk);
  // The state passes from chunk to chunk: their fills cannot overlap.
  const Seconds chain(p.fill * (chunks - 1));
  result.time += chain;
  result.overhead += chain;
  return result;
}

void linear_features(double, const LinearCore&, Features&) {}

std::span<const Term> linear_terms() {
  return {};
}

}  // namespace fivefold
