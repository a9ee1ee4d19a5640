// What a training step adds to its kernels, as stacks state it (entries of family "training", for
// all formats or for that of the matrix products):
//   sustained            rate of compute-bound kernels in a step over their rate in a short
//                        benchmark: the chip stays at its power limit, caches are cold
//   spread               standard deviation of the speed of chips of one kind, of the mean: in a
//   step
//                        all wait for the slowest (2% or so of GPUs, arXiv 2208.11035)
//   attention            rate of the framework's fused attention, forward, over that of the kernels
//                        that the stack was measured with (FlashAttention-2 on Hopper: half of 3)
//   attention_backward   time of its backward pass over its forward pass
//   pointwise            bytes that norms, activations, residuals, casts and the loss move over
//                        those of fused operators: an eager framework writes every step to memory
//   grouped              rate of products of experts over that of a dense product of their rows
//   linear               rate of linear attention (Mamba-2, gated delta net) over that of the
//   kernels
//                        that the stack was measured with
//   odd                  rate of 16-bit products with a side of odd length over that of even ones:
//                        rows begin at odd multiples of 2 bytes, while asynchronous copies
//                        (cp.async, PTX ISA) move 4, 8 or 16 aligned bytes
//   host_time            the host needs so long to issue one operator of the model or its gradient
//                        (framework, autograd, launches); 0: captured graphs
//   expert_host_time     so long for one expert of the device in one pass, where the host issues
//                        products and casts of each expert by themselves; 0: captured or grouped
//   exchange             rate of the exchange of tokens between experts over that of the library's
//                        measured one
//   exchange_overlap     share of a pass's compute beside which the exchange can run
//   fragmentation        what the allocator holds beyond use, of all that comes and goes in a step
//   communication_cores  cores that a collective takes from the compute beside it
#pragma once

#include <string_view>

#include "fivefold/catalog/catalog.h"

namespace fivefold {

struct TrainingParameters {
  double sustained = 1;
  double spread = 0;
  double attention = 1;
  double attention_backward = 0;  // 0: FlashAttention-2's (backward.h)
  double pointwise = 1;
  double grouped = 1;
  double linear = 1;
  double odd = 1;
  Seconds host_time, expert_host_time;
  double exchange = 1;
  double exchange_overlap = 0;
  double communication_cores = 0;
  double fragmentation = 0;
};

// Of entries for all architectures, the device's architecture or its chip, the later wins.
TrainingParameters training_parameters(const Stack& stack, const Device& device, Format format);
// One of them by its name, in coherent units; unknown names change nothing.
void set_parameter(TrainingParameters& parameters, std::string_view name, double value);

// What trains on a vendor's chips where nobody says: MaxText on Google's, else Megatron-Core (with
// MindSpeed on Ascend, as Primus on Instinct).
std::string_view default_framework(const Chip& chip);

// The kernels that training takes on a chip: the stack "train/..." of its vendor, else the default
// one with what is assumed of chips that no training was measured on, under the framework.
Stack training_stack(const Catalog& catalog, const Chip& chip, std::string_view framework);

// The kernels and communication of one stack under a training framework, which is a stack of its
// own
// ("train/..."). Without that framework in the catalog, the stack as it is.
Stack with_framework(const Catalog& catalog, const Stack& stack, std::string_view framework);

}  // namespace fivefold
