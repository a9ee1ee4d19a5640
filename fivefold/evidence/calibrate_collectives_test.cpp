// Fits of communication libraries: what they give back, what a chip left out borrows.
#include "fivefold/evidence/calibrate_collectives.h"

#include <cmath>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "fivefold/evidence/temporary_test.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

// All-gather of 2, 4 and 8 ranks as this program times it, with every latency `slower`.
std::string all_gather_table(const std::string& chip, const char* system, double slower) {
  const std::string folder = temporary_path("collectives_" + chip);
  std::filesystem::create_directories(folder);
  std::ofstream file(folder + "/" + chip + "__nccl-2.29.2__nccl.csv");
  file << "op_name,kernel_source,nccl_dtype,num_gpus,message_size,latency\n";
  const Stack& stack = **catalog().stack("comm/nccl");
  const Machine machine = build_machine(**catalog().system(system), 8, stack).value();
  for (const int ranks : {2, 4, 8}) {
    for (double bytes = 512; bytes < 1e9; bytes *= 2) {
      const auto time = collective_time(machine, Collective::kAllGather,
                                        make_group(machine, ranks, 1), Bytes(bytes));
      file << "all_gather,NCCL,half," << ranks << "," << bytes / 2 << ","
           << time.time.value() * slower * 1e3 << "\n";
    }
  }
  return folder;
}

TEST(CalibrateCollectives, a_library_that_follows_the_form_is_found_again) {
  const std::string folder = all_gather_table("h100_sxm", "dgx_h100_8", 1.3);
  const auto fitted = fit_collectives(catalog(), {folder}, kCollectivesSource);
  ASSERT_TRUE(fitted) << to_text(fitted.error());
  ASSERT_EQ(fitted->layers.size(), 1u);
  const CollectiveLayer& layer = fitted->layers.front();
  EXPECT_EQ(layer.stack, "comm/nccl");
  EXPECT_EQ(layer.fabric, "hopper/switch");
  EXPECT_EQ(layer.traffic, "all_gather");
  EXPECT_LT(layer.error, 0.03);
  EXPECT_LT(layer.held_error, 0.05);
}

TEST(CalibrateCollectives, the_same_rows_give_the_same_file) {
  const std::string folder = all_gather_table("b200_sxm", "dgx_b200_8", 1);
  const auto text = [&] {
    return collective_yaml(*fit_collectives(catalog(), {folder}, kCollectivesSource), "FIT");
  };
  const std::string first = text();
  EXPECT_EQ(first, text());
  EXPECT_THAT(first, HasSubstr("- id: comm/fitted/nccl\n"));
  EXPECT_THAT(first, HasSubstr("architecture: blackwell/switch\n    source: FIT\n"));
  EXPECT_THAT(first, HasSubstr("data: b200_sxm__nccl-2.29.2__nccl, family: all_gather"));
}

// H100 from A100 alone: latencies in cycles, so that its faster clock shortens them.
TEST(CalibrateCollectives, a_chip_left_out_borrows_from_the_nearest_generation) {
  const std::string ampere = all_gather_table("a100_sxm", "dgx_a100_8", 1);
  const std::string hopper = all_gather_table("h100_sxm", "dgx_h100_8", 1);
  const auto left_out =
      validate_collectives_without_chip(catalog(), {ampere, hopper}, kCollectivesSource);
  ASSERT_TRUE(left_out) << to_text(left_out.error());
  int rows = 0;
  for (const Prediction& row : left_out->predictions) {
    EXPECT_FALSE(row.calibrated);
    EXPECT_GT(row.predicted, 0) << row.row;
    EXPECT_LT(std::abs(std::log(row.predicted / row.measured)), std::log(2.5)) << row.row;
    ++rows;
  }
  EXPECT_EQ(rows, 2 * 3 * 21);
}

// NCCL's sources are told apart by their version, else by their year.
TEST(CollectiveRows, a_source_of_2022_ran_an_older_library) {
  const Chip& h100 = **catalog().chip("h100_sxm");
  EXPECT_EQ(library_of(catalog(), h100, "somewhere", "nccl-tests", "2022-2023"), "comm/nccl-2.12");
  EXPECT_EQ(library_of(catalog(), h100, "somewhere", "nccl-tests", "2024"), "comm/nccl-2.18");
  EXPECT_EQ(library_of(catalog(), h100, "somewhere", "NCCL 2.18.5", "2026"), "comm/nccl-2.18");
  EXPECT_EQ(library_of(catalog(), h100, "somewhere", "NCCL 2.27.3", "2024"), "comm/nccl");
  const Chip& b200 = **catalog().chip("b200_sxm");
  EXPECT_EQ(library_of(catalog(), b200, "b200_nvlink8", "NCCL 2.27.7", "2026"), "comm/nccl-eager");
}

}  // namespace
}  // namespace fivefold
