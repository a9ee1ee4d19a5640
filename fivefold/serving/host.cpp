// What the host of an engine adds to the kernels of a step.
#include <algorithm>

#include "fivefold/serving/step.h"

namespace fivefold::serving {

Seconds exposed_host(const Instance& in, const ServingWorkload& workload, double sequences,
                     Seconds kernels) {
  const Seconds stream = in.engine.host_stream / std::max(1.0, workload.stream_interval);
  const Seconds host = in.engine.host_step + sequences * (in.engine.host_sequence + stream);
  if (!in.engine.host_overlaps || workload.serial_host) return host;
  return std::max(Seconds(0), host - kernels);
}

StepParts issued(const Instance& in, StepParts parts) {
  const Seconds late = parts.operators * in.engine.issue - parts.total();
  parts.overhead += in.engine.prefill_overhead + std::max(Seconds(0), late);
  return parts;
}

}  // namespace fivefold::serving
