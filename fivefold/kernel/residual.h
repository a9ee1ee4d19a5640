// What measurements add to a mechanism: a smooth correction of ln(time) over the shape.
//
// A family names its features (numbers of a shape and of the device's core count, mostly log2) and
// its terms: grids over one to three features. The correction is the sum of the terms, each
// interpolated linearly between its knots and constant outside, so it is continuous: no table that
// jumps at its edge. Features never look at bandwidth or peak: more of either can then not be
// slower.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/base/error.h"
#include "fivefold/workload/op.h"

namespace fivefold {

inline constexpr int kMaxFeatures = 24;
using Features = std::array<float, kMaxFeatures>;

struct Axis {
  int feature = 0;
  std::span<const float> knots;  // ascending, at least two
};
struct Term {
  std::array<Axis, 3> axes;
  int dims = 1;
  std::size_t size() const;
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
