// Slow hosts and jitter: a synchronous step takes as long as its slowest host.
//
// Two kinds. Some hosts are slow for as long as they are in: with a share p of them, one of N is
// slow with probability 1 - (1 - p)^N, and then all steps take `slow_by` longer (MegaScale, arXiv
// 2402.15627, section 6.3). And step times of a host scatter by a normal distribution: the mean of
// the largest of N stands in no closed form, and is integrated over its quantiles.
#pragma once

#include "fivefold/base/random.h"

namespace fivefold {

struct Stragglers {
  double hosts = 1;
  double slow_share = 0;  // of hosts
  double slow_by = 0;     // of a step, while at least one is slow
  double jitter = 0;      // standard deviation of one host over the mean step
};

double chance_of_slow(const Stragglers& stragglers);
// The mean of the largest of `count` standard normals, for count >= 1, to about 1e-3.
double expected_largest(double count);
// Expected share by which steps are longer.
double expected_slowdown(const Stragglers& stragglers);
// The same as drawn for a piece of `steps` steps, given whether a slow host is in.
double drawn_slowdown(const Stragglers& stragglers, bool slow, double steps, Random& random);

}  // namespace fivefold
