// A YAML document as a small tree that knows where everything stands and refuses what would be
// misread: duplicate keys (yaml-cpp takes the first in silence), aliases, several documents,
// bottomless nesting.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fivefold/base/error.h"

namespace fivefold::yaml {

struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  bool quoted = false;  // a scalar in quotes is text, never a number
  int line = 0;         // from 1
  int column = 0;
  std::string scalar;
  std::vector<Node> items;        // of a list, or the values of a map
  std::vector<std::string> keys;  // of a map, by position in `items`
  std::vector<std::pair<int, int>> key_places;

  bool operator==(const Node&) const = default;
  bool is_map() const { return kind == Kind::kMap; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_null() const { return kind == Kind::kNull; }
  const Node* find(std::string_view key) const;  // null if absent
};

// What is wrong with a readable document (duplicate keys) is added to `problems`; a document that
// cannot be read at all is one problem and an empty tree.
Node parse(std::string_view text, const std::string& file, std::vector<Problem>& problems);
// The same by yaml-cpp alone; `parse` asks the fast reader of yaml_simple.h first.
Node parse_fully(std::string_view text, const std::string& file, std::vector<Problem>& problems);

}  // namespace fivefold::yaml
