// The downhill simplex of Nelder and Mead (Computer Journal 7, 1965): same start, same result.
#pragma once

#include <functional>
#include <vector>

namespace fivefold {

struct Vertex {
  std::vector<double> x;
  double error = 0;
};

// At most so many steps; ends when the corners' errors differ by less than 1e-5.
Vertex nelder_mead(const std::function<double(const std::vector<double>&)>& error,
                   std::vector<double> start, int steps);

}  // namespace fivefold
