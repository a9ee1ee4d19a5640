// Bytes through memory, cache and launch: bounds, and what stream benchmarks reach.
#include <gtest/gtest.h>

#include "fivefold/catalog/catalog.h"
#include "fivefold/kernel/parameters.h"

namespace fivefold {
namespace {

KernelModel streaming_model(std::string_view chip_name) {
  static const Catalog catalog = *Catalog::load();
  const Chip& chip = **catalog.chip(chip_name);
  return *KernelModel::make(chip.device, catalog.default_stack(chip));
}

double seconds(const KernelModel& model, const Streaming& streaming) {
  return model.time(Family::kMemoryBound, streaming).time.value();
}

constexpr std::string_view kStreamingChips[] = {"a100_sxm", "h100_sxm", "h20_96g",
                                                "b200_sxm", "mi300x",   "ascend_910c"};

// A chip that is not in the catalog: 100 cores at 1 GHz, 1 TB/s, 50 MB of cache.
FamilyParameters round_chip() {
  Device device;
  device.memory_bandwidth = BytesPerSecond(1e12);
  device.l2_capacity = Bytes(50e6);
  KernelFacts facts;
  facts.compute_fraction = 0.5;
  facts.memory_fraction = 0.8;
  facts.launch = 2e-6;
  facts.feed = 50;
  return with_peak(on_device(facts, device, 100, 1e9), 100e12);
}

TEST(Streaming, large_arrays_reach_half_of_the_nominal_bandwidth_and_never_all_of_it) {
  for (const std::string_view chip : kStreamingChips) {
    const KernelModel model = streaming_model(chip);
    const Streaming copy{.read = Bytes(4e9), .written = Bytes(4e9)};
    const double share = 8e9 / seconds(model, copy) / model.device().memory_bandwidth.value();
    EXPECT_GT(share, 0.5) << chip;
    EXPECT_LT(share, 1) << chip;
  }
}

TEST(Streaming, a_single_byte_takes_a_launch_and_a_megabyte_little_more) {
  for (const std::string_view chip : kStreamingChips) {
    const KernelModel model = streaming_model(chip);
    const double byte = seconds(model, {.read = Bytes(1)});
    EXPECT_GT(byte, 0.5e-6) << chip;
    EXPECT_LT(seconds(model, {.read = Bytes(1e6)}), 2 * byte) << chip;
  }
}

TEST(Streaming, launches_add_up) {
  const FamilyParameters p = round_chip();
  Streaming once{.read = Bytes(1e6), .written = Bytes(1e6)};
  const double one = streaming_time(p, 100, once).time.value();
  once.launches = 4;
  EXPECT_NEAR(streaming_time(p, 100, once).time.value() - one, 3 * 2e-6, 1e-12);
}

// 16 MB between two launches stay in a cache of 50 MB; of 1.6 GB hardly anything does.
TEST(Streaming, what_fits_the_cache_between_launches_does_not_pass_the_memory) {
  const FamilyParameters p = round_chip();
  const Streaming small{.read = Bytes(1e6), .written = Bytes(1e6), .between = Bytes(16e6)};
  const Streaming large{.read = Bytes(1e8), .written = Bytes(1e8), .between = Bytes(1.6e9)};
  const KernelTime in_cache = streaming_time(p, 100, small), beyond = streaming_time(p, 100, large);
  EXPECT_DOUBLE_EQ(in_cache.memory.value(), 2e6 / 0.8e12);
  EXPECT_EQ(in_cache.limit, Limit::kCache);
  EXPECT_GT(beyond.memory.value(), 0.95 * 1.8e9 / 0.8e12);
  EXPECT_EQ(beyond.limit, Limit::kMemory);
  EXPECT_LT(100 * in_cache.time.value(), beyond.time.value() + 100 * 2e-6);
}

TEST(Streaming, more_bytes_of_any_kind_never_take_less_time) {
  const FamilyParameters p = round_chip();
  double last = 0;
  for (double bytes = 1; bytes < 1e10; bytes *= 1.1) {
    Streaming grown{.read = Bytes(bytes), .written = Bytes(2 * bytes), .between = Bytes(7 * bytes)};
    const double now = streaming_time(p, 100, grown).time.value();
    EXPECT_GE(now, last) << bytes;
    EXPECT_GE(now, 2e-6);
    EXPECT_GE(now, 3 * bytes / 1e12);
    for (Bytes* part : {&grown.read, &grown.written, &grown.between}) {
      *part *= 1.01;
      EXPECT_GE(streaming_time(p, 100, grown).time.value(), now) << bytes;
    }
    last = now;
  }
}

// BabelStream prints 73 to 80% of nominal on MI300X (AMD's validation guide) and 76 to 84% on H100
// NVL, with arrays of 2.1 GB and 0.27 GB.
TEST(Published, stream_benchmarks_are_met) {
  const struct {
    const char* chip;
    double array, low, high;
  } published[] = {{"mi300x", 2147e6, 0.73, 0.80}, {"h100_nvl", 268e6, 0.76, 0.84}};
  for (const auto& row : published) {
    const KernelModel model = streaming_model(row.chip);
    const Streaming triad{.read = Bytes(2 * row.array), .written = Bytes(row.array)};
    const double share =
        3 * row.array / seconds(model, triad) / model.device().memory_bandwidth.value();
    EXPECT_GT(share, row.low - 0.06) << row.chip;
    EXPECT_LT(share, row.high + 0.06) << row.chip;
  }
}

}  // namespace
}  // namespace fivefold
