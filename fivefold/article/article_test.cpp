#include "fivefold/article/article.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "fivefold/article/items.h"

namespace fivefold {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Catalog& catalog() {
  static const Catalog shipped = [] {
    const auto loaded = Catalog::load();
    if (!loaded) ADD_FAILURE() << to_text(loaded.error());
    return loaded.value();
  }();
  return shipped;
}

const Article& article() {
  static const Article shipped = [] {
    const auto read = read_article(catalog());
    if (!read) ADD_FAILURE() << to_text(read.error());
    return read.value_or(Article{});
  }();
  return shipped;
}

std::vector<Finding> examined(std::vector<std::string> only) {
  ArticleOptions options;
  options.samples = 50;
  options.only = std::move(only);
  const auto findings = examine(catalog(), article(), options);
  if (!findings) ADD_FAILURE() << to_text(findings.error());
  return findings.value_or(std::vector<Finding>{});
}

double value_in(const Finding& finding, std::string_view name) {
  for (const ArticleValue& value : finding.values) {
    if (value.name == name) return value.value;
  }
  ADD_FAILURE() << finding.item << " has no value " << name;
  return 0;
}

TEST(Article, NumbersAsEachLanguageWritesThem) {
  const auto both = [](double value, int digits) {
    return number_text(value, digits, Language::kEnglish) + " " +
           number_text(value, digits, Language::kArabic);
  };
  EXPECT_EQ(both(1234.5, 5), "1,234.5 ١٬٢٣٤٫٥");
  EXPECT_EQ(both(0.312, 2), "0.31 ٠٫٣١");
  EXPECT_EQ(both(67890, 0), "67,890 ٦٧٬٨٩٠");
  EXPECT_EQ(both(1.25e15, 3), "1,250,000,000,000,000 ١٬٢٥٠٬٠٠٠٬٠٠٠٬٠٠٠٬٠٠٠");
  EXPECT_EQ(both(-7, 1), "-7 \u061C-٧");
  EXPECT_EQ(both(0, 3), "0 ٠");
}

TEST(Article, DatesAsEachLanguageWritesThem) {
  EXPECT_EQ(date_text("2025-09-17", Language::kEnglish), "17 September 2025");
  EXPECT_EQ(date_text("2025-09-17", Language::kArabic), "١٧ سبتمبر ٢٠٢٥");
  EXPECT_EQ(date_text("2026-04", Language::kArabic), "أبريل ٢٠٢٦");
  EXPECT_EQ(date_text("2026", Language::kArabic), "٢٠٢٦");
  EXPECT_EQ(date_text("2026Q4", Language::kEnglish), "the fourth quarter of 2026");
  EXPECT_EQ(date_text("2026Q4", Language::kArabic), "الربع الرابع من ٢٠٢٦");
  EXPECT_EQ(date_text("H20", Language::kArabic), "H20");
}

TEST(Article, TemplatesAreFilled) {
  const std::vector<ArticleValue> values = {{"share", 41.2, 38.0, 45.0, 2, "%"},
                                            {"speed", 3.2, 3.0, 3.4, 2, "TB/s"},
                                            {"known", 72, {}, {}, 0, "chips"},
                                            {.name = "when", .text = "2025-12-08"}};
  const auto filled = [&](std::string_view text, Language language) {
    return fill(text, values, language).value_or("refused");
  };
  EXPECT_EQ(filled("{share} ({share.range})", Language::kEnglish), "41% (from 38% to 45%)");
  EXPECT_EQ(filled("{share.range}", Language::kArabic), "من ٣٨٪\u061C إلى ٤٥٪\u061C");
  EXPECT_EQ(filled("{speed.range}", Language::kEnglish), "from 3.0 to 3.4 TB/s");
  EXPECT_EQ(filled("{known}, {known.range}", Language::kEnglish), "72 chips, 72 chips");
  EXPECT_EQ(filled("on {when}", Language::kEnglish), "on 8 December 2025");
  EXPECT_EQ(filled("no brace", Language::kArabic), "no brace");
}

TEST(Article, TemplatesThatCannotBeFilledAreRefused) {
  const std::vector<ArticleValue> values = {{"ratio", 2, {}, {}, 2, ""},
                                            {.name = "when", .text = "2025"}};
  const auto refused = [&](std::string_view text) {
    const auto filled = fill(text, values, Language::kEnglish);
    return filled ? "filled: " + *filled : to_text(filled.error());
  };
  EXPECT_THAT(refused("{ration}"), HasSubstr("'{ration}', which is not computed"));
  EXPECT_THAT(refused("{ration}"), HasSubstr("computed: ratio, when"));
  EXPECT_THAT(refused("it is {ratio"), HasSubstr("opens a brace that nothing closes"));
  EXPECT_THAT(refused("{when.range}"), HasSubstr("is a text"));
  EXPECT_THAT(refused("{}"), HasSubstr("not computed"));
}

// Published: SemiAnalysis's table gives 0.31 in BF16, 0.67 and 0.40 in memory (16 April 2025).
TEST(Article, AThirdHoldsForComputeOnly) {
  const Finding third = examined({"S24"}).at(0);
  EXPECT_EQ(third.verdict, Verdict::kSupported);
  EXPECT_NEAR(value_in(third, "compute"), 0.31, 0.01);
  EXPECT_NEAR(value_in(third, "memory"), 0.67, 0.03);
  EXPECT_NEAR(value_in(third, "bandwidth"), 0.40, 0.005);
}

// With SemiAnalysis's own inputs: 72 x 2,500 / 780 = 230.8, 72 x 8 / 3.2 = 180, 72 x 192 / 128 =
// 108, and 143 or 145 kW over 559.378 / 384 kW a chip.
TEST(Article, FiveTimesAsManyIsMoreThanParityNeeds) {
  const auto theirs = catalog().preferring({"SEMI-CM384", "SEMI-AV"});
  ASSERT_TRUE(theirs) << to_text(theirs.error());
  ArticleOptions options;
  options.only = {"S25"};
  const auto found = examine(*theirs, article(), options);
  ASSERT_TRUE(found) << to_text(found.error());
  EXPECT_EQ(value_in(found->at(0), "for_compute"), 231);
  EXPECT_EQ(value_in(found->at(0), "for_bandwidth"), 180);
  EXPECT_EQ(value_in(found->at(0), "for_memory"), 108);
  EXPECT_NEAR(value_in(found->at(0), "at_power"), 98.5, 1);
  EXPECT_NEAR(value_in(found->at(0), "lead"), 1.67, 0.01);
}

// The catalog's first choice is the 752 TFLOPS of Huawei's paper; SemiAnalysis's 780 is in the
// range.
TEST(Article, TheRangeHoldsWhatOtherSourcesSay) {
  const Finding five = examined({"S25"}).at(0);
  EXPECT_EQ(five.verdict, Verdict::kSupported);
  EXPECT_NEAR(value_in(five, "times"), 5.33, 0.005);
  for (const ArticleValue& value : five.values) {
    if (value.name != "for_compute") continue;
    EXPECT_EQ(value.value, 240);  // 72 x 2,500 / 752 = 239.4
    EXPECT_LE(*value.low, 231);
  }
}

TEST(Article, DatesOfTheTimeline) {
  EXPECT_EQ(value_in(examined({"S36"}).at(0), "days"), 82);  // 13 of September, 31, 30 and 8
  EXPECT_EQ(examined({"S38"}).at(0).verdict, Verdict::kNotComputable);
}

TEST(Article, RoadmapAgainstTheCardAsSold) {
  const Finding pods = examined({"S22b"}).at(0);
  EXPECT_NEAR(value_in(pods, "compute"), 0.78, 0.005);
  EXPECT_NEAR(value_in(pods, "bandwidth"), 0.875, 0.005);
}

TEST(Article, EveryFindingHasItsSentenceInBothLanguages) {
  for (const Finding& finding : examined({})) {
    for (const Language language : {Language::kEnglish, Language::kArabic}) {
      const auto text = sentence(article(), finding, language);
      EXPECT_TRUE(text && !text->empty()) << (text ? finding.item : to_text(text.error()));
    }
    const ArticleItem* item = find_item(article(), finding.item);
    ASSERT_NE(item, nullptr);
    for (const ArticleValue& value : finding.values) {
      EXPECT_TRUE(item->labels.contains(value.name)) << finding.item << " " << value.name;
    }
  }
}

TEST(Article, EverySourceIsInTheCatalog) {
  for (const Problem& problem : check_sources(catalog(), article())) ADD_FAILURE() << problem.what;
  for (const Finding& finding : examined({})) {
    for (const std::string& id : finding.sources) {
      EXPECT_NE(catalog().source(id), nullptr) << finding.item << " " << id;
    }
  }
}

TEST(Article, FunctionsBelongToItems) {
  for (const auto& [id, function] : item_table()) {
    EXPECT_NE(find_item(article(), id), nullptr) << id;
  }
}

TEST(Article, FindingsComeInTheOrderOfTheArticle) {
  std::vector<std::string> ids;
  for (const Finding& finding : examined({"S24", "S22b", "S22", "S10"}))
    ids.push_back(finding.item);
  EXPECT_THAT(ids, ElementsAre("S10", "S22", "S22b", "S24"));
}

TEST(Article, UnknownItemsAreRefused) {
  ArticleOptions options;
  options.only = {"S24", "S99"};
  const auto findings = examine(catalog(), article(), options);
  ASSERT_FALSE(findings);
  EXPECT_THAT(to_text(findings.error()), HasSubstr("no item 'S99'"));
}

}  // namespace
}  // namespace fivefold
