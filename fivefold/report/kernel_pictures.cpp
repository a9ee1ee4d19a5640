#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/report/html_parts.h"
#include "fivefold/report/kernel_parts.h"
#include "fivefold/report/svg.h"

namespace fivefold {
namespace {

constexpr std::array kLimits = {Limit::kCompute, Limit::kMemory, Limit::kCache, Limit::kTail,
                                Limit::kLaunch};

// The plane of a plot in pixels.
struct Plane {
  static constexpr double kWidth = 720, kHeight = 420, kLeft = 84, kRight = 20, kTop = 16,
                          kBottom = 54;
  double x_low = 0, x_high = 1, y_low = 0, y_high = 1;  // log10, or the value of a linear axis
  bool linear_y = false;

  double x(double value) const {
    return kLeft + (std::log10(value) - x_low) / (x_high - x_low) * (kWidth - kLeft - kRight);
  }
  double y(double value) const {
    const double place = linear_y ? value : std::log10(value);
    return kHeight - kBottom - (place - y_low) / (y_high - y_low) * (kHeight - kTop - kBottom);
  }
  bool takes(const std::pair<double, double>& point) const {
    return point.first > 0 && std::isfinite(point.first) && std::isfinite(point.second) &&
           (linear_y ? point.second >= 0 : point.second > 0);
  }
};

Plane plane_of(const Plot& plot) {
  Plane plane{.linear_y = plot.linear_y};
  double x_low = 1e300, x_high = 0, y_low = 1e300, y_high = 0;
  for (const Plot::Series& series : plot.series) {
    for (const auto& point : series.points) {
      if (!plane.takes(point)) continue;
      x_low = std::min(x_low, point.first);
      x_high = std::max(x_high, point.first);
      y_low = std::min(y_low, point.second);
      y_high = std::max(y_high, point.second);
    }
  }
  if (x_high <= 0) return plane;
  // At least a decade, so that there is a tick.
  const auto decades = [](double low, double high, double& from, double& to) {
    from = std::log10(low);
    to = std::log10(high);
    const double margin = std::max(0.03 * (to - from), (1 - (to - from)) / 2);
    from -= margin;
    to += margin;
  };
  decades(x_low, x_high, plane.x_low, plane.x_high);
  if (plot.linear_y) {
    plane.y_high = round_ticks(y_high, 5).back();
  } else {
    decades(y_low, y_high, plane.y_low, plane.y_high);
  }
  return plane;
}

// "10k", "2M", "0.1"; of powers of ten.
std::string short_number(double value) {
  constexpr std::array<std::pair<double, std::string_view>, 5> kSteps = {
      {{1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}};
  for (const auto& [step, letter] : kSteps) {
    if (value >= step * 0.9999999) return fmt::format("{:.4g}{}", value / step, letter);
  }
  return fmt::format("{:.4g}", value);
}

// "4Ki"; of powers of two.
std::string binary_number(double value) {
  constexpr std::array<std::string_view, 4> kPrefixes = {"", "Ki", "Mi", "Gi"};
  std::size_t step = 0;
  for (; step + 1 < kPrefixes.size() && value >= 1024; ++step) value /= 1024;
  return fmt::format("{:.4g}{}", value, kPrefixes[step]);
}

// Every power of ten, or every second or third where they are many.
std::vector<double> decade_ticks(double low, double high) {
  const int step = std::max(1, static_cast<int>(std::ceil((high - low) / 8)));
  std::vector<double> ticks;
  for (int power = static_cast<int>(std::ceil(low)); power <= high; power += step)
    ticks.push_back(std::pow(10.0, power));
  return ticks;
}

std::string frame_svg(const Plot& plot, const Plane& plane) {
  std::string out;
  const double bottom = Plane::kHeight - Plane::kBottom, right = Plane::kWidth - Plane::kRight;
  for (const double x : decade_ticks(plane.x_low, plane.x_high)) {
    out += fmt::format(
        "<line class=\"tick\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
        "<text class=\"axis\" x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4}</text>",
        plane.x(x), Plane::kTop, bottom, bottom + 18, short_number(x));
  }
  for (const double y :
       plane.linear_y ? round_ticks(plane.y_high, 5) : decade_ticks(plane.y_low, plane.y_high)) {
    out += fmt::format(
        "<line class=\"tick\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
        "<text class=\"axis\" x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>",
        Plane::kLeft, right, plane.y(y), Plane::kLeft - 8, plane.y(y) + 4,
        plane.linear_y ? fmt::format("{:g}%", std::round(y * 1000) / 10) : short_number(y));
  }
  return out + fmt::format(
                   "<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>"
                   "<text class=\"axis\" transform=\"translate(18 {}) rotate(-90)\" "
                   "text-anchor=\"middle\">{}</text>",
                   (Plane::kLeft + right) / 2, Plane::kHeight - 12, escape_html(plot.x_label),
                   (Plane::kTop + bottom) / 2, escape_html(plot.y_label));
}

// One path a series: thousands of dots are lines of no length with round ends.
std::string plot_series_svg(const Plot::Series& series, const Plane& plane) {
  const bool dots = series.drawn == Plot::Series::Drawn::kDots;
  std::string path;
  for (const auto& point : series.points) {
    if (!plane.takes(point)) continue;
    path += fmt::format("{}{:.1f} {:.1f}{}", dots || path.empty() ? "M" : "L", plane.x(point.first),
                        plane.y(point.second), dots ? "h0" : "");
  }
  constexpr std::size_t kFew = 400;
  const std::string_view css = dots && series.points.size() < kFew ? "plot-dots plot-marks"
                               : dots                              ? "plot-dots"
                               : series.drawn == Plot::Series::Drawn::kDashes ? "plot-dashes"
                                                                              : "plot-line";
  return path.empty()
             ? path
             : fmt::format("<path class=\"{} stroke-{}\" d=\"{}\"/>", css, series.css, path);
}

std::string limit_legend() {
  std::string out = "<div class=\"legend\">";
  for (const Limit limit : kLimits) out += swatch(limit_css(limit), name(limit));
  return out + "</div>";
}

constexpr std::array<std::pair<bool, std::string_view>, 2> kHalves = {
    {{true, "left"}, {false, "right"}}};

std::string half_legend() {
  return "<div class=\"legend\">" + swatch("left", "rows that parameters were fitted on") +
         swatch("right", "rows that no fit saw") + "</div>";
}

double microseconds(const Prediction& row, double value) {
  return row.unit == "ms" ? value * 1e3 : value;
}

double error_of(const Prediction& row) {
  return std::abs(row.predicted / row.measured - 1);
}

// Dots beyond this do not add to a picture, only to the page: every n-th row is drawn.
constexpr std::size_t kMostPoints = 6000;

std::size_t drawn_every(const Predictions& rows) {
  return (rows.size() + kMostPoints - 1) / kMostPoints;
}

// By the time that was predicted, in steps of four: how far off is it when it says 10 us?
int size_bin(const Prediction& row) {
  return static_cast<int>(std::floor(std::log2(microseconds(row, row.predicted)) / 2));
}

double bin_middle(int bin) {
  return std::exp2(2 * bin + 1);
}

double share_below(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

}  // namespace

std::string_view limit_css(Limit limit) {
  constexpr std::array<std::string_view, 5> kCss = {"p0", "p1", "p2", "p5", "p4"};
  return kCss[static_cast<std::size_t>(limit)];
}

std::string to_svg(const Plot& plot) {
  const Plane plane = plane_of(plot);
  std::string body = frame_svg(plot, plane);
  for (const Plot::Series& series : plot.series) body += plot_series_svg(series, plane);
  return fmt::format(
      "<div class=\"scroll\"><svg class=\"scatter\" role=\"img\" viewBox=\"0 0 {} "
      "{}\"><title>{}</title>{}</svg></div>",
      Plane::kWidth, Plane::kHeight, escape_html(plot.title), body);
}

std::string limit_map_picture(const KernelSection& section) {
  const KernelMap& map = section.map;
  if (map.cells.empty()) return {};
  constexpr double kLeft = 74, kTall = 26, kBottom = 44;
  const double wide = (720 - kLeft) / static_cast<double>(map.xs.size());
  const double height = kTall * static_cast<double>(map.ys.size());
  std::string out;
  for (std::size_t y = 0; y < map.ys.size(); ++y) {
    const double top = kTall * static_cast<double>(map.ys.size() - 1 - y);
    out += fmt::format("<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                       kLeft - 6, top + kTall / 2 + 5, binary_number(map.ys[y]));
    for (std::size_t x = 0; x < map.xs.size(); ++x) {
      const KernelAnswer& cell = map.at(x, y);
      const double left = kLeft + wide * static_cast<double>(x);
      out += fmt::format(
          "<g><title>{}: {}, limited by {}</title><rect class=\"fill-{}\" x=\"{:.1f}\" "
          "y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill-opacity=\"{:.2f}\"/><text "
          "class=\"cell\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:.0f}</text></g>",
          escape_html(words_of(cell.question)), format_quantity(cell.time.time),
          name(cell.time.limit), limit_css(cell.time.limit), left + 0.5, top + 0.5, wide - 1,
          kTall - 1, 0.18 + 0.62 * std::min(1.0, cell.achieved()), left + wide / 2,
          top + kTall / 2 + 4, 100 * cell.achieved());
    }
  }
  for (std::size_t x = 0; x < map.xs.size(); ++x) {
    out += fmt::format(
        "<text class=\"cell\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        kLeft + wide * (static_cast<double>(x) + 0.5), height + 16, binary_number(map.xs[x]));
  }
  out += fmt::format(
      "<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text><text class=\"axis\" "
      "transform=\"translate(14 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
      (kLeft + 720) / 2, height + 38, escape_html(map.x_label), height / 2,
      escape_html(map.y_label));
  return limit_legend() +
         fmt::format(
             "<div class=\"scroll\"><svg class=\"scatter\" role=\"img\" viewBox=\"0 0 720 "
             "{}\"><title>What limits {} where</title>{}</svg></div>",
             height + kBottom, escape_html(section.family), out);
}

std::string roofline_picture(const KernelSection& section) {
  Plot plot{.title = "Arithmetic rate over arithmetic intensity",
            .x_label = "operations for each byte that must be moved",
            .y_label = "operations a second"};
  double least = 1e300, most = 0;
  for (const Limit limit : kLimits) {
    Plot::Series series{std::string(limit_css(limit)), {}};
    for (const KernelAnswer& cell : section.map.cells) {
      const Bytes bytes = cell.work.weights + cell.work.activations;
      if (cell.time.limit != limit || !(cell.work.ops > Ops(0)) || !(bytes > Bytes(0))) continue;
      const double intensity = cell.work.ops.value() / bytes.value();
      least = std::min(least, intensity);
      most = std::max(most, intensity);
      series.points.emplace_back(intensity, (cell.work.ops / cell.time.time).value());
    }
    plot.series.push_back(std::move(series));
  }
  const double peak = section.peak.value(), bandwidth = section.bandwidth.value();
  if (most <= 0 || peak <= 0) return {};
  const double ridge = peak / bandwidth;
  Plot::Series roof{
      "muted", {{least, std::min(peak, least * bandwidth)}}, Plot::Series::Drawn::kLine};
  if (least < ridge && ridge < most) roof.points.emplace_back(ridge, peak);
  roof.points.emplace_back(most, std::min(peak, most * bandwidth));
  plot.series.push_back(std::move(roof));
  return limit_legend() + to_svg(plot);
}

std::string achieved_picture(const KernelSection& section) {
  const KernelMap& map = section.map;
  if (map.cells.empty()) return {};
  Plot plot{.title = "Share of the roofline over size",
            .x_label = map.x_label,
            .y_label = "reached of the roofline",
            .linear_y = true};
  std::string legend = "<div class=\"legend\">";
  constexpr std::size_t kColours = 10;
  const std::size_t step = (map.ys.size() + kColours - 1) / kColours;
  for (std::size_t y = 0; y < map.ys.size(); y += step) {
    Plot::Series line{fmt::format("p{}", y / step), {}, Plot::Series::Drawn::kLine};
    for (std::size_t x = 0; x < map.xs.size(); ++x)
      line.points.emplace_back(map.xs[x], map.at(x, y).achieved());
    legend += swatch(line.css, fmt::format("{} {:.12g}", map.y_label, map.ys[y]));
    plot.series.push_back(std::move(line));
  }
  return legend + "</div>" + to_svg(plot);
}

std::string prediction_picture(const KernelSection& section) {
  if (section.measured.empty()) return {};
  Plot plot{.title = "Predicted against measured time",
            .x_label = "measured, us",
            .y_label = "predicted, us"};
  const std::size_t every = drawn_every(section.measured);
  double low = 1e300, high = 0;
  for (const auto& [calibrated, css] : kHalves) {
    Plot::Series dots{std::string(css), {}};
    for (std::size_t i = 0; i < section.measured.size(); i += every) {
      const Prediction& row = section.measured[i];
      const double measured = microseconds(row, row.measured);
      if (row.calibrated != calibrated) continue;
      dots.points.emplace_back(measured, microseconds(row, row.predicted));
      low = std::min(low, measured);
      high = std::max(high, measured);
    }
    plot.series.push_back(std::move(dots));
  }
  for (const double factor : {1.0, 1.1, 1 / 1.1}) {
    plot.series.push_back(
        {"muted",
         {{low, low * factor}, {high, high * factor}},
         factor == 1 ? Plot::Series::Drawn::kLine : Plot::Series::Drawn::kDashes});
  }
  const std::string drawn =
      every == 1 ? ""
                 : fmt::format("<p class=\"small\">One row in {} of {} is drawn.</p>", every,
                               format_count(static_cast<double>(section.measured.size())));
  return half_legend() + to_svg(plot) + drawn;
}

std::string error_picture(const KernelSection& section, double noise) {
  Plot plot{.title = "Error over size",
            .x_label = "predicted time, us",
            .y_label = "error",
            .linear_y = true};
  double low = 1e300, high = 0;
  for (const auto& [calibrated, css] : kHalves) {
    std::map<int, std::vector<double>> bins;
    for (const Prediction& row : section.measured) {
      if (row.calibrated == calibrated) bins[size_bin(row)].push_back(error_of(row));
    }
    Plot::Series median{std::string(css), {}, Plot::Series::Drawn::kLine},
        ninth{std::string(css), {}, Plot::Series::Drawn::kDashes};
    for (auto& [bin, errors] : bins) {
      median.points.emplace_back(bin_middle(bin), share_below(errors, 0.5));
      ninth.points.emplace_back(bin_middle(bin), share_below(errors, 0.9));
      low = std::min(low, bin_middle(bin));
      high = std::max(high, bin_middle(bin));
    }
    plot.series.push_back(std::move(median));
    plot.series.push_back(std::move(ninth));
  }
  if (high <= 0) return {};
  if (noise > 0) {
    plot.series.push_back({"muted", {{low, noise}, {high, noise}}, Plot::Series::Drawn::kLine});
  }
  return half_legend() + to_svg(plot);
}

std::string cell_picture(const KernelSection& section) {
  const std::vector<Cell> cells = summarise(section.measured, true);
  double worst = 0.1;
  for (const Cell& cell : cells) worst = std::max(worst, cell.mean_ape);
  std::string rows;
  for (const Cell& cell : cells) {
    const std::string_view css = cell.calibrated ? "left" : "right";
    Strip strip;
    strip.title =
        fmt::format("{} of {} rows: mean {}, nine of ten within {}", cell.stack, cell.predicted,
                    format_percent(cell.mean_ape), format_percent(cell.p90_ape));
    strip.bars = {{0, 100, "fill-track", "", 0.7},
                  {0, 100 * cell.mean_ape / worst, fmt::format("fill-{}", css), "", 0.7}};
    rows += fmt::format(
        "<div class=\"row\"><span class=\"name\">{} {} {}</span>{}<span class=\"end\">{}</span>"
        "<span class=\"under\">{} rows, p90 {}, bias {:+.3f}</span></div>\n",
        escape_html(cell.stack), escape_html(cell.format), escape_html(cell.size), to_svg(strip),
        format_percent(cell.mean_ape), format_count(cell.predicted), format_percent(cell.p90_ape),
        cell.bias);
  }
  if (rows.empty()) return {};
  return half_legend() + "<div class=\"rows\">" + rows + "</div>";
}

std::string measured_limit_picture(const KernelSection& section) {
  std::map<int, std::map<std::string_view, int>> bins;
  for (const Prediction& row : section.measured) ++bins[size_bin(row)][row.limit];
  std::string rows;
  for (const auto& [bin, counts] : bins) {
    int all = 0;
    for (const auto& [limit, count] : counts) all += count;
    Strip strip;
    double from = 0;
    for (const Limit limit : kLimits) {
      const auto found = counts.find(name(limit));
      if (found == counts.end()) continue;
      const double to = from + 100.0 * found->second / all;
      strip.bars.push_back({from, to, fmt::format("fill-{}", limit_css(limit)),
                            fmt::format("{}: {} of {}", name(limit), found->second, all), 0.8});
      from = to;
    }
    strip.title = fmt::format("{} rows", all);
    rows += fmt::format(
        "<div class=\"row\"><span class=\"name\">{} to {}</span>{}<span class=\"end\">{} "
        "rows</span></div>\n",
        format_quantity(Seconds(std::exp2(2 * bin) * 1e-6)),
        format_quantity(Seconds(std::exp2(2 * bin + 2) * 1e-6)), to_svg(strip), format_count(all));
  }
  if (rows.empty()) return {};
  return limit_legend() + "<div class=\"rows\">" + rows + "</div>";
}

}  // namespace fivefold
