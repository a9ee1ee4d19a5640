// Work units of attention kernels on the cores of a device.
#pragma once

#include "fivefold/kernel/parameters.h"

namespace fivefold {

double rounded_up(double value, double to);

// Rows that kernels pad to, and how units take them.
struct UnitRows {
  double units = 0;  // of one sequence and KV head
  double rows = 0;   // of each, padding included
};
// `heads` query heads over one KV head, `queries` of each.
UnitRows unit_rows(const FamilyParameters& p, double heads, double queries);

// What an attention operator moves: `resident` as of AttentionCore.
struct Moved {
  double bytes = 0;
  bool resident = false;
};
// Of operands that a benchmark's repetition left in the cache, none pass DRAM while they fit; a
// cache that drops what was used longest ago holds nothing of arrays that exceed it and are read in
// the same order again.
double dram_seconds(const FamilyParameters& p, const Moved& moved);

// A core's time for one query and one key: their products, and the exponential of their score,
// which other units of the core take. What a core exponentiates in a clock cycle hardly grew while
// its matrix unit did: on B200 it is half of the work (FlashAttention-4).
double pair_time(const FamilyParameters& p, double ops);

// Prefill: queries are there in plenty.
struct Walk {
  double units = 0;    // that can run at once
  double longest = 0;  // seconds of a core for the longest of them
  double time = 0;     // and for all
  Moved moved;
};
// Units are handed out longest first, so the cores end together unless one is longer than a share.
KernelTime walked(const FamilyParameters& p, double cores, const Walk& walk);

// Decode: a unit walks along one sequence's cache, which is split over cores that would be idle.
struct CacheWalk {
  double units = 0;
  double tokens = 0;           // of cache that each walks along
  double ops_per_token = 0;    // of a unit
  double bytes_per_token = 0;  // into its core
  Moved moved;
};
KernelTime decoded(const FamilyParameters& p, double cores, const CacheWalk& walk);

}  // namespace fivefold
