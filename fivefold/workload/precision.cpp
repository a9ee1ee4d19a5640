// Which formats a model is stored and computed in on a device.
#include <algorithm>
#include <array>

#include "fivefold/workload/layer.h"

namespace fivefold {
namespace {

// The variants of one width run on the same unit: a chip with FP8 takes block scales too.
constexpr std::array kFp8Formats = {Format::kFp8, Format::kFp8Block, Format::kMxFp8};
constexpr std::array kFp4Formats = {Format::kNvFp4, Format::kMxFp4};

template <std::size_t N>
bool among(Format format, const std::array<Format, N>& formats) {
  return std::find(formats.begin(), formats.end(), format) != formats.end();
}

template <std::size_t N>
bool computes_any(const Device& device, const std::array<Format, N>& formats) {
  return std::any_of(formats.begin(), formats.end(),
                     [&](Format f) { return device.peak_for(f).value() > 0; });
}

Format sixteen_bit(const Device& device) {
  const bool bf16 = device.peak_for(Format::kBf16).value() > 0;
  const bool fp16 = device.peak_for(Format::kFp16).value() > 0;
  return !bf16 && fp16 ? Format::kFp16 : Format::kBf16;
}

struct Operands {
  Format a, b;
};

// How a product runs whose weights are published in `native`. `dense` is the published format of
// the model's other weights: activations of FP4 experts are 8 bit only in a model that was made for
// it.
Operands operands(Format native, Format dense, const Device& device) {
  const Format wide = sixteen_bit(device);
  const bool fp8 = computes_any(device, kFp8Formats);
  // INT8 outside the matrix unit (V100) is slower than its 16-bit products: no substitute.
  const OpsPerSecond int8_rate = device.peak_for(Format::kInt8);
  const bool int8 = int8_rate.value() > 0 && int8_rate >= device.peak_for(wide);
  if (among(native, kFp8Formats)) {
    if (fp8) return {native, native};
    return int8 ? Operands{Format::kInt8, Format::kInt8} : Operands{wide, wide};
  }
  if (among(native, kFp4Formats)) {
    if (native == Format::kNvFp4 && computes_any(device, kFp4Formats)) return {native, native};
    const bool narrow_activations = among(dense, kFp8Formats) || computes_any(device, kFp4Formats);
    if (narrow_activations && fp8) return {Format::kMxFp8, native};
    return {wide, native};
  }
  if (native == Format::kInt8) return int8 ? Operands{native, native} : Operands{wide, native};
  if (native == Format::kInt4) return {wide, native};
  return {wide, wide};
}

}  // namespace

Format index_format(const Precision& p) {
  return bytes_per_value(p.gemm_a) < bytes_per_value(p.attention) ? p.gemm_a : p.attention;
}

Precision serving_precision(const Model& model, const Device& device) {
  const Operands dense = operands(model.native, model.native, device);
  const Operands experts = operands(model.native_experts, model.native, device);
  const Format wide = sixteen_bit(device);
  return {.gemm_a = dense.a,
          .gemm_b = dense.b,
          .expert_a = experts.a,
          .expert_b = experts.b,
          .attention = wide,
          .cache = wide,
          .activations = wide};
}

Precision training_precision(Format format) {
  return {.gemm_a = format, .gemm_b = format, .expert_a = format, .expert_b = format};
}

}  // namespace fivefold
