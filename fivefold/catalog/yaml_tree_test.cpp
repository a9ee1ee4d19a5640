#include "fivefold/catalog/yaml_tree.h"

#include <gtest/gtest.h>

namespace fivefold::yaml {
namespace {

std::string problems_of(std::string_view text) {
  std::vector<Problem> problems;
  parse(text, "f.yaml", problems);
  return problems.empty() ? "" : to_text(Error{problems});
}

TEST(YamlTree, nodes_know_their_line_and_column) {
  std::vector<Problem> problems;
  const Node root = parse("a: 1\nb:\n  - {c: two, d: 'three'}\n  - ~\n", "f.yaml", problems);
  ASSERT_TRUE(problems.empty());
  const Node* list = root.find("b");
  ASSERT_TRUE(list && list->is_list());
  const Node& map = list->items[0];
  EXPECT_EQ(map.find("c")->scalar, "two");
  EXPECT_EQ(map.find("c")->line, 3);
  EXPECT_EQ(map.find("c")->column, 9);
  EXPECT_FALSE(map.find("c")->quoted);
  EXPECT_TRUE(map.find("d")->quoted);
  EXPECT_TRUE(list->items[1].is_null());
  EXPECT_EQ(root.find("x"), nullptr);
}

TEST(YamlTree, broken_yaml_names_its_place) {
  const std::string text = problems_of("chips:\n- id: [a, b\n  name: c\n");
  EXPECT_TRUE(text.starts_with("f.yaml:3:")) << text;
  EXPECT_NE(text.find("not YAML"), std::string::npos) << text;
}

TEST(YamlTree, a_duplicate_key_is_refused) {
  EXPECT_EQ(problems_of("a: 1\nb: {c: 1, c: 2}\na: 3\n"),
            "f.yaml:2:11: 'c' stands here twice (first in line 2) (keep one of the two)\n"
            "f.yaml:3:1: 'a' stands here twice (first in line 1) (keep one of the two)");
}

TEST(YamlTree, what_could_be_misread_or_explode_is_refused) {
  EXPECT_NE(problems_of("a: &x 1\nb: *x\n"), "");
  EXPECT_NE(problems_of("a: 1\n---\nb: 1\n"), "");
  EXPECT_NE(problems_of("{[1, 2]: 3}"), "");
  EXPECT_NE(problems_of(std::string(200, '[')), "");
  EXPECT_NE(problems_of(std::string(40, '[') + std::string(40, ']')), "");
}

TEST(YamlTree, an_empty_file_is_an_empty_tree) {
  std::vector<Problem> problems;
  EXPECT_TRUE(parse("", "f.yaml", problems).is_null());
  EXPECT_TRUE(parse("# only a comment\n", "f.yaml", problems).is_null());
  EXPECT_TRUE(problems.empty());
}

}  // namespace
}  // namespace fivefold::yaml
