#include "fivefold/reliability/failures.h"

#include <array>
#include <cmath>
#include <string>

#include <fmt/format.h>

namespace fivefold {
namespace {

struct ComponentInfo {
  std::string_view name;
  std::string_view fact;
  bool takes_node;
  bool by_bytes = false;
};
constexpr std::array<ComponentInfo, kComponentCount> kParts = {
    {{"chip", "fail.chip", true},
     {"memory", "fail.memory", true, true},
     {"host", "fail.host", true},
     {"power and cooling", "fail.power", true},
     {"network card", "fail.nic", true},
     {"switch", "fail.switch", true},
     {"copper cable", "fail.copper", true},
     {"optical module", "fail.optics", true},
     {"software", "fail.software", false},
     {"silent error", "fail.silent", true}}};

const ComponentInfo& info(Component part) {
  return kParts[std::size_t(part)];
}

double count_of(const PartCounts& counts, Component part) {
  switch (part) {
    case Component::kChip:
    case Component::kSoftware:
    case Component::kSilent:
      return counts.chips;
    case Component::kMemory:
      return counts.memory.value();
    case Component::kHost:
    case Component::kPower:
      return counts.hosts;
    case Component::kNic:
      return counts.nics;
    case Component::kSwitch:
      return counts.switches;
    case Component::kCopper:
      return counts.copper_cables;
    case Component::kOptics:
      return counts.optical_modules;
  }
  return 0;
}

// What is said of the chip, else of its architecture, else the last name as it stands.
Result<const Fact*> fact_for(const Catalog& catalog, const Chip& chip, std::string_view id,
                             std::string_view otherwise, Dim dim) {
  const auto found = [&]() -> Result<const Fact*> {
    for (const std::string& name : {chip.id, chip.architecture}) {
      if (name.empty()) continue;
      if (auto fact = catalog.economics(fmt::format("{}.{}", id, name))) return fact;
    }
    return catalog.economics(otherwise);
  }();
  if (!found) return found;
  if (!(*found)->is_number() || (*found)->dim != dim) {
    return fail(fmt::format("'{}' is no failure rate of its part", (*found)->path),
                "for example 9 failures/million h", (*found)->place);
  }
  return found;
}

}  // namespace

std::string_view name(Component part) {
  return info(part).name;
}

bool takes_node(Component part) {
  return info(part).takes_node;
}

PartCounts operator*(const PartCounts& counts, double times) {
  return {.chips = counts.chips * times,
          .memory = counts.memory * times,
          .hosts = counts.hosts * times,
          .nics = counts.nics * times,
          .switches = counts.switches * times,
          .copper_cables = counts.copper_cables * times,
          .optical_modules = counts.optical_modules * times};
}

Hertz FailureRates::taking_nodes() const {
  Hertz sum;
  for (const ComponentRate& part : parts) {
    if (takes_node(part.component)) sum += part.rate;
  }
  return sum;
}

FailureRates operator*(const FailureRates& rates, double times) {
  FailureRates scaled = rates;
  for (ComponentRate& part : scaled.parts) {
    part.count *= times;
    part.rate *= times;
    part.low *= times;
    part.high *= times;
  }
  scaled.total *= times;
  scaled.low *= times;
  scaled.high *= times;
  return scaled;
}

Result<FailureRates> failure_rates(const Catalog& catalog, const Chip& chip,
                                   const PartCounts& counts) {
  if (!(counts.chips > 0)) return fail("a machine without chips cannot fail", "at least one chip");
  FailureRates rates;
  const auto scale = fact_for(catalog, chip, "fail.scale", "fail.scale.default", Dim{});
  if (!scale) return fail(scale.error());
  rates.scale = *scale;
  for (int i = 0; i < kComponentCount; ++i) {
    const Component part = Component(i);
    const double count = count_of(counts, part);
    if (!(count >= 0) || !std::isfinite(count)) {
      return fail(fmt::format("{} is no number of parts ({})", count, name(part)));
    }
    if (count == 0) continue;
    const Dim dim = info(part).by_bytes ? Hertz::kDim - Bytes::kDim : Hertz::kDim;
    const auto fact = fact_for(catalog, chip, info(part).fact, info(part).fact, dim);
    if (!fact) return fail(fact.error());
    ComponentRate rate{.component = part, .count = count, .fact = *fact};
    rate.rate = Hertz(count * (*fact)->number * (*scale)->number);
    rate.low = Hertz(count * (*fact)->lowest() * (*scale)->lowest());
    rate.high = Hertz(count * (*fact)->highest() * (*scale)->highest());
    rates.total += rate.rate;
    rates.low += rate.low;
    rates.high += rate.high;
    rates.parts.push_back(rate);
  }
  return rates;
}

double availability(Seconds mtbf, Seconds repair) {
  return mtbf / (mtbf + repair);
}

}  // namespace fivefold
