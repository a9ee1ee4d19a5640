// A played training step as Chrome trace JSON (trace.h): a process is a rank of the pipeline, its
// threads are compute, messages to other ranks and the exchange of replicas. F12 is the forward
// pass of micro batch 12, B12 its backward pass, W12 the gradient of its weights where that runs by
// itself; in the args stand micro batch and chunk.
#pragma once

#include <string>

namespace fivefold {

struct TrainingSimulation;
std::string pipeline_trace(const TrainingSimulation& simulation);

}  // namespace fivefold
