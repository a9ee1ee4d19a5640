// Inside the serving room: one step of an instance at a batch, and whether it can be.
#pragma once

#include "fivefold/serving/step.h"

namespace fivefold::serving {

// Tokens of a prompt that are not in the cache already.
double fresh_tokens(const ServingWorkload& workload);

DecodeEstimate decode_estimate(const Instance& in, const ServingWorkload& workload,
                               const ServingMemory& memory, double batch);
PrefillEstimate prefill_estimate(const Instance& in, const ServingWorkload& workload,
                                 const ServingMemory& memory, double tokens_per_device);

Result<void> check_workload(const Model& model, const ServingWorkload& workload);
// Weights, and the cache of so many sequences for each attention group.
Result<void> check_batch(const Instance& in, const ServingMemory& memory, double batch);

}  // namespace fivefold::serving
