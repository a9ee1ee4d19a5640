#include "fivefold/kernel/parameters.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace fivefold {
namespace {

// The numbers that a stack gives for a kernel, by name; unset ones fall to the value here.
struct Given {
  std::optional<double> compute_fraction, memory_fraction, launch, fill, feed, tile_m, split, cores,
      clock;
  const Fact* residual = nullptr;
};

struct Named {
  std::string_view name;
  std::optional<double> Given::*value;
};
constexpr Named kNamed[] = {{"compute_fraction", &Given::compute_fraction},
                            {"memory_fraction", &Given::memory_fraction},
                            {"launch", &Given::launch},
                            {"fill", &Given::fill},
                            {"feed", &Given::feed},
                            {"tile_m", &Given::tile_m},
                            {"split", &Given::split},
                            {"cores", &Given::cores},
                            {"clock", &Given::clock}};

Given given_by(const StackEntry& entry) {
  Given given;
  for (const Fact& fact : entry.parameters.all) {
    if (fact.path == "residual") given.residual = &fact;
    if (!fact.is_number()) continue;
    for (const Named& named : kNamed) {
      if (fact.path == named.name) given.*named.value = fact.number;
    }
  }
  return given;
}

void lay_over(Given& below, const Given& above) {
  for (const Named& named : kNamed) {
    if (above.*named.value) below.*named.value = above.*named.value;
  }
  if (above.residual != nullptr) below.residual = above.residual;
}

// What a stack gives on a device: of the entries that apply, the last.
class GivenTable {
 public:
  GivenTable(const Stack& stack, const Device& device) {
    for (const StackEntry& entry : stack.entries) {
      if (entry.architecture == "*" || entry.architecture == device.architecture ||
          entry.architecture == device.chip)
        add(entry);
    }
  }
  const Given& of(Family family, Variant variant, Format format) const {
    return slots_[static_cast<std::size_t>(family)][static_cast<std::size_t>(variant)]
                 [static_cast<std::size_t>(format)];
  }
  const Given& any() const { return any_; }

 private:
  void add(const StackEntry& entry) {
    const Given given = given_by(entry);
    const std::optional<Format> format =
        entry.format == "*" ? std::nullopt : format_from_name(entry.format);
    if (entry.family == "*" && entry.format == "*") lay_over(any_, given);
    if (entry.format != "*" && !format) return;
    for (int f = 0; f < kFamilyCount; ++f) {
      const auto family = static_cast<Family>(f);
      const bool is_family = entry.family == "*" || entry.family == name(family);
      const bool is_variant = !variant_name(family).empty() && entry.family == variant_name(family);
      for (std::size_t slot = 0; slot < kFormatCount && (is_family || is_variant); ++slot) {
        if (format && static_cast<std::size_t>(*format) != slot) continue;
        if (is_family) lay_over(slots_[f][0][slot], given);
        lay_over(is_variant ? variants_[f][slot] : slots_[f][1][slot], given);
      }
    }
  }

 public:
  // What is said of a variant itself counts more than what is said of its family.
  void settle() {
    for (int f = 0; f < kFamilyCount; ++f) {
      for (std::size_t slot = 0; slot < kFormatCount; ++slot)
        lay_over(slots_[f][1][slot], variants_[f][slot]);
    }
  }

 private:
  using Formats = std::array<Given, kFormatCount>;
  std::array<std::array<Formats, kVariantCount>, kFamilyCount> slots_{};
  std::array<Formats, kFamilyCount> variants_{};
  Given any_;
};

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

Result<const Residual*> residual_of(KernelModel::Parameters& parameters, Family family,
                                    const Fact* fact) {
  if (fact == nullptr || fact->text == "none") return nullptr;
  std::unique_ptr<const Residual>& known = parameters.residuals[fact];
  if (!known) {
    auto residual = Residual::decode(family, fact->text);
    if (!residual) {
      residual.error().problems.front().place = fact->place;
      return tl::unexpected(residual.error());
    }
    known = std::make_unique<const Residual>(std::move(*residual));
  }
  return known.get();
}

Result<FamilyParameters> family_parameters(const Given& given, const Device& device, double cores,
                                           double hertz, const Stack& stack, Family family) {
  if (!given.compute_fraction || !given.memory_fraction || !given.launch) {
    return fail(fmt::format(
        "the stack '{}' does not give compute_fraction, memory_fraction and launch of {} on {}",
        stack.id, name(family), device.architecture));
  }
  FamilyParameters p;
  p.compute_rate = *given.compute_fraction / cores;
  p.memory_rate = device.memory_bandwidth.value() * *given.memory_fraction;
  p.launch = *given.launch;
  p.fill = given.fill.value_or(0);
  p.feed_rate = given.feed.value_or(64) * hertz;
  p.tile_m = given.tile_m.value_or(16);
  p.split = given.split.value_or(16);
  return p;
}

}  // namespace

std::string_view variant_name(Family family) {
  switch (family) {
    case Family::kGemm:
      return "gemm_batched";
    case Family::kMoe:
      return "moe_exchanged";
    case Family::kAttentionPrefill:
      return "attention_prefill_converted";
    case Family::kAttentionDecode:
      return "attention_decode_converted";
    case Family::kMlaPrefill:
      return "mla_prefill_converted";
    case Family::kMlaDecode:
      return "mla_decode_converted";
    default:
      return "";
  }
}

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
  GivenTable table(stack, device);
  table.settle();
  parameters.cores = device.cores > 0 ? device.cores : table.any().cores.value_or(0);
  const double hertz =
      device.clock > Hertz(0) ? device.clock.value() : table.any().clock.value_or(0);
  if (parameters.cores <= 0 || hertz <= 0) {
    return fail(fmt::format("neither the chip '{}' nor the stack '{}' gives cores and clock",
                            device.chip, stack.id));
  }
  for (int f = 0; f < kFamilyCount; ++f) {
    const auto family = static_cast<Family>(f);
    for (int v = 0; v < kVariantCount; ++v) {
      for (Format format : kAllFormats) {
        const Given& given = table.of(family, static_cast<Variant>(v), format);
        auto p = family_parameters(given, device, parameters.cores, hertz, stack, family);
        if (!p) return tl::unexpected(p.error());
        const auto residual = residual_of(parameters, family, given.residual);
        if (!residual) return tl::unexpected(residual.error());
        p->residual = *residual;
        parameters.families[f][v][static_cast<std::size_t>(format)] = *p;
      }
    }
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
