// Prefill and decode in the steady state, in closed form: `serve` without a load.
#pragma once

#include <optional>
#include <string>

#include "app/commands.h"
#include "app/serve_args.h"

namespace fivefold::app {

// Under this layout, or the best of each phase within the limits of `workload`. `batch`: sequences
// of an attention group, `prefill_tokens`: of a batch on a device; 0: the largest, one prompt.
Result<std::string> serve_estimate(const ServeBench& bench, const ServingWorkload& workload,
                                   const std::optional<ServingLayout>& layout, double batch,
                                   double prefill_tokens, const Context& context);

}  // namespace fivefold::app
