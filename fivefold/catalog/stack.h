// A software stack: which efficiency its kernels and its collective library reach on which
// architecture. Parameters belong to (stack, architecture or chip, kernel family), or for
// communication to (library, fabric), and carry their source like any other fact.
//
// In YAML (any file with the top key `stacks:`; it may hold its own `sources:` too):
//   stacks:
//   - id: cuda/sglang-0.5.14
//     name: SGLang 0.5.14 on CUDA 12.9
//     vendor: Nvidia          # whose chips it runs on; "*" for any
//     extends: cuda           # the entries of that stack come first; or a list, of which later win
//     aliases: [sglang]
//     default: true           # of its vendor
//     like: {stack: cuda/sglang, chip: h100_sxm, formats: {int8: fp8_block}}
//                             # kernels as good as those of that stack on that chip: the entries
//                             # that apply there are taken over for every chip of this stack, after
//                             # those that it extends and before its own. int8 is here what
//                             # fp8_block is there. What is said of communication ("comm/...") and
//                             # engines ("engine/...") is not taken, nor kernel names, nor cores
//                             # and clock, which are the chip's
//     entries:
//     - family: gemm          # "*" if left out; so are architecture and format
//       architecture: hopper
//       format: fp8_block
//       source: FIT-HOPPER    # of every parameter below that names none; so is confidence.
//       confidence: medium    # With a source here, a parameter may be a bare number
//       parameters:
//         compute_efficiency: {value: 0.83, low: 0.78, high: 0.88, note: residual 6%}
//         launch: {value: 2.5, unit: us, source: assumption, low: 1, high: 5}
//     calibration:
//     - {form: kernels, data: h200_sxm__sglang-0.5.14__gemm_perf, family: gemm, chip: h200_sxm,
//        held_out: 0.2}
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/catalog/chip.h"

namespace fivefold {

// Facts of an entry. Stacks that extend each other hold the same ones, and so do copies of a stack,
// until somebody writes: an entry of hundreds is not copied for each.
class SharedFacts {
 public:
  SharedFacts() = default;
  SharedFacts(Facts facts) : facts_(std::make_shared<Facts>(std::move(facts))) {}
  const Facts& operator*() const { return *facts_; }
  const Facts* operator->() const { return facts_.get(); }
  Facts& own();  // for writing: what others hold stays as it is

 private:
  std::shared_ptr<Facts> facts_ = std::make_shared<Facts>();
};

inline constexpr std::string_view kNarrowFormats = "narrow";  // is_narrow (format.h)

// The parameters of one kernel family on one architecture, by name ("compute_efficiency", ...); the
// kernel room gives each name its meaning.
struct StackEntry {
  // "gemm", "moe", ..., or a collective: "all_reduce", "moe_dispatch"; "*" for all
  std::string family;
  // "hopper", or a chip or system id; for communication the fabric; "*" for all
  std::string architecture;
  std::string format;  // "fp8_block"; kNarrowFormats; "*" for all
  SharedFacts parameters;
  // Taken over by `like`: dense BF16 operations of one core of that chip in a clock cycle. What is
  // counted per core and clock grows with the cores of the chip at hand; 0: as it stands.
  double core_ops = 0;
};

// The entry is for this device: for its chip, its architecture or all.
bool concerns(const StackEntry& entry, const Device& device);
bool concerns(const StackEntry& entry, Format format);

// Rows that the parameters were fitted on, so that predictions for them are reported apart. A row
// is calibrated if form, family and chip match, `data` is the stem of its file (or its `group`),
// and the row is not held out: hash of its shape modulo 5 below held_out * 5 means held out.
struct Calibration {
  std::string form;  // "kernels", "collectives", "training", "serving"
  std::string data;
  std::string family;
  std::string chip;
  double held_out = 0.2;
};

struct Stack {
  std::string id;  // "cuda/sglang-0.5.14"
  std::string name;
  std::string vendor;  // whose chips it runs on; "*" for any
  std::vector<std::string> aliases;
  std::vector<StackEntry> entries;  // those of the stack it extends first: later entries win
  std::vector<Calibration> calibration;
  bool is_default = false;           // of its vendor
  std::vector<std::string> lineage;  // stacks that it extends, and theirs; deepest first
};

}  // namespace fivefold
