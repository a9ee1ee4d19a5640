// What a training framework adds to its kernels, as stacks state it (entries of family "training"):
//   host_time            the host needs so long to issue one operator of the model or its gradient
//                        (framework, autograd, launches); 0: captured graphs
//   communication_cores  cores that a collective takes from the compute beside it
#pragma once

#include "fivefold/catalog/chip.h"
#include "fivefold/catalog/stack.h"

namespace fivefold {

struct TrainingParameters {
  Seconds host_time;
  double communication_cores = 0;
};

// Of entries for all architectures, the device's architecture or its chip, the later wins.
TrainingParameters training_parameters(const Stack& stack, const Device& device);

}  // namespace fivefold
