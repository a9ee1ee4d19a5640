#include "fivefold/kernel/parameters.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace fivefold {
namespace {

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

constexpr NamedFact kKernelFacts[] = {{"compute_fraction", &KernelFacts::compute_fraction},
                                      {"compute_per_clock", &KernelFacts::compute_per_clock},
                                      {"most_of_peak", &KernelFacts::most_of_peak},
                                      {"memory_fraction", &KernelFacts::memory_fraction},
                                      {"launch", &KernelFacts::launch},
                                      {"fill", &KernelFacts::fill},
                                      {"launch_cycles", &KernelFacts::launch_cycles},
                                      {"fill_cycles", &KernelFacts::fill_cycles},
                                      {"feed", &KernelFacts::feed},
                                      {"drag", &KernelFacts::drag},
                                      {"tile_m", &KernelFacts::tile_m},
                                      {"tile_n", &KernelFacts::tile_n},
                                      {"widest", &KernelFacts::widest},
                                      {"split", &KernelFacts::split},
                                      {"passes", &KernelFacts::passes},
                                      {"unit_rows", &KernelFacts::unit_rows},
                                      {"together", &KernelFacts::together},
                                      {"parts", &KernelFacts::parts},
                                      {"masked", &KernelFacts::masked},
                                      {"host", &KernelFacts::host},
                                      {"each", &KernelFacts::each},
                                      {"scores", &KernelFacts::scores},
                                      {"gather", &KernelFacts::gather},
                                      {"tables", &KernelFacts::tables},
                                      {"exponentials", &KernelFacts::exponentials}};

// What is given in one unit takes away what was given in the other.
constexpr std::pair<std::string_view, double KernelFacts::*> kEither[] = {
    {"compute_fraction", &KernelFacts::compute_per_clock},
    {"compute_fraction", &KernelFacts::drag},  // fitted together with it
    {"compute_fraction", &KernelFacts::exponentials},
    {"launch", &KernelFacts::launch_cycles},
    {"launch_cycles", &KernelFacts::launch},
    {"fill", &KernelFacts::fill_cycles},
    {"fill_cycles", &KernelFacts::fill}};

constexpr std::uint32_t bit_of(double KernelFacts::*value) {
  for (std::size_t i = 0; i < std::size(kKernelFacts); ++i) {
    if (kKernelFacts[i].value == value) return 1U << i;
  }
  return 0;
}

struct Given {
  KernelFacts facts;
  std::uint32_t set = 0;  // bit i: kKernelFacts[i] is given
  std::array<const Fact*, std::size(kKernelFacts)> from{};
  const Fact* residual = nullptr;
};

// `core_ops`: dense BF16 operations of a core of the device in a clock cycle. Entries that were
// taken over from another architecture (StackEntry::core_ops) count on cores of another size.
Given given_by(const StackEntry& entry, double core_ops) {
  const double core_size = entry.core_ops > 0 ? core_ops / entry.core_ops : 1;
  Given given;
  for (const Fact& fact : entry.parameters->all) {
    if (fact.path == "residual") given.residual = &fact;
    if (!fact.is_number()) continue;
    for (const auto& [one, other] : kEither) {
      if (fact.path == one) given.set |= bit_of(other);
    }
  }
  given.facts.launch = 0;
  for (const Fact& fact : entry.parameters->all) {
    if (!fact.is_number()) continue;
    for (std::size_t i = 0; i < std::size(kKernelFacts); ++i) {
      if (fact.path != kKernelFacts[i].name) continue;
      given.facts.*kKernelFacts[i].value = fact.number;
      given.set |= 1U << i;
      given.from[i] = &fact;
    }
  }
  given.facts.compute_per_clock *= core_size;
  given.facts.feed *= core_size;
  return given;
}

void lay_over(Given& below, const Given& above) {
  for (std::size_t i = 0; i < std::size(kKernelFacts); ++i) {
    if ((above.set >> i & 1U) == 0) continue;
    below.facts.*kKernelFacts[i].value = above.facts.*kKernelFacts[i].value;
    below.from[i] = above.from[i];
  }
  below.set |= above.set;
  if (above.residual != nullptr) below.residual = above.residual;
}

// A number that the stack gives for the chip as a whole, where its data sheet has none.
double of_chip(const Stack& stack, const Device& device, std::string_view parameter) {
  double value = 0;
  for (const StackEntry& entry : stack.entries) {
    if (!concerns(entry, device)) continue;
    const Fact* fact = entry.parameters->find(parameter);
    if (fact != nullptr && fact->is_number()) value = fact->number;
  }
  return value;
}

// What a stack gives on a device: of the entries that apply, the last.
class GivenTable {
 public:
  GivenTable(const Stack& stack, const Device& device, double core_ops) : core_ops_(core_ops) {
    for (const StackEntry& entry : stack.entries) {
      if (concerns(entry, device)) add(entry);
    }
    settle();
  }
  const Given& of(Family family, Variant variant, Format format) const {
    return slots_[static_cast<std::size_t>(family)][static_cast<std::size_t>(variant)]
                 [static_cast<std::size_t>(format)];
  }

 private:
  void add(const StackEntry& entry) {
    const Given given = given_by(entry, core_ops_);
    std::array<bool, kFormatCount> serves{};
    for (std::size_t slot = 0; slot < kFormatCount; ++slot)
      serves[slot] = concerns(entry, kAllFormats[slot]);
    for (int f = 0; f < kFamilyCount; ++f) {
      const auto family = static_cast<Family>(f);
      const bool is_family = entry.family == "*" || entry.family == name(family);
      for (int v = 0; v < kVariantCount; ++v) {
        const auto variant = static_cast<Variant>(v);
        const bool is_variant = v > 0 && !variant_name(family, variant).empty() &&
                                entry.family == variant_name(family, variant);
        for (std::size_t slot = 0; slot < kFormatCount && (is_family || is_variant); ++slot) {
          if (!serves[slot]) continue;
          lay_over(is_variant ? variants_[f][v][slot] : slots_[f][v][slot], given);
        }
      }
    }
  }

  // What is said of a variant itself counts more than what is said of its family.
  void settle() {
    for (int f = 0; f < kFamilyCount; ++f) {
      for (int v = 1; v < kVariantCount; ++v) {
        for (std::size_t slot = 0; slot < kFormatCount; ++slot)
          lay_over(slots_[f][v][slot], variants_[f][v][slot]);
      }
    }
  }

  using Formats = std::array<Given, kFormatCount>;
  double core_ops_;
  std::array<std::array<Formats, kVariantCount>, kFamilyCount> slots_{}, variants_{};
};

Result<const Residual*> residual_of(KernelModel::Parameters& parameters, Family family,
                                    const Fact* fact) {
  if (fact == nullptr || fact->text == "flat") return nullptr;
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
  if (std::isnan(given.facts.compute_fraction) || std::isnan(given.facts.memory_fraction) ||
      std::isnan(given.facts.launch)) {
    return fail(fmt::format(
        "the stack '{}' does not give compute_fraction, memory_fraction and launch of {} on {}",
        stack.id, name(family), device.architecture));
  }
  return on_device(given.facts, device, cores, hertz);
}

}  // namespace

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

std::span<const NamedFact> kernel_facts() {
  return kKernelFacts;
}

FamilyParameters with_peak(FamilyParameters p, double peak) {
  p.compute_rate =
      p.issue_rate > 0 ? std::min(p.issue_rate, p.most_rate * peak) : p.compute_rate * peak;
  if (p.drag > 0) p.compute_rate = 1 / (1 / p.compute_rate + p.drag);
  return p;
}

FamilyParameters on_device(const KernelFacts& facts, const Device& device, double cores,
                           double hertz) {
  FamilyParameters p;
  p.compute_rate = facts.compute_fraction / cores;
  p.issue_rate = facts.compute_per_clock * hertz;
  p.most_rate = facts.most_of_peak / cores;
  p.memory_rate = device.memory_bandwidth.value() * facts.memory_fraction;
  p.feed_rate = facts.feed * hertz;
  p.launch = facts.launch + facts.launch_cycles / hertz;
  p.fill = facts.fill + facts.fill_cycles / hertz;
  const double wide_peak = device.peak_for(Format::kBf16).value();
  p.drag = wide_peak > 0 ? facts.drag * cores / wide_peak : 0;
  p.tile_m = facts.tile_m;
  p.tile_n = facts.tile_n;
  p.widest = facts.widest;
  p.split = facts.split;
  p.passes = facts.passes;
  p.unit_rows = facts.unit_rows;
  p.together = facts.together;
  p.parts = facts.parts;
  p.masked = facts.masked;
  p.score_time = facts.exponentials > 0 ? 1 / (facts.exponentials * hertz) : 0;
  p.host = facts.host;
  p.each = facts.each;
  p.scores = facts.scores;
  p.gather = facts.gather;
  p.tables = facts.tables;
  p.cache = device.l2_capacity.value();
  return p;
}

std::string_view variant_name(Family family, Variant variant) {
  if (family == Family::kLinearAttention) {
    constexpr std::string_view kNames[kVariantCount] = {
        "", "linear_attention_step", "linear_convolution", "linear_convolution_step"};
    return kNames[static_cast<std::size_t>(variant)];
  }
  if (family == Family::kSparseAttention) {
    constexpr std::string_view kNames[kVariantCount] = {"", "sparse_attention_converted",
                                                        "sparse_attention_step",
                                                        "sparse_attention_step_converted"};
    return kNames[static_cast<std::size_t>(variant)];
  }
  if (family == Family::kCompressedAttention) {
    constexpr std::string_view kNames[kVariantCount] = {"", "compressed_attention_step",
                                                        "heavy_attention", "heavy_attention_step"};
    return kNames[static_cast<std::size_t>(variant)];
  }
  if (family == Family::kAttentionModule) {
    constexpr std::string_view kNames[kVariantCount] = {"", "attention_module_step",
                                                        "attention_module_indexed", ""};
    return kNames[static_cast<std::size_t>(variant)];
  }
  if (family == Family::kMoe && variant == Variant::kThird) return "moe_exchanged_prefill";
  if (family == Family::kMoe && variant == Variant::kFourth) return "moe_mixed";
  if (family == Family::kMlaPrefill && variant == Variant::kThird) return "mla_prefill_absorbed";
  if (family == Family::kMlaPrefill && variant == Variant::kFourth)
    return "mla_prefill_absorbed_converted";
  if (variant != Variant::kOther) return "";
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
    case Family::kMemoryBound:
      return "quantise";
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
  parameters.cores = device.cores > 0 ? device.cores : of_chip(stack, device, "cores");
  const double hertz =
      device.clock > Hertz(0) ? device.clock.value() : of_chip(stack, device, "clock");
  if (parameters.cores <= 0 || hertz <= 0) {
    return fail(fmt::format("neither the chip '{}' nor the stack '{}' gives cores and clock",
                            device.chip, stack.id));
  }
  const GivenTable table(stack, device,
                         device.peak_for(Format::kBf16).value() / parameters.cores / hertz);
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

std::vector<const Fact*> facts_serving(const Device& device, const Stack& stack, Family family,
                                       const Shape& shape) {
  const GivenTable table(stack, device,
                         0);  // which facts they are does not hang on the size of cores
  const ServedBy served = served_by(shape);
  const Given& given = table.of(family, served.variant, served.format());
  std::vector<const Fact*> facts;
  for (const Fact* fact : given.from) {
    if (fact != nullptr) facts.push_back(fact);
  }
  if (given.residual != nullptr) facts.push_back(given.residual);
  return facts;
}

namespace {

// The cube root of x in [1, 2] within 1e-12: a cubic within 1.1e-4, and one step of Halley's
// method, which leaves about the cube of that. std::cbrt, which takes any number, takes thrice as
// long.
double cube_root(double x) {
  const double y = 0.555791 + x * (0.580826 + x * (-0.158662 + x * 0.022149));
  const double cube = y * y * y;
  return y * (cube + 2 * x) / (2 * cube + x);
}

}  // namespace

double overlapped(double a, double b) {
  const double high = std::max(a, b), low = std::min(a, b);
  if (high <= 0) return 0;
  const double share = low / high;
  return high * cube_root(1 + share * share * share);
}

Limit limit_of(double compute, double memory, double overhead) {
  if (overhead >= compute && overhead >= memory) return Limit::kLaunch;
  return compute >= memory ? Limit::kCompute : Limit::kMemory;
}

Limit limit_with_tail(const KernelTime& time, const CoreTime& cores) {
  const double others = std::max({cores.busy, time.memory.value(), time.overhead.value()});
  return cores.idle > others ? Limit::kTail : time.limit;
}

KernelTime overlapped_after(double waiting, double compute, double memory) {
  KernelTime result;
  result.compute = Seconds(compute);
  result.memory = Seconds(memory);
  result.overhead = Seconds(waiting);
  result.time = Seconds(waiting + overlapped(compute, memory));
  result.limit = limit_of(compute, memory, waiting);
  return result;
}

}  // namespace fivefold
