// How often a machine of so many parts fails.
//
// Parts fail independently at constant rates, so rates add: five times the parts fail five times as
// often. Rates are facts of the catalog (catalog/reliability/rates.yaml), derived from Table 5 of
// the Llama 3 paper (arXiv 2407.21783, section 3.3.4). `fail.PART` holds for all chips, times
// `fail.scale.X` with X the chip, its architecture or `default`; `fail.PART.X` replaces one rate.
// For chips without published rates the scale is an assumption with a range.
#pragma once

#include <string_view>
#include <vector>

#include "fivefold/catalog/catalog.h"

namespace fivefold {

enum class Component {
  kChip,      // without its memory
  kMemory,    // HBM, by capacity
  kHost,      // with its disks and boards
  kPower,     // power supply and cooling of a host
  kNic,       // network cards
  kSwitch,    //
  kCopper,    // cables
  kOptics,    // modules; an optical cable has two
  kSoftware,  // by chips that run it
  kSilent     // wrong results that are found out, by chips
};
inline constexpr int kComponentCount = 10;
std::string_view name(Component part);
// A failure of it takes a node out until it is repaired; otherwise the job starts again at once.
bool takes_node(Component part);

struct PartCounts {
  double chips = 0;
  Bytes memory;  // of all chips
  double hosts = 0;
  double nics = 0;
  double switches = 0;
  double copper_cables = 0;
  double optical_modules = 0;
};
PartCounts operator*(const PartCounts& counts, double times);

struct ComponentRate {
  Component component = Component::kChip;
  double count = 0;       // parts, or bytes of memory
  Hertz rate, low, high;  // of all of them; the ends multiply those of both facts
  const Fact* fact = nullptr;
};

struct FailureRates {
  std::vector<ComponentRate> parts;  // in the order of Component, those that the machine has
  Hertz total, low, high;
  const Fact* scale = nullptr;  // by which all were multiplied; null: nothing was looked up
  Hertz taking_nodes() const;
  // Infinite where nothing fails.
  Seconds mtbf() const { return Seconds(1 / total.value()); }
};
FailureRates operator*(const FailureRates& rates,
                       double times);  // a machine so many times as large

// Of chips like `chip`. Pointers live as long as the catalog. Fails on negative counts, on no
// chips, and where the catalog lacks a rate.
Result<FailureRates> failure_rates(const Catalog& catalog, const Chip& chip,
                                   const PartCounts& counts);

// Share of time that a system is up (Barlow and Proschan, 1975): MTBF / (MTBF + MTTR).
double availability(Seconds mtbf, Seconds repair);

}  // namespace fivefold
