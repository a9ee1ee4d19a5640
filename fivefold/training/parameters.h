// What a training step adds to its kernels, as stacks state it (entries of family "training"):
//   sustained            rate of compute-bound kernels in a step over their rate in a short
//                        benchmark: the chip stays at its power limit, caches are cold
//   host_time            the host needs so long to issue one operator of the model or its gradient
//                        (framework, autograd, launches); 0: captured graphs
//   fragmentation        what the allocator holds beyond use, of all that comes and goes in a step
//   communication_cores  cores that a collective takes from the compute beside it
#pragma once

#include <string_view>

#include "fivefold/catalog/catalog.h"

namespace fivefold {

struct TrainingParameters {
  double sustained = 1;
  Seconds host_time;
  double communication_cores = 0;
  double fragmentation = 0;
};

// Of entries for all architectures, the device's architecture or its chip, the later wins.
TrainingParameters training_parameters(const Stack& stack, const Device& device);

inline constexpr std::string_view kDefaultFramework = "train/pytorch";

// The kernels that training takes on a chip: the stack "train/..." of its vendor, else the default
// one, under the framework.
Stack training_stack(const Catalog& catalog, const Chip& chip,
                     std::string_view framework = kDefaultFramework);

// The kernels and communication of one stack under a training framework, which is a stack of its
// own
// ("train/..."). Without that framework in the catalog, the stack as it is.
Stack with_framework(const Catalog& catalog, const Stack& stack,
                     std::string_view framework = kDefaultFramework);

}  // namespace fivefold
