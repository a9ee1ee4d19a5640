#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/planner/compare_parts.h"
#include "fivefold/report/comparison.h"
#include "fivefold/report/html_parts.h"
#include "fivefold/report/svg.h"

namespace fivefold {
namespace {

// Name, picture, figure, and smaller words below: what a row holds, whatever element it is.
std::string row_cells(std::string_view name, const std::string& picture, std::string_view end,
                      std::string_view under) {
  std::string out = fmt::format("<span class=\"name\">{}</span>{}<span class=\"end\">{}</span>",
                                escape_html(name), picture, escape_html(end));
  if (!under.empty()) out += fmt::format("<span class=\"under\">{}</span>", escape_html(under));
  return out;
}

std::string row(std::string_view name, const std::string& picture, std::string_view end,
                std::string_view under = {}) {
  return "<div class=\"row\">" + row_cells(name, picture, end, under) + "</div>\n";
}

// Lines that say what a budget buys rather than what equals: few is not a strength there.
bool is_budget(const ParityLine& line) {
  return line.budget;
}

double most_chips(const Comparison& comparison) {
  double most = comparison.left_chips;
  for (const ParityLine& line : comparison.parity) {
    most = std::max({most, 1.0 * line.chips.value_or(0), 1.0 * line.high.value_or(0)});
  }
  return std::max(1.0, most);
}

std::string parity_cells(const Comparison& comparison, const ParityLine& line) {
  if (!line.chips) return row_cells(line.label, "<span></span>", "-", line.note);
  // Beyond three times the machine a bar only says "far more".
  const double most =
      std::min(most_chips(comparison), 3.0 * std::max(1, comparison.left_chips)) * 1.02;
  const auto at = [&](double chips) { return 100 * std::min(1.0, chips / most); };
  const bool enough = *line.chips <= comparison.left_chips;
  Strip strip;
  strip.title = fmt::format("{}: {} chips; the machine has {}", line.label, *line.chips,
                            comparison.left_chips);
  strip.ticks = {{at(comparison.left_chips), "tick-strong"}};
  strip.bars = {{0, at(comparison.left_chips), "fill-track", "", 1},
                {0, at(*line.chips),
                 is_budget(line) ? "fill-muted"
                 : enough        ? "fill-left"
                                 : "fill-right",
                 strip.title, 0.7}};
  std::string under;
  if (comparison.left_chips > 0) {
    under = fmt::format("{:.0f}% of the {} it has", 100.0 * *line.chips / comparison.left_chips,
                        comparison.left_chips);
  }
  if (line.low && line.high) {
    strip.bars.push_back({at(*line.low), at(*line.high), "fill-ink",
                          fmt::format("{} to {}", *line.low, *line.high), 0.16});
    under += fmt::format("; {} to {} over the sources' ranges", *line.low, *line.high);
  }
  if (!line.note.empty()) under += "; " + line.note;
  return row_cells(line.label, to_svg(strip), fmt::format("{} chips", *line.chips), under);
}

std::string parity_row(const Comparison& comparison, const ParityLine& line,
                       const SourceOf& source_of) {
  return fmt::format(
      "<details id=\"{}\"><summary class=\"row\">{}</summary><div "
      "class=\"why\"><div>{}</div></div></details>\n",
      escape_html(line.id), parity_cells(comparison, line), explanation_block(line.why, source_of));
}

// Ratios on a logarithmic scale that is alike on both sides of 1x.
struct RatioScale {
  double decades = 0.4;
  double at(double ratio) const {
    return 50 + 50 * std::clamp(std::log10(ratio) / decades, -1.0, 1.0);
  }
};

bool is_pictured(const Line& line) {
  const std::optional<double> ratio = line.ratio();
  return ratio && *ratio > 0 && std::isfinite(*ratio) && std::abs(*ratio - 1) > 0.005;
}

RatioScale ratio_scale(const Comparison& comparison) {
  RatioScale scale;
  for (const Section& section : comparison.sections) {
    for (const Line& line : section.lines) {
      if (is_pictured(line)) {
        scale.decades = std::max(scale.decades, 1.05 * std::abs(std::log10(*line.ratio())));
      }
    }
  }
  scale.decades = std::min(scale.decades, 2.0);
  return scale;
}

std::vector<double> ratio_ticks(const RatioScale& scale) {
  std::vector<double> ticks;
  for (double tick : {0.01, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0}) {
    const bool fine = tick == 0.2 || tick == 0.5 || tick == 2 || tick == 5;
    if (std::abs(std::log10(tick)) <= scale.decades && !(fine && scale.decades > 1.3))
      ticks.push_back(tick);
  }
  return ticks;
}

std::string ratio_row(const Comparison& comparison, const Line& line, const RatioScale& scale) {
  const double ratio = *line.ratio();
  Strip strip;
  strip.title = fmt::format("{}: {} has {} of {}", line.label, short_name(comparison.left_name),
                            ratio_text(ratio), short_name(comparison.right_name));
  for (double tick : ratio_ticks(scale))
    strip.ticks.push_back({scale.at(tick), tick == 1 ? "tick-strong" : "tick"});
  strip.bars = {{50, scale.at(ratio), fmt::format("fill-{}", side_ahead(line)),
                 fmt::format("{} against {}", line.left.text, line.right.text), 0.75}};
  return row(line.label, to_svg(strip), ratio_text(ratio));
}

std::string scale_row(const RatioScale& scale) {
  std::string marks;
  for (double tick : ratio_ticks(scale)) {
    marks += fmt::format("<span style=\"left:{:.2f}%\">{:g}x</span>", scale.at(tick), tick);
  }
  return fmt::format(
      "<div class=\"row\"><span class=\"name\"></span><div "
      "class=\"scale\">{}</div><span></span></div>\n",
      marks);
}

std::string time_text(double seconds) {
  if (seconds >= 1) return fmt::format("{:.3g} s", seconds);
  return fmt::format("{:.3g} ms", seconds * 1e3);
}

double total(const TimeBar& bar) {
  double seconds = 0;
  for (const TimeBar::Part& part : bar.parts) seconds += part.seconds;
  return seconds;
}

// "decode step, CloudMatrix384": what is timed, and on what.
std::pair<std::string, std::string> split_label(const std::string& label) {
  const std::size_t comma = label.find(", ");
  if (comma == std::string::npos) return {label, label};
  return {label.substr(0, comma), label.substr(comma + 2)};
}

std::vector<std::string> part_names(const Comparison& comparison) {
  std::vector<std::string> names;
  for (const TimeBar& bar : comparison.times) {
    for (const TimeBar::Part& part : bar.parts) {
      if (std::find(names.begin(), names.end(), part.name) == names.end())
        names.push_back(part.name);
    }
  }
  return names;
}

constexpr std::size_t kPartColours = 10;

std::string part_css(const std::vector<std::string>& names, const std::string& name) {
  const auto index =
      static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  return fmt::format("p{}", index % kPartColours);
}

std::string time_row(const TimeBar& bar, double longest, const std::vector<std::string>& names) {
  Strip strip;
  std::string shares;
  const double whole = total(bar);
  double done = 0;
  for (const TimeBar::Part& part : bar.parts) {
    const std::string text = fmt::format("{} {} ({:.0f}%)", part.name, time_text(part.seconds),
                                         100 * part.seconds / whole);
    strip.bars.push_back({100 * done / longest, 100 * (done + part.seconds) / longest,
                          "fill-" + part_css(names, part.name), text, 1});
    shares += (shares.empty() ? "" : ", ") + text;
    done += part.seconds;
  }
  strip.title = fmt::format("{}: {}", bar.label, shares);
  return row(short_name(split_label(bar.label).second), to_svg(strip), time_text(whole), shares);
}

std::string level_rows(const Fabric& fabric, std::string_view css, double fastest) {
  std::string rows;
  for (const Fabric::Level& level : fabric.levels) {
    const std::string name =
        level.devices > 1 ? fmt::format("{} ({} devices)", level.name, level.devices) : level.name;
    if (level.bytes_per_second <= 0) {
      rows += row(name, "<span></span>", "not published");
      continue;
    }
    Strip strip;
    strip.title =
        fmt::format("{}: {} a device and direction", name, show(level.bytes_per_second, "B/s"));
    // Four decades: from a fast link down to a slow network port.
    const double length = 100 * (1 + std::log10(level.bytes_per_second / fastest) / 4);
    strip.bars = {{0, 100, "fill-track", "", 0.7},
                  {0, std::max(2.0, length), fmt::format("fill-{}", css), "", 0.7}};
    rows += row(name, to_svg(strip), show(level.bytes_per_second, "B/s"));
  }
  return rows;
}

DotMachine dot_machine(const Fabric& fabric, std::string_view css) {
  DotMachine machine;
  machine.css = fmt::format("fill-{}", css);
  for (const Fabric::Level& level : fabric.levels) machine.sizes.push_back(level.devices);
  machine.title = fmt::format("{} as squares, one for each device", fabric.name);
  return machine;
}

std::string fabric_panel(const Fabric& fabric, std::string_view css, double widest,
                         double fastest) {
  int devices = 0;
  for (const Fabric::Level& level : fabric.levels) devices = std::max(devices, level.devices);
  const DotMachine machine = dot_machine(fabric, css);
  return fmt::format(
      "<div class=\"panel\"><h3 class=\"{}\">{}</h3><p class=\"small\">{} devices; a square is a "
      "device, a box what "
      "one level of links joins.</p>{}<div class=\"rows\">{}</div></div>\n",
      css, escape_html(short_name(fabric.name)), devices,
      to_svg(machine, std::min(1.0, width_of(machine) / widest)), level_rows(fabric, css, fastest));
}

std::vector<Scatter::Point> scatter_points(const std::vector<ParetoPoint>& points,
                                           const std::string& name) {
  std::vector<Scatter::Point> out;
  for (const ParetoPoint& point : points) {
    out.push_back(
        {point.tokens_per_second_per_user, point.tokens_per_second_per_chip,
         fmt::format("{}: {} ({:.1f} tokens/s a user, {:.0f} a chip)", name, point.label,
                     point.tokens_per_second_per_user, point.tokens_per_second_per_chip)});
  }
  return out;
}

}  // namespace

std::string swatch(std::string_view css, std::string_view name) {
  return fmt::format(
      "<span><svg class=\"swatch\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect "
      "class=\"fill-{}\" "
      "width=\"10\" height=\"10\" rx=\"2\"/></svg>{}</span>",
      css, escape_html(name));
}

std::string_view side_ahead(const Line& line) {
  const std::optional<double> ratio = line.ratio();
  // More chips are neither better nor worse.
  if (!ratio || line.unit == "chips" || *ratio == 1) return "muted";
  return (*ratio > 1) == line.more_is_better ? "left" : "right";
}

std::string parity_picture(const Comparison& comparison, const SourceOf& source_of) {
  if (comparison.parity.empty()) return {};
  std::string out = "<div class=\"panel\"><div class=\"legend\">";
  out += swatch("left", fmt::format("within the {} chips that {} has", comparison.left_chips,
                                    short_name(comparison.left_name)));
  out += swatch("right", "more than it has");
  out += swatch("muted", "what the same power or money allows") + "</div><div class=\"rows\">\n";
  for (const ParityLine& line : comparison.parity) out += parity_row(comparison, line, source_of);
  return out + "</div></div>\n";
}

std::string ratio_picture(const Comparison& comparison) {
  const RatioScale scale = ratio_scale(comparison);
  std::string out;
  for (const Section& section : comparison.sections) {
    std::string rows;
    for (const Line& line : section.lines) {
      if (is_pictured(line)) rows += ratio_row(comparison, line, scale);
    }
    if (!rows.empty()) {
      out += fmt::format("<h3>{}</h3><div class=\"rows\">\n{}{}</div>\n",
                         escape_html(section.heading), scale_row(scale), rows);
    }
  }
  if (out.empty()) return {};
  return fmt::format("<div class=\"panel\"><div class=\"legend\">{}{}</div>{}</div>\n",
                     swatch("left", short_name(comparison.left_name) + " is better"),
                     swatch("right", short_name(comparison.right_name) + " is better"), out);
}

std::string fabric_picture(const Comparison& comparison) {
  if (comparison.fabrics.empty()) return {};
  double fastest = 0;
  // A machine of a few devices is not blown up to the width of the page.
  double widest = 400;
  for (const Fabric& fabric : comparison.fabrics) {
    for (const Fabric::Level& level : fabric.levels)
      fastest = std::max(fastest, level.bytes_per_second);
    widest = std::max(widest, width_of(dot_machine(fabric, "left")));
  }
  std::string out = "<div class=\"fabrics\">";
  for (std::size_t i = 0; i < comparison.fabrics.size(); ++i) {
    out += fabric_panel(comparison.fabrics[i], i == 0 ? "left" : "right", widest, fastest);
  }
  return out + "</div>\n";
}

std::string time_picture(const Comparison& comparison) {
  const std::vector<std::string> names = part_names(comparison);
  std::vector<std::string> kinds;
  for (const TimeBar& bar : comparison.times) {
    const std::string kind = split_label(bar.label).first;
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  }
  if (kinds.empty()) return {};
  std::string out = "<div class=\"panel\"><div class=\"legend\">";
  for (const std::string& name : names) out += swatch(part_css(names, name), name);
  out += "</div>";
  for (const std::string& kind : kinds) {
    double longest = 0;
    for (const TimeBar& bar : comparison.times) {
      if (split_label(bar.label).first == kind) longest = std::max(longest, total(bar));
    }
    if (longest <= 0) continue;
    out += fmt::format("<h3>{}</h3><div class=\"rows\">\n", escape_html(kind));
    for (const TimeBar& bar : comparison.times) {
      if (split_label(bar.label).first == kind && total(bar) > 0)
        out += time_row(bar, longest, names);
    }
    out += "</div>\n";
  }
  return out + "</div>\n";
}

std::string pareto_picture(const Comparison& comparison) {
  if (comparison.left_pareto.empty() && comparison.right_pareto.empty()) return {};
  Scatter scatter;
  scatter.title = "Output tokens a second for each chip against tokens a second for each user";
  scatter.x_label = "tokens/s for one user (1 / TPOT)";
  scatter.y_label = "tokens/s for one chip";
  scatter.series = {{short_name(comparison.left_name), "left",
                     scatter_points(comparison.left_pareto, short_name(comparison.left_name))},
                    {short_name(comparison.right_name), "right",
                     scatter_points(comparison.right_pareto, short_name(comparison.right_name))}};
  return fmt::format(
      "<div class=\"panel\"><div class=\"legend\">{}{}</div><div class=\"scroll\">{}</div></div>\n",
      swatch("left", short_name(comparison.left_name)),
      swatch("right", short_name(comparison.right_name)), to_svg(scatter));
}

}  // namespace fivefold
