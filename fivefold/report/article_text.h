// The article's findings in words and numbers, in one language for people, in all for programs.
#pragma once

#include <string>
#include <vector>

#include "fivefold/article/article.h"
#include "fivefold/report/explanation.h"

namespace fivefold {

// Findings with their sentences, in the order of the article. Points into what it was made of.
struct ArticleView {
  struct Line {
    const ArticleItem* item = nullptr;
    const Finding* finding = nullptr;
    Wording says;
    std::vector<std::string> sources;  // of the item, then of the finding
  };
  const Article* article = nullptr;
  std::vector<Line> lines;
  std::size_t count(Verdict verdict) const;
};
// A sentence that its values cannot fill is an error: a user's words may name what is not computed.
Result<ArticleView> view_article(const Article& article, const std::vector<Finding>& findings);

// How many statements there are of each verdict, as a sentence.
std::string counts_text(const ArticleView& view, Language language);
std::string label_of(const ArticleItem& item, const ArticleValue& value, Language language);
// "paragraph 18", "cause" and the like.
std::string paragraph_text(const Article& article, const ArticleItem& item, Language language);
std::string kind_text(const Article& article, const ArticleItem& item, Language language);

std::string to_text(const ArticleView& view, Language language);
// Both languages' texts, the values, and the sources with their addresses.
std::string to_json(const ArticleView& view, const SourceOf& source_of);
// One record a value, and one for an item without values.
std::string to_csv(const ArticleView& view, Language language);

}  // namespace fivefold
