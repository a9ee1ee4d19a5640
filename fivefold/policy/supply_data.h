// What `supply` in the catalog's files says, as it was read; internal to the room.
//
// Everything that varies is a series of dated facts. A rate (a month) is joined by lines between
// its points, nothing before the first and the same after the last; a level likewise, but held
// before the first as well; an amount came or comes evenly between two days. A later statement
// about the same date replaces an earlier one; of amounts that overlap the later stated counts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fivefold/catalog/yaml_tree.h"
#include "fivefold/policy/supply.h"

namespace fivefold {

struct SupplyPoint {
  Fact fact;
  std::string what;
  DateSpan at;     // when it holds; of amounts, over which days
  DateSpan as_of;  // when it was said
};

enum class SeriesForm { kRate, kLevel, kAmount };

struct SupplySeries {
  std::string id, what;
  std::string kind;  // what --scale calls it: "wafers", "yield", ...
  std::string unit;
  SeriesForm form = SeriesForm::kRate;
  std::vector<SupplyPoint> points;
  Place place;
};

// Indices point into the lists of the book; -1 is none.
struct SupplyDie {
  std::string id;
  double width = 0, height = 0;  // mm
  int gross = -1;                // series of candidate dies a wafer, instead of the formula
  int yield = -1;                // series, instead of the node's
  std::vector<std::string> sources;
  std::string note;
  Place place;
  double area() const { return width * height / 100; }  // cm2
};

struct SupplyNode {
  std::string id, name;
  int wafers = -1, yield = -1;
  int reference = -1;  // die that the yields are of
  Place place;
};

struct SupplyPool {  // of memory stacks
  std::string id, name;
  std::vector<int> from;  // series of stacks
  Place place;
};

struct SupplyBin {
  std::string chip, name;
  double share = 0;
};

struct SupplyProduct {
  std::string chip, name;
  int dies = 1;     // in a package
  int modules = 0;  // of 2.5D packaging that it takes
  int mix = -1;     // series: share of the die's dies; -1: what the others leave
  int memory = -1;  // pool
  int stacks = -1;  // series: in a package
  int packaging_yield = -1;
  std::vector<SupplyBin> bins;  // empty: all alike
};

struct SupplyVendorDie {
  int die = -1;
  int share = -1;         // series: of the vendor's wafers; -1: what the others leave
  std::vector<int> bank;  // series of good dies made elsewhere
  std::vector<SupplyProduct> products;
};

struct SupplyWafers {
  int node = -1, share = -1;  // series: share of the node's wafers
};

struct SupplyImport {  // finished packages that come in
  std::string chip, name;
  int amount = -1;
};

struct SupplyVendor {
  std::string id, name, origin;
  std::vector<SupplyWafers> wafers;
  std::vector<SupplyVendorDie> dies;
  std::vector<SupplyImport> imports;
  Place place;
};

// A published total, to be compared and never used.
struct SupplyCheck {
  Fact fact;
  std::string what;
  std::string of;      // vendor, or "CN", "all"
  std::string counts;  // "chips", "dies"
  int year = 0;
  bool input = false;  // something of the model rests on the same statement
  DateSpan as_of;
};

struct SupplyBook::Data {
  Quarter start{2023, 1};
  Wafer wafer;
  YieldModel yield_model = YieldModel::kPoisson;
  double alpha = 2;
  // Half-width of what is published without a range, by confidence: value / (1 + s) to
  // value * (1 + s).
  std::optional<Fact> spread_high, spread_medium, spread_low;
  int lead = -1;           // series: weeks from wafer start to the chip
  int place_in_span = -1;  // series: where in a span ("2026") a rate holds, 0 its first day
  int packaging = -1;      // series: modules a month
  std::vector<SupplySeries> series;
  std::vector<SupplyDie> dies;
  std::vector<SupplyNode> nodes;
  std::vector<SupplyPool> pools;
  std::vector<SupplyVendor> vendors;
  std::vector<SupplyCheck> checks;

  double spread_of(Confidence confidence) const;
};

// The book that these files state, lowest layer first; the catalog's names are not asked.
Result<SupplyBook::Data> read_supply(const std::vector<CatalogFile>& files);

}  // namespace fivefold
