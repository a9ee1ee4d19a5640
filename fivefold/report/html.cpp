#include "fivefold/report/html.h"

#include <array>

#include <fmt/format.h>

#include "fivefold/report/comparison.h"
#include "fivefold/report/html_parts.h"
#include "fivefold/report/html_style.h"
#include "fivefold/report/svg.h"

namespace fivefold {
namespace {

// The lines that stand at the top, in this order, where the comparison has them.
constexpr std::array<std::string_view, 8> kCardLines = {
    "chips", "peak.bf16", "memory.capacity", "memory.bandwidth",
    "power", "price",     "prefill.system",  "decode.system"};

std::string card(const Section& section, const Line& line) {
  return fmt::format(
      "<div class=\"card\"><div class=\"what\">{}: {}</div><div class=\"ratio {}\">{}</div>"
      "<div class=\"pair\"><span class=\"left\">{}</span> against <span "
      "class=\"right\">{}</span></div></div>\n",
      escape_html(section.heading), escape_html(line.label), side_ahead(line),
      ratio_text(line.ratio()), escape_html(line.left.text), escape_html(line.right.text));
}

std::string cards(const Comparison& comparison) {
  std::string out;
  for (std::string_view id : kCardLines) {
    for (const Section& section : comparison.sections) {
      for (const Line& line : section.lines) {
        if (line.id == id) out += card(section, line);
      }
    }
  }
  return out.empty() ? out : "<div class=\"cards\">\n" + out + "</div>\n";
}

std::string block(std::string_view heading, const std::string& intro, const std::string& content) {
  if (content.empty()) return {};
  const std::string words = intro.empty() ? "" : fmt::format("<p>{}</p>\n", escape_html(intro));
  return fmt::format("<section><h2>{}</h2>\n{}{}</section>\n", escape_html(heading), words,
                     content);
}

std::string note_list(const Comparison& comparison) {
  if (comparison.notes.empty()) return {};
  std::string out = "<ul>\n";
  for (const std::string& note : comparison.notes)
    out += fmt::format("<li>{}</li>\n", escape_html(note));
  return out + "</ul>\n";
}

std::string top(const Comparison& comparison) {
  return fmt::format(
      "<header><div class=\"brand\">Fivefold</div><h1><span class=\"left\">{0}</span> against "
      "<span "
      "class=\"right\">{1}</span></h1><p class=\"sub\">{2}</p></header>\n<p "
      "class=\"answer\">{3}</p>\n"
      "<p>Fivefold computes how large a machine, built of the AI chips that one can get, must be "
      "to match one that one cannot get. Everything below follows from published figures of chips "
      "and systems, the shape of the model and the mechanics of running it; each number opens to "
      "the chain that leads to its sources.</p>\n<p>Ratios are {0} over {1}: <span "
      "class=\"left\">this colour</span> where {0} is ahead, <span class=\"right\">this "
      "one</span> where {1} is.</p>\n",
      escape_html(short_name(comparison.left_name)), escape_html(short_name(comparison.right_name)),
      escape_html(comparison.subtitle), escape_html(comparison.headline));
}

std::string body(const Comparison& comparison, const SourceOf& source_of) {
  const std::string left = short_name(comparison.left_name);
  const std::string right = short_name(comparison.right_name);
  std::string out = top(comparison) + cards(comparison);
  out += block(
      fmt::format("How many chips equal one {}?", right),
      fmt::format(
          "Bars count chips of {}; the upright line is the {} that it has. Open a bar to see why.",
          left, comparison.left_chips),
      parity_picture(comparison, source_of));
  out += block("Ahead and behind",
               fmt::format("Each bar starts at 1x, where both are equal. To the right {} has more, "
                           "to the left less.",
                           left),
               ratio_picture(comparison));
  out += block("How they are wired",
               "Links by level, from the inside out; bandwidth is what one device can send, on a "
               "logarithmic scale.",
               fabric_picture(comparison));
  out += block(
      "Where the time goes",
      "Exposed communication is what computing does not hide. Bars of one group share a scale.",
      time_picture(comparison));
  out += block("Fast for each user, or much for each chip",
               "Each point is the best way to cut the model over one number of devices; the line "
               "joins those that no "
               "other point beats.",
               pareto_picture(comparison));
  out += block("Every number and where it comes from",
               "Open a line to see its formula, its inputs and their sources.",
               line_tables(comparison, source_of));
  out += block("Keep in mind", "", note_list(comparison));
  out += block("Assumptions", "Values that no source gives, with the range in which they may lie.",
               assumption_list(comparison));
  out += block("Sources",
               "Where sources disagree, the figures that were not chosen stand beside the line.",
               source_list(comparison, source_of));
  return out;
}

}  // namespace

std::string html_frame(std::string_view title, std::string_view language, std::string_view styles,
                       const std::string& main) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light "
      "dark\">\n<title>{}</title>\n<style>{}{}</style></head>\n"
      "<body><main>\n{}</main></body></html>\n",
      language, escape_html(title), kStyle, styles, main);
}

std::string html_document(std::string_view title, const std::string& body,
                          std::string_view command) {
  return html_frame(title, "en", {},
                    fmt::format("{}<footer><p class=\"small\">Made by "
                                "<code>{}</code></p></footer>\n",
                                body, escape_html(command)));
}

std::string to_html(const Comparison& comparison, const SourceOf& source_of,
                    std::string_view command) {
  return html_document(comparison.title, body(comparison, source_of), command);
}

}  // namespace fivefold
