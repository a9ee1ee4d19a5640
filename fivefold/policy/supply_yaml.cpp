// The parts that use the series: dies, nodes, memory, vendors; and the book as a whole.
#include "fivefold/policy/supply_yaml.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/policy/supply_series.h"

namespace fivefold {
namespace {

template <class Items>
std::vector<std::string> supply_ids(const Items& items) {
  std::vector<std::string> ids;
  for (const auto& item : items) ids.push_back(item.id);
  return ids;
}

}  // namespace

// A later layer's entry replaces the one of the same id; twice in one file is a problem.
template <class Item>
void SupplyReader::put(std::vector<Item>& items, Item item, const yaml::Node& node) const {
  item.place = facts_.place(node);
  for (Item& known : items) {
    if (known.id != item.id) continue;
    if (known.place.file == item.place.file)
      facts_.problem(node, fmt::format("'{}' stands here again", item.id),
                     fmt::format("first in line {}", known.place.line));
    known = std::move(item);
    return;
  }
  items.push_back(std::move(item));
}

int SupplyReader::series_of(const yaml::Node& name, std::string_view key,
                            std::optional<SeriesForm> form) const {
  const std::string id = facts_.text(name, key);
  for (std::size_t i = 0; i < data_.series.size(); ++i) {
    if (data_.series[i].id != id) continue;
    if (form && data_.series[i].form != *form)
      facts_.problem(name, fmt::format("series '{}' has not the form that '{}' needs", id, key),
                     *form == SeriesForm::kLevel  ? "form: level"
                     : *form == SeriesForm::kRate ? "form: rate"
                                                  : "form: amount");
    return int(i);
  }
  facts_.problem(name, fmt::format("{}: unknown series '{}'", key, id),
                 did_you_mean(id, supply_ids(data_.series)));
  return -1;
}

int SupplyReader::named_series(const yaml::Node& node, std::string_view key, SeriesForm form,
                               bool needed) const {
  const yaml::Node* found = node.find(key);
  if (found) return series_of(*found, key, form);
  if (needed) facts_.problem(node, fmt::format("no '{}'", key), fmt::format("add {}:", key));
  return -1;
}

// Rates and amounts both bring something.
std::vector<int> SupplyReader::all_series(const yaml::Node& node, std::string_view key,
                                          SeriesForm refused) const {
  std::vector<int> all;
  const yaml::Node* found = node.find(key);
  if (!found || !facts_.expect_list(*found, key)) return all;
  for (const yaml::Node& item : found->items) {
    const int series = series_of(item, key, {});
    if (series < 0) continue;
    if (data_.series[std::size_t(series)].form == refused)
      facts_.problem(item, fmt::format("{} needs rates or amounts", key));
    all.push_back(series);
  }
  return all;
}

template <class Items>
int SupplyReader::named(const yaml::Node& node, std::string_view key, const Items& items,
                        std::string_view what) const {
  const std::string id = text(node, key);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].id == id) return int(i);
  }
  if (!id.empty())
    facts_.problem(*node.find(key), fmt::format("unknown {} '{}'", what, id),
                   did_you_mean(id, supply_ids(items)));
  return -1;
}

void SupplyReader::read_dies(const yaml::Node& node) {
  if (!facts_.expect_list(node, "dies")) return;
  for (const yaml::Node& item : node.items) {
    if (!known_keys(item, "a die", {"id", "width", "height", "gross", "yield", "source", "note"}))
      continue;
    SupplyDie die;
    die.id = text(item, "id");
    for (const char* key : {"width", "height"}) {
      if (!item.find(key)) facts_.problem(item, fmt::format("no '{}'", key), "in mm: 21.32");
    }
    die.width = number(item, "width", 0.1, 100, 1);
    die.height = number(item, "height", 0.1, 100, 1);
    die.gross = named_series(item, "gross", SeriesForm::kLevel, false);
    die.yield = named_series(item, "yield", SeriesForm::kLevel, false);
    die.note = text(item, "note", false);
    if (const yaml::Node* source = item.find("source")) {
      die.sources = facts_.texts(*source, "source");
    } else {
      facts_.problem(item, fmt::format("die '{}' has no source", die.id), "add source:");
    }
    put(data_.dies, std::move(die), item);
  }
}

void SupplyReader::read_nodes(const yaml::Node& node) {
  if (!facts_.expect_list(node, "nodes")) return;
  for (const yaml::Node& item : node.items) {
    if (!known_keys(item, "a node", {"id", "name", "wafers", "yield", "reference"})) continue;
    SupplyNode made;
    made.id = text(item, "id");
    made.name = text(item, "name");
    made.wafers = named_series(item, "wafers", SeriesForm::kRate, true);
    made.yield = named_series(item, "yield", SeriesForm::kLevel, true);
    made.reference = named(item, "reference", data_.dies, "die");
    put(data_.nodes, std::move(made), item);
  }
}

void SupplyReader::read_pools(const yaml::Node& node) {
  if (!facts_.expect_list(node, "memory")) return;
  for (const yaml::Node& item : node.items) {
    if (!known_keys(item, "a memory pool", {"id", "name", "from"})) continue;
    SupplyPool pool;
    pool.id = text(item, "id");
    pool.name = text(item, "name");
    pool.from = all_series(item, "from", SeriesForm::kLevel);
    put(data_.pools, std::move(pool), item);
  }
}

SupplyProduct SupplyReader::read_product(const yaml::Node& node) const {
  SupplyProduct product;
  known_keys(
      node, "a product",
      {"name", "chip", "dies", "modules", "mix", "memory", "stacks", "packaging_yield", "bins"});
  product.name = text(node, "name");
  product.chip = text(node, "chip", false);
  if (const yaml::Node* dies = node.find("dies"))
    product.dies = facts_.whole_number(*dies, "dies", 1, 64);
  if (const yaml::Node* modules = node.find("modules"))
    product.modules = facts_.whole_number(*modules, "modules", 0, 64);
  product.mix = named_series(node, "mix", SeriesForm::kLevel, false);
  if (node.find("memory")) {
    product.memory = named(node, "memory", data_.pools, "memory pool");
    product.stacks = named_series(node, "stacks", SeriesForm::kLevel, true);
  }
  product.packaging_yield = named_series(node, "packaging_yield", SeriesForm::kLevel, true);
  const yaml::Node* bins = node.find("bins");
  if (!bins || !facts_.expect_list(*bins, "bins")) return product;
  double sum = 0;
  for (const yaml::Node& item : bins->items) {
    if (!known_keys(item, "a bin", {"chip", "name", "share"})) continue;
    product.bins.push_back(
        {text(item, "chip", false), text(item, "name"), number(item, "share", 0, 1, 0)});
    sum += product.bins.back().share;
  }
  if (std::abs(sum - 1) > 1e-6)
    facts_.problem(*bins, fmt::format("the bins' shares sum to {:g}", sum), "they sum to 1");
  return product;
}

SupplyVendorDie SupplyReader::read_vendor_die(const yaml::Node& node) const {
  SupplyVendorDie die;
  if (!known_keys(node, "a vendor's die", {"die", "share", "bank", "products"})) return die;
  die.die = named(node, "die", data_.dies, "die");
  die.share = named_series(node, "share", SeriesForm::kLevel, false);
  die.bank = all_series(node, "bank", SeriesForm::kLevel);
  const yaml::Node* products = node.find("products");
  if (!products || !products->is_list() || products->items.empty()) {
    facts_.problem(node, "a die without products", "products: [...]");
    return die;
  }
  for (const yaml::Node& item : products->items) die.products.push_back(read_product(item));
  return die;
}

SupplyVendor SupplyReader::read_vendor(const yaml::Node& node) const {
  SupplyVendor vendor;
  vendor.id = text(node, "id");
  vendor.name = text(node, "name");
  vendor.origin = text(node, "origin");
  const auto each = [&](const char* key, const auto& read) {
    const yaml::Node* list = node.find(key);
    if (!list || !facts_.expect_list(*list, key)) return;
    for (const yaml::Node& item : list->items) read(item);
  };
  each("wafers", [&](const yaml::Node& item) {
    if (!known_keys(item, "a vendor's wafers", {"node", "share"})) return;
    vendor.wafers.push_back({named(item, "node", data_.nodes, "node"),
                             named_series(item, "share", SeriesForm::kLevel, true)});
  });
  each("dies", [&](const yaml::Node& item) { vendor.dies.push_back(read_vendor_die(item)); });
  each("imports", [&](const yaml::Node& item) {
    if (!known_keys(item, "an import", {"name", "chip", "amount"})) return;
    SupplyImport import;
    import.name = text(item, "name");
    import.chip = text(item, "chip", false);
    if (!item.find("amount")) facts_.problem(item, "no 'amount'", "amount: SERIES");
    if (const yaml::Node* amount = item.find("amount"))
      import.amount = series_of(*amount, "amount", {});
    if (import.amount >= 0 && data_.series[std::size_t(import.amount)].form == SeriesForm::kLevel)
      facts_.problem(item, "an import needs a rate or amounts");
    vendor.imports.push_back(std::move(import));
  });
  if (!vendor.wafers.empty() && vendor.dies.empty())
    facts_.problem(node, fmt::format("vendor '{}' has wafers and no dies", vendor.id),
                   "dies: [...]");
  return vendor;
}

void SupplyReader::read_vendors(const yaml::Node& node) {
  if (!facts_.expect_list(node, "vendors")) return;
  for (const yaml::Node& item : node.items) {
    if (!known_keys(item, "a vendor", {"id", "name", "origin", "wafers", "dies", "imports"}))
      continue;
    put(data_.vendors, read_vendor(item), item);
  }
}

namespace {

struct SupplyTree {
  const CatalogFile* file;
  yaml::Node root;
};

void check_whole(const SupplyBook::Data& data, const Place& place, std::vector<Problem>& problems) {
  const auto need = [&](bool there, const char* what, const char* hint) {
    if (!there) problems.push_back({place, fmt::format("supply has no {}", what), hint});
  };
  need(data.lead >= 0, "lead", "lead: SERIES, in weeks");
  need(data.place_in_span >= 0, "place_in_span", "place_in_span: SERIES, 0 to 1");
  need(data.packaging >= 0, "packaging", "packaging: SERIES, in modules/month");
  need(data.spread_high && data.spread_medium && data.spread_low, "whole spread",
       "spread: {high: ..., medium: ..., low: ...}");
  need(!data.vendors.empty(), "vendors", "vendors: [...]");
}

}  // namespace

double SupplyBook::Data::spread_of(Confidence confidence) const {
  switch (confidence) {
    case Confidence::kHigh:
      return spread_high->number;
    case Confidence::kMedium:
      return spread_medium->number;
    case Confidence::kLow:
      break;
  }
  return spread_low->number;
}

Result<SupplyBook::Data> read_supply(const std::vector<CatalogFile>& files) {
  std::vector<Problem> problems;
  std::vector<SupplyTree> trees;
  for (const CatalogFile& file : files) {
    trees.push_back({&file, yaml::parse(file.text, file.name, problems)});
  }
  SupplyBook::Data data;
  using Read = void (SupplyReader::*)(const yaml::Node&);
  const auto section = [&](const char* key, Read read) {
    for (const SupplyTree& tree : trees) {
      const yaml::Node* supply = tree.root.find("supply");
      if (!supply || !supply->is_map()) continue;
      SupplyReader reader(*tree.file, data, problems);
      const yaml::Node* node = key ? supply->find(key) : supply;
      if (node) (reader.*read)(*node);
    }
  };
  for (const SupplyTree& tree : trees) {
    const yaml::Node* supply = tree.root.find("supply");
    if (supply && !supply->is_map())
      problems.push_back({{tree.file->name, supply->line, supply->column},
                          "supply must be a mapping (key: value)",
                          ""});
  }
  section("series", &SupplyReader::read_series);
  section(nullptr, &SupplyReader::read_head);
  section("dies", &SupplyReader::read_dies);
  section("nodes", &SupplyReader::read_nodes);
  section("memory", &SupplyReader::read_pools);
  section("vendors", &SupplyReader::read_vendors);
  section("checks", &SupplyReader::read_checks);
  if (problems.empty()) {
    check_whole(data, {files.empty() ? "" : files.front().name, 1, 1}, problems);
  }
  if (problems.empty()) check_shares(data, problems);
  if (!problems.empty()) return fail(Error{std::move(problems)});
  return data;
}

}  // namespace fivefold
