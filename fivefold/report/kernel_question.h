// One operator as a person asks for it on the command line: a family, extents by name, formats.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/base/error.h"
#include "fivefold/workload/op.h"

namespace fivefold {

struct KernelExtent {
  std::string_view name;  // "kv-len"; of one letter: an option with one dash
  std::string_view what;
};
std::span<const KernelExtent> kernel_extents();
std::span<const KernelExtent> kernel_flags();  // "step", ...: yes where they are named
std::string option_of(std::string_view name);  // "-m", "--kv-len"

struct AskedFamily {
  std::string_view name;  // "gemm", "attention", ...
  std::string_view what;
  std::vector<std::string_view> needed, optional, flags;
  std::vector<std::string_view> formats;  // of "format", "activations", "cache"
  std::string_view example;               // that makes sense
};
std::span<const AskedFamily> asked_families();

struct KernelQuestion {
  std::string family = "";
  std::map<std::string, double, std::less<>> extents = {};
  std::set<std::string, std::less<>> flags = {};
  // "format", "activations" and "cache" to the name of a format; BF16 where none is named
  std::map<std::string, std::string, std::less<>> formats = {};
};

struct AskedKernel {
  Family family = Family::kGemm;
  Shape shape;
};
// Everything that is wrong with a question is said at once, with what would be right.
Result<AskedKernel> asked_kernel(const KernelQuestion& question);
Result<const AskedFamily*> asked_family(std::string_view name);

// "m 4096, n 7168, k 2048, format fp8_block".
std::string words_of(const KernelQuestion& question);

// "m=1..32768": an extent and its values, powers of two of the first, and the last.
struct KernelSweep {
  std::string extent;
  std::vector<double> values;
};
Result<KernelSweep> parse_sweep(std::string_view text);

}  // namespace fivefold
