// Any bytes as a file of the article and of its timeline: items in order with both languages, or an
// error whose problems name the file. Every sentence read is filled or refused, never half of both.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fivefold/article/article.h"
#include "fivefold/article/events.h"

namespace {

using namespace fivefold;

void check(const Error& error) {
  if (error.problems.empty() || to_text(error).empty()) std::abort();
  for (const Problem& problem : error.problems) {
    if (problem.place.file != "fuzz.yaml") std::abort();
  }
}

void check(const Wording& wording) {
  if (wording.en.empty() || wording.ar.empty()) std::abort();
  const std::vector<ArticleValue> values = {{"a", -1234.5, -2000, 3, 4, "%"},
                                            {.name = "b", .text = "2025Q3"}};
  for (const Language language : {Language::kEnglish, Language::kArabic}) {
    const auto text = fill(in(wording, language), values, language);
    if (!text && text.error().problems.empty()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const CatalogFile file{"fuzz.yaml", std::string(data, data + size), 0};
  if (const auto article = read_article({&file})) {
    for (const ArticleItem& item : article->items) {
      if (item.id.empty()) std::abort();
      check(item.statement);
      for (const auto& [name, wording] : item.says) check(wording);
    }
    for (const auto& [key, wording] : article->words) check(wording);
  } else {
    check(article.error());
  }
  if (const auto events = read_events({&file})) {
    for (const Event& event : *events) {
      if (event.id.empty() || event.date.first > event.date.last) std::abort();
      (void)date_text(event.written, Language::kArabic);
    }
  } else {
    check(events.error());
  }
  return 0;
}
