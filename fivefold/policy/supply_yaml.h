// Fields of the supply files, with problems that name file and line; internal to the room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fivefold/catalog/fact_reader.h"
#include "fivefold/policy/supply_data.h"

namespace fivefold {

// Reads the parts of a book. Names are looked up where they are read, so that series, dies, nodes
// and pools come before what uses them.
class SupplyReader {
 public:
  SupplyReader(const CatalogFile& file, SupplyBook::Data& data, std::vector<Problem>& problems)
      : facts_(file.name, 0, problems), data_(data) {}

  void read_series(const yaml::Node& node);
  void read_head(const yaml::Node& supply);
  void read_dies(const yaml::Node& node);
  void read_nodes(const yaml::Node& node);
  void read_pools(const yaml::Node& node);
  void read_vendors(const yaml::Node& node);
  void read_checks(const yaml::Node& node);
  const FactReader& facts() const { return facts_; }

 private:
  bool known_keys(const yaml::Node& node, std::string_view what,
                  const std::vector<std::string>& keys) const;
  std::string text(const yaml::Node& node, std::string_view key, bool needed = true) const;
  double number(const yaml::Node& node, std::string_view key, double least, double most,
                double otherwise) const;
  DateSpan span(const yaml::Node& node, std::string_view key) const;
  std::optional<Fact> stripped_fact(const yaml::Node& node, const std::string& id,
                                    const std::vector<std::string>& own) const;
  void read_point(const yaml::Node& node, SupplySeries& series) const;
  void check_point(const yaml::Node& node, const SupplySeries& series,
                   const SupplyPoint& point) const;
  int named_series(const yaml::Node& node, std::string_view key, SeriesForm form,
                   bool needed) const;
  std::vector<int> all_series(const yaml::Node& node, std::string_view key, SeriesForm form) const;
  int series_of(const yaml::Node& name, std::string_view key, std::optional<SeriesForm> form) const;
  template <class Item>
  void put(std::vector<Item>& items, Item item, const yaml::Node& node) const;
  template <class Items>
  int named(const yaml::Node& node, std::string_view key, const Items& items,
            std::string_view what) const;
  SupplyProduct read_product(const yaml::Node& node) const;
  SupplyVendorDie read_vendor_die(const yaml::Node& node) const;
  SupplyVendor read_vendor(const yaml::Node& node) const;

  FactReader facts_;
  SupplyBook::Data& data_;
};

}  // namespace fivefold
