#include "fivefold/base/nelder_mead.h"

#include <algorithm>

namespace fivefold {

Vertex nelder_mead(const std::function<double(const std::vector<double>&)>& error,
                   std::vector<double> start, int steps) {
  const std::size_t n = start.size();
  std::vector<Vertex> simplex;
  simplex.push_back({start, error(start)});
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> x = start;
    x[i] += x[i] < 0.6 ? 0.2 : -0.2;
    simplex.push_back({x, error(x)});
  }
  const auto by_error = [](const Vertex& a, const Vertex& b) { return a.error < b.error; };
  const auto towards = [&](const std::vector<double>& centre, double factor) {
    Vertex moved{centre, 0};
    for (std::size_t i = 0; i < n; ++i)
      moved.x[i] = centre[i] + factor * (simplex.back().x[i] - centre[i]);
    moved.error = error(moved.x);
    return moved;
  };
  for (int step = 0; step < steps; ++step) {
    std::stable_sort(simplex.begin(), simplex.end(), by_error);
    if (simplex.back().error - simplex.front().error < 1e-5) break;
    std::vector<double> centre(n, 0.0);
    for (std::size_t v = 0; v < n; ++v) {
      for (std::size_t i = 0; i < n; ++i) centre[i] += simplex[v].x[i] / double(n);
    }
    Vertex mirrored = towards(centre, -1);
    if (mirrored.error < simplex.front().error) {
      Vertex further = towards(centre, -2);
      simplex.back() = further.error < mirrored.error ? further : mirrored;
    } else if (mirrored.error < simplex[n - 1].error) {
      simplex.back() = mirrored;
    } else {
      Vertex nearer = towards(centre, mirrored.error < simplex.back().error ? -0.5 : 0.5);
      if (nearer.error < std::min(mirrored.error, simplex.back().error)) {
        simplex.back() = nearer;
      } else {
        for (std::size_t v = 1; v <= n; ++v) {
          for (std::size_t i = 0; i < n; ++i)
            simplex[v].x[i] = (simplex[v].x[i] + simplex[0].x[i]) / 2;
          simplex[v].error = error(simplex[v].x);
        }
      }
    }
  }
  return *std::min_element(simplex.begin(), simplex.end(), by_error);
}

}  // namespace fivefold
