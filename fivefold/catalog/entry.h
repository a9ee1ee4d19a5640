// Chips and systems as the files state them, before `extends` and overlays are worked in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fivefold/catalog/chip.h"
#include "fivefold/catalog/fact_reader.h"
#include "fivefold/catalog/system.h"

namespace fivefold {

struct RawLevel {
  std::string name;
  LevelKind kind = LevelKind::kUnknown;
  int size = 1;
  bool counts_devices = false;  // unit: die; otherwise packages
  std::vector<int> dims;
  std::vector<Fact> facts;
};

struct Entry {
  Place place;
  std::string id;
  std::string name;
  std::string vendor;
  std::string status;
  std::string architecture;
  std::string extends;
  Place extends_place;
  std::vector<std::string> aliases;
  std::vector<Fact> facts;
  std::optional<int> devices_per_chip;
  std::string chip;  // of a system
  Place chip_place;
  int chips = 0;
  std::vector<RawLevel> levels;
};

void read_chips(const yaml::Node& list, const FactReader& reader, std::vector<Entry>& into);
void read_systems(const yaml::Node& list, const FactReader& reader, std::vector<Entry>& into);

// The entry of an overlay replaces what it states.
void lay_over(Entry& below, Entry above);
// What an entry takes from the one that it extends: everything that it does not state, except
// measurements and claims, which are about that one product.
void inherit(Entry& heir, const Entry& ancestor);

// Entries by id with `extends` worked in, in their order. Unknown ancestors and cycles are
// problems.
void resolve_extends(std::vector<Entry>& entries, std::string_view what,
                     std::vector<Problem>& problems);

Chip build_chip(const Entry& entry);
System build_system(const Entry& entry, const Chip& chip);
// Works the typed values out of the facts again.
void refresh(Chip& chip);
void refresh(System& system);

}  // namespace fivefold
