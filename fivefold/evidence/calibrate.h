// Fits the kernel parameters of software stacks to measured operator tables, and says how well they
// predict rows and chips that the fit did not see.
//
// Rows are grouped by stack, chip, kernel family, format and kernel. Kernels are fitted in layers,
// of which the last that exists counts:
//   1. what all stacks of a platform run, for a chip that nobody measured: all narrow formats
//      together, since libraries differ more from chip to chip than formats do; each wider one by
//      itself;
//   2. what one stack runs, where it was measured on several architectures and other stacks of the
//      platform were too; of narrow formats only where one kernel serves all of them;
//   3. one kernel wherever it was measured, if it is one that a user may choose on some chip;
//   4. one kernel on the chips of one architecture;
//   5. and on each of those chips, where they run it differently.
// A fifth of the shapes is held out of every fit (is_held_out).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fivefold/evidence/evidence.h"
#include "fivefold/kernel/fit.h"

namespace fivefold {

// Rows of one kernel on one chip, from one table.
struct KernelGroup {
  std::string stack, chip, architecture;
  std::string data;    // stem of the table
  std::string listed;  // family as stacks list it: "gemm", "moe_exchanged", ...
  std::string report;  // family as evidence reports it: both exchanged and plain "moe"
  std::string kernel;
  bool served = true;  // the stack runs this kernel; else it is one that a user may choose instead
  Family family = Family::kGemm;
  Format format = Format::kBf16;
  std::vector<KernelSample> fitted, held;
};

struct KernelGroups {
  std::vector<KernelGroup> groups;
  std::map<std::string, int> refused;  // reason -> rows
  std::vector<std::string> notes;
};
// `catalog` must outlive the groups: samples point to its devices.
Result<KernelGroups> read_kernel_groups(const Catalog& catalog,
                                        const std::vector<std::string>& paths);

// One layer of a fit.
struct KernelLayer {
  std::string stack;         // or the platform: "cuda"
  std::string architecture;  // "*" for all
  std::string listed;
  std::string kernel;  // empty: several
  std::string format;  // or kNarrowFormats
  bool served = true;
  Family family = Family::kGemm;
  std::size_t rows = 0, held_rows = 0, architectures = 0;
  double least_scratch = 0;              // bytes of a core of any of the chips
  double held_error = 0, held_bias = 0;  // mean |predicted/measured - 1|, mean ln
  double transfer_error = 0;  // of all chips: each architecture predicted from the others, mean
  KernelFit fit;
};

struct KernelLayers {
  std::vector<KernelLayer> layers;
  std::vector<std::string> too_few;  // groups that the fit refused, with their rows
};
KernelLayers fit_layers(const std::vector<KernelGroup>& groups,
                        const std::function<void(double)>& progress = {});

// Operator tables predicted chip by chip, from layers that were fitted without that chip: what the
// program can say of a chip that nobody measured.
Result<Evidence> validate_without_chip(const Catalog& catalog,
                                       const std::vector<std::string>& paths,
                                       std::vector<std::string>& notes,
                                       const std::function<void(double)>& progress = {});

// A stack file (catalog/stack.h) that lays these layers over the stacks they were fitted for, each
// with its errors. `source` is the id that the facts name.
std::string stack_yaml(const Catalog& catalog, const KernelLayers& fitted,
                       const std::vector<KernelGroup>& groups, const std::string& source);

// The stack in which a kernel that `stack` does not run by itself is chosen: "cuda/sglang/triton".
std::string alternative_stack(std::string_view stack, std::string_view kernel);

}  // namespace fivefold
