// A fabric drawn level by level: each panel shows what one block of the level is made of, the
// outermost on top. Where a block has more parts than can be told apart, the first few stand for
// all.
#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "fivefold/report/fabric_view.h"
#include "fivefold/report/svg.h"
#include "fivefold/report/table.h"

namespace fivefold {
namespace {

constexpr double kWidth = 960, kPanel = 210, kTop = 56, kDrawing = 600, kMargin = 20;
constexpr int kMostShown = 8;      // parts in a row
constexpr int kMostOnCircle = 16;  // parts of a mesh of one dimension
constexpr int kMostNamed = 24;     // switches with their names
constexpr int kMostNodes = 400;    // of a graph that is drawn node by node

constexpr std::string_view kPictureStyle =
    "text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;fill:#1b2025}"
    ".title{font-size:19px;font-weight:650}.name{font-weight:650;font-size:14px}.small{font-size:"
    "12px;"
    "fill:#56616b}.mid{text-anchor:middle}.part{fill:#eef3f7;stroke:#1263a8}.device{fill:#1263a8;"
    "stroke:#1263a8}.switch{fill:#fbeee3;stroke:#b14d08}.link{stroke:#7d8a95;stroke-width:1;fill:"
    "none}"
    ".up{stroke:#b14d08;stroke-width:1;stroke-opacity:.55;fill:none}.ground{fill:#fff}.rule{stroke:"
    "#dde1e4}"
    ".inverse{fill:#fff}";

struct Point {
  double x = 0, y = 0;
};

std::string number(double value) {
  return fmt::format("{:g}", std::round(value * 10) / 10);
}

std::string text_at(Point at, std::string_view css, std::string_view text) {
  return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>", css, number(at.x),
                     number(at.y), escape_html(text));
}

std::string line_between(Point a, Point b, std::string_view css) {
  return fmt::format("<line class=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>", css,
                     number(a.x), number(a.y), number(b.x), number(b.y));
}

std::string arc_between(Point a, Point b, double bend) {
  const double dx = b.x - a.x, dy = b.y - a.y, length = std::max(1.0, std::hypot(dx, dy));
  const Point middle{(a.x + b.x) / 2 - dy / length * bend, (a.y + b.y) / 2 + dx / length * bend};
  return fmt::format("<path class=\"link\" d=\"M{} {}Q{} {} {} {}\"/>", number(a.x), number(a.y),
                     number(middle.x), number(middle.y), number(b.x), number(b.y));
}

std::string box(Point middle, double width, double height, std::string_view css,
                std::string_view text) {
  std::string out = fmt::format(
      "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>", css,
      number(middle.x - width / 2), number(middle.y - height / 2), number(width), number(height));
  if (!text.empty()) {
    out += text_at({middle.x, middle.y + 4.5}, css == "device" ? "mid inverse" : "mid", text);
  }
  return out;
}

// Places of `shown` things in a row across the drawing; with a gap before the last if some are left
// out.
std::vector<Point> row(int shown, bool gap, double left, double right, double y) {
  std::vector<Point> places;
  const double slots = shown + (gap ? 1 : 0);
  for (int i = 0; i < shown; ++i) {
    const double slot = i + 0.5 + (gap && i == shown - 1 ? 1 : 0);
    places.push_back({left + (right - left) * slot / slots, y});
  }
  return places;
}

std::string dots_before_last(const std::vector<Point>& places) {
  if (places.size() < 2) return {};
  const Point a = places[places.size() - 2], b = places.back();
  return text_at({(a.x + b.x) / 2, a.y + 4}, "mid", "...");
}

// One level's panel, in coordinates of its own.
class PanelPicture {
 public:
  PanelPicture(const FabricView& view, int number) : view_(view), number_(number) {
    const PlanLevel& level = view.plan->levels[number];
    inner_ = number == 0 ? 1 : view.plan->levels[number - 1].size;
    const int size = std::min(level.size, view.graph.devices);
    members_ = (size + inner_ - 1) / inner_;
  }

  std::string svg() {
    const PlanLevel& level = view_.plan->levels[number_];
    if (!level.circuits.empty()) {
      circle(level, false);
    } else if (level.wiring == Wiring::kDragonfly) {
      dragonfly(level);
    } else if (level.wiring == Wiring::kMesh || level.wiring == Wiring::kTorus) {
      level.dims.size() > 1 ? grid(level) : circle(level, level.wiring == Wiring::kTorus);
    } else {
      tree(level);
    }
    words(level);
    return out_;
  }

 private:
  std::string part_text() const {
    return inner_ == 1 ? std::string("1") : fmt::format("{}", inner_);
  }
  std::string_view part_css() const { return inner_ == 1 ? "device" : "part"; }
  double part_width() const { return inner_ == 1 ? 26 : inner_ < 1000 ? 44 : 60; }

  void parts(const std::vector<Point>& places) {
    for (const Point& at : places) out_ += box(at, part_width(), 24, part_css(), part_text());
  }

  // Stages from below: parts, leaves, spines, with each lower one joined to each upper one.
  void tree(const PlanLevel& level) {
    const Clos& clos = level.clos;
    const bool stages = clos.leaf > 0;
    const int switches = stages ? 4 : level.planes;
    const int shown = std::min(members_, kMostShown);
    const int tops =
        std::min(stages ? std::max(2, std::min(clos.spines, 6)) : switches, kMostShown);
    const auto below = row(shown, members_ > shown, kMargin, kDrawing - 10, 168);
    const auto middle = row(4, true, kMargin, kDrawing - 10, 104);
    const auto above = row(tops, !stages && switches > tops, kMargin, kDrawing - 10, 40);
    if (stages) {
      for (std::size_t i = 0; i < below.size(); ++i) {
        for (std::size_t k = 0; k < middle.size(); ++k) {
          if (clos.rails || i * middle.size() / below.size() == k) {
            out_ += line_between(below[i], middle[k], "up");
          }
        }
      }
      for (const Point& a : middle) {
        for (const Point& b : above) out_ += line_between(a, b, "up");
      }
      for (const Point& at : middle) out_ += box(at, 60, 24, "switch", "leaf");
      out_ += dots_before_last(middle);
    } else {
      for (const Point& a : below) {
        for (const Point& b : above) out_ += line_between(a, b, "up");
      }
    }
    const std::string_view name = level.wiring == Wiring::kPcie   ? "PCIe"
                                  : level.wiring == Wiring::kHost ? "host"
                                  : stages                        ? "spine"
                                                                  : "switch";
    for (const Point& at : above) out_ += box(at, 60, 24, "switch", name);
    if (!stages && switches > tops) out_ += dots_before_last(above);
    parts(below);
    if (members_ > shown) out_ += dots_before_last(below);
  }

  // Parts of one dimension on a circle.
  void circle(const PlanLevel& level, bool ring) {
    const int shown = std::min(members_, kMostOnCircle);
    std::vector<Point> places;
    for (int i = 0; i < shown; ++i) {
      const double angle = 2 * std::numbers::pi * i / shown - std::numbers::pi / 2;
      places.push_back(
          {kDrawing / 2 +
               (shown <= 2 ? 90 : 150) * std::cos(angle - (shown <= 2 ? std::numbers::pi / 2 : 0)),
           kPanel / 2 + 78 * std::sin(angle - (shown <= 2 ? std::numbers::pi / 2 : 0))});
    }
    if (!level.circuits.empty()) {
      for (const auto& [a, b] : level.circuits) {
        if (a < shown && b < shown) out_ += line_between(places[a], places[b], "link");
      }
    } else {
      for (int i = 0; i < shown; ++i) {
        for (int k = i + 1; k < shown; ++k) {
          const bool next = k == i + 1 || (i == 0 && k == shown - 1);
          if (!ring || next) out_ += line_between(places[i], places[k], "link");
        }
      }
    }
    parts(places);
    if (members_ > shown) {
      out_ +=
          text_at({kDrawing / 2, kPanel / 2 + 5}, "mid name", fmt::format("{} in all", members_));
    }
  }

  // The first two dimensions; of a torus neighbours and the way round, of a mesh each with each.
  void grid(const PlanLevel& level) {
    const int across = std::min(level.dims[0], kMostShown), down = std::min(level.dims[1], 4);
    const bool torus = level.wiring == Wiring::kTorus;
    const auto place = [&](int x, int y) {
      return Point{70 + (kDrawing - 140) * (across > 1 ? double(x) / (across - 1) : 0.5),
                   36 + 136 * (down > 1 ? double(y) / (down - 1) : 0.5)};
    };
    for (int y = 0; y < down; ++y) line(across, torus, [&](int i) { return place(i, y); });
    for (int x = 0; x < across; ++x) line(down, torus, [&](int i) { return place(x, i); });
    std::vector<Point> places;
    for (int y = 0; y < down; ++y) {
      for (int x = 0; x < across; ++x) places.push_back(place(x, y));
    }
    parts(places);
    std::vector<int> hidden(level.dims.begin() + 2, level.dims.end());
    std::string note;
    if (across < level.dims[0] || down < level.dims[1]) {
      note = fmt::format("drawn: {} x {} of {} x {}", across, down, level.dims[0], level.dims[1]);
    }
    if (!hidden.empty()) {
      note += fmt::format("{}one plane of {}", note.empty() ? "" : ", ", fmt::join(hidden, " x "));
    }
    out_ += text_at({kDrawing / 2, kPanel - 4}, "mid small", note);
  }

  template <class Place>
  void line(int count, bool torus, const Place& place) {
    for (int a = 0; a < count; ++a) {
      for (int b = a + 1; b < count; ++b) {
        if (b == a + 1) {
          out_ += line_between(place(a), place(b), "link");
        } else if (!torus || (a == 0 && b == count - 1)) {
          out_ += arc_between(place(a), place(b), torus ? 22 : 8.0 * (b - a));
        }
      }
    }
  }

  void dragonfly(const PlanLevel& level) {
    const int of_group = level.dragonfly.p * level.dragonfly.a;
    const int groups = (members_ + of_group - 1) / of_group;
    const int shown = std::min(groups, kMostOnCircle);
    std::vector<Point> places;
    for (int i = 0; i < shown; ++i) {
      const double angle = 2 * std::numbers::pi * i / shown - std::numbers::pi / 2;
      places.push_back({kDrawing / 2 + 170 * std::cos(angle), kPanel / 2 + 80 * std::sin(angle)});
    }
    for (int i = 0; i < shown; ++i) {
      for (int k = i + 1; k < shown; ++k) out_ += line_between(places[i], places[k], "up");
    }
    for (const Point& at : places) {
      out_ +=
          box(at, 64, 24, "switch", fmt::format("{} x {}", level.dragonfly.a, level.dragonfly.p));
    }
    out_ += text_at({kDrawing / 2, kPanel - 2}, "mid small",
                    fmt::format("{} groups of {} routers with {} devices each", groups,
                                level.dragonfly.a, level.dragonfly.p));
  }

  void words(const PlanLevel& level) {
    double y = 34;
    const auto say = [&](std::string_view css, const std::string& text) {
      for (const std::string& part : wrap(text, css == "name" ? 40 : 46)) {
        out_ += text_at({kDrawing + 24, y}, css, part);
        y += 18;
      }
    };
    const bool direct = level.wiring == Wiring::kMesh || level.wiring == Wiring::kTorus;
    say("name", level.name);
    say("", fmt::format("{}: {} x {} = {} devices", wiring_text(level), members_, inner_,
                        std::min(level.size, view_.graph.devices)));
    std::string bandwidth = fmt::format("{} a device", bandwidth_text(level.bandwidth));
    if (direct) bandwidth += fmt::format(", {} a link", bandwidth_text(level.link_bandwidth));
    say("", bandwidth);
    const bool carried = number_ > 0 && view_.plan->levels[number_ - 1].carries_outer;
    if (carried) {
      say("", fmt::format("{} up from each block of {}",
                          bandwidth_text(level.bandwidth * double(inner_)), inner_));
    } else if (level.planes > 1) {
      say("", fmt::format("{} to each of {} switches",
                          bandwidth_text(level.bandwidth / double(level.planes)), level.planes));
    }
    if (level.clos.leaf > 0) {
      say("", fmt::format("{} spines, {:g} : 1 at the leaf", level.clos.spines,
                          level.clos.oversubscription));
    }
    say("", fmt::format("latency {}", latency_text(level.latency)));
    say("", fmt::format("bisection {}", bandwidth_text(view_.levels[number_].bisection)));
  }

  const FabricView& view_;
  int number_;
  int inner_ = 1, members_ = 1;
  std::string out_;
};

// Devices on a circle, the other nodes on one inside; a link is as thick as it is wide.
std::string node_picture(const Graph& graph) {
  if (graph.nodes > kMostNodes) {
    return text_at({kMargin, 40}, "",
                   fmt::format("{} nodes are too many to draw one by one", graph.nodes));
  }
  std::vector<Point> places;
  const int others = graph.nodes - graph.devices;
  for (int node = 0; node < graph.nodes; ++node) {
    const bool device = node < graph.devices;
    const double share =
        device ? double(node) / graph.devices : (node - graph.devices + 0.5) / std::max(1, others);
    const double angle = 2 * std::numbers::pi * share - std::numbers::pi / 2;
    const double radius = device ? 1 : others == 1 ? 0 : 0.55;
    places.push_back(
        {kWidth / 2 + 400 * radius * std::cos(angle), 320 + 280 * radius * std::sin(angle)});
  }
  double widest = 1;
  for (const Link& link : graph.links) widest = std::max(widest, link.bandwidth.value());
  std::string out;
  for (std::size_t i = 0; i < graph.links.size(); i += 2) {
    const Link& link = graph.links[i];
    const Point a = places[link.from], b = places[link.to];
    out += fmt::format(
        "<line class=\"link\" style=\"stroke-width:{:.1f}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" "
        "y2=\"{}\"><title>{} to {}: {}</title></line>",
        0.5 + 3 * link.bandwidth.value() / widest, number(a.x), number(a.y), number(b.x),
        number(b.y), escape_html(node_name(graph, link.from)),
        escape_html(node_name(graph, link.to)), bandwidth_text(link.bandwidth));
  }
  for (int node = 0; node < graph.nodes; ++node) {
    const bool device = node < graph.devices;
    out += box(places[node], device ? 30 : 18, device ? 20 : 18, device ? "device" : "switch",
               device ? fmt::format("{}", node) : std::string());
    if (!device && others <= kMostNamed) {
      out += text_at({places[node].x, places[node].y + 24}, "mid small", node_name(graph, node));
    }
  }
  return out;
}

}  // namespace

std::string to_svg(const FabricView& view) {
  const int levels = int(view.levels.size());
  const double height = levels > 0 ? kTop + kPanel * levels + 16 : kTop + 660;
  std::string body = text_at({kMargin, 30}, "title", view.title);
  body += text_at({kMargin, 48}, "small",
                  fmt::format("{} devices, bisection {}, diameter {} hops ({}){}",
                              view.graph.devices, bandwidth_text(view.bisection), view.across.hops,
                              latency_text(view.across.latency),
                              levels > 0 ? "; a number says how many devices a box holds" : ""));
  if (levels == 0) {
    body += fmt::format("<g transform=\"translate(0 {})\">{}</g>", kTop, node_picture(view.graph));
  }
  for (int i = 0; i < levels; ++i) {
    const double y = kTop + kPanel * (levels - 1 - i);
    body += fmt::format(
        "<g transform=\"translate(0 {})\"><line class=\"rule\" x1=\"{}\" x2=\"{}\" "
        "y1=\"4\" y2=\"4\"/>{}</g>",
        number(y), kMargin, kWidth - kMargin, PanelPicture(view, i).svg());
  }
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {0} {1}\" "
      "width=\"{0}\" height=\"{1}\"><title>{2}</title><style>{3}</style><rect class=\"ground\" "
      "width=\"{0}\" height=\"{1}\"/>{4}</svg>\n",
      kWidth, height, escape_html(view.title), kPictureStyle, body);
}

}  // namespace fivefold
