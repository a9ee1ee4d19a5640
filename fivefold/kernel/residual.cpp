#include "fivefold/kernel/residual.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "fivefold/kernel/parameters.h"

namespace fivefold {
namespace {

constexpr float kStep = 1.0F / 2048;
constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::size_t size_of(std::span<const Term> terms) {
  return std::accumulate(terms.begin(), terms.end(), std::size_t{0},
                         [](std::size_t sum, const Term& term) { return sum + term.size(); });
}

constexpr std::array<std::int8_t, 256> digit_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kDigits.size(); ++i)
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::int8_t>(i);
  return values;
}
constexpr std::array<std::int8_t, 256> kValueOf = digit_values();

// `Dims` and `D` are known when this is compiled, so that no loop is left.
template <int Dims, int D = 0>
float folded(const float* values, const std::array<std::size_t, Dims>& strides,
             const std::array<float, Dims>& share) {
  if constexpr (D == Dims) {
    return *values;
  } else {
    const float below = folded<Dims, D + 1>(values, strides, share);
    const float above = folded<Dims, D + 1>(values + strides[D], strides, share);
    return below + share[D] * (above - below);
  }
}

// `values` is moved on to those of the next term.
template <int Dims>
float interpolated(const Term& term, const float*& values, const Features& features) {
  std::array<float, Dims> share;
  std::array<std::size_t, Dims> strides;
  std::size_t stride = 1, base = 0;
  for (int d = Dims - 1; d >= 0; --d) {
    const Axis& axis = term.axes[d];
    const Spot place = axis.spot(features);
    share[d] = place.share;
    strides[d] = stride;
    base += place.below * stride;
    stride *= axis.knots.size();
  }
  const float result = folded<Dims>(values + base, strides, share);
  values += stride;
  return result;
}

float interpolated(const Term& term, const float*& values, const Features& features) {
  if (term.dims == 3) return interpolated<3>(term, values, features);
  if (term.dims == 2) return interpolated<2>(term, values, features);
  return interpolated<1>(term, values, features);
}

}  // namespace

Corners corners(const Term& term, const Features& features) {
  Corners result;
  result.count = 1;
  result.share[0] = 1;
  for (int d = 0; d < term.dims; ++d) {
    const Axis& axis = term.axes[d];
    const Spot place = axis.spot(features);
    const auto knots = static_cast<std::uint32_t>(axis.knots.size());
    for (int c = 0; c < result.count; ++c) {
      const std::uint32_t below = result.place[c] * knots + static_cast<std::uint32_t>(place.below);
      result.place[c + result.count] = below + 1;
      result.share[c + result.count] = result.share[c] * place.share;
      result.place[c] = below;
      result.share[c] *= 1 - place.share;
    }
    result.count *= 2;
  }
  return result;
}

std::span<const Term> terms_of(Family family) {
  switch (family) {
    case Family::kGemm:
      return gemm_terms();
    case Family::kMoe:
      return moe_terms();
    case Family::kAttentionPrefill:
    case Family::kAttentionDecode:
    case Family::kMlaPrefill:
    case Family::kEncoderAttention:
      return attention_terms(family);
    case Family::kMlaDecode:
      return mla_terms();
    case Family::kLinearAttention:
      return linear_terms();
    case Family::kMemoryBound:
      return streaming_terms();
    case Family::kAttentionModule:
    case Family::kSparseAttention:
    case Family::kCompressedAttention:
      return module_terms();
  }
  return {};
}

void features_of(double cores, const Shape& shape, Features& features) {
  struct Visitor {
    double cores;
    Features& features;
    void operator()(const Streaming& s) const { streaming_features(s, features); }
    void operator()(const Gemm& g) const { gemm_features(cores, g, features); }
    void operator()(const MoeBlock& m) const { moe_features(cores, m, features); }
    void operator()(const AttentionCore& a) const { attention_features(cores, a, features); }
    void operator()(const MlaCore& m) const { mla_features(cores, m, features); }
    void operator()(const LinearCore& l) const { linear_features(cores, l, features); }
    void operator()(const ModuleRest& m) const { module_features(m, features); }
  };
  std::visit(Visitor{cores, features}, shape);
}

Residual::Residual(std::span<const Term> terms, std::vector<float> values)
    : terms_(terms), values_(std::move(values)) {}

float Residual::at(const Features& features) const {
  const float* values = values_.data();
  float sum = 0;
  for (const Term& term : terms_) sum += interpolated(term, values, features);
  return sum;
}

std::string Residual::encode() const {
  std::string text;
  std::uint32_t bits = 0;
  int held = 0;
  for (const float value : values_) {
    const auto steps =
        static_cast<std::int32_t>(std::clamp(std::lround(value / kStep), -32768L, 32767L));
    bits = (bits << 16U) | (static_cast<std::uint32_t>(steps) & 0xffffU);
    held += 16;
    while (held >= 6) {
      held -= 6;
      text += kDigits[(bits >> static_cast<unsigned>(held)) & 63U];
    }
  }
  if (held > 0) text += kDigits[(bits << static_cast<unsigned>(6 - held)) & 63U];
  return text;
}

Result<Residual> Residual::decode(Family family, std::string_view text) {
  const std::span<const Term> terms = terms_of(family);
  const std::size_t size = size_of(terms);
  std::vector<float> values;
  values.reserve(size);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int digit = kValueOf[static_cast<unsigned char>(c)];
    if (digit < 0)
      return fail(
          fmt::format("the residual of {} holds '{}', which is not base64", name(family), c),
          "write it with `fivefold calibrate`");
    bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held >= 16) {
      held -= 16;
      const auto steps = static_cast<std::int16_t>((bits >> static_cast<unsigned>(held)) & 0xffffU);
      values.push_back(static_cast<float>(steps) * kStep);
    }
  }
  if (values.size() != size) {
    return fail(fmt::format("the residual of {} holds {} values where its terms have {}",
                            name(family), values.size(), size),
                "it was written for other terms: run `fivefold calibrate` again");
  }
  return Residual(terms, std::move(values));
}

}  // namespace fivefold
