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

// An encoder or a detector: images a second of a chip and the time of a batch, by batch; with a
// limit the largest batch that holds it.
Result<std::string> serve_images(const ServeBench& bench, Seconds limit, double batch,
                                 const Context& context);

// Decode with experts on devices of their own: attention under `layout`, experts on so many devices
// behind it; `batch` sequences an attention group.
Result<std::string> serve_apart(const ServeBench& bench, const ServingLayout& layout, int experts,
                                int micro_batches, double batch, const Context& context);

}  // namespace fivefold::app
