// Work units of attention-like kernels on the cores of a device.
#pragma once

#include "fivefold/kernel/parameters.h"

namespace fivefold {

double rounded_up(double value, double to);

struct Walk {
  double units = 0;     // that can run at once
  double unit_ops = 0;  // of the longest of them
  double ops = 0;       // in all
  double bytes = 0;     // DRAM, in all
};

// Units are handed out longest first, so the cores end together unless one is longer than a share.
KernelTime walked(const FamilyParameters& p, double cores, const Walk& walk);

// One token's keys and values pass through a core at the rate of the on-chip network, so a long
// cache of few heads is split over cores; each part adds a fill and its share of the combination.
KernelTime decoded(const FamilyParameters& p, double cores, double units, double kv_len,
                   double unit_ops_per_token, double unit_bytes_per_token, double bytes);

}  // namespace fivefold
