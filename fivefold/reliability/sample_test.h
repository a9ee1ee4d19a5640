// A plan with round figures, and the machine of the Llama 3 paper.
#pragma once

#include "fivefold/reliability/run.h"

namespace fivefold::sample {

// One kind of failure, that takes no node.
inline FailureRates rates_of(Seconds mtbf) {
  FailureRates rates;
  rates.total = rates.low = rates.high = 1 / mtbf;
  rates.parts = {{.component = Component::kSoftware, .count = 1, .rate = rates.total}};
  return rates;
}

inline RunPlan plan() {
  RunPlan plan;
  plan.step = Seconds(10);
  plan.steps = 30 * 8640;  // thirty days
  plan.rates = rates_of(Seconds(6 * 3600));
  plan.checkpoint = {.blocked = Seconds(60), .durable = Seconds(60), .load = Seconds(120)};
  plan.detect = Seconds(300);
  plan.restart = Seconds(300);
  return plan;
}

// 16,384 H100 in 2,048 hosts, two to a rack with its switch; copper to the rack's switch, optical
// cables to the next stage, a seventh of them to the third (arXiv 2407.21783, section 3.3.1).
inline PartCounts llama3() {
  return {.chips = 16384,
          .memory = 16384 * Bytes(80e9),
          .hosts = 2048,
          .nics = 16384,
          .switches = 1188,
          .copper_cables = 16384,
          .optical_modules = 37450};
}

}  // namespace fivefold::sample
