// The article of September 2025 that the program began with, statement by statement: what can be
// computed is, and says whether the statement holds.
//
// Statements and words stand in catalog/article/*.yaml in English and in Arabic, with the findings
// as templates: "{ratio} times the BF16 peak". The numbers are computed here, one function an item
// (items.h), by the rooms to the left. A verdict follows from the numbers; the words for it are
// looked up, so that a changed number never stands under an old sentence.
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
std::string_view name(Verdict verdict);  // "supported", "not computable"
std::string key_of(Verdict verdict);     // the same as a key: "not_computable"

// A computed number with the range that its facts leave.
struct ArticleValue {
  std::string name;  // what templates call it: "ratio"
  double value = 0;
  std::optional<double> low, high;
  int digits = 3;    // significant, when shown; 0: a whole number, every digit
  std::string unit;  // shown behind: "TB/s", "%"; empty: none
  // Instead of a number: a day, month or quarter ("2025-09-17", "2025-09", "2025Q3"), which a
  // language writes in its own way; a key of `words` ("limit.memory"); or a name, shown as it is.
  std::string text = {};
};

struct Finding {
  std::string item = {};  // "S24"; set by `examine`
  Verdict verdict = Verdict::kNotComputable;
  // Which of the item's sentences is said: a name in its `says`. Empty: by verdict, "supported",
  // "contradicted", "depends" or "not_computable".
  std::string says = {};
  std::vector<ArticleValue> values = {};
  std::vector<std::string> sources = {};   // ids, beside those of the item
  std::vector<std::string> commands = {};  // that show the same: "fivefold compare ..."
  // What a not computable item would need, a key of `words`: "missing.motive". Said where the item
  // has no sentence of its own.
  std::string missing = {};
};

// Texts of one statement in the page's languages.
struct Wording {
  std::string en = {}, ar = {};
};
enum class Language { kEnglish, kArabic };
const std::string& in(const Wording& wording, Language language);

using Wordings = std::map<std::string, Wording, std::less<>>;

// Values drawn as bars on one scale from zero, with a mark across them.
struct ArticlePicture {
  std::vector<std::string> of;  // names of values; those that a finding lacks are left out
  std::string mark;             // a number, or the name of a value; empty: none
  Wording says;                 // what the mark stands for
};

struct ArticleItem {
  std::string id, kind;   // "S24"; "SYS", "PRO", "ACT", "QTY" or "CAU", with '/' between several
  std::string paragraph;  // "P18"
  std::string section;    // id of one of the article's sections
  Wording statement;
  Wordings says;     // sentences by name
  Wordings labels;   // of values, by name
  Wording evidence;  // what came later, or was said elsewhere; may be empty
  ArticlePicture picture;
  std::vector<std::string> sources;
  Place place;
};

struct ArticleSection {
  std::string id;
  Wording heading;
  Place place;
};

struct Article {
  Wording title, intro, disclaimer;
  std::vector<ArticleSection> sections;  // in order
  std::vector<ArticleItem> items;        // in the order of the article, which is that of the ids
  Wordings words;                        // of the page: "verdict.supported", "unit.chips", ...
};

// A language that is missing, an unknown key, twin ids in one layer of the catalog and an unknown
// section are errors with their place. A higher layer replaces items and words of the same id.
Result<Article> read_article(const Catalog& catalog);
Result<Article> read_article(const std::vector<const CatalogFile*>& files);  // lowest layer first
// What is wrong with the article's files and its timeline, sources that the catalog does not know
// among it: what `fivefold catalog check` adds.
std::vector<Problem> check_article(const Catalog& catalog);

struct ArticleOptions {
  int samples = 2000;  // of supply and of uncertain facts
  std::uint64_t seed = 1;
  std::vector<std::string> only;  // item ids; empty: all
};
// In the order of the article. An id in `only` that no item has is an error.
Result<std::vector<Finding>> examine(const Catalog& catalog, const Article& article,
                                     const ArticleOptions& options,
                                     const std::function<void(double)>& progress = {});

// The item of a finding; never null for findings of `examine`.
const ArticleItem* find_item(const Article& article, std::string_view id);
// A word of the page; the key itself where the article has none.
std::string word(const Article& article, std::string_view key, Language language);
// What a finding says: the item's sentence, or what is missing, filled with its values.
Result<std::string> sentence(const Article& article, const Finding& finding, Language language);
// A value as a table shows it, with its unit in the language's own writing; and "from low to high",
// empty if nothing leaves a range.
std::string value_text(const Article& article, const ArticleValue& value, Language language);
std::string range_text(const Article& article, const ArticleValue& value, Language language);

// --- How languages write (text.cpp) ------------------------------------------------------------

// A number as a language writes it: "1,234.5" or "١٬٢٣٤٫٥". Digits are significant ones, 0 for a
// whole number. Arabic uses Arabic-Indic digits, '٫' and '٬', and a minus that stays before its
// number (Unicode CLDR).
std::string number_text(double value, int digits, Language language);
// "17 September 2025", "١٧ سبتمبر ٢٠٢٥"; "2025-09", "2025" and "2025Q3" likewise. What is no date
// is given back as it is.
std::string date_text(std::string_view text, Language language);
// Fills {name} with the value and {name.range} with "from low to high" (the value alone where it
// has no range); unknown names, braces without an end and ranges of texts are errors.
Result<std::string> fill(std::string_view text, const std::vector<ArticleValue>& values,
                         Language language);

}  // namespace fivefold
