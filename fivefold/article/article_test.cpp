#include "fivefold/article/article.h"

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
  for (const Problem& problem : check_article(catalog())) ADD_FAILURE() << problem.what;
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

constexpr std::string_view kSmall =
    "article:\n"
    "  sections: [{id: all, heading: {en: All, ar: كل}}]\n"
    "  items:\n"
    "  - {id: S2, section: all, statement: {en: two, ar: اثنان}}\n"
    "  - {id: S10, section: all, statement: {en: ten, ar: عشرة}}\n"
    "  - {id: S2b, kind: [QTY, CAU], section: all, statement: {en: more, ar: أكثر}}\n"
    "words: {unit.days: {en: days, ar: يوماً}}\n";

Result<Article> read(std::vector<CatalogFile> files) {
  std::vector<const CatalogFile*> all;
  for (const CatalogFile& file : files) all.push_back(&file);
  return read_article(all);
}
std::string refused(std::string text) {
  const auto article = read({{"own.yaml", std::move(text), 0}});
  return article ? "read" : to_text(article.error());
}
std::string with(std::string_view from, std::string_view to) {
  std::string text(kSmall);
  return text.replace(text.find(from), from.size(), to);
}

TEST(ArticleFile, ItemsAreInTheOrderOfTheirIds) {
  const auto article = read({{"own.yaml", std::string(kSmall), 0}});
  ASSERT_TRUE(article) << to_text(article.error());
  ASSERT_EQ(article->items.size(), 3u);
  EXPECT_EQ(article->items[0].id, "S2");
  EXPECT_EQ(article->items[1].id, "S2b");
  EXPECT_EQ(article->items[1].kind, "QTY/CAU");
  EXPECT_EQ(article->items[2].id, "S10");
}

TEST(ArticleFile, ProblemsNameTheLineAndWhatWouldBeRight) {
  EXPECT_THAT(refused(with(", ar: عشرة", "")), HasSubstr("own.yaml:5:"));
  EXPECT_THAT(refused(with(", ar: عشرة", "")), HasSubstr("has no Arabic text (add ar: '...')"));
  EXPECT_THAT(refused(with("en: days, ", "")), HasSubstr("'unit.days' has no English text"));
  EXPECT_THAT(refused(with("S10", "S2")), HasSubstr("own.yaml:5:"));
  EXPECT_THAT(refused(with("S10", "S2")), HasSubstr("item 'S2' stands here again (first in own"));
  EXPECT_THAT(refused(with("statement: {en: two", "statment: {en: two")),
              HasSubstr("unknown field 'statment' of an item (did you mean statement?)"));
  EXPECT_THAT(
      refused(with("section: all, statement: {en: ten", "section: al, statement: {en: ten")),
      HasSubstr("unknown section 'al'"));
  EXPECT_THAT(refused(with("QTY", "QUANTITY")), HasSubstr("unknown kind 'QUANTITY'"));
  EXPECT_THAT(refused(with("statement: {en: two, ar: اثنان}", "statement: two")),
              HasSubstr("must be a mapping"));
  EXPECT_THAT(refused(with("- {id: S2,", "- {")), HasSubstr("needs id, section and statement"));
}

TEST(ArticleFile, AllProblemsShowAtOnce) {
  std::string text = with(", ar: عشرة", "");
  text.replace(text.find("en: days, "), 10, "");
  const auto article = read({{"own.yaml", text, 0}});
  ASSERT_FALSE(article);
  EXPECT_EQ(article.error().problems.size(), 2u);
}

TEST(ArticleFile, AHigherLayerReplaces) {
  const auto article =
      read({{"below.yaml", std::string(kSmall), 0},
            {"above.yaml",
             "article: {items: [{id: S10, section: all, statement: {en: X, ar: ع}}]}\n"
             "words: {unit.days: {en: d, ar: ي}}\n",
             1}});
  ASSERT_TRUE(article) << to_text(article.error());
  EXPECT_EQ(article->items.size(), 3u);
  EXPECT_EQ(article->items[2].statement.en, "X");
  EXPECT_EQ(word(*article, "unit.days", Language::kEnglish), "d");
}

TEST(ArticleFile, BrokenEventsAreRefused) {
  const auto problem = [](std::string text) {
    const CatalogFile file{"own.yaml", "events:\n- " + std::move(text) + "\n", 0};
    const auto events = read_events({&file});
    return events ? "read" : to_text(events.error());
  };
  EXPECT_EQ(problem("{id: T1, date: '2026Q4', action: a, source: X}"), "read");
  EXPECT_THAT(problem("{id: T1, date: '2025-02-30', action: a, source: X}"),
              HasSubstr("own.yaml:2:"));
  EXPECT_THAT(problem("{id: T1, date: '2025', source: X}"), HasSubstr("needs id, date, action"));
  EXPECT_THAT(problem("{id: T1, date: '2025', action: a, source: X, confidence: sure}"),
              HasSubstr("high, medium or low"));
  EXPECT_THAT(problem("{id: T1, date: '2025', action: a, source: X, in_article: 1}"),
              HasSubstr("true or false"));
  EXPECT_THAT(problem("{id: T1, date: '2025', action: a, source: X}\n"
                      "- {id: T1, date: '2025', action: a, source: X}"),
              HasSubstr("stands here again"));
}

TEST(Article, UnitsAndWordsOfALanguage) {
  Article small = read({{"own.yaml", std::string(kSmall), 0}}).value_or(Article{});
  small.words["limit.memory"] = {"memory stacks", "حزم الذاكرة"};
  small.items[0].says["depends"] = {"{wait}, by {limit}", "{wait} بسبب {limit}"};
  const Finding finding{
      .item = "S2",
      .verdict = Verdict::kDepends,
      .values = {{"wait", 82, {}, {}, 0, "days"}, {.name = "limit", .text = "limit.memory"}}};
  EXPECT_EQ(sentence(small, finding, Language::kEnglish).value_or(""), "82 days, by memory stacks");
  EXPECT_EQ(sentence(small, finding, Language::kArabic).value_or(""), "٨٢ يوماً بسبب حزم الذاكرة");
  const Finding unsaid{.item = "S2", .verdict = Verdict::kSupported};
  const auto nothing = sentence(small, unsaid, Language::kEnglish);
  ASSERT_FALSE(nothing);
  EXPECT_THAT(to_text(nothing.error()), HasSubstr("own.yaml:4"));
  EXPECT_THAT(to_text(nothing.error()), HasSubstr("no sentence 'supported'"));
}

// Sentences of verdicts that today's catalog does not give name only what the item's labels know,
// and a finding's values all have labels (above).
TEST(Article, SentencesNameWhatTheLabelsKnow) {
  for (const ArticleItem& item : article().items) {
    std::vector<ArticleValue> labelled;
    for (const auto& [name, label] : item.labels) labelled.push_back({name, 2, 1, 3, 2, "days"});
    for (const auto& [name, wording] : item.says) {
      for (const Language language : {Language::kEnglish, Language::kArabic}) {
        const auto text = fill(in(wording, language), labelled, language);
        EXPECT_TRUE(text) << item.id << " " << name << ": "
                          << (text ? std::string() : to_text(text.error()));
      }
    }
    for (const std::string& name : item.picture.of) {
      EXPECT_TRUE(item.labels.contains(name)) << item.id << " draws " << name;
    }
  }
}

// What stands below the words for a language: letters of the other one in it are names and units.
TEST(Article, ArabicIsArabicAndEnglishIsNot) {
  const auto has_arabic = [](const std::string& text) {
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
      const auto lead = static_cast<unsigned char>(text[i]);
      if (lead >= 0xD8 && lead <= 0xDB) return true;
    }
    return false;
  };
  // Figures belong to names (H20, RTX Pro 6000D); a number of its own is Arabic-Indic.
  const auto has_western_number = [](const std::string& text) {
    const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    bool in_name = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::size_t end = text.find_first_not_of("0123456789", i);
      if (end != i && !in_name && (end == text.npos || !is_letter(text[end]))) return true;
      in_name = is_letter(text[i]) || (in_name && static_cast<unsigned char>(text[i]) < 0x80);
      if (end != i) i = std::min(end, text.size()) - 1;
    }
    return false;
  };
  const auto check = [&](const Wording& wording, const std::string& where) {
    EXPECT_TRUE(has_arabic(wording.ar)) << where;
    EXPECT_FALSE(has_arabic(wording.en)) << where;
    EXPECT_FALSE(has_western_number(wording.ar)) << where << ": " << wording.ar;
  };
  for (const ArticleItem& item : article().items) {
    check(item.statement, item.id);
    if (!item.evidence.en.empty()) check(item.evidence, item.id);
    for (const auto& [name, wording] : item.says) check(wording, item.id + " " + name);
  }
  for (const ArticleSection& section : article().sections) check(section.heading, section.id);
  check(article().title, "title");
  check(article().intro, "intro");
  check(article().disclaimer, "disclaimer");
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
