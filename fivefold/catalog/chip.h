// A chip as it is sold (a package), and a device: what software sees of it as one rank.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "fivefold/catalog/fact.h"
#include "fivefold/catalog/format.h"

namespace fivefold {

// Every fact of an entry by its path, in the order of the file, inherited ones included.
struct Facts {
  std::vector<Fact> all;
  const Fact* find(std::string_view path) const;  // null if the entry does not state it
};

// One rank. Values are per device: for Ascend 910C, half a package. A rate of zero means that the
// chip does not compute in that format. Zero for `l2_bandwidth`, `clock`, `tdp` ... means not
// published.
struct Device {
  std::string chip;          // catalog id
  std::string architecture;  // "hopper", "ascend_a3", ...: what stacks select kernels by
  std::array<OpsPerSecond, kFormatCount> peak{};  // dense, on the matrix unit
  OpsPerSecond vector_peak;                       // FP32 on the vector unit
  BytesPerSecond memory_bandwidth;
  Bytes memory_capacity;
  int cores = 0;  // SM, CU, AI core
  Hertz clock;
  Bytes l2_capacity;
  BytesPerSecond l2_bandwidth;
  Bytes scratch_per_core;  // shared memory or unified buffer
  Watts tdp;
  OpsPerSecond peak_for(Format format) const { return peak[static_cast<std::size_t>(format)]; }
};

struct Chip {
  std::string id;
  std::string name;
  std::string vendor;
  std::string status;
  std::string architecture;
  std::vector<std::string> aliases;
  Facts facts;
  int devices_per_chip = 1;
  Device device;  // what one rank sees
  // Sold-package figures, for comparison and rules; zero if not published. A package may be sold
  // with more than its devices give to software (910C: 780 TFLOPS printed, two devices of 376).
  std::array<OpsPerSecond, kFormatCount> package_peak{};
  Bytes memory_capacity;
  BytesPerSecond memory_bandwidth;
  BytesPerSecond scale_up_bandwidth;   // per direction
  BytesPerSecond scale_out_bandwidth;  // per direction
  Watts tdp;
  Usd price;
  OpsPerSecond peak(Format format) const { return package_peak[static_cast<std::size_t>(format)]; }
};

// The device, or which of the figures that a prediction needs is not published.
Result<const Device*> usable_device(const Chip& chip);

}  // namespace fivefold
