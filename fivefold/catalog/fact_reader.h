// Reads facts and bare fields out of a YAML tree, collecting every problem with its place.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/catalog/fact.h"
#include "fivefold/catalog/fact_rule.h"
#include "fivefold/catalog/yaml_tree.h"

namespace fivefold {

class FactReader {
 public:
  // `yuan_per_usd` converts money; zero if the catalog has no rate.
  FactReader(std::string file, double yuan_per_usd, std::vector<Problem>& problems)
      : file_(std::move(file)), yuan_per_usd_(yuan_per_usd), problems_(problems) {}

  // One fact: a mapping with `value`. `rule` may be null: then any value with a known unit or a
  // text.
  std::optional<Fact> fact(const yaml::Node& node, const std::string& path,
                           const FactRule* rule) const;
  // All facts below a mapping, by their paths. Names outside the scope's table are problems.
  void facts(const yaml::Node& node, const std::string& group, Scope scope,
             std::vector<Fact>& into) const;

  // Bare fields; a wrong kind is a problem and gives an empty value.
  std::string text(const yaml::Node& node, std::string_view what) const;
  std::vector<std::string> texts(const yaml::Node& node,
                                 std::string_view what) const;  // one or a list
  int whole_number(const yaml::Node& node, std::string_view what, int least, int most) const;
  std::optional<double> number(const yaml::Node& node) const;
  bool expect_map(const yaml::Node& node, std::string_view what) const;
  bool expect_list(const yaml::Node& node, std::string_view what) const;
  void unknown_key(const yaml::Node& map, std::size_t index, std::string_view where,
                   const std::vector<std::string>& known) const;
  void problem(const yaml::Node& node, std::string what, std::string hint = {}) const;
  Place place(const yaml::Node& node) const { return {file_, node.line, node.column}; }
  const std::string& file() const { return file_; }

 private:
  Fact remark(const yaml::Node& node, const std::string& path) const;
  std::optional<Fact> bare_fact(const yaml::Node& group, const yaml::Node& item,
                                const std::string& path, const FactRule* rule) const;
  void read_value(const yaml::Node& node, const FactRule* rule, Fact& fact) const;
  void read_range(const yaml::Node& node, const yaml::Node& value, double scale, Fact& fact) const;
  void read_also(const yaml::Node& node, const FactRule* rule, Fact& fact) const;
  void check_unit(const yaml::Node& node, const FactRule& rule, const Fact& fact) const;
  void check_range(const yaml::Node& node, const FactRule& rule, const Fact& fact) const;

  double scale_of(const Fact& fact) const;

  std::string file_;
  double yuan_per_usd_;
  std::vector<Problem>& problems_;
};

}  // namespace fivefold
