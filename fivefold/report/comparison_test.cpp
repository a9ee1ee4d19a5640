#include "fivefold/report/comparison.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "fivefold/report/sample_test.h"
#include "fivefold/report/table.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

TEST(ComparisonText, no_line_is_wider_than_100_columns) {
  const std::string text = to_text(sample::comparison());
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    EXPECT_LE(display_width(std::string_view(text).substr(at, end - at)), 100u);
    at = end + 1;
  }
}

TEST(ComparisonText, each_line_shows_both_sides_their_ratio_and_what_explains_it) {
  const std::string text = to_text(sample::comparison());
  EXPECT_THAT(text,
              testing::ContainsRegex("dense BF16 +300 PFLOP/s +180 PFLOP/s +1.66x +peak.bf16"));
  EXPECT_THAT(text, testing::ContainsRegex("dense FP4 +none +720 PFLOP/s +- +peak.fp4"));
  EXPECT_THAT(text,
              testing::ContainsRegex(
                  "dense BF16 compute +231 +225 to 240 +60% +240 with <BLOG> +parity.peak.bf16"));
}

TEST(ComparisonText, ratios_keep_their_meaning_when_small_or_large) {
  EXPECT_EQ(ratio_text(std::nullopt), "-");
  EXPECT_EQ(ratio_text(5.3333), "5.33x");
  EXPECT_EQ(ratio_text(0.0123), "0.012x");
  EXPECT_EQ(ratio_text(1234.0), "1.2e+03x");
}

TEST(ComparisonJson, parses_and_holds_values_ranges_and_sources) {
  const auto json = nlohmann::json::parse(to_json(sample::comparison(), sample::source));
  EXPECT_EQ(json["left"]["chips"], 384);
  const auto& bandwidth = json["sections"][0]["lines"][2];
  EXPECT_EQ(bandwidth["id"], "memory.bandwidth");
  EXPECT_EQ(bandwidth["left"]["value"], 1.2288e15);
  EXPECT_EQ(bandwidth["left"]["low"], 1.152e15);
  EXPECT_EQ(bandwidth["left"]["why"]["parts"][0]["facts"][0]["sources"][0], "PAPER");
  EXPECT_TRUE(json["sections"][0]["lines"][4]["left"]["value"].is_null());
  EXPECT_TRUE(json["parity"][4]["chips"].is_null());
  EXPECT_EQ(json["sources"]["PAPER"]["url"], "https://example.org/paper");
}

TEST(ComparisonCsv, has_one_record_a_line_each_with_as_many_fields_as_the_header) {
  const std::string csv = to_csv(sample::comparison());
  // The sample's fields hold no quoted line ends; commas inside quotes do not separate.
  std::size_t records = 0;
  std::size_t fields = 1;
  bool quoted = false;
  for (char c : csv) {
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) ++fields;
    if (c == '\n' && !quoted) {
      EXPECT_EQ(fields, 14u) << "record " << records;
      fields = 1;
      ++records;
    }
  }
  EXPECT_EQ(records, 1u + 8u + 5u);
}

TEST(ExplanationText, shows_formula_fact_range_source_and_who_disagrees) {
  const Comparison comparison = sample::comparison();
  const std::string text = to_text(comparison.sections[0].lines[2].left.why, sample::source);
  EXPECT_THAT(text, HasSubstr("  = 10 chips x a tenth\n"));
  EXPECT_THAT(
      text,
      HasSubstr("* ours memory.bandwidth: 3.2 TB/s, range 3 TB/s to 3.2 TB/s [confidence medium]"));
  EXPECT_THAT(text, HasSubstr("source PAPER: Serving on a \"supernode\", Authors, 2025-06\n"));
  EXPECT_THAT(text, HasSubstr("https://example.org/paper\n"));
  EXPECT_THAT(text, HasSubstr("others say 3 TB/s (rounded down)"));
}

TEST(ExplanationText, an_assumption_is_called_one) {
  const std::string text =
      to_text(Explanation{"latency", {}, {}, {sample::assumed_fact()}}, sample::source);
  EXPECT_THAT(text, HasSubstr("2 us, range 1 us to 4 us (assumption: no source gives it)"));
  EXPECT_THAT(text, Not(HasSubstr("source assumption")));
}

}  // namespace
}  // namespace fivefold
