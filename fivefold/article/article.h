// The article of September 2025 that the program began with, statement by statement: what can be
// computed is, and says whether the statement holds.
//
// Statements and words stand in catalog/article/*.yaml in English and in Arabic, with
// the findings as templates: "{ratio} times the BF16 peak". The numbers are computed here, one
// function an item, by the rooms to the left. A verdict follows from the numbers; the words for
// it are looked up, so that a changed number never stands under an old sentence.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/base/date.h"
#include "fivefold/catalog/catalog.h"

namespace fivefold {

enum class Verdict { kSupported, kContradicted, kDepends, kNotComputable };
std::string_view name(Verdict verdict);

// A computed number with the range that its facts leave.
struct ArticleValue {
  std::string name;  // what templates call it: "ratio"
  double value = 0;
  std::optional<double> low, high;
  int digits = 3;    // significant, when shown; dates and years are text
  std::string unit;  // shown behind: "TB/s"; empty: none
  std::string text;  // instead of a number: an id, a date, a chip's name
};

struct Finding {
  std::string item;  // "S24"
  Verdict verdict = Verdict::kNotComputable;
  // Which of the item's sentences is said; a name in its `says` ("supported" if empty, by verdict).
  std::string says;
  std::vector<ArticleValue> values;
  std::vector<std::string> sources;   // ids
  std::vector<std::string> commands;  // that show the same: "fivefold compare ..."
  std::string missing;                // what a not computable item would need, a key of `words`
};

// Texts of one statement in the page's languages.
struct Wording {
  std::string en, ar;
};
enum class Language { kEnglish, kArabic };

struct ArticleItem {
  std::string id, kind;   // "S24", "QTY"
  std::string paragraph;  // "P18"
  std::string section;    // key of the section's heading
  Wording statement;
  std::map<std::string, Wording, std::less<>> says;    // by name
  std::map<std::string, Wording, std::less<>> labels;  // of values, by name
  Wording evidence;                                    // what came later, or was said elsewhere
  std::vector<std::string> sources;
  Place place;
};

struct Article {
  Wording title, intro, disclaimer;
  std::vector<std::pair<std::string, Wording>> sections;  // key and heading, in order
  std::vector<ArticleItem> items;                         // in the order of the article
  std::map<std::string, Wording, std::less<>> words;      // of the page: "verdict.supported", ...
};
// A template that names a value its item does not compute is found by the tests; a language that
// is missing, an unknown key or twin ids are errors with their place.
Result<Article> read_article(const Catalog& catalog);

struct ArticleOptions {
  int samples = 2000;  // of supply and of uncertain facts
  std::uint64_t seed = 1;
  std::vector<std::string> only;  // item ids; empty: all
};
// In the order of the article.
Result<std::vector<Finding>> examine(const Catalog& catalog, const Article& article,
                                     const ArticleOptions& options,
                                     const std::function<void(double)>& progress = {});

// A number as a language writes it: "1,234.5" or "١٬٢٣٤٫٥".
std::string number_text(double value, int digits, Language language);
// Fills {name} with the value and {name.range} with "from low to high"; unknown names are errors.
Result<std::string> fill(std::string_view text, const std::vector<ArticleValue>& values,
                         Language language);

}  // namespace fivefold
