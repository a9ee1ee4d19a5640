// Quarters to come as fans: the median as a line in bands of 25 to 75% and 5 to 95%.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/report/supply_view.h"
#include "fivefold/report/svg.h"

namespace fivefold {
namespace {

constexpr double kPanelWidth = 460, kPanelHeight = 230, kFanLeft = 64, kFanRight = 16, kFanTop = 44,
                 kFanBottom = 36, kHead = 74, kFoot = 20;
constexpr std::size_t kMostPanels = 12;

constexpr std::string_view kFanStyle =
    ":root{color-scheme:light dark}"
    "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;fill:#1b2025}"
    ".head{font-size:18px;font-weight:650}.name{font-size:14px;font-weight:650}.small{fill:#56616b}"
    ".ground{fill:#fff}.rule{stroke:#dde1e4}.wide{fill:#1263a8;fill-opacity:.16}"
    ".half{fill:#1263a8;fill-opacity:.32}.middle{stroke:#0d4d85;stroke-width:2;fill:none}"
    "@media(prefers-color-scheme:dark){text{fill:#e6eaee}.small{fill:#a3adb6}.ground{fill:#14181c}"
    ".rule{stroke:#343b42}.wide{fill:#6db3ee}.half{fill:#6db3ee}.middle{stroke:#9accf5}}";

struct Panel {
  std::string name;
  const std::vector<SupplyPeriod>* quarters;
};

std::string at_tenth(double value) {
  return fmt::format("{:g}", std::round(value * 10) / 10);
}

std::string count_text(double value) {
  if (value >= 1e6) return fmt::format("{:g}M", value / 1e6);
  return value >= 1000 ? fmt::format("{:g}k", value / 1000) : fmt::format("{:g}", value);
}

class Fan {
 public:
  Fan(const Panel& panel, double left, double top) : panel_(panel), left_(left), top_(top) {
    double most = 1;
    for (const SupplyPeriod& quarter : *panel.quarters) most = std::max(most, quarter.chips.p95);
    ticks_ = round_ticks(most, 4);
  }

  std::string svg() const {
    std::string out =
        fmt::format("<g><title>{}</title><text class=\"name\" x=\"{}\" y=\"{}\">{}</text>",
                    escape_html(summary()), at_tenth(left_ + kFanLeft), at_tenth(top_ + 24),
                    escape_html(panel_.name));
    for (const double tick : ticks_) {
      out += fmt::format(
          "<line class=\"rule\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/><text class=\"small\" "
          "text-anchor=\"end\" x=\"{}\" y=\"{}\">{}</text>",
          at_tenth(left_ + kFanLeft), at_tenth(left_ + kPanelWidth - kFanRight), at_tenth(y(tick)),
          at_tenth(y(tick)), at_tenth(left_ + kFanLeft - 8), at_tenth(y(tick) + 4),
          count_text(tick));
    }
    out += band("wide", &Quantiles::p5, &Quantiles::p95);
    out += band("half", &Quantiles::p25, &Quantiles::p75);
    out += fmt::format("<path class=\"middle\" d=\"M{}\"/>", line(&Quantiles::p50, false));
    return out + years() + "</g>";
  }

 private:
  std::size_t count() const { return panel_.quarters->size(); }
  double x(std::size_t quarter) const {
    const double width = kPanelWidth - kFanLeft - kFanRight;
    return left_ + kFanLeft + width * (double(quarter) + 0.5) / double(count());
  }
  double y(double chips) const {
    const double height = kPanelHeight - kFanTop - kFanBottom;
    return top_ + kPanelHeight - kFanBottom - height * chips / ticks_.back();
  }
  std::string line(double Quantiles::*of, bool back) const {
    std::string path;
    for (std::size_t i = 0; i < count(); ++i) {
      const std::size_t q = back ? count() - 1 - i : i;
      path += fmt::format("{}{} {}", path.empty() ? "" : "L", at_tenth(x(q)),
                          at_tenth(y((*panel_.quarters)[q].chips.*of)));
    }
    return path;
  }
  std::string band(std::string_view css, double Quantiles::*low, double Quantiles::*high) const {
    return fmt::format("<path class=\"{}\" d=\"M{}L{}Z\"/>", css, line(low, false),
                       line(high, true));
  }
  // The years under their first quarters.
  std::string years() const {
    std::string out;
    for (std::size_t q = 0; q < count(); ++q) {
      const std::string& label = (*panel_.quarters)[q].label;
      if (!label.ends_with("Q1") && q > 0) continue;
      out += fmt::format("<text class=\"small\" text-anchor=\"middle\" x=\"{}\" y=\"{}\">{}</text>",
                         at_tenth(x(q)), at_tenth(top_ + kPanelHeight - kFanBottom + 20),
                         label.ends_with("Q1") ? label.substr(0, 4) : label);
    }
    return out;
  }
  std::string summary() const {
    const SupplyPeriod& last = panel_.quarters->back();
    return fmt::format("{}: {} chips in {} (5% {}, 95% {})", panel_.name,
                       format_number(last.chips.p50), last.label, format_number(last.chips.p5),
                       format_number(last.chips.p95));
  }

  const Panel& panel_;
  double left_, top_;
  std::vector<double> ticks_;
};

}  // namespace

std::string supply_picture(const SupplyResult& result) {
  std::vector<Panel> panels;
  if (result.vendors.size() > 1) panels.push_back({"All of China", &result.domestic_quarters});
  for (const VendorSupply& vendor : result.vendors) {
    if (panels.size() <= kMostPanels) panels.push_back({vendor.name, &vendor.quarters});
  }
  const std::size_t across = panels.size() > 1 ? 2 : 1;
  const std::size_t down = (panels.size() + across - 1) / across;
  const double width = double(across) * kPanelWidth,
               height = kHead + double(down) * kPanelHeight + kFoot;
  std::string body;
  for (std::size_t i = 0; i < panels.size(); ++i) {
    body +=
        Fan(panels[i], double(i % across) * kPanelWidth, kHead + double(i / across) * kPanelHeight)
            .svg();
  }
  const SupplyQuestion& q = result.question;
  const std::string title =
      fmt::format("Chips a quarter, {} to {}", to_text(q.from), to_text(q.to));
  const std::string known =
      q.known_by ? ", of what was said by " + to_text(*q.known_by) : std::string();
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {0} {1}\" "
      "width=\"{0}\" height=\"{1}\"><title>{2}</title><desc>{3}</desc><style>{4}</style>"
      "<rect class=\"ground\" width=\"{0}\" height=\"{1}\"/><text class=\"head\" x=\"20\" "
      "y=\"32\">{2}</text><text class=\"small\" x=\"20\" y=\"54\">{5}</text>{6}</svg>\n",
      at_tenth(width), at_tenth(height), title,
      escape_html("Fans of drawn futures: the line is the median, the darker band 25 to 75%, the "
                  "lighter one 5 to 95%. Scales differ from panel to panel."),
      kFanStyle,
      escape_html(across > 1 ? fmt::format("median, 25 to 75%, 5 to 95% of {} futures{}; each "
                                           "panel has a scale of its own",
                                           format_count(q.samples), known)
                             : fmt::format("median, 25 to 75%, 5 to 95% of {} futures{}",
                                           format_count(q.samples), known)),
      body);
}

}  // namespace fivefold
