// Attention and experts on devices of their own (MegaScale-Infer, arXiv 2504.02263; Step-3, arXiv
// 2507.19427): attention groups send their tokens to the experts' devices and back, layer by layer,
// with several micro-batches under way so that both sides work.
#pragma once

#include "fivefold/serving/serving.h"

namespace fivefold {

struct ApartLayout {
  int tp = 1, dp = 1;     // attention: dp groups of tp devices
  int experts = 1;        // devices that hold experts and dense FFN
  int micro_batches = 3;  // of each attention group
  int devices() const { return tp * dp + experts; }
};

struct ApartEstimate {
  Seconds tpot, step;
  double batch = 0;              // sequences of an attention group
  double tokens_per_second = 0;  // of all devices
  // Of one micro-batch over all layers: attention's side, the experts', and one way between.
  Seconds attention, experts, transfer;
  double attention_busy = 0, experts_busy = 0;  // shares of the step
  ServingMemory attention_memory;               // of a device
  Bytes expert_weights;                         // of a device
};

// A layer takes each micro-batch through attention, over, through the experts and back. With m
// micro-batches a layer takes the longer of m times the slower side, and the way of one of them
// (MegaScale-Infer, section 4.1, equations 1 to 5). The two sides may be of different chips:
// `experts` models the machine of the experts. Fails where either side does not fit.
Result<ApartEstimate> decode_apart(const ServingModel& attention, const ServingModel& experts,
                                   const ServingWorkload& workload, const ApartLayout& layout,
                                   double batch);

}  // namespace fivefold
