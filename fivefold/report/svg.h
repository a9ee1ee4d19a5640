// Small pictures as SVG text. Colours are CSS classes of the page (`fill-left`, `fill-p0`, ...), so
// that the pictures follow it into the dark and onto paper. Every picture has a title for those who
// hear it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fivefold {

// A horizontal strip that stretches with its place on the page: x runs from 0 to 100, no text
// inside.
struct Strip {
  struct Bar {
    double from = 0, to = 0;
    std::string css;       // "fill-left"
    std::string title;     // shown on hovering
    double thickness = 1;  // share of the strip's height
  };
  struct Tick {
    double at = 0;
    std::string css;  // "tick", "tick-strong"
  };
  std::string title;
  std::vector<Tick> ticks;  // behind the bars
  std::vector<Bar> bars;
};
std::string to_svg(const Strip& strip);

// A machine as dots, one for a device, gathered into boxes level by level: sizes {2, 16, 768} are
// pairs in boxes of 16 in one box of 768. The same `dot` draws two machines to one scale. Above
// 8192 devices the smallest boxes are drawn filled instead of their dots.
struct DotMachine {
  std::string title;
  std::vector<int> sizes;  // ascending, each divides the next
  std::string css;         // of the dots
  double dot = 6;
};
double width_of(const DotMachine& machine);
// `share` of the width of its place on the page, so that pictures keep one scale when they shrink.
std::string to_svg(const DotMachine& machine, double share = 1);

// Points on two axes, from 0, with a line along the front of each series (most y for at least that
// x).
struct Scatter {
  struct Point {
    double x = 0, y = 0;
    std::string title;
  };
  struct Series {
    std::string name;
    std::string css;  // "left": fill-left and stroke-left
    std::vector<Point> points;
  };
  std::string title, x_label, y_label;
  std::vector<Series> series;
};
std::string to_svg(const Scatter& scatter);

// Text made safe between tags and in attribute values.
std::string escape_html(std::string_view text);

// Round numbers (1, 2, 5 x 10^n) from 0 to at least `most`, about `count` of them.
std::vector<double> round_ticks(double most, int count);

}  // namespace fivefold
