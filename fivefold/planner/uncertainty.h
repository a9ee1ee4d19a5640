// How far the answer moves when the facts behind it move within the ranges that their sources
// leave.
//
// Every fact with a range (its own low and high, and what other sources say) is drawn anew,
// independently, so that half of the draws lie on each side of its value and each half is uniform.
// The layouts found are kept; what they yield is computed again. The interval holds 90% of the
// draws. It covers what sources and fits leave open, not what the mechanisms leave out: `fivefold
// validate` shows that.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fivefold/planner/answer.h"

namespace fivefold {

struct Influence {
  std::string fact;        // "cann mla_decode.compute_fraction"
  double correlation = 0;  // rank correlation with the answer, -1 to 1
};

struct Interval {
  double low = 0, high = 0;           // 5% and 95% quantile
  std::vector<Influence> influences;  // the strongest first
  std::vector<double> draws;          // by sample
};

// By line ("decode.per_chip", "prefill.energy", "training.rate", ...), for one side of a
// comparison. Samples are numbered: the same seed gives the same draws of a fact on both sides.
std::map<std::string, Interval> intervals_of(const Catalog& catalog, const SystemAnswer& answer,
                                             const Question& question, int samples,
                                             std::uint64_t seed);

}  // namespace fivefold
