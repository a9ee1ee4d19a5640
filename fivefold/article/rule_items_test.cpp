// Statements that rules decide, against what was published of the days and the chips.
#include <gmock/gmock.h>

#include "fivefold/article/items.h"

namespace fivefold {
namespace {

Finding finding_of(const std::string& item) {
  static const Catalog catalog = *Catalog::load();
  static const Article article = *read_article(catalog);
  ArticleOptions options;
  options.only = {item};
  const auto found = examine(catalog, article, options);
  if (!found) ADD_FAILURE() << to_text(found.error());
  return found ? found->at(0) : Finding{};
}

ArticleValue value_of(const Finding& finding, std::string_view name) {
  for (const ArticleValue& value : finding.values) {
    if (value.name == name) return value;
  }
  ADD_FAILURE() << finding.item << " has no value " << name;
  return {};
}

// WSJ, 11 August 2025: licences since the 8th, 15% of sales; promised on 14 July.
TEST(RuleItems, LicencesCame25DaysAfterThePromise) {
  const Finding finding = finding_of("S03");
  EXPECT_EQ(finding.verdict, Verdict::kSupported);
  EXPECT_EQ(value_of(finding, "days").value, 25);
  EXPECT_NEAR(value_of(finding, "share").value, 15, 1e-9);
}

// Published: TPP 2,368 and density 2.9 for the H20; the letter of 9 April 2025 (Nvidia's 8-K).
TEST(RuleItems, TheH20StandsAtTheEdgeOf2023) {
  const Finding finding = finding_of("S04");
  EXPECT_EQ(finding.verdict, Verdict::kSupported);
  EXPECT_EQ(value_of(finding, "tpp").value, 2368);
  EXPECT_EQ(value_of(finding, "edge").value, 2400);
  EXPECT_NEAR(value_of(finding, "density").value, 2.9, 0.05);
  EXPECT_EQ(value_of(finding, "caught").text, "2025-04-09");
}

TEST(RuleItems, TheRtxPro6000dStandsAtTheEdgesOf2025) {
  const Finding finding = finding_of("S05");
  EXPECT_EQ(finding.says, "by_the_rule");
  EXPECT_NEAR(value_of(finding, "bandwidth").value, 1398, 0.5);
  EXPECT_NEAR(value_of(finding, "sum").value, 1526, 0.5);
}

// 31 July to 17 September.
TEST(RuleItems, AdviceCameBeforeTheStop) {
  const Finding finding = finding_of("S06");
  EXPECT_EQ(finding.verdict, Verdict::kDepends);
  EXPECT_EQ(value_of(finding, "days").value, 48);
}

TEST(RuleItems, NothingForDataCentresIsLeftAfterTheStop) {
  const Finding out = finding_of("S01");
  EXPECT_EQ(value_of(out, "left").value, 0);
  EXPECT_EQ(value_of(out, "after").value, 0);
  // Cards for desks are Nvidia's too: not "entirely".
  EXPECT_GT(value_of(out, "desk").value, 0);
  EXPECT_EQ(out.verdict, Verdict::kDepends);
  const Finding hardly = finding_of("S07");
  EXPECT_EQ(hardly.verdict, Verdict::kSupported);
  EXPECT_EQ(value_of(hardly, "left").value, 0);
  EXPECT_EQ(value_of(hardly, "after").value, 0);
  // H20, its 141 GB form, the 6000D, L20 and L2 at the least.
  EXPECT_GE(value_of(hardly, "before").value, 5);
}

TEST(RuleItems, AnAntitrustFindingClosesNoGate) {
  EXPECT_EQ(value_of(finding_of("S08"), "change").value, 0);
}

// The rule was in effect on 15 January 2026; H200 over H20 was published as 6.7 times.
TEST(RuleItems, TheH200IsReviewedAndTheB30aIsNot) {
  const Finding finding = finding_of("S33");
  EXPECT_EQ(finding.verdict, Verdict::kSupported);
  EXPECT_EQ(value_of(finding, "reviewed").text, "2026-01-15");
  EXPECT_EQ(value_of(finding, "days").value, 119);
  EXPECT_NEAR(value_of(finding, "h200").value, 6.7, 0.05);
  EXPECT_NEAR(value_of(finding, "tariff").value, 25, 1e-9);
}

TEST(RuleItems, TheControlsTightenedThenTurned) {
  const Finding biden = finding_of("S34");
  EXPECT_LE(value_of(biden, "end").value, value_of(biden, "second_rule").value);
  EXPECT_LT(value_of(biden, "second_rule").value, value_of(biden, "first_rule").value);
  const Finding trump = finding_of("S35");
  EXPECT_EQ(trump.verdict, Verdict::kSupported);
  EXPECT_LT(value_of(trump, "spring").value, value_of(trump, "start").value);
  EXPECT_LT(value_of(trump, "denied_after").value, value_of(trump, "denied_before").value);
}

TEST(RuleItems, TheSameWeekIsNoIntent) {
  EXPECT_EQ(finding_of("S37").verdict, Verdict::kDepends);
  EXPECT_EQ(value_of(finding_of("S37"), "days").value, 4);
}

}  // namespace
}  // namespace fivefold
