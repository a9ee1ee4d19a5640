// Reading of lists by id in layers. Only the sources of the room `policy` include this.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "fivefold/policy/rule_data.h"

namespace fivefold {

template <class Item>
const Item* with_id(const std::vector<Item>& all, std::string_view id) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Item& item) { return item.id == id; });
  return found == all.end() ? nullptr : &*found;
}

// Adds an item, or replaces that of a lower layer; twins of one layer are a problem.
template <class Item>
void lay(std::vector<Item>& all, Item item, int layer, std::map<std::string, int>& layers,
         const yaml::Node& node, const FactReader& reader) {
  if (item.id.empty()) return;
  const auto before = layers.find(item.id);
  if (before != layers.end() && before->second == layer) {
    return reader.problem(node, "'" + item.id + "' is there twice");
  }
  layers[item.id] = layer;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Item& one) { return one.id == item.id; });
  if (found == all.end()) {
    all.push_back(std::move(item));
  } else {
    *found = std::move(item);
  }
}

std::string text_at(const yaml::Node& node, std::string_view key, const FactReader& reader);
std::vector<std::string> texts_at(const yaml::Node& node, std::string_view key,
                                  const FactReader& reader);
void expect_code(const std::string& code, const yaml::Node& node, const FactReader& reader,
                 const RuleBook::Data& data);

// Lists of `policy` by id; later layers replace and add.
struct RuleLayers {
  std::map<std::string, int> fields, issuers, groups;
};

// The key `policy`: what rules share.
void read_policy(const yaml::Node& policy, int layer, const FactReader& reader,
                 const Catalog& catalog, RuleBook::Data& data, RuleLayers& layers);

}  // namespace fivefold
