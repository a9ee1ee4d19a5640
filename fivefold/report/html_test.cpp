#include "fivefold/report/html.h"

#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>

#include "fivefold/report/page_check_test.h"
#include "fivefold/report/sample_test.h"
#include "fivefold/report/svg.h"

namespace fivefold {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string page() {
  const std::string html =
      to_html(sample::comparison(), sample::source, "fivefold compare a b --html <x>");
  // For looking at it in a browser.
  if (const char* path = std::getenv("FIVEFOLD_SAMPLE_PAGE")) std::ofstream(path) << html;
  return html;
}

TEST(PageCheckItself, sees_broken_pages) {
  EXPECT_NE(PageCheck("<p><b></p>").problem(), "");
  EXPECT_NE(PageCheck("<p>").problem(), "");
  EXPECT_NE(PageCheck("<a href=\"#x\"></a>").problem(), "");
  EXPECT_NE(PageCheck("<p id=\"x\"></p><p id=\"x\"></p>").problem(), "");
  EXPECT_EQ(PageCheck("<p id=\"x\">a<br><a href=\"#x\">b</a></p>").problem(), "");
}

TEST(Page, is_well_formed_and_its_links_have_targets) {
  const PageCheck check(page());
  EXPECT_EQ(check.problem(), "");
  EXPECT_GE(check.links_within(), 2);
}

TEST(Page, needs_nothing_from_elsewhere) {
  const std::string html = page();
  for (const char* loader : {"<script", "<link", "<img", "@import", "url(", "src=\"http"}) {
    EXPECT_THAT(html, Not(HasSubstr(loader)));
  }
}

TEST(Page, text_of_the_catalog_cannot_break_out) {
  const std::string html = page();
  EXPECT_THAT(html, HasSubstr("two dies &lt;each 1.6&gt;"));
  EXPECT_THAT(html, HasSubstr("A blog &amp; its table"));
  EXPECT_THAT(html, HasSubstr("Serving on a &quot;supernode&quot;"));
  EXPECT_THAT(html, HasSubstr("--html &lt;x&gt;"));
}

TEST(Page, says_the_answer_in_words_first) {
  const std::string html = page();
  const std::size_t answer = html.find("it takes 231 of its 384 chips");
  ASSERT_NE(answer, std::string::npos);
  EXPECT_LT(answer, html.find("<svg"));
}

TEST(Page, links_only_to_web_addresses) {
  Comparison comparison = sample::comparison();
  const auto hostile = [](std::string_view) -> const Source* {
    static const Source kSource{"PAPER", "t", "javascript:alert(1)", "", "", "weak"};
    return &kSource;
  };
  EXPECT_THAT(to_html(comparison, hostile, "x"), Not(HasSubstr("href=\"javascript")));
}

TEST(Page, an_empty_comparison_still_makes_a_page) {
  EXPECT_EQ(PageCheck(to_html(Comparison{}, {}, "x")).problem(), "");
}

TEST(Dots, draw_one_square_for_each_device) {
  const std::string svg = to_svg(DotMachine{"m", {2, 16, 768}, "fill-left", 6});
  std::size_t dots = 0;
  for (std::size_t at = svg.find("fill-left"); at != std::string::npos;
       at = svg.find("fill-left", at + 1))
    ++dots;
  EXPECT_EQ(dots, 768u);
}

TEST(Dots, a_huge_machine_is_drawn_by_its_boxes) {
  const std::string svg = to_svg(DotMachine{"m", {8, 64, 65536}, "fill-left", 3});
  std::size_t dots = 0;
  for (std::size_t at = svg.find("fill-left"); at != std::string::npos;
       at = svg.find("fill-left", at + 1))
    ++dots;
  EXPECT_EQ(dots, 8192u);
}

TEST(Ticks, are_round_and_reach_the_largest_value) {
  EXPECT_THAT(round_ticks(4400, 5), testing::ElementsAre(0, 1000, 2000, 3000, 4000, 5000));
  EXPECT_THAT(round_ticks(1, 5), testing::SizeIs(6));
  EXPECT_THAT(round_ticks(0, 5), testing::ElementsAre(0, 1));
}

}  // namespace
}  // namespace fivefold
