#include "fivefold/report/article_text.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/report/table.h"

namespace fivefold {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kIndent = 7;  // of what stands below an item's id

void add_new(std::vector<std::string>& all, const std::vector<std::string>& more) {
  for (const std::string& one : more) {
    if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
  }
}

std::string indented(std::string_view text, std::string_view first = {}) {
  std::string out;
  std::string label(first);
  for (const std::string& line : wrap(text, kTextWidth - kIndent)) {
    label.resize(std::max(kIndent, label.size()), ' ');
    out += label + line + "\n";
    label.clear();
  }
  return out;
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t used = display_width(text);
  return text + std::string(width > used ? width - used : 0, ' ');
}

std::string values_text(const Article& article, const ArticleView::Line& line, Language language) {
  std::size_t labels = 0, shown = 0;
  for (const ArticleValue& value : line.finding->values) {
    labels = std::max(labels, display_width(label_of(*line.item, value, language)));
    shown = std::max(shown, display_width(value_text(article, value, language)));
  }
  std::string out;
  for (const ArticleValue& value : line.finding->values) {
    std::string row = std::string(kIndent + 2, ' ') +
                      padded(label_of(*line.item, value, language), labels + 2) +
                      padded(value_text(article, value, language), shown + 2) +
                      range_text(article, value, language);
    row.erase(row.find_last_not_of(' ') + 1);
    out += row + "\n";
  }
  return out;
}

Json both(const Wording& wording) {
  return {{"en", wording.en}, {"ar", wording.ar}};
}

Json bound_json(const std::optional<double>& number) {
  return number ? Json(*number) : Json();
}

Json value_json(const Article& article, const ArticleItem& item, const ArticleValue& value) {
  Json json;
  json["name"] = value.name;
  json["label"] = both({label_of(item, value, Language::kEnglish),  //
                        label_of(item, value, Language::kArabic)});
  json["value"] = value.text.empty() ? Json(value.value) : Json(value.text);
  json["low"] = bound_json(value.low);
  json["high"] = bound_json(value.high);
  json["unit"] = value.unit;
  json["shown"] = both({value_text(article, value, Language::kEnglish),
                        value_text(article, value, Language::kArabic)});
  return json;
}

Json source_json(const std::string& id, const SourceOf& source_of) {
  Json json = {{"id", id}};
  if (const Source* source = source_of ? source_of(id) : nullptr) {
    json["title"] = source->title;
    json["url"] = source->url;
    json["date"] = source->date;
  }
  return json;
}

Json line_json(const Article& article, const ArticleView::Line& line, const SourceOf& source_of) {
  Json json;
  json["id"] = line.item->id;
  json["paragraph"] = line.item->paragraph;
  json["kind"] = line.item->kind;
  json["section"] = line.item->section;
  json["statement"] = both(line.item->statement);
  json["verdict"] = name(line.finding->verdict);
  json["says"] = both(line.says);
  json["evidence"] = line.item->evidence.en.empty() ? Json() : both(line.item->evidence);
  json["values"] = Json::array();
  for (const ArticleValue& value : line.finding->values) {
    json["values"].push_back(value_json(article, *line.item, value));
  }
  json["sources"] = Json::array();
  for (const std::string& id : line.sources) json["sources"].push_back(source_json(id, source_of));
  json["commands"] = line.finding->commands;
  return json;
}

}  // namespace

std::size_t ArticleView::count(Verdict verdict) const {
  return std::size_t(std::count_if(lines.begin(), lines.end(), [&](const Line& line) {
    return line.finding->verdict == verdict;
  }));
}

Result<ArticleView> view_article(const Article& article, const std::vector<Finding>& findings) {
  ArticleView view{&article, {}};
  std::vector<Problem> problems;
  for (const Finding& finding : findings) {
    ArticleView::Line line{find_item(article, finding.item), &finding, {}, {}};
    for (const auto& [language, text] : {std::pair{Language::kEnglish, &line.says.en},
                                         std::pair{Language::kArabic, &line.says.ar}}) {
      auto said = sentence(article, finding, language);
      if (said) {
        *text = std::move(*said);
      } else {
        problems.insert(problems.end(), said.error().problems.begin(), said.error().problems.end());
      }
    }
    if (line.item) add_new(line.sources, line.item->sources);
    add_new(line.sources, finding.sources);
    view.lines.push_back(std::move(line));
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  return view;
}

std::string counts_text(const ArticleView& view, Language language) {
  const auto number = [&](std::size_t count) { return number_text(double(count), 0, language); };
  std::string text = fmt::format("{}: {}", word(*view.article, "page.statements", language),
                                 number(view.lines.size()));
  for (const Verdict verdict :
       {Verdict::kSupported, Verdict::kContradicted, Verdict::kDepends, Verdict::kNotComputable}) {
    text += fmt::format("{} {}: {}", language == Language::kArabic ? "؛" : ";",
                        word(*view.article, "verdict." + key_of(verdict), language),
                        number(view.count(verdict)));
  }
  return text;
}

std::string label_of(const ArticleItem& item, const ArticleValue& value, Language language) {
  const auto label = item.labels.find(value.name);
  return label == item.labels.end() ? value.name : in(label->second, language);
}

std::string paragraph_text(const Article& article, const ArticleItem& item, Language language) {
  std::string numbers;
  int number = -1;
  const auto end_number = [&] {
    if (number < 0) return;
    if (!numbers.empty()) numbers += language == Language::kArabic ? "، " : ", ";
    numbers += number_text(number, 0, language);
    number = -1;
  };
  for (const char c : item.paragraph) {
    if (c >= '0' && c <= '9') {
      number = std::max(number, 0) * 10 + (c - '0');
    } else {
      end_number();
    }
  }
  end_number();
  if (numbers.empty()) return {};
  return word(article, "page.paragraph", language) + " " + numbers;
}

std::string kind_text(const Article& article, const ArticleItem& item, Language language) {
  std::string text;
  for (std::size_t at = 0; at < item.kind.size(); at += 4) {  // "QTY/CAU"
    if (!text.empty()) text += language == Language::kArabic ? "، " : ", ";
    text += word(article, "kind." + item.kind.substr(at, 3), language);
  }
  return text;
}

std::string to_text(const ArticleView& view, Language language) {
  const Article& article = *view.article;
  std::string out = in(article.title, language) + "\n";
  for (const std::string& line : wrap(in(article.intro, language), kTextWidth)) out += line + "\n";
  out += "\n" + counts_text(view, language) + "\n";
  std::string section;
  for (const ArticleView::Line& line : view.lines) {
    if (line.item->section != section) {
      section = line.item->section;
      for (const ArticleSection& known : article.sections) {
        if (known.id == section) out += "\n" + in(known.heading, language) + "\n";
      }
    }
    out += "\n" + indented(in(line.item->statement, language), line.item->id);
    const std::string verdict = word(article, "verdict." + key_of(line.finding->verdict), language);
    out += indented(fmt::format("{}: {}", verdict, in(line.says, language)), "    ->");
    out += values_text(article, line, language);
    if (!line.sources.empty()) {
      out += indented(fmt::format("{}: {}", word(article, "page.sources", language),
                                  fmt::join(line.sources, ", ")));
    }
    for (const std::string& command : line.finding->commands) out += indented(command, "     $");
  }
  out += "\n";
  for (const std::string& line : wrap(in(article.disclaimer, language), kTextWidth)) {
    out += line + "\n";
  }
  return out;
}

std::string to_json(const ArticleView& view, const SourceOf& source_of) {
  Json json;
  json["title"] = both(view.article->title);
  json["disclaimer"] = both(view.article->disclaimer);
  json["counts"] = Json::object();
  for (const Verdict verdict :
       {Verdict::kSupported, Verdict::kContradicted, Verdict::kDepends, Verdict::kNotComputable}) {
    json["counts"][key_of(verdict)] = view.count(verdict);
  }
  json["items"] = Json::array();
  for (const ArticleView::Line& line : view.lines) {
    json["items"].push_back(line_json(*view.article, line, source_of));
  }
  return json.dump(2) + "\n";
}

std::string to_csv(const ArticleView& view, Language language) {
  std::string out = csv_record(
      {"item", "paragraph", "kind", "verdict", "name", "value", "low", "high", "unit", "says"});
  const auto number = [](const std::optional<double>& value) {
    return value ? exact_text(*value) : std::string();
  };
  for (const ArticleView::Line& line : view.lines) {
    const ArticleItem& item = *line.item;
    const std::string verdict(name(line.finding->verdict));
    const std::string& says = in(line.says, language);
    if (line.finding->values.empty()) {
      out += csv_record({item.id, item.paragraph, item.kind, verdict, "", "", "", "", "", says});
    }
    for (const ArticleValue& value : line.finding->values) {
      out += csv_record({item.id, item.paragraph, item.kind, verdict, value.name,
                         value.text.empty() ? exact_text(value.value) : value.text,
                         number(value.low), number(value.high), value.unit, says});
    }
  }
  return out;
}

}  // namespace fivefold
