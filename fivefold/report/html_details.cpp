#include <fmt/format.h>

#include "fivefold/planner/compare_parts.h"
#include "fivefold/report/comparison.h"
#include "fivefold/report/html_parts.h"
#include "fivefold/report/svg.h"

namespace fivefold {
namespace {

std::string source_links(const std::vector<std::string>& ids, const SourceOf& source_of) {
  std::string links;
  for (const std::string& id : ids) {
    if (id == "assumption") continue;
    const Source* source = source_of ? source_of(id) : nullptr;
    if (!links.empty()) links += ", ";
    if (source == nullptr) {
      links += escape_html(id);
      continue;
    }
    links +=
        fmt::format("<a href=\"#source-{0}\" title=\"{1}\">{0}</a>", escape_html(id),
                    escape_html(source->title + (source->date.empty() ? "" : ", " + source->date)));
  }
  return links;
}

std::string_view trust(Confidence confidence) {
  switch (confidence) {
    case Confidence::kHigh:
      return "well supported";
    case Confidence::kMedium:
      return "fairly supported";
    case Confidence::kLow:
      return "weakly supported";
  }
  return "weakly supported";
}

std::string fact_item(const Fact& fact, const SourceOf& source_of) {
  std::string out = fmt::format("<li><code>{} {}</code> {}", escape_html(fact.owner),
                                escape_html(fact.path), escape_html(value_text(fact)));
  if (const std::string range = range_text(fact); !range.empty()) out += ", " + escape_html(range);
  if (fact.reading == "assumption") {
    out += " <span class=\"assumed\">assumption</span>";
  } else {
    out += fmt::format(
        " <span class=\"note\">{}{}</span>", trust(fact.confidence),
        fact.reading.empty() || fact.reading == "nominal" ? "" : ", " + escape_html(fact.reading));
  }
  if (const std::string links = source_links(fact.sources, source_of); !links.empty())
    out += " [" + links + "]";
  if (!fact.note.empty())
    out += fmt::format("<br><span class=\"note\">{}</span>", escape_html(fact.note));
  for (const OtherValue& other : fact.also) {
    out += fmt::format("<br><span class=\"note\">others say {} [{}]{}</span>",
                       escape_html(value_text(fact, other.value)),
                       source_links(other.sources, source_of),
                       other.note.empty() ? "" : ": " + escape_html(other.note));
  }
  return out + "</li>\n";
}

std::string value_span(const Side& side, const std::string& unit) {
  std::string out = fmt::format("<span class=\"value\">{}", escape_html(side.text));
  if (side.low && side.high) {
    out += fmt::format("<span class=\"range\">{} to {}</span>", escape_html(show(*side.low, unit)),
                       escape_html(show(*side.high, unit)));
  }
  return out + "</span>";
}

std::string line_details(const Comparison& comparison, const Line& line,
                         const SourceOf& source_of) {
  std::string out = fmt::format(
      "<details id=\"{}\"><summary><span class=\"name\">{}</span>{}{}<span "
      "class=\"ratio\">{}</span></summary>\n",
      escape_html(line.id), escape_html(line.label), value_span(line.left, line.unit),
      value_span(line.right, line.unit), ratio_text(line.ratio()));
  out += "<div class=\"why\">";
  out += fmt::format("<div><strong class=\"left\">{}</strong><br>{}</div>\n",
                     escape_html(short_name(comparison.left_name)),
                     explanation_block(line.left.why, source_of));
  out += fmt::format("<div><strong class=\"right\">{}</strong><br>{}</div>\n",
                     escape_html(short_name(comparison.right_name)),
                     explanation_block(line.right.why, source_of));
  if (!line.note.empty())
    out += fmt::format("<div class=\"note\">{}</div>", escape_html(line.note));
  return out + "</div></details>\n";
}

// Some catalog addresses go on with the page's place in words.
std::string link_target(const std::string& url) {
  return url.substr(0, url.find(' '));
}

}  // namespace

std::string explanation_block(const Explanation& explanation, const SourceOf& source_of) {
  std::string out = escape_html(explanation.statement);
  if (!explanation.formula.empty()) {
    out += fmt::format("<br><span class=\"formula\">= {}</span>", escape_html(explanation.formula));
  }
  if (explanation.parts.empty() && explanation.facts.empty()) return out;
  out += "<ul>\n";
  for (const Explanation& part : explanation.parts)
    out += "<li>" + explanation_block(part, source_of) + "</li>\n";
  for (const Fact& fact : explanation.facts) out += fact_item(fact, source_of);
  return out + "</ul>";
}

std::string line_tables(const Comparison& comparison, const SourceOf& source_of) {
  std::string out;
  for (const Section& section : comparison.sections) {
    out += fmt::format("<h3>{}</h3>\n", escape_html(section.heading));
    if (!section.intro.empty())
      out += fmt::format("<p class=\"small\">{}</p>\n", escape_html(section.intro));
    out += fmt::format(
        "<div class=\"lines\"><div class=\"head\"><span></span><span class=\"left\">{}</span>"
        "<span class=\"right\">{}</span><span>ratio</span></div>\n",
        escape_html(short_name(comparison.left_name)),
        escape_html(short_name(comparison.right_name)));
    for (const Line& line : section.lines) out += line_details(comparison, line, source_of);
    out += "</div>\n";
  }
  return out;
}

std::string assumption_list(const Comparison& comparison) {
  if (comparison.assumptions.empty()) return {};
  std::string out = "<ul>\n";
  for (const Fact& fact : comparison.assumptions) out += fact_item(fact, {});
  return out + "</ul>\n";
}

std::string source_text(const Source& source) {
  std::string out = escape_html(source.title);
  if (!source.publisher.empty()) out += ", " + escape_html(source.publisher);
  if (!source.date.empty()) out += ", " + escape_html(source.date);
  const std::string target = link_target(source.url);
  if (target.starts_with("https://") || target.starts_with("http://")) {
    out += fmt::format("<br><a href=\"{}\">{}</a>", escape_html(target), escape_html(source.url));
  } else if (!source.url.empty()) {
    out += "<br>" + escape_html(source.url);
  }
  return out;
}

std::string source_list(const Comparison& comparison, const SourceOf& source_of) {
  std::string out;
  for (const std::string& id : comparison.source_ids) {
    const Source* source = source_of ? source_of(id) : nullptr;
    if (source == nullptr) continue;
    out += fmt::format("<li id=\"source-{0}\"><code>{0}</code> {1}</li>\n", escape_html(id),
                       source_text(*source));
  }
  return out.empty() ? out : "<ul class=\"sources\">\n" + out + "</ul>\n";
}

}  // namespace fivefold
