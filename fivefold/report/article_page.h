// The article's findings as one page that holds both languages, with a switch that needs no script.
#pragma once

#include <string>
#include <string_view>

#include "fivefold/report/article_text.h"

namespace fivefold {

// `language` is the one that shows first; `command` is what makes the page again.
std::string to_html(const ArticleView& view, const SourceOf& source_of, Language language,
                    std::string_view command);

// Text made safe for HTML, with every run of Latin letters and figures set apart in <bdi>, so that
// names and units keep their order in a sentence that runs from right to left.
std::string isolated(std::string_view text);

}  // namespace fivefold
