// Service limits and layouts of serving as people write them.
#pragma once

#include <string>
#include <string_view>

#include "fivefold/serving/metrics.h"

namespace fivefold {

// "ttft=2s,tpot=50ms" (also e2e=). Or a preset: the limits that MLPerf Inference v5.1 sets a model
// and scenario (mlcommons/inference_policies, inference_rules.adoc), "mlperf:deepseek-r1/server".
// Fails on an unknown or repeated name and on what is no time, naming it.
Result<Slo> parse_slo(std::string_view text);
std::string to_text(const Slo& slo);

// "tp=8", "dp=32,ep=32", "6x tp=2,dp=16,ep=32": so many instances (1), each cut so. Of tp, dp, ep
// and pp what is left out is 1.
struct ServingInstances {
  int count = 1;
  ServingLayout layout;
};
Result<ServingInstances> parse_serving_layout(std::string_view text);
std::string to_text(const ServingLayout& layout);  // "tp=2,dp=16,ep=32"; tp always

}  // namespace fivefold
