// What a fabric is made of: cables, switches and transceivers of each level, what they cost and
// take.
//
// Counted on the graph with every plane and spine separate. Prices and powers are facts of the
// catalog (net.module.*, net.switch.*, net.copper.*), scaled by bandwidth from 800
// Gbit/s (switches: from 51.2 Tbit/s of ports). Network cards, and the chips' own share of their
// links' price, are not in it.
#pragma once

#include <string>
#include <vector>

#include "fivefold/catalog/catalog.h"
#include "fivefold/fabric/plan.h"

namespace fivefold {

struct Range {
  double value = 0, low = 0, high = 0;
  Range& operator+=(const Range& other);
};

struct LevelInventory {
  Medium medium = Medium::kUnknown;
  bool assumed_medium = false;
  double cables = 0;        // one per pair of ports, both directions
  double switches = 0;      // boxes; where a stage has no number of its own, of 51.2 Tbit/s
  double transceivers = 0;  // at both ends
  BytesPerSecond capacity;  // of the cables in sum, per direction
  Range price;              // USD
  Range power;              // watts
};

struct Inventory {
  std::vector<LevelInventory> levels;
  LevelInventory total;
  std::vector<const Fact*> facts;  // live as long as the catalog
};

// Fails where the catalog lacks a price or a power.
Result<Inventory> take_inventory(const Catalog& catalog, const FabricPlan& plan);

}  // namespace fivefold
