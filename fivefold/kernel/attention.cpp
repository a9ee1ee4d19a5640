// Attention cores as work units on cores.
//
// Prefill: a unit is 128 queries of one head and walks over the keys that its mask lets it see
// (FlashAttention-2, arXiv 2307.08691 section 3.2). Decode: a unit is one KV head of one sequence
// over a part of its cache; queries that share the head, at most 128 in a unit, are padded to the
// matrix unit's rows; parts are then combined (Flash-Decoding, split KV). MLA decode: all heads
// share one key of kv_rank + rope_dim values whose first kv_rank are the value too (DeepSeek-V2,
// arXiv 2405.04434 section 2.1.2).
#include <algorithm>
#include <cmath>

#include "fivefold/kernel/parameters.h"

namespace fivefold {
namespace {

constexpr double kQueryTile = 128;
constexpr double kLeastPart = 128;  // tokens of cache that a unit walks at least
constexpr double kMostDecoded =
    8;  // new tokens of a sequence that decode kernels take (drafts included)

double rounded_up(double value, double to) {
  return std::ceil(value / to) * to;
}

// (query, key) pairs of a sequence whose last q_len tokens are the queries.
double visible_pairs(double q_len, double kv_len, double window, bool causal) {
  const double reach = window > 0 ? std::min(window, kv_len) : kv_len;
  if (!causal) return q_len * reach;
  const double before = kv_len - q_len;  // tokens that every query sees
  if (window <= 0 || kv_len <= window) return q_len * before + q_len * (q_len + 1) / 2;
  const double growing =
      std::clamp(window - before, 0.0, q_len);  // queries that do not fill their window yet
  return growing * before + growing * (growing + 1) / 2 + (q_len - growing) * window;
}

struct Walk {
  double units = 0;     // that can run at once
  double unit_ops = 0;  // of the longest of them
  double ops = 0;       // in all
  double bytes = 0;     // DRAM, in all
};

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

// One token's keys and values pass through a core at the rate of the on-chip network, so a long
// cache of few heads is split over cores; each part adds a fill and its share of the combination.
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

}  // namespace

KernelTime attention_time(const FamilyParameters& p, double cores, const AttentionCore& a) {
  const double kv_seen = a.window > 0 ? std::min(a.kv_len, a.window + a.q_len) : a.kv_len;
  const double cache_bytes =
      a.batch * kv_seen * a.kv_heads * (a.qk_dim + a.v_dim) * bytes_per_value(a.cache);
  constexpr double kBf16Bytes = 2;
  const double query_bytes = a.batch * a.q_len * a.heads * (a.qk_dim + a.v_dim) * kBf16Bytes;
  const double group = a.heads / a.kv_heads;
  const bool looks_back = a.causal || a.kv_len > a.q_len;  // not an encoder
  if (a.q_len <= kMostDecoded && looks_back) {
    const double rows = rounded_up(a.q_len * group, p.tile_m);
    const double units = a.batch * a.kv_heads * std::ceil(rows / kQueryTile);
    return decoded(p, cores, units, kv_seen, 2 * std::min(rows, kQueryTile) * (a.qk_dim + a.v_dim),
                   (a.qk_dim + a.v_dim) * bytes_per_value(a.cache), cache_bytes + query_bytes);
  }
  const double pair_ops = 2 * (a.qk_dim + a.v_dim);
  const double tiles = std::ceil(a.q_len / kQueryTile);
  const double padding = tiles * kQueryTile / a.q_len;
  Walk walk;
  walk.units = a.batch * a.heads * tiles;
  walk.ops =
      a.batch * a.heads * visible_pairs(a.q_len, a.kv_len, a.window, a.causal) * pair_ops * padding;
  walk.unit_ops = kQueryTile * kv_seen * pair_ops;
  walk.bytes = cache_bytes + query_bytes;
  return walked(p, cores, walk);
}

KernelTime mla_time(const FamilyParameters& p, double cores, const MlaCore& mla) {
  // Sparse: each query walks over the tokens that it chose; queries of a sequence share none.
  const bool sparse = mla.topk > 0;
  const double seen = sparse ? std::min(mla.topk, mla.kv_len) : mla.kv_len;
  const double walks = sparse ? mla.batch * mla.q_len : mla.batch;
  const double queries = sparse ? 1 : mla.q_len;
  const double read = sparse ? std::min(mla.kv_len, mla.q_len * mla.topk) : mla.kv_len;
  const double width = mla.kv_rank + mla.rope_dim;
  const double token_bytes = width * bytes_per_value(mla.cache);
  const double pair_ops = 2 * (width + mla.kv_rank);
  constexpr double kRows = 64;  // query heads that one unit takes; the cache passes it once
  constexpr double kBf16Bytes = 2;
  const double rows = rounded_up(mla.heads * queries, p.tile_m);
  const double units = walks * std::ceil(rows / kRows);
  const double bytes =
      mla.batch * (read * token_bytes + mla.q_len * mla.heads * (width + mla.kv_rank) * kBf16Bytes);
  return decoded(p, cores, units, seen, std::min(rows, kRows) * pair_ops, token_bytes, bytes);
}

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

KernelTime streaming_time(const FamilyParameters& p, const Streaming& streaming) {
  KernelTime result;
  result.memory = Seconds((streaming.read + streaming.written).value() / p.memory_rate);
  result.overhead = Seconds(p.launch * streaming.launches);
  result.time = result.memory + result.overhead;
  result.limit = limit_of(0, result.memory.value(), result.overhead.value());
  return result;
}

}  // namespace fivefold
