#include "fivefold/report/svg.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fivefold {
namespace {

// Tenths of a pixel are enough, and shorter.
std::string px(double value) {
  return fmt::format("{:g}", std::round(value * 10) / 10);
}

std::string titled(std::string_view title) {
  return title.empty() ? std::string() : fmt::format("<title>{}</title>", escape_html(title));
}

struct Size {
  double width = 0, height = 0;
};

constexpr int kMostDots = 8192;

// Draws boxes within boxes; `level` counts from the innermost.
class DotPicture {
 public:
  explicit DotPicture(const DotMachine& machine) : machine_(machine), sizes_{1} {
    for (int size : machine.sizes) {
      if (size > sizes_.back() && size % sizes_.back() == 0) sizes_.push_back(size);
    }
    first_ = sizes_.back() > kMostDots && sizes_.size() > 2 ? 1 : 0;
  }

  double width() const { return size_of(sizes_.size() - 1).width + 2; }

  std::string svg(double share) {
    const std::size_t top = sizes_.size() - 1;
    draw(top, 1, 1);
    return fmt::format(
        "<svg class=\"dots\" role=\"img\" viewBox=\"0 0 {} {}\" style=\"width:{:.1f}%\">{}{}</svg>",
        px(width()), px(size_of(top).height + 2), 100 * share, titled(machine_.title), body_);
  }

 private:
  // Pairs stand beside each other, others as nearly square as whole rows allow, wider than high.
  int columns(std::size_t level) const {
    const int count = sizes_[level] / sizes_[level - 1];
    int best = count;
    double best_cost = 1e300;
    for (int c = 1; c <= count; ++c) {
      const int rows = (count + c - 1) / c;
      const double empty = static_cast<double>(rows * c - count) / count;
      const double cost = std::abs(std::log(1.0 * c / rows / 1.6)) + 4 * empty;
      if (cost < best_cost) {
        best_cost = cost;
        best = c;
      }
    }
    return best;
  }

  // Pairs of dies share a package: no box around two dots, just nearness.
  bool has_box(std::size_t level) const { return sizes_[level] > 2; }
  double padding(std::size_t level) const {
    return has_box(level) ? 2.0 + static_cast<double>(level) : 0;
  }
  double gap(std::size_t level) const {
    return level == 1 ? 1.5 : 1.5 + 1.5 * static_cast<double>(level);
  }

  Size size_of(std::size_t level) const {
    if (level == first_) return {machine_.dot, machine_.dot};
    const Size inner = size_of(level - 1);
    const int count = sizes_[level] / sizes_[level - 1];
    const int across = columns(level);
    const int down = (count + across - 1) / across;
    return {across * inner.width + (across - 1) * gap(level) + 2 * padding(level),
            down * inner.height + (down - 1) * gap(level) + 2 * padding(level)};
  }

  void draw(std::size_t level, double x, double y) {
    if (level == first_) {
      body_ += fmt::format(
          "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"1.2\"/>",
          machine_.css, px(x), px(y), px(machine_.dot), px(machine_.dot));
      return;
    }
    if (has_box(level)) {
      const Size size = size_of(level);
      body_ +=
          fmt::format("<rect class=\"box\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"3\"/>",
                      px(x), px(y), px(size.width), px(size.height));
    }
    const Size inner = size_of(level - 1);
    const int count = sizes_[level] / sizes_[level - 1];
    const int across = columns(level);
    for (int i = 0; i < count; ++i) {
      draw(level - 1,
           x + padding(level) + static_cast<double>(i % across) * (inner.width + gap(level)),
           y + padding(level) + static_cast<double>(i / across) * (inner.height + gap(level)));
    }
  }

  const DotMachine& machine_;
  std::vector<int> sizes_;
  std::size_t first_ = 0;
  std::string body_;
};

// Points that no other point beats on both axes, by x.
std::vector<Scatter::Point> front(std::vector<Scatter::Point> points) {
  std::sort(points.begin(), points.end(),
            [](const auto& a, const auto& b) { return a.x != b.x ? a.x > b.x : a.y > b.y; });
  std::vector<Scatter::Point> kept;
  for (const Scatter::Point& point : points) {
    if (kept.empty() || point.y > kept.back().y) kept.push_back(point);
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

constexpr double kPlotWidth = 720, kPlotHeight = 400, kPlotLeft = 76, kPlotRight = 24,
                 kPlotTop = 20, kPlotBottom = 56;

struct Axes {
  double most_x = 1, most_y = 1;
  double x(double value) const {
    return kPlotLeft + value / most_x * (kPlotWidth - kPlotLeft - kPlotRight);
  }
  double y(double value) const {
    return kPlotHeight - kPlotBottom - value / most_y * (kPlotHeight - kPlotTop - kPlotBottom);
  }
};

std::string tick_text(double value) {
  return value >= 10000 ? fmt::format("{:g}k", value / 1000) : fmt::format("{:g}", value);
}

std::string axes_svg(const Scatter& scatter, const Axes& axes, const std::vector<double>& xs,
                     const std::vector<double>& ys) {
  std::string out;
  for (double x : xs) {
    out += fmt::format(
        "<line class=\"tick\" x1=\"{0}\" x2=\"{0}\" y1=\"{1}\" y2=\"{2}\"/>"
        "<text class=\"axis\" x=\"{0}\" y=\"{3}\" text-anchor=\"middle\">{4}</text>",
        px(axes.x(x)), px(kPlotTop), px(kPlotHeight - kPlotBottom),
        px(kPlotHeight - kPlotBottom + 18), tick_text(x));
  }
  for (double y : ys) {
    out += fmt::format(
        "<line class=\"tick\" x1=\"{0}\" x2=\"{1}\" y1=\"{2}\" y2=\"{2}\"/>"
        "<text class=\"axis\" x=\"{3}\" y=\"{4}\" text-anchor=\"end\">{5}</text>",
        px(kPlotLeft), px(kPlotWidth - kPlotRight), px(axes.y(y)), px(kPlotLeft - 8),
        px(axes.y(y) + 4), tick_text(y));
  }
  out += fmt::format(
      "<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>"
      "<text class=\"axis\" transform=\"translate(16 {}) rotate(-90)\" "
      "text-anchor=\"middle\">{}</text>",
      px((kPlotLeft + kPlotWidth - kPlotRight) / 2), px(kPlotHeight - 12),
      escape_html(scatter.x_label), px((kPlotTop + kPlotHeight - kPlotBottom) / 2),
      escape_html(scatter.y_label));
  return out;
}

std::string series_svg(const Scatter::Series& series, const Axes& axes) {
  std::string path;
  for (const Scatter::Point& point : front(series.points)) {
    path +=
        fmt::format("{}{} {}", path.empty() ? "M" : "L", px(axes.x(point.x)), px(axes.y(point.y)));
  }
  std::string out = fmt::format("<path class=\"front stroke-{}\" d=\"{}\"/>", series.css, path);
  for (const Scatter::Point& point : series.points) {
    out += fmt::format("<circle class=\"fill-{}\" cx=\"{}\" cy=\"{}\" r=\"4.5\">{}</circle>",
                       series.css, px(axes.x(point.x)), px(axes.y(point.y)), titled(point.title));
  }
  return out;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string safe;
  for (char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::vector<double> round_ticks(double most, int count) {
  if (!(most > 0) || !std::isfinite(most)) return {0, 1};
  const double raw = most / std::max(1, count);
  const double magnitude = std::pow(10.0, std::floor(std::log10(raw)));
  const double lead = raw / magnitude;
  const double step = magnitude * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
  std::vector<double> ticks{0};
  while (ticks.back() < most * (1 - 1e-9))
    ticks.push_back(static_cast<double>(ticks.size()) * step);
  return ticks;
}

std::string to_svg(const Strip& strip) {
  std::string body;
  for (const Strip::Tick& tick : strip.ticks) {
    body += fmt::format("<line class=\"{0}\" x1=\"{1}\" x2=\"{1}\" y1=\"0\" y2=\"10\"/>", tick.css,
                        px(tick.at));
  }
  for (const Strip::Bar& bar : strip.bars) {
    const double low = std::clamp(std::min(bar.from, bar.to), 0.0, 100.0);
    const double high = std::clamp(std::max(bar.from, bar.to), 0.0, 100.0);
    body += fmt::format(
        "<rect class=\"{}\" x=\"{:.2f}\" width=\"{:.2f}\" y=\"{}\" height=\"{}\">{}</rect>",
        bar.css, low, std::max(high - low, 0.3), px(5 - 5 * bar.thickness), px(10 * bar.thickness),
        titled(bar.title));
  }
  return fmt::format(
      "<svg class=\"strip\" role=\"img\" viewBox=\"0 0 100 10\" "
      "preserveAspectRatio=\"none\">{}{}</svg>",
      titled(strip.title), body);
}

double width_of(const DotMachine& machine) {
  return DotPicture(machine).width();
}

std::string to_svg(const DotMachine& machine, double share) {
  return DotPicture(machine).svg(share);
}

std::string to_svg(const Scatter& scatter) {
  double most_x = 0, most_y = 0;
  for (const Scatter::Series& series : scatter.series) {
    for (const Scatter::Point& point : series.points) {
      most_x = std::max(most_x, point.x);
      most_y = std::max(most_y, point.y);
    }
  }
  const std::vector<double> xs = round_ticks(most_x, 6);
  const std::vector<double> ys = round_ticks(most_y, 5);
  const Axes axes{xs.back(), ys.back()};
  std::string body = axes_svg(scatter, axes, xs, ys);
  for (const Scatter::Series& series : scatter.series) body += series_svg(series, axes);
  return fmt::format("<svg class=\"scatter\" role=\"img\" viewBox=\"0 0 {} {}\">{}{}</svg>",
                     kPlotWidth, kPlotHeight, titled(scatter.title), body);
}

}  // namespace fivefold
