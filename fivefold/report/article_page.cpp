#include "fivefold/report/article_page.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "fivefold/report/html_parts.h"
#include "fivefold/report/svg.h"

namespace fivefold {
namespace {

constexpr std::string_view kStyles = R"css(
.show{position:absolute;opacity:0;width:1px;height:1px}
.switch{display:flex;gap:.4em;justify-content:flex-end;direction:ltr;font-size:.95rem}
#show-ar:checked~.switch{justify-content:flex-start}
.switch label{padding:.2em .8em;border:1px solid var(--line);border-radius:999px;cursor:pointer;color:var(--muted)}
#show-en:checked~.switch label[for=show-en],#show-ar:checked~.switch label[for=show-ar]{background:var(--left);border-color:var(--left);color:var(--bg);font-weight:600}
#show-en:focus-visible~.switch label[for=show-en],#show-ar:focus-visible~.switch label[for=show-ar]{outline:2px solid var(--left);outline-offset:2px}
#show-en:checked~[lang=ar],#show-ar:checked~[lang=en]{display:none}
:lang(ar){font-family:"Noto Naskh Arabic","Noto Sans Arabic","Geeza Pro","Segoe UI",Tahoma,Amiri,"DejaVu Sans",sans-serif}
section[lang=ar]{line-height:1.8}
section[lang=ar] h1{line-height:1.45}
section[lang=ar] .brand{letter-spacing:0}
[dir=rtl] svg.strip{transform:scaleX(-1)}
.ok{--tone:#1d7a46}.no{--tone:#b3261e}.may{--tone:#8a5a00}.none{--tone:var(--muted)}
@media (prefers-color-scheme:dark){.ok{--tone:#74cf97}.no{--tone:#ff8f86}.may{--tone:#eeb94f}}
.fill-ok{fill:#1d7a46}.fill-no{fill:#b3261e}.fill-may{fill:#c98a12}.fill-none{fill:var(--p5)}
.badge{display:inline-flex;gap:.4em;align-items:baseline;white-space:nowrap;font-weight:650;color:var(--tone);border:1.5px solid var(--tone);border-radius:999px;padding:.05em .7em;font-size:.92rem}
svg.verdicts{width:100%;height:22px;border-radius:6px;margin:.6em 0}
.index{display:flex;flex-wrap:wrap;gap:.35em;padding:0;margin:.3em 0 1em;list-style:none}
.index a{display:inline-block;min-width:4.2em;text-align:center;text-decoration:none;color:var(--tone);border:1px solid var(--tone);border-radius:6px;padding:.05em .4em;font-size:.88rem;font-variant-numeric:tabular-nums}
.item{margin:1em 0;scroll-margin-top:1em}
.item h3{font-size:1.08rem;line-height:1.5;margin:.45em 0}
.item .top{display:flex;flex-wrap:wrap;gap:.3em 1em;align-items:baseline;justify-content:space-between}
.item .says{border-inline-start:4px solid var(--tone);padding-inline-start:.8em;margin:.6em 0;max-width:76ch}
.item .rows{margin:.9em 0 .6em}
.item .row .under{grid-column:2/4}
.item p,section>header p{max-width:84ch}
.values{border-collapse:collapse;font-size:.94rem;margin:.6em 0;width:100%}
.values th,.values td{text-align:start;font-weight:400;padding:.28em 0;padding-inline-end:1.2em;border-bottom:1px solid var(--line);vertical-align:baseline}
.values td{font-weight:600;font-variant-numeric:tabular-nums}
.values td+td{font-weight:400;color:var(--muted)}
.item details{border:0;margin-top:.5em;font-size:.92rem}
.item summary{color:var(--muted);padding:.15em 0}
.item summary::before{content:"+";display:inline-block;width:1.1em}
.item details[open]>summary::before{content:"\2212"}
.sources{padding-inline-start:1.2em;margin:.3em 0}
@media (max-width:640px){.item .row .under{grid-column:1/3}}
@media print{.switch{display:none}.ok{--tone:#1d7a46}.no{--tone:#b3261e}.may{--tone:#7a4f00}
.item{break-inside:avoid}details::details-content{content-visibility:visible;block-size:auto}}
)css";

constexpr std::array kVerdicts = {Verdict::kSupported, Verdict::kDepends, Verdict::kContradicted,
                                  Verdict::kNotComputable};

std::string_view css_of(Verdict verdict) {
  constexpr std::array<std::string_view, 4> kNames = {"ok", "no", "may", "none"};
  return kNames[std::size_t(verdict)];
}

// Told apart without colour, too.
std::string_view mark_of(Verdict verdict) {
  constexpr std::array<std::string_view, 4> kMarks = {"✓", "✕", "±", "–"};
  return kMarks[std::size_t(verdict)];
}

bool is_latin(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_figure(char c) {
  return c >= '0' && c <= '9';
}
// Where a run of Latin letters and figures that begins at `at` ends: single marks and spaces within
// belong to it.
std::size_t end_of_run(std::string_view text, std::size_t at) {
  if (!is_latin(text[at]) && !is_figure(text[at])) return at;
  std::size_t end = at;
  while (end < text.size()) {
    const char c = text[end];
    if (is_latin(c) || is_figure(c)) {
      ++end;
    } else if (std::string_view(" -/.,'&+_").find(c) != std::string_view::npos &&
               end + 1 < text.size() && (is_latin(text[end + 1]) || is_figure(text[end + 1]))) {
      ++end;
    } else {
      break;
    }
  }
  return end;
}

// One half of the page: one language.
class Half {
 public:
  Half(const ArticleView& view, const SourceOf& source_of, Language language,
       std::string_view command)
      : view_(view), source_of_(source_of), language_(language), command_(command) {}

  std::string html() const {
    const Article& article = *view_.article;
    std::string out = fmt::format(
        "<section lang=\"{}\" dir=\"{}\">\n<header><div class=\"brand\">Fivefold</div>"
        "<h1>{}</h1>\n<p class=\"sub\">{}</p></header>\n",
        code(), arabic() ? "rtl" : "ltr", text(in(article.title, language_)),
        text(in(article.intro, language_)));
    out += summary();
    std::string section;
    for (const ArticleView::Line& line : view_.lines) {
      if (line.item->section != section) {
        section = line.item->section;
        out += fmt::format("<h2>{}</h2>\n", text(heading(section)));
      }
      out += item(line);
    }
    out += fmt::format(
        "<footer><p class=\"small\">{}</p>\n<p class=\"small\">{} <code dir=\"ltr\">{}</code></p>"
        "</footer>\n</section>\n",
        text(in(article.disclaimer, language_)), said("page.made_by"), escape_html(command_));
    return out;
  }

 private:
  bool arabic() const { return language_ == Language::kArabic; }
  std::string_view code() const { return arabic() ? "ar" : "en"; }
  std::string text(std::string_view plain) const {
    return arabic() ? isolated(plain) : escape_html(plain);
  }
  std::string said(std::string_view key) const {
    return text(word(*view_.article, key, language_));
  }
  std::string verdict_text(Verdict verdict) const { return said("verdict." + key_of(verdict)); }
  std::string anchor(const ArticleItem& item) const {
    return escape_html(fmt::format("{}-{}", code(), item.id));
  }
  const std::string& heading(std::string_view section) const {
    static const std::string kNone;
    for (const ArticleSection& known : view_.article->sections) {
      if (known.id == section) return in(known.heading, language_);
    }
    return kNone;
  }

  std::string badge(Verdict verdict) const {
    return fmt::format("<span class=\"badge {}\"><span aria-hidden=\"true\">{}</span>{}</span>",
                       css_of(verdict), mark_of(verdict), verdict_text(verdict));
  }

  // How many of each verdict, as one bar and in words, and where to find them.
  std::string summary() const {
    Strip strip;
    strip.title = counts_text(view_, language_);
    std::string legend;
    double from = 0;
    for (const Verdict verdict : kVerdicts) {
      const double share = 100.0 * double(view_.count(verdict)) /
                           double(std::max<std::size_t>(view_.lines.size(), 1));
      const std::string count = number_text(double(view_.count(verdict)), 0, language_);
      if (share > 0) {
        strip.bars.push_back({from, from + share - 0.3, fmt::format("fill-{}", css_of(verdict)),
                              fmt::format("{} {}", verdict_text(verdict), count), 1});
      }
      from += share;
      legend += fmt::format("<span>{} <b>{}</b></span>\n", badge(verdict), count);
    }
    std::string picture = to_svg(strip);
    picture.replace(picture.find("class=\"strip\""), 13, "class=\"strip verdicts\"");
    return fmt::format("{}<div class=\"legend\">{}</div>\n<ul class=\"index\">{}</ul>\n", picture,
                       legend, index());
  }

  std::string index() const {
    std::string out;
    for (const ArticleView::Line& line : view_.lines) {
      out += fmt::format(
          "<li class=\"{}\"><a href=\"#{}\" title=\"{}\"><bdi>{}</bdi> {}</a></li>\n",
          css_of(line.finding->verdict), anchor(*line.item),
          escape_html(word(*view_.article, "verdict." + key_of(line.finding->verdict), language_)),
          escape_html(line.item->id), mark_of(line.finding->verdict));
    }
    return out;
  }

  std::string item(const ArticleView::Line& line) const {
    const ArticleItem& item = *line.item;
    const std::string kind = kind_text(*view_.article, item, language_);
    std::string out = fmt::format(
        "<article class=\"panel item {}\" id=\"{}\">\n<div class=\"top\"><span class=\"small\">"
        "<bdi>{}</bdi> · {}{}</span>{}</div>\n<h3>{}</h3>\n<p class=\"says\">{}</p>\n",
        css_of(line.finding->verdict), anchor(item), escape_html(item.id),
        text(paragraph_text(*view_.article, item, language_)),
        kind.empty() ? "" : " · " + text(kind), badge(line.finding->verdict),
        text(in(item.statement, language_)), text(in(line.says, language_)));
    out += picture(line) + values(line);
    if (!item.evidence.en.empty()) {
      out += fmt::format("<p class=\"small\"><b>{}</b> {}</p>\n", said("page.evidence"),
                         text(in(item.evidence, language_)));
    }
    return out + rests(line) + "</article>\n";
  }

  const ArticleValue* find(const ArticleView::Line& line, std::string_view name) const {
    for (const ArticleValue& value : line.finding->values) {
      if (value.name == name && value.text.empty()) return &value;
    }
    return nullptr;
  }
  static bool is_drawn(const ArticleView::Line& line, const ArticleValue& value) {
    const std::vector<std::string>& of = line.item->picture.of;
    return value.text.empty() && std::find(of.begin(), of.end(), value.name) != of.end();
  }
  std::optional<double> mark(const ArticleView::Line& line) const {
    const std::string& text = line.item->picture.mark;
    double number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && end.ec == std::errc() && end.ptr == text.data() + text.size()) {
      return number;
    }
    if (const ArticleValue* value = find(line, text)) return value->value;
    return {};
  }

  // Values of one kind as bars from zero, with their ranges as thin lines across the ends.
  std::string picture(const ArticleView::Line& line) const {
    std::vector<const ArticleValue*> drawn;
    double most = 0;
    for (const std::string& name : line.item->picture.of) {
      const ArticleValue* value = find(line, name);
      if (!value) continue;
      drawn.push_back(value);
      most = std::max({most, value->value, value->high.value_or(value->value)});
    }
    if (drawn.empty() || !(most > 0)) return {};
    const std::optional<double> at = mark(line);
    if (at) most = std::max(most, *at);
    std::string rows;
    for (const ArticleValue* value : drawn) rows += bar(line, *value, most * 1.02, at);
    std::string out = fmt::format("<div class=\"rows\">\n{}</div>\n", rows);
    if (at && !line.item->picture.says.en.empty()) {
      out += fmt::format("<p class=\"note\"><b class=\"right\">|</b> {}</p>\n",
                         text(in(line.item->picture.says, language_)));
    }
    return out;
  }

  std::string bar(const ArticleView::Line& line, const ArticleValue& value, double most,
                  const std::optional<double>& at) const {
    const std::string shown = value_text(*view_.article, value, language_);
    const std::string label = label_of(*line.item, value, language_);
    Strip strip;
    strip.title = label + ": " + shown;
    strip.bars = {{0, 100 * value.value / most, "fill-p0", {}, 0.7}};
    const std::string range = range_text(*view_.article, value, language_);
    if (!range.empty()) {
      strip.bars.push_back(
          {100 * *value.low / most, 100 * *value.high / most, "fill-ink", range, 0.18});
    }
    // Ticks are drawn behind the bars; a mark must be seen across them.
    if (at) strip.bars.push_back({100 * *at / most, 100 * *at / most, "fill-right", {}, 1});
    return fmt::format(
        "<div class=\"row\"><span class=\"name\">{}</span>{}<span "
        "class=\"end\">{}</span>{}</div>\n",
        text(label), to_svg(strip), text(shown),
        range.empty() ? "" : fmt::format("<span class=\"under\">{}</span>", text(range)));
  }

  std::string values(const ArticleView::Line& line) const {
    std::string rows;
    for (const ArticleValue& value : line.finding->values) {
      if (is_drawn(line, value)) continue;
      rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n",
                          text(label_of(*line.item, value, language_)),
                          text(value_text(*view_.article, value, language_)),
                          text(range_text(*view_.article, value, language_)));
    }
    return rows.empty() ? rows : "<table class=\"values\"><tbody>\n" + rows + "</tbody></table>\n";
  }

  // Sources with their addresses, and commands that show the same.
  std::string rests(const ArticleView::Line& line) const {
    std::string sources;
    for (const std::string& id : line.sources) {
      const Source* source = source_of_ ? source_of_(id) : nullptr;
      sources += fmt::format("<li dir=\"ltr\" lang=\"en\"><code>{}</code> {}</li>\n",
                             escape_html(id), source ? source_text(*source) : std::string());
    }
    std::string commands;
    for (const std::string& command : line.finding->commands) {
      commands += fmt::format("<li><code dir=\"ltr\">{}</code></li>\n", escape_html(command));
    }
    std::string out;
    if (!commands.empty()) {
      out += fmt::format("{}<ul class=\"sources\">\n{}</ul>\n", said("page.commands"), commands);
    }
    if (!sources.empty()) {
      out += fmt::format("{}<ul class=\"sources\">\n{}</ul>\n", said("page.sources"), sources);
    }
    if (out.empty()) return out;
    return fmt::format("<details><summary>{}</summary>\n{}</details>\n", said("page.rests"), out);
  }

  const ArticleView& view_;
  const SourceOf& source_of_;
  Language language_;
  std::string_view command_;
};

}  // namespace

std::string isolated(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of_run(text, at);
    const bool has_letter = std::any_of(text.begin() + at, text.begin() + end, is_latin);
    if (end == at || !has_letter) {
      out += escape_html(text.substr(at, std::max<std::size_t>(end - at, 1)));
      at = std::max(end, at + 1);
    } else {
      out += fmt::format("<bdi>{}</bdi>", escape_html(text.substr(at, end - at)));
      at = end;
    }
  }
  return out;
}

std::string to_html(const ArticleView& view, const SourceOf& source_of, Language language,
                    std::string_view command) {
  const bool arabic = language == Language::kArabic;
  std::string main = fmt::format(
      "<input class=\"show\" type=\"radio\" name=\"language\" id=\"show-en\"{} />\n"
      "<input class=\"show\" type=\"radio\" name=\"language\" id=\"show-ar\"{} />\n"
      "<div class=\"switch\"><label for=\"show-en\" lang=\"en\">English</label>"
      "<label for=\"show-ar\" lang=\"ar\">العربية</label></div>\n",
      arabic ? "" : " checked", arabic ? " checked" : "");
  main += Half(view, source_of, Language::kEnglish, command).html();
  main += Half(view, source_of, Language::kArabic, command).html();
  return html_frame(in(view.article->title, language), arabic ? "ar" : "en", kStyles, main);
}

}  // namespace fivefold
