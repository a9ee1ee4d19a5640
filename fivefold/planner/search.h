// Exhaustive search over layouts: which cut of the model over the devices is fastest within memory
// and the service limits. Deterministic: candidates are listed in one order and ties keep the
// first.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fivefold/serving/serving.h"

namespace fivefold {

// What a search looked at, and why candidates fell: so that "nothing fits" can say what came
// nearest.
struct SearchReport {
  long evaluated = 0;
  long refused = 0;
  std::string
      nearest_refusal;  // of the candidate that needed the least beyond the limit, if all fell
};

struct DecodePlan {
  ServingLayout layout;
  DecodeEstimate estimate;
  double tokens_per_second_per_device = 0;
};

struct PrefillPlan {
  ServingLayout layout;
  PrefillEstimate estimate;
  double tokens_per_second_per_device = 0;
};

// Powers of two, three and five times powers of two, the machine's own level sizes and their
// fractions, to `limit`.
std::vector<int> instance_sizes(const Machine& machine, int limit);
// Every way to cut a model over an instance of so many devices. Experts lie over all devices of a
// stage, or are cut like dense layers where there is one attention group.
std::vector<ServingLayout> serving_layouts(const Machine& machine, const Model& model, int devices);

// Instances of every size up to `max_devices` (whole nodes, halves, thirds of the machine), each
// cut in every way that divides. The best plan for each instance size, smallest first; sizes at
// which nothing runs are left out.
std::vector<DecodePlan> decode_plans(const ServingModel& serving, const Machine& machine,
                                     const Model& model, const ServingWorkload& workload,
                                     int max_devices, SearchReport& report);
std::vector<PrefillPlan> prefill_plans(const ServingModel& serving, const Machine& machine,
                                       const Model& model, const ServingWorkload& workload,
                                       int max_devices, SearchReport& report);

// The best use of `devices`: as many equal instances as fit, of the size that gives the most. Null
// if no instance fits.
const DecodePlan* best_use(const std::vector<DecodePlan>& plans, int devices);
const PrefillPlan* best_use(const std::vector<PrefillPlan>& plans, int devices);
// Tokens a second of `devices` used so; whole instances only.
double throughput(const std::vector<DecodePlan>& plans, int devices);
double throughput(const std::vector<PrefillPlan>& plans, int devices);

}  // namespace fivefold
