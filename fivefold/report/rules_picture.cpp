// TPP against performance density with the regions of a day. Between two thresholds the rules
// answer alike, so that the regions are rectangles of their edges; each is asked at its middle.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/policy/rule_data.h"
#include "fivefold/report/rules_view.h"
#include "fivefold/report/svg.h"

namespace fivefold {
namespace {

constexpr double kWidth = 1120, kHeight = 800;
constexpr double kLeft = 76, kRight = 24, kTop = 84, kBottom = 132;
constexpr double kLeastTpp = 300, kMostTpp = 200000, kLeastDensity = 0.6, kMostDensity = 60;
constexpr double kLetter = 7, kLine = 14;  // of a label's text

// From free to undecided; of regions, of marks, and of the dark.
constexpr std::array<const char*, 6> kCss = {"free",    "notice", "review",
                                             "licence", "denied", "open"};

constexpr std::string_view kRulesStyle =
    "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;fill:#1b2025}"
    ".title{font-size:18px;font-weight:650}.soft{fill:#56616b}.area{font-size:13px;font-weight:650;"
    "fill:#3b444c}.mid{text-anchor:middle}.end{text-anchor:end}.ground{fill:#fff}"
    ".grid{stroke:#fff;stroke-opacity:.7}.edge{stroke:#3b444c;stroke-width:1.5;fill:none}"
    ".lead{stroke:#56616b;stroke-width:.8}.r-free{fill:#e2f1e6}.r-notice{fill:#fbf3d0}"
    ".r-review{fill:#dcebf8}.r-licence{fill:#fbe3cd}.r-denied{fill:#f7d9d9}.r-open{fill:#e8e8ec}"
    ".m-free{fill:#1d7a3a}.m-notice{fill:#927300}.m-review{fill:#1263a8}.m-licence{fill:#b14d08}"
    ".m-denied{fill:#b3202c}.m-open{fill:#6b6b78}.mark{stroke:#fff;stroke-width:1.2}"
    ".other{fill-opacity:.25;stroke:#56616b;stroke-dasharray:2 2}"
    "@media (prefers-color-scheme:dark){text{fill:#e6e9ec}.soft{fill:#a8b2bb}.area{fill:#c3cad0}"
    ".ground{fill:#14181c}.grid{stroke:#14181c}.edge{stroke:#c3cad0}.lead{stroke:#a8b2bb}"
    ".r-free{fill:#163323}.r-notice{fill:#3a3310}.r-review{fill:#14304a}.r-licence{fill:#43290f}"
    ".r-denied{fill:#441a1e}.r-open{fill:#2a2a32}.m-free{fill:#5cc97e}.m-notice{fill:#d9b93a}"
    ".m-review{fill:#6bb2ef}.m-licence{fill:#f0964f}.m-denied{fill:#f0717b}.m-open{fill:#a0a0b0}"
    ".mark{stroke:#14181c}.other{stroke:#a8b2bb}}";

double x_of(double tpp) {
  const double share = std::log(tpp / kLeastTpp) / std::log(kMostTpp / kLeastTpp);
  return kLeft + share * (kWidth - kLeft - kRight);
}
double y_of(double density) {
  const double share = std::log(density / kLeastDensity) / std::log(kMostDensity / kLeastDensity);
  return kHeight - kBottom - share * (kHeight - kTop - kBottom);
}

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  bool meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

// Chips of one place and one answer are one mark.
struct Mark {
  double x = 0, y = 0;
  Access access = Access::kFree;
  bool reached = true;
  std::vector<std::string> names;
  std::string title;
};

void collect(const std::optional<RuleCondition>& condition, std::string_view field,
             std::vector<double>& edges) {
  if (!condition) return;
  if (condition->field == field) edges.push_back(condition->number);
  for (const RuleCondition& part : condition->parts) collect(part, field, edges);
}

std::vector<double> edges_on(const RulesQuestion& question, std::string_view field, double least,
                             double most) {
  std::vector<double> edges = {least, most};
  for (const Rule& rule : question.book->data().rules) {
    if (!rule.in_force || question.date < rule.from || question.date > rule.to) continue;
    for (const RuleParagraph& paragraph : rule.paragraphs) collect(paragraph.when, field, edges);
  }
  std::erase_if(edges, [&](double edge) { return edge < least || edge > most; });
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

// A data-centre part with little bandwidth of memory and links.
Access access_at(const RulesQuestion& question, double tpp, double density) {
  RuleSubject subject;
  subject.data_center_stated = true;
  subject.values["tpp"].value = tpp;
  subject.values["performance_density"].value = density;
  subject.values["dram_bw_gbs"].value = 0;
  subject.values["io_bw_2022_gbs"].value = 0;
  return question.book->classify(subject, question.date, question.buyer).access;
}

std::string line(double x1, double y1, double x2, double y2, std::string_view css) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>",
                     css, x1, y1, x2, y2);
}

std::string words(double x, double y, std::string_view css, std::string_view text) {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", css, x, y,
                     escape_html(text));
}

// The regions, and lines where neighbours differ.
std::string draw_regions(const RulesQuestion& question) {
  const auto xs = edges_on(question, "tpp", kLeastTpp, kMostTpp);
  const auto ys = edges_on(question, "performance_density", kLeastDensity, kMostDensity);
  std::vector<std::vector<Access>> cells(xs.size() - 1, std::vector<Access>(ys.size() - 1));
  std::string svg, edges;
  for (std::size_t i = 0; i + 1 < xs.size(); ++i) {
    for (std::size_t j = 0; j + 1 < ys.size(); ++j) {
      cells[i][j] = access_at(question, std::sqrt(xs[i] * xs[i + 1]), std::sqrt(ys[j] * ys[j + 1]));
      const double left = x_of(xs[i]), right = x_of(xs[i + 1]);
      const double top = y_of(ys[j + 1]), bottom = y_of(ys[j]);
      svg += fmt::format(
          "<rect class=\"r-{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>",
          kCss[std::size_t(cells[i][j])], left, top, right - left + 0.3, bottom - top + 0.3);
      if (i > 0 && cells[i - 1][j] != cells[i][j]) edges += line(left, top, left, bottom, "edge");
      if (j > 0 && cells[i][j - 1] != cells[i][j])
        edges += line(left, bottom, right, bottom, "edge");
    }
  }
  return svg + edges;
}

std::string draw_axes() {
  std::string svg;
  for (const double tpp :
       {500.0, 1000.0, 1600.0, 2400.0, 4800.0, 10000.0, 20000.0, 50000.0, 100000.0}) {
    svg += line(x_of(tpp), kTop, x_of(tpp), kHeight - kBottom, "grid");
    svg += words(x_of(tpp), kHeight - kBottom + 18, "soft mid", format_count(tpp));
  }
  for (const double density : {1.0, 1.6, 3.2, 5.92, 10.0, 20.0, 50.0}) {
    svg += line(kLeft, y_of(density), kWidth - kRight, y_of(density), "grid");
    svg += words(kLeft - 8, y_of(density) + 4, "soft end", plain_number(density));
  }
  svg += words((kLeft + kWidth - kRight) / 2, kHeight - kBottom + 40, "mid",
               "TPP: dense TOPS x bits of the format");
  return svg + fmt::format(
                   "<text class=\"mid\" transform=\"translate(20 {:.0f}) rotate(-90)\">"
                   "performance density: TPP / die area in mm2</text>",
                   (kTop + kHeight - kBottom) / 2);
}

std::string short_name(std::string name) {
  for (const char* end : {" (", ","}) name = name.substr(0, name.find(end));
  for (const std::string_view start :
       {"GeForce ", "Instinct ", "Tesla ", "Moore Threads ", "Cambricon "}) {
    if (name.starts_with(start)) name = name.substr(start.size());
  }
  return name;
}

std::vector<Mark> marks_of(const RulesQuestion& question, int& without) {
  std::vector<Mark> marks;
  for (const Chip* chip : question.catalog->chips()) {
    const RuleSubject subject = rule_subject(*question.catalog, *chip);
    const auto value = [&](const char* field) {
      const auto found = subject.values.find(field);
      return found == subject.values.end() ? std::nullopt : found->second.value;
    };
    const auto tpp = value("tpp"), density = value("performance_density");
    if (!tpp || !density || *tpp < kLeastTpp || *tpp > kMostTpp || *density < kLeastDensity ||
        *density > kMostDensity) {
      ++without;
      continue;
    }
    const Classification answer = question.book->classify(subject, question.date, question.buyer);
    Mark mark{x_of(*tpp),
              y_of(*density),
              answer.as_if,
              answer.reached,
              {short_name(chip->name)},
              fmt::format("{}: TPP {}, density {}, {}", chip->name, plain_number(*tpp),
                          format_number(*density), access_text(answer))};
    const auto same = std::find_if(marks.begin(), marks.end(), [&](const Mark& one) {
      return std::hypot(one.x - mark.x, one.y - mark.y) < 3 && one.access == mark.access &&
             one.reached == mark.reached;
    });
    if (same == marks.end()) {
      // Another answer at the same place stands beside it.
      while (std::any_of(marks.begin(), marks.end(), [&](const Mark& one) {
        return std::hypot(one.x - mark.x, one.y - mark.y) < 7;
      })) {
        mark.x += 7;
      }
      marks.push_back(std::move(mark));
    } else {
      same->names.push_back(mark.names.front());
      same->title += "; " + mark.title;
    }
  }
  return marks;
}

// The first name and how many share its place.
std::string label_of(const Mark& mark) {
  std::vector<std::string> names = mark.names;
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() == 1) return names[0];
  if (names.size() == 2) return names[0] + ", " + names[1];
  return fmt::format("{}, {} and {} more", names[0], names[1], names.size() - 2);
}

// The place nearest to the mark where a label covers neither a mark nor another label.
std::optional<Box> place_label(const Mark& mark, double width, const std::vector<Box>& taken) {
  for (double away = 9; away < 170; away += 6) {
    for (int step = 0; step < 16; ++step) {
      const double angle = step * 2 * 3.14159265358979 / 16;
      const double x = mark.x + away * std::cos(angle), y = mark.y + away * std::sin(angle);
      const double left = std::cos(angle) > 0.3    ? x
                          : std::cos(angle) < -0.3 ? x - width
                                                   : x - width / 2;
      const Box box{left, y - kLine / 2, left + width, y + kLine / 2};
      const bool inside = box.left > kLeft + 2 && box.right < kWidth - kRight - 2 &&
                          box.top > kTop + 2 && box.bottom < kHeight - kBottom - 2;
      const bool free = std::none_of(taken.begin(), taken.end(),
                                     [&](const Box& other) { return box.meets(other); });
      if (inside && free) return box;
    }
  }
  return std::nullopt;
}

std::string draw_marks(const std::vector<Mark>& marks) {
  std::vector<Box> taken;
  for (const Mark& mark : marks) taken.push_back({mark.x - 7, mark.y - 7, mark.x + 7, mark.y + 7});
  std::string leads, dots, labels;
  for (const Mark& mark : marks) {
    dots += fmt::format(
        "<circle class=\"m-{} mark{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" "
        "r=\"5\"><title>{}</title></circle>",
        kCss[std::size_t(mark.access)], mark.reached ? "" : " other", mark.x, mark.y,
        escape_html(mark.title));
    const std::string label = label_of(mark);
    const auto box = place_label(mark, kLetter * double(display_width(label)) + 4, taken);
    if (!box) continue;  // its title still shows on the mark
    taken.push_back(*box);
    const double middle = (box->top + box->bottom) / 2;
    const double to = std::clamp(mark.x, box->left, box->right);
    if (std::hypot(to - mark.x, middle - mark.y) > 14) {
      leads += line(mark.x, mark.y, to, middle < mark.y ? box->bottom - 2 : box->top + 2, "lead");
    }
    labels += words(box->left + 2, box->bottom - 3, "", label);
  }
  return leads + dots + labels;
}

std::string draw_legend(const std::vector<Mark>& marks, int without) {
  std::string svg;
  double x = kLeft;
  const double y = kHeight - kBottom + 68;
  for (std::size_t i = 0; i < kCss.size(); ++i) {
    const std::string text(name(Access(i)));
    svg += fmt::format(
        "<rect class=\"r-{}\" x=\"{:.0f}\" y=\"{:.0f}\" width=\"22\" height=\"14\"/>"
        "<circle class=\"m-{} mark\" cx=\"{:.0f}\" cy=\"{:.0f}\" r=\"5\"/>",
        kCss[i], x, y - 11, kCss[i], x + 11, y - 4);
    svg += words(x + 28, y, "", text);
    x += 44 + 6.4 * double(text.size());
  }
  svg +=
      words(kLeft, y + 22, "soft",
            "Ground: a data-centre part with little bandwidth of memory and links. Marks: the chip "
            "itself, with its bandwidths and its use; dashed: made in China, as if exported.");
  return svg + words(kLeft, y + 40, "soft",
                     fmt::format("{} places of chips; {} chips have no published die area or lie "
                                 "outside. {}",
                                 marks.size(), without, kNoLegalAdvice));
}

}  // namespace

std::string rules_picture(const RulesQuestion& question) {
  int without = 0;
  const std::vector<Mark> marks = marks_of(question, without);
  const std::string title = fmt::format("Chips and export rules, to {} on {}",
                                        question.buyer.destination, to_text(question.date));
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" role=\"img\" aria-labelledby=\"rules-title rules-desc\">"
      "<title id=\"rules-title\">{2}</title><desc id=\"rules-desc\">{3}</desc><style>{4}</style>"
      "<rect class=\"ground\" width=\"{0:.0f}\" height=\"{1:.0f}\"/>",
      kWidth, kHeight, escape_html(title),
      "Total processing performance against performance density on logarithmic axes; areas show "
      "what "
      "the rules of the day ask of a data-centre part, marks show chips of the catalog.",
      kRulesStyle);
  svg += words(kLeft, 34, "title", title);
  svg +=
      words(kLeft, 56, "soft",
            "What the rules in force ask, by total processing performance and performance density");
  svg += draw_regions(question) + draw_axes() + draw_marks(marks) + draw_legend(marks, without);
  return svg + "</svg>\n";
}

}  // namespace fivefold
