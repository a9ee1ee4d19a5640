#include "fivefold/kernel/parameters.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>

#include <fmt/format.h>

namespace fivefold {
namespace {

// The value of a parameter for a family, device and format: of the entries that apply, the last.
std::optional<double> find(const Stack& stack, const Device& device, std::string_view family,
                           std::string_view format, std::string_view parameter) {
  std::optional<double> value;
  for (const StackEntry& entry : stack.entries) {
    const bool applies = (entry.family == "*" || entry.family == family) &&
                         (entry.architecture == "*" || entry.architecture == device.architecture ||
                          entry.architecture == device.chip) &&
                         (entry.format == "*" || entry.format == format);
    if (!applies) continue;
    const Fact* fact = entry.parameters.find(parameter);
    if (fact != nullptr && fact->is_number()) value = fact->number;
  }
  return value;
}

bool computes(const Device& device, Format format) {
  return device.peak_for(format) > OpsPerSecond(0);
}

// Eight- and four-bit floats that the matrix unit lacks natively but whose values it can multiply:
// block scales are then applied in software at the same rate.
Format native_relative(Format format) {
  switch (format) {
    case Format::kFp8Block:
    case Format::kMxFp8:
      return Format::kFp8;
    default:
      return format;
  }
}

// A product of a and b runs in the wider of the two if the chip computes in it, else in BF16, else
// in FP16 or FP32: real stacks upcast weights on the way into the matrix unit.
Format computed_in(const Device& device, Format a, Format b) {
  const Format wanted = bytes_per_value(a) >= bytes_per_value(b) ? a : b;
  for (Format candidate :
       {wanted, native_relative(wanted), Format::kBf16, Format::kFp16, Format::kFp32}) {
    if (computes(device, candidate)) return candidate;
  }
  return Format::kBf16;
}

// Of the families named, each over the ones before it.
Result<FamilyParameters> family_parameters(const Stack& stack, const Device& device, double cores,
                                           double hertz,
                                           std::initializer_list<std::string_view> families,
                                           Format format) {
  const auto value = [&](std::string_view parameter) {
    std::optional<double> found;
    for (const std::string_view family : families) {
      if (const auto own = find(stack, device, family, name(format), parameter)) found = own;
    }
    return found;
  };
  const auto compute = value("compute_fraction"), memory = value("memory_fraction"),
             launch = value("launch");
  if (!compute || !memory || !launch) {
    return fail(fmt::format(
        "the stack '{}' does not give compute_fraction, memory_fraction and launch of {} on {}",
        stack.id, *families.begin(), device.architecture));
  }
  FamilyParameters p;
  p.compute_rate = *compute / cores;
  p.memory_rate = device.memory_bandwidth.value() * *memory;
  p.launch = *launch;
  p.fill = value("fill").value_or(0);
  p.convert = value("convert").value_or(0);
  p.feed_rate = value("feed").value_or(64) * hertz;
  p.tile_m = value("tile_m").value_or(16);
  p.split = value("split").value_or(16);
  return p;
}

}  // namespace

Result<KernelModel::Parameters> resolve_parameters(const Device& device, const Stack& stack) {
  if (!computes(device, Format::kBf16) && !computes(device, Format::kFp16) &&
      !computes(device, Format::kFp32)) {
    return fail(
        fmt::format("'{}' has no published BF16, FP16 or FP32 rate: nothing can be predicted on it",
                    device.chip));
  }
  if (device.memory_bandwidth <= BytesPerSecond(0)) {
    return fail(fmt::format(
        "'{}' has no published memory bandwidth: nothing can be predicted on it", device.chip));
  }
  KernelModel::Parameters parameters;
  const auto cores = find(stack, device, "*", "*", "cores");
  const auto clock = find(stack, device, "*", "*", "clock");
  parameters.cores = device.cores > 0 ? device.cores : cores.value_or(0);
  const double hertz = device.clock > Hertz(0) ? device.clock.value() : clock.value_or(0);
  if (parameters.cores <= 0 || hertz <= 0) {
    return fail(fmt::format("neither the chip '{}' nor the stack '{}' gives cores and clock",
                            device.chip, stack.id));
  }
  for (Format format : kAllFormats) {
    const std::size_t slot = static_cast<std::size_t>(format);
    for (int f = 0; f < kFamilyCount; ++f) {
      const auto p = family_parameters(stack, device, parameters.cores, hertz,
                                       {name(static_cast<Family>(f))}, format);
      if (!p) return tl::unexpected(p.error());
      parameters.families[static_cast<std::size_t>(f)][slot] = *p;
    }
    const auto p = family_parameters(stack, device, parameters.cores, hertz,
                                     {name(Family::kMoe), "moe_exchanged"}, format);
    if (!p) return tl::unexpected(p.error());
    parameters.exchanged[slot] = *p;
  }
  for (Format a : kAllFormats) {
    parameters.peaks[static_cast<std::size_t>(a)] = device.peak_for(a).value();
    for (Format b : kAllFormats) {
      parameters.compute_formats[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)] =
          computed_in(device, a, b);
    }
  }
  return parameters;
}

double overlapped(double a, double b) {
  const double high = std::max(a, b), low = std::min(a, b);
  if (high <= 0) return 0;
  const double share = low / high;
  return high * std::cbrt(1 + share * share * share);
}

Limit limit_of(double compute, double memory, double overhead) {
  if (overhead >= compute && overhead >= memory) return Limit::kLaunch;
  return compute >= memory ? Limit::kCompute : Limit::kMemory;
}

}  // namespace fivefold
