// Pictures of the page on kernels: one function a picture.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "fivefold/report/kernel_page.h"

namespace fivefold {

// Points and lines on axes that are logarithmic unless told otherwise.
struct Plot {
  struct Series {
    std::string css;  // "left": stroke-left
    std::vector<std::pair<double, double>> points;
    enum class Drawn { kDots, kLine, kDashes } drawn = Drawn::kDots;
  };
  std::string title, x_label, y_label;
  std::vector<Series> series;
  bool linear_y = false;  // from 0, as shares
};
// Points that are not above 0 are left out, of a linear axis not those at 0.
std::string to_svg(const Plot& plot);

std::string_view limit_css(Limit limit);

// Empty where the section has nothing for them.
std::string limit_map_picture(const KernelSection& section);
std::string roofline_picture(const KernelSection& section);
std::string achieved_picture(const KernelSection& section);
std::string prediction_picture(const KernelSection& section);
std::string error_picture(const KernelSection& section, double noise);
std::string cell_picture(const KernelSection& section);
std::string measured_limit_picture(const KernelSection& section);

}  // namespace fivefold
