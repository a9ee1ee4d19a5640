#include "fivefold/catalog/format.h"

#include <gtest/gtest.h>

namespace fivefold {
namespace {

TEST(Format, each_name_reads_back) {
  for (const Format format : kAllFormats)
    EXPECT_EQ(format_from_name(name(format)), format) << name(format);
}

TEST(Format, names_of_measurement_files) {
  EXPECT_EQ(format_from_name("bfloat16"), Format::kBf16);
  EXPECT_EQ(format_from_name("half"), Format::kFp16);
  EXPECT_EQ(format_from_name("fp8_e4m3"), Format::kFp8);
  EXPECT_EQ(format_from_name("FP8-block"), Format::kFp8Block);
  EXPECT_EQ(format_from_name("w4a16_mxfp4"), Format::kMxFp4);
  EXPECT_EQ(format_from_name("posit8"), std::nullopt);
}

// DeepSeek-V3: 671e9 weights in FP8 with 128x128 block scales are about 671 GB; gpt-oss's MXFP4 is
// quoted as 4.25 bits a value, NVFP4 as 4.5.
TEST(Format, scales_are_counted) {
  EXPECT_NEAR(stored(671e9, Format::kFp8Block).value(), 671e9 * (1 + 4.0 / 16'384), 1);
  EXPECT_EQ(bytes_per_value(Format::kMxFp4) * 8, 4.25);
  EXPECT_EQ(bytes_per_value(Format::kNvFp4) * 8, 4.5);
  EXPECT_EQ(bytes_per_value(Format::kMxFp8) * 8, 8.25);
  EXPECT_EQ(bytes_per_value(Format::kBf16), 2);
  EXPECT_EQ(bytes_per_value(Format::kTf32), 4);
}

}  // namespace
}  // namespace fivefold
