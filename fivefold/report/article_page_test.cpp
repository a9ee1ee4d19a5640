#include "fivefold/report/article_page.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "fivefold/report/page_check_test.h"

namespace fivefold {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Article small_article() {
  Article article;
  article.title = {"Chips <and> words", "رقائق وكلمات"};
  article.intro = {"What was said.", "ما قيل."};
  article.disclaimer = {"No advice.", "ليست مشورة."};
  article.sections = {{"one", {"The first", "الأول"}, {}}, {"two", {"The second", "الثاني"}, {}}};
  article.words["verdict.supported"] = {"Supported", "تؤيدها الأدلة"};
  article.words["missing.opinion"] = {"An opinion.", "رأي."};
  article.words["unit.days"] = {"days", "يوماً"};
  ArticleItem counted;
  counted.id = "S1";
  counted.kind = "QTY/CAU";
  counted.paragraph = "P3, P12";
  counted.section = "one";
  counted.statement = {"Five times as many", "خمسة أضعاف رقائق GB200 NVL72 (أي 6000D)"};
  counted.says["supported"] = {"{many} in {wait}", "{many} في {wait}"};
  counted.labels["many"] = {"as many", "العدد"};
  counted.evidence = {"Others & more", "وغيرها"};
  counted.picture = {{"many", "absent"}, "4", {"what was said", "ما قيل"}};
  counted.sources = {"PAPER", "HOSTILE", "UNKNOWN"};
  ArticleItem open;
  open.id = "S2";
  open.section = "two";
  open.statement = {"Others think so", "هكذا يظن آخرون"};
  article.items = {counted, open};
  return article;
}

const Article& article() {
  static const Article made = small_article();
  return made;
}

const std::vector<Finding>& findings() {
  static const std::vector<Finding> made = {
      {.item = "S1",
       .verdict = Verdict::kSupported,
       .values = {{"many", 5.33, 5, 6, 3, ""}, {"wait", 82, {}, {}, 0, "days"}},
       .sources = {"PAPER"},
       .commands = {"fivefold compare a b --html <x>"}},
      {.item = "S2", .verdict = Verdict::kNotComputable, .missing = "missing.opinion"}};
  return made;
}

const Source* source(std::string_view id) {
  static const Source kPaper{"PAPER",  "A paper & its table", "https://example.org/p", "", "2025",
                             "primary"};
  static const Source kHostile{"HOSTILE", "t", "javascript:alert(1)", "", "", "weak"};
  return id == "PAPER" ? &kPaper : id == "HOSTILE" ? &kHostile : nullptr;
}

ArticleView view() {
  return view_article(article(), findings()).value();
}

std::string page(Language language = Language::kEnglish) {
  return to_html(view(), source, language, "fivefold article --html <x>");
}

TEST(ArticlePage, IsWellFormedAndItsLinksHaveTargets) {
  for (const Language language : {Language::kEnglish, Language::kArabic}) {
    const PageCheck check(page(language));
    EXPECT_EQ(check.problem(), "");
    EXPECT_EQ(check.links_within(), 4);  // two items in each language
  }
  EXPECT_EQ(PageCheck(to_html(ArticleView{&article(), {}}, {}, Language::kArabic, "x")).problem(),
            "");
}

TEST(ArticlePage, NeedsNothingFromElsewhereAndNoScript) {
  for (const char* loader : {"<script", "<link", "<img", "@import", "url(", "src=\"", "onclick"}) {
    EXPECT_THAT(page(), Not(HasSubstr(loader)));
  }
}

TEST(ArticlePage, HoldsBothLanguagesAndShowsTheChosenOne) {
  const std::string english = page(), arabic = page(Language::kArabic);
  for (const std::string& html : {english, arabic}) {
    EXPECT_THAT(html, HasSubstr("<section lang=\"en\" dir=\"ltr\">"));
    EXPECT_THAT(html, HasSubstr("<section lang=\"ar\" dir=\"rtl\">"));
    EXPECT_THAT(html, HasSubstr("5.33 in 82 days"));
    EXPECT_THAT(html, HasSubstr("٥٫٣٣ في ٨٢ يوماً"));
    EXPECT_THAT(html, HasSubstr("من ٥٫٠٠ إلى ٦٫٠٠"));
  }
  EXPECT_THAT(english, HasSubstr("id=\"show-en\" checked"));
  EXPECT_THAT(arabic, HasSubstr("id=\"show-ar\" checked"));
  EXPECT_THAT(english, HasSubstr("<html lang=\"en\">"));
  EXPECT_THAT(arabic, HasSubstr("<html lang=\"ar\">"));
  EXPECT_THAT(arabic, HasSubstr("<title>رقائق وكلمات</title>"));
}

TEST(ArticlePage, TextCannotBreakOut) {
  EXPECT_THAT(page(), HasSubstr("Chips &lt;and&gt; words"));
  EXPECT_THAT(page(), HasSubstr("A paper &amp; its table"));
  EXPECT_THAT(page(), HasSubstr("--html &lt;x&gt;"));
  EXPECT_THAT(page(), HasSubstr("href=\"https://example.org/p\""));
  EXPECT_THAT(page(), Not(HasSubstr("href=\"javascript")));
}

TEST(ArticlePage, ValuesThatArePicturedAreNotInTheTable) {
  const std::string html = page();
  EXPECT_THAT(html, HasSubstr("<span class=\"name\">as many</span>"));
  EXPECT_THAT(html, Not(HasSubstr("<th scope=\"row\">as many</th>")));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\">wait</th>"));
}

TEST(ArticlePage, LatinRunsAreIsolated) {
  EXPECT_EQ(isolated("رقائق Nvidia في"), "رقائق <bdi>Nvidia</bdi> في");
  EXPECT_EQ(isolated("بسعة GB200 NVL72."), "بسعة <bdi>GB200 NVL72</bdi>.");
  EXPECT_EQ(isolated("(6000D)"), "(<bdi>6000D</bdi>)");
  EXPECT_EQ(isolated("وRTX Pro، و٣٫٢ TB/s"), "و<bdi>RTX Pro</bdi>، و٣٫٢ <bdi>TB/s</bdi>");
  EXPECT_EQ(isolated("T-Head وAT&T"), "<bdi>T-Head</bdi> و<bdi>AT&amp;T</bdi>");
  EXPECT_EQ(isolated("٨٢ < 90"), "٨٢ &lt; 90");
  EXPECT_EQ(isolated(""), "");
}

TEST(ArticleText, SaysVerdictSentenceAndSources) {
  const std::string text = to_text(view(), Language::kEnglish);
  EXPECT_THAT(text, HasSubstr("Supported: 5.33 in 82 days"));
  EXPECT_THAT(text, HasSubstr("from 5.00 to 6.00"));
  EXPECT_THAT(text, HasSubstr("PAPER, HOSTILE, UNKNOWN"));
  EXPECT_THAT(text, HasSubstr("An opinion."));
  EXPECT_THAT(to_text(view(), Language::kArabic), HasSubstr("تؤيدها الأدلة: ٥٫٣٣ في ٨٢ يوماً"));
}

TEST(ArticleText, JsonHoldsBothLanguagesAndExactValues) {
  const auto json = nlohmann::json::parse(to_json(view(), source));
  const auto& item = json["items"][0];
  EXPECT_EQ(item["says"]["en"], "5.33 in 82 days");
  EXPECT_EQ(item["says"]["ar"], "٥٫٣٣ في ٨٢ يوماً");
  EXPECT_EQ(item["verdict"], "supported");
  EXPECT_EQ(item["values"][0]["value"], 5.33);
  EXPECT_EQ(item["values"][0]["low"], 5);
  EXPECT_EQ(item["values"][1]["high"], nullptr);
  EXPECT_EQ(item["sources"][0]["url"], "https://example.org/p");
  EXPECT_EQ(json["counts"]["not_computable"], 1);
}

TEST(ArticleText, CsvHasARecordForEachValue) {
  const std::string csv = to_csv(view(), Language::kEnglish);
  EXPECT_THAT(csv, StartsWith("item,paragraph,kind,verdict,name,value,low,high,unit,says\r\n"));
  EXPECT_THAT(csv, HasSubstr("S1,\"P3, P12\",QTY/CAU,supported,many,5.33,5,6,,"));
  EXPECT_THAT(csv, HasSubstr("S2,,,not computable,,,,,,An opinion.\r\n"));
}

TEST(ArticleText, ASentenceThatCannotBeFilledIsRefusedInEachLanguage) {
  Article broken = article();
  broken.items[0].says["supported"] = {"{much}", "{much}"};
  const auto refused = view_article(broken, findings());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().problems.size(), 2u);
  EXPECT_THAT(to_text(refused.error()), HasSubstr("S1"));
}

TEST(ArticleText, ParagraphsInEachLanguage) {
  EXPECT_THAT(paragraph_text(article(), article().items[0], Language::kArabic), HasSubstr("٣، ١٢"));
  EXPECT_EQ(paragraph_text(article(), article().items[1], Language::kEnglish), "");
}

}  // namespace
}  // namespace fivefold
