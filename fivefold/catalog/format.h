// Number formats: how wide they are stored and which unit of a chip computes in them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "fivefold/base/units.h"

namespace fivefold {

enum class Format : std::uint8_t {
  kFp64, kFp32, kTf32, kBf16, kFp16,
  kFp8,        // E4M3 or E5M2, one scale per tensor
  kFp8Block,   // 128x128 weight and 1x128 activation scales in FP32 (DeepSeek-V3, arXiv 2412.19437 section 3.3)
  kMxFp8,      // OCP MX: one UE8M0 scale per 32 values
  kInt8,
  kInt4,       // weights only, one FP16 scale per 128 values
  kNvFp4,      // one E4M3 scale per 16 values
  kMxFp4,      // one UE8M0 scale per 32 values
};
inline constexpr int kFormatCount = 12;
inline constexpr std::array<Format, kFormatCount> kAllFormats = {
    Format::kFp64, Format::kFp32, Format::kTf32, Format::kBf16, Format::kFp16,  Format::kFp8,
    Format::kFp8Block, Format::kMxFp8, Format::kInt8, Format::kInt4, Format::kNvFp4, Format::kMxFp4};

std::string_view name(Format format);                         // "bf16", "fp8_block", ...
std::optional<Format> format_from_name(std::string_view text);  // also the names of measurement files

// Bits of one stored value, its share of the scales included: fp8_block one FP32 per 128x128 weights;
// MX one UE8M0 byte per 32 values (OCP MX v1.0 section 5.3); NVFP4 one E4M3 byte per 16 values; int4
// one FP16 per 128 values.
inline constexpr std::array<double, kFormatCount> kFormatBits = {
    64, 32, 32, 16, 16, 8, 8 + 32.0 / (128 * 128), 8 + 8.0 / 32, 8, 4 + 16.0 / 128, 4 + 8.0 / 16,
    4 + 8.0 / 32};
inline double bytes_per_value(Format format) {
  return kFormatBits[static_cast<std::size_t>(format)] / 8;
}
// Of less than 16 bits.
inline bool is_narrow(Format format) { return bytes_per_value(format) < 2; }
inline Bytes stored(double values, Format format) { return Bytes(values * bytes_per_value(format)); }

}  // namespace fivefold
