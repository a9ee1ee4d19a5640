// What measurements add to a mechanism: a smooth correction of ln(time) over the shape.
//
// A family names its features (numbers of a shape and of the device's core count, mostly log2) and
// its terms: grids over one to three features. The correction is the sum of the terms, each
// interpolated linearly between its knots and constant outside, so it is continuous: no table that
// jumps at its edge. Features never look at bandwidth or peak: more of either can then not be
// slower.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/base/error.h"
#include "fivefold/workload/op.h"

namespace fivefold {

inline constexpr int kMaxFeatures = 24;
using Features = std::array<float, kMaxFeatures>;

struct Spot {
  std::size_t below = 0;
  float share = 0;  // of the knot above
};
// Knots along one feature. The range is cut into cells of equal width, none wider than the least
// interval, so that a value's cell and one comparison find the interval that it lies in.
struct Axis {
  static constexpr std::size_t kMostCells = 128, kMostKnots = 20;
  struct Interval {
    float begin = 0, end = 0, inverse_width = 0;  // the last has no end
  };

  int feature = 0;
  std::span<const float> knots;  // ascending, at least two
  float cells_per_unit = 0, last_cell = 0;
  std::array<Interval, kMostKnots> intervals{};
  std::array<std::uint8_t, kMostCells> begins_in{};  // interval in which each cell begins

  constexpr Axis() = default;
  constexpr Axis(int of, std::span<const float> at) : feature(of), knots(at) {
    for (std::size_t i = 0; i + 1 < at.size(); ++i) {
      intervals[i] = {at[i], at[i + 1], 1 / (at[i + 1] - at[i])};
      cells_per_unit = std::max(cells_per_unit, intervals[i].inverse_width);
    }
    intervals[at.size() - 2].end = std::numeric_limits<float>::infinity();
    const auto last = static_cast<std::size_t>((at.back() - at[0]) * cells_per_unit);
    last_cell = static_cast<float>(last);
    std::uint8_t interval = 0;
    for (std::size_t cell = 0; cell <= last; ++cell) {
      const float begin = at[0] + static_cast<float>(cell) / cells_per_unit;
      while (begin >= intervals[interval].end) ++interval;
      begins_in[cell] = interval;
    }
  }

  // Without a branch: values of operators are as good as random.
  Spot spot(const Features& features) const {
    const float value = features[static_cast<std::size_t>(feature)];
    const float cell = limited((value - intervals[0].begin) * cells_per_unit, last_cell);
    std::size_t below = begins_in[static_cast<std::size_t>(static_cast<int>(cell))];
    below += static_cast<std::size_t>(value >= intervals[below].end);
    const Interval& in = intervals[below];
    return {below, limited((value - in.begin) * in.inverse_width, 1)};
  }

 private:
  // To [0, most] as std::clamp does, which compilers turn into branches.
  static float limited(float value, float most) {
    const float above = 0.5F * (value + std::abs(value));
    return above < most ? above : most;
  }
};
struct Term {
  std::array<Axis, 3> axes;
  int dims = 1;
  constexpr std::size_t size() const {
    std::size_t size = 1;
    for (int d = 0; d < dims; ++d) size *= axes[static_cast<std::size_t>(d)].knots.size();
    return size;
  }
};

std::span<const Term> terms_of(Family family);
void features_of(double cores, const Shape& shape, Features& features);

// Corner weights of one term: `place` of up to 8 values and the share of each, sum 1.
struct Corners {
  int count = 0;
  std::array<std::uint32_t, 8> place{};
  std::array<float, 8> share{};
};
Corners corners(const Term& term, const Features& features);

class Residual {
 public:
  Residual() = default;  // of a kernel that nobody measured: 0
  Residual(std::span<const Term> terms, std::vector<float> values);
  // Text of a stack's YAML: base64 of 16-bit steps of 1/2048.
  static Result<Residual> decode(Family family, std::string_view text);
  std::string encode() const;

  bool empty() const { return values_.empty(); }
  float at(const Features& features) const;  // ln(measured / mechanism)

 private:
  std::span<const Term> terms_;
  std::vector<float> values_;  // of all terms, one after the other; last axis runs fastest
};

// log2 within 1e-4 and continuous, for positive finite values: features need no more.
inline float quick_log2(double value) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  const auto exponent = static_cast<float>(static_cast<int>(bits >> 23) - 127);
  const float m = std::bit_cast<float>((bits & 0x007fffffU) | 0x3f800000U) - 1.0F;  // [0, 1)
  // x (1 - x) times a polynomial corrects the line, so that both ends stay exact.
  const float correction = 0.4417403F + m * (-0.2660299F + m * (0.1463143F - m * 0.0440047F));
  return exponent + m + m * (1.0F - m) * correction;
}

}  // namespace fivefold
