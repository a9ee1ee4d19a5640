#include "fivefold/catalog/chip.h"

#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>

#include "fivefold/catalog/entry.h"

namespace fivefold {
namespace {

// Zero if the fact is missing, unknown, "none" or a text.
double number_of(const Facts& facts, std::string_view path) {
  const Fact* fact = facts.find(path);
  return fact && fact->is_number() ? fact->number : 0;
}

template <class Q>
Q quantity(const Facts& facts, std::string_view path) {
  return Q(number_of(facts, path));
}

bool stated(const Facts& facts, std::string_view path) {
  const Fact* fact = facts.find(path);
  return fact && fact->kind != Fact::Kind::kUnknown;
}

bool is_true(const Facts& facts, std::string_view path) {
  const Fact* fact = facts.find(path);
  return fact && fact->kind == Fact::Kind::kBool && fact->flag;
}

bool is_false(const Facts& facts, std::string_view path) {
  const Fact* fact = facts.find(path);
  return fact && fact->kind == Fact::Kind::kBool && !fact->flag;
}

// What the device shares with its siblings in the package, unless the file states it per device.
template <class Q>
Q per_device(const Chip& chip, std::string_view own_path, std::string_view path) {
  const Q own = quantity<Q>(chip.facts, own_path);
  return own > Q(0) ? own
                    : quantity<Q>(chip.facts, path) / static_cast<double>(chip.devices_per_chip);
}

using Peaks = std::array<OpsPerSecond, kFormatCount>;

OpsPerSecond& at(Peaks& peaks, Format format) {
  return peaks[static_cast<std::size_t>(format)];
}

// `rate` gives the published rate of "bf16", "fp8", ...
template <class Rate>
Peaks peaks_from(const Facts& facts, const Rate& rate) {
  Peaks peaks{};
  at(peaks, Format::kFp64) = rate("fp64");
  at(peaks, Format::kFp32) = rate("fp32");
  at(peaks, Format::kTf32) = rate("tf32");
  at(peaks, Format::kBf16) = rate("bf16");
  at(peaks, Format::kFp16) = rate("fp16");
  at(peaks, Format::kInt8) = rate("int8");
  // Where only one of the two 16-bit formats is published, matrix units run both at one rate.
  if (!stated(facts, "peak_dense.bf16")) at(peaks, Format::kBf16) = rate("fp16");
  if (!stated(facts, "peak_dense.fp16")) at(peaks, Format::kFp16) = rate("bf16");
  const OpsPerSecond fp8 = rate("fp8");
  at(peaks, Format::kFp8) = fp8;
  at(peaks, Format::kFp8Block) = fp8;
  if (is_true(facts, "formats.mxfp8_ue8m0")) at(peaks, Format::kMxFp8) = fp8;
  const OpsPerSecond fp4 = rate("fp4");
  const bool names_formats = is_true(facts, "formats.mxfp4") || is_true(facts, "formats.hif4");
  const bool nvfp4 =
      is_true(facts, "formats.nvfp4") || (!is_false(facts, "formats.nvfp4") && !names_formats);
  if (nvfp4) at(peaks, Format::kNvFp4) = fp4;
  if (!is_false(facts, "formats.mxfp4")) at(peaks, Format::kMxFp4) = fp4;
  return peaks;
}

// FP32 outside of the matrix unit. `peak_dense.fp32` is that rate on chips whose matrix unit takes
// FP32 data as TF32 (Nvidia, AMD); `vector_peak.fp32` states it where the two differ.
OpsPerSecond vector_peak(const Chip& chip) {
  const OpsPerSecond own =
      per_device<OpsPerSecond>(chip, "per_device.vector_fp32", "vector_peak.fp32");
  return own > OpsPerSecond(0) ? own : chip.device.peak_for(Format::kFp32);
}

}  // namespace

void refresh(Chip& chip) {
  const Facts& facts = chip.facts;
  Device& device = chip.device;
  device.chip = chip.id;
  device.architecture = chip.architecture;
  device.peak = peaks_from(facts, [&](std::string format) {
    return per_device<OpsPerSecond>(chip, "per_device." + format, "peak_dense." + format);
  });
  chip.package_peak = peaks_from(facts, [&](std::string format) {
    return quantity<OpsPerSecond>(facts, "peak_dense." + format);
  });
  device.vector_peak = vector_peak(chip);
  device.memory_bandwidth =
      per_device<BytesPerSecond>(chip, "per_device.memory_bandwidth", "memory.bandwidth");
  device.memory_capacity = per_device<Bytes>(chip, "per_device.memory", "memory.capacity");
  device.cores = static_cast<int>(number_of(facts, "cores.count") / chip.devices_per_chip);
  device.clock = quantity<Hertz>(facts, "clock");
  device.l2_capacity = per_device<Bytes>(chip, "per_device.l2", "on_chip.l2");
  device.l2_bandwidth =
      per_device<BytesPerSecond>(chip, "per_device.l2_bandwidth", "on_chip.l2_bandwidth");
  device.scratch_per_core = quantity<Bytes>(facts, "on_chip.l1_smem_per_core");
  if (device.scratch_per_core == Bytes(0)) {
    device.scratch_per_core = quantity<Bytes>(facts, "on_chip.scratch_per_vector_core");
  }
  device.tdp = per_device<Watts>(chip, "per_device.tdp", "tdp");
  chip.memory_capacity = quantity<Bytes>(facts, "memory.capacity");
  chip.memory_bandwidth = quantity<BytesPerSecond>(facts, "memory.bandwidth");
  chip.scale_up_bandwidth = quantity<BytesPerSecond>(facts, "scale_up.bandwidth_per_direction");
  chip.scale_out_bandwidth = quantity<BytesPerSecond>(facts, "scale_out");
  chip.tdp = quantity<Watts>(facts, "tdp");
  chip.price = quantity<Usd>(facts, "price");
}

Chip build_chip(const Entry& entry) {
  Chip chip;
  chip.id = entry.id;
  chip.name = entry.name.empty() ? entry.id : entry.name;
  chip.vendor = entry.vendor;
  chip.status = entry.status;
  chip.architecture = entry.architecture;
  chip.aliases = entry.aliases;
  chip.facts.all = entry.facts;
  chip.devices_per_chip = entry.devices_per_chip.value_or(1);
  refresh(chip);
  return chip;
}

Result<const Device*> usable_device(const Chip& chip) {
  std::string missing;
  const auto need = [&](bool there, std::string_view what) {
    if (!there) missing += (missing.empty() ? "" : ", ") + std::string(what);
  };
  const Device& device = chip.device;
  need(device.peak_for(Format::kBf16) > OpsPerSecond(0) ||
           device.peak_for(Format::kFp16) > OpsPerSecond(0),
       "a dense BF16 or FP16 rate (peak_dense.bf16)");
  need(device.memory_capacity > Bytes(0), "the memory capacity (memory.capacity)");
  need(device.memory_bandwidth > BytesPerSecond(0), "the memory bandwidth (memory.bandwidth)");
  if (missing.empty()) return &device;
  return fail(fmt::format("nothing can be predicted for {} ({}): not published is {}", chip.name,
                          chip.id, missing),
              "state it in a file of your own and pass --catalog DIR");
}

}  // namespace fivefold
