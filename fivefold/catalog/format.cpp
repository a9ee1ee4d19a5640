#include "fivefold/catalog/format.h"

#include <string>
#include <utility>

namespace fivefold {
namespace {

struct FormatFacts {
  Format format;
  std::string_view name;
};

constexpr std::array<FormatFacts, kFormatCount> kFormats = {{
    {Format::kFp64, "fp64"},
    {Format::kFp32, "fp32"},
    {Format::kTf32, "tf32"},
    {Format::kBf16, "bf16"},
    {Format::kFp16, "fp16"},
    {Format::kFp8, "fp8"},
    {Format::kFp8Block, "fp8_block"},
    {Format::kMxFp8, "mxfp8"},
    {Format::kInt8, "int8"},
    {Format::kInt4, "int4"},
    {Format::kNvFp4, "nvfp4"},
    {Format::kMxFp4, "mxfp4"},
}};

constexpr std::pair<std::string_view, Format> kOtherNames[] = {
    {"float64", Format::kFp64},
    {"float32", Format::kFp32},
    {"float", Format::kFp32},
    {"bfloat16", Format::kBf16},
    {"float16", Format::kFp16},
    {"half", Format::kFp16},
    {"fp8_e4m3", Format::kFp8},
    {"fp8_e5m2", Format::kFp8},
    {"float8_e4m3fn", Format::kFp8},
    {"float8", Format::kFp8},
    {"fp8_static", Format::kFp8},
    {"fp8_ootb", Format::kFp8},
    {"fp8_per_tensor", Format::kFp8},
    {"fp8_blockwise", Format::kFp8Block},
    {"block_fp8", Format::kFp8Block},
    {"mxfp8_ue8m0", Format::kMxFp8},
    {"w8a8", Format::kInt8},
    {"int8_wo", Format::kInt8},
    {"sq", Format::kInt8},
    {"w4a16", Format::kInt4},
    {"int4_wo", Format::kInt4},
    {"int4_awq", Format::kInt4},
    {"awq", Format::kInt4},
    {"gptq", Format::kInt4},
    {"fp4", Format::kNvFp4},
    {"w4a16_mxfp4", Format::kMxFp4},
};

std::string folded(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-' || c == ' ' || c == '.') c = '_';
    result += c;
  }
  return result;
}

}  // namespace

std::string_view name(Format format) {
  return kFormats[static_cast<std::size_t>(format)].name;
}

std::optional<Format> format_from_name(std::string_view text) {
  const std::string wanted = folded(text);
  for (const FormatFacts& facts : kFormats) {
    if (facts.name == wanted) return facts.format;
  }
  for (const auto& [other, format] : kOtherNames) {
    if (other == wanted) return format;
  }
  return std::nullopt;
}

}  // namespace fivefold
