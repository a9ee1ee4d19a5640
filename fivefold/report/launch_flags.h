// A serving plan as the commands that start its instances: of vLLM, or of SGLang.
#pragma once

#include <string>
#include <string_view>

#include "fivefold/planner/serving_plan.h"

namespace fivefold {

// One command for each kind of instance; lines that begin with "# " say how often it is started and
// what the flags cannot say. `engine`: "vllm" or "sglang"; `cache_format`: of the KV cache as the
// user named it, empty for the engine's own.
Result<std::string> launch_commands(std::string_view engine, const ServingSpace& space,
                                    const ServingGoal& goal, const ServingPlan& plan,
                                    std::string_view cache_format);

}  // namespace fivefold
