#include "fivefold/catalog/yaml_simple.h"

#include <gtest/gtest.h>

#include "fivefold/base/random.h"
#include "fivefold/catalog/embedded.h"

namespace fivefold::yaml {
namespace {

// The independent truth is yaml-cpp: whatever the fast reader takes must be the same tree with the
// same places.
::testing::AssertionResult agrees(std::string_view text, bool* taken = nullptr) {
  const auto simple = parse_simple(text);
  if (taken) *taken = simple.has_value();
  if (!simple) return ::testing::AssertionSuccess();
  std::vector<Problem> problems;
  const Node full = parse_fully(text, "f.yaml", problems);
  if (!problems.empty())
    return ::testing::AssertionFailure() << to_text(Error{problems}) << "\nin\n" << text;
  if (!(full == *simple)) return ::testing::AssertionFailure() << "trees differ for\n" << text;
  return ::testing::AssertionSuccess();
}

TEST(YamlSimple, reads_the_shipped_catalog_as_yaml_cpp_does) {
  std::size_t fast = 0, all = 0;
  for (const EmbeddedFile& file : embedded_catalog()) {
    bool taken = false;
    EXPECT_TRUE(agrees(file.text, &taken)) << file.path;
    all += file.text.size();
    if (taken) fast += file.text.size();
  }
  // Otherwise loading is slow: a large file uses what the fast reader leaves alone.
  EXPECT_GT(fast, all * 9 / 10);
}

TEST(YamlSimple, takes_the_plain_forms) {
  for (const char* text :
       {"a: 1\n", "a: 1", "- a\n- b: c\n  d: e\n- {f: g}\n", "a:\n- 1\n- 2\nb:\n  - 3\n",
        "a: {b: [1, 'x, y'], c: \"q\"} # end\n", "# head\n\na: it's 5:30 a#b\n",
        "a: 'it''s'\nb: ~\nc: null\n", "a: {b: 1,\n    c: 2}\n", "a: {}\nb: []\n",
        "a:\n  {b: 1,\n   c: 2}\nd:\n  word\ne:\n  'x'\n", "- -1\n- x-y\n",
        "k with blanks: v with blanks\n"}) {
    bool taken = false;
    EXPECT_TRUE(agrees(text, &taken));
    EXPECT_TRUE(taken) << text;
  }
}

TEST(YamlSimple, leaves_everything_else_to_yaml_cpp) {
  for (const char* text : {"",

                           "a: &x 1\n",
                           "a: *x\n",
                           "a: !!int 1\n",
                           "a: |\n  x\n",
                           "a: >\n  x\n",
                           "a: b\n  c\n",
                           "a:\n",
                           "a: 1\na: 2\n",
                           "a: {b: 1, b: 2}\n",
                           "a: [1, 2\n",
                           "a: 'x\n  y'\n",
                           "a: \"x\\n\"\n",
                           "a:\t1\n",
                           "---\na: 1\n",
                           "a: 1\n...\n",
                           "%YAML 1.2\n",
                           "? a\n: b\n",
                           "a: b: c\n",
                           "{a: 1}: 2\n",
                           "- - 1\n",
                           "a: {b}\n",
                           "a: [b: c]\n",
                           "a: - b\n",
                           "'a': 1\n",
                           "a: 1\n b: 2\n",
                           "a: \xff\n",
                           "a: {b: what?}\n"}) {
    EXPECT_FALSE(parse_simple(text)) << text;
  }
}

TEST(YamlSimple, agrees_with_yaml_cpp_on_damaged_files) {
  constexpr std::string_view kPieces[] = {
      " ",    "  ", "\n",   "\n\n", "\n  ",   "\n    ", ":",  ": ", "-",  "- ", ",", ", ",
      "{",    "}",  "[",    "]",    "'",      "''",     "\"", "#",  " #", "?",  "|", "a",
      "b: c", "~",  "null", "\n- ", "\n  - ", "é",      "&",  "!",  "\\", "1"};
  Random random(3, "yaml");
  int taken_count = 0;
  for (int i = 0; i < 30'000; ++i) {
    std::string text =
        i % 2 == 0 ? "a: {b: 1, c: [d, 'e']}\nf:\n- g: h i # j\n  k: l\n- m\nn:\n  o: p\n"
                   : "chips:\n- id: x\n  m: {value: 1, note: 'it''s: 3'}\n\n- id: y\n  l: [1, 2]\n";
    for (std::uint32_t n = 1 + random.below(3); n > 0; --n) {
      const std::size_t at = random.below(static_cast<std::uint32_t>(text.size()));
      if (random.below(3) == 0) {
        text.erase(at, 1 + random.below(6));
      } else {
        text.insert(at, kPieces[random.below(std::size(kPieces))]);
      }
    }
    bool taken = false;
    ASSERT_TRUE(agrees(text, &taken)) << "round " << i;
    taken_count += taken;
  }
  EXPECT_GT(taken_count, 5000);
}

}  // namespace
}  // namespace fivefold::yaml
