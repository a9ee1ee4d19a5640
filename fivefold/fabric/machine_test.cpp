#include "fivefold/fabric/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/fabric/sample_test.h"

namespace fivefold {
namespace {

using ::testing::HasSubstr;

Machine machine(const char* system, int chips, const char* stack) {
  const Result<Machine> built =
      build_machine(**catalog().system(system), chips, **catalog().stack(stack));
  EXPECT_TRUE(built) << to_text(built.error());
  return built.value_or(Machine{});
}

// A level of its own, without a catalog.
Level mesh(LevelKind kind, std::vector<int> dims, double link) {
  Level level;
  level.kind = kind;
  level.dims = std::move(dims);
  level.link_bandwidth = BytesPerSecond(link);
  level.bandwidth = BytesPerSecond(1e18);  // never the limit here
  return level;
}

double exchange(const Level& level, int members) {
  return usable_bandwidth(level, members, Pattern::kExchange).value();
}

TEST(Machine, CloudMatrixHasThreeLevelsOfDies) {
  const Machine cm = machine("cloudmatrix384", 384, "comm/hccl");
  EXPECT_EQ(cm.devices, 768);
  ASSERT_EQ(cm.levels.size(), 3u);
  EXPECT_EQ(cm.levels[0].size, 2);
  EXPECT_EQ(cm.levels[1].size, 16);
  EXPECT_EQ(cm.levels[2].size, 768);
  EXPECT_EQ(cm.levels[2].fanout, 48);
  // The way to other nodes leaves a die through the same 196 GB/s that serve its own node; the link
  // between the dies is a separate one.
  EXPECT_TRUE(cm.levels[1].carries_outer);
  EXPECT_FALSE(cm.levels[0].carries_outer);
  EXPECT_DOUBLE_EQ(cm.levels[1].bandwidth.value(), 196e9);
}

TEST(Machine, APartOfASystemKeepsOnlyTheLevelsThatItNeeds) {
  EXPECT_TRUE(machine("dgx_h100_8", 1, "comm/nccl").levels.empty());
  const Machine half = machine("dgx_h100_8", 4, "comm/nccl");
  ASSERT_EQ(half.levels.size(), 1u);
  EXPECT_EQ(half.levels[0].size, 4);
  EXPECT_DOUBLE_EQ(half.systems, 0.5);
}

TEST(Machine, SystemsAreJoinedByScaleOut) {
  const Machine cluster = machine("dgx_h100_8", 64, "comm/nccl");
  ASSERT_EQ(cluster.levels.size(), 2u);
  EXPECT_EQ(cluster.levels[1].fanout, 8);
  EXPECT_EQ(cluster.levels[1].size, 64);
  EXPECT_DOUBLE_EQ(cluster.levels[1].bandwidth.value(), 50e9);  // 400 Gbit/s
  EXPECT_FALSE(cluster.levels[0].carries_outer);  // network cards are not behind NVLink
}

TEST(Machine, AnUnpublishedBandwidthIsRefusedByName) {
  const auto built =
      build_machine(**catalog().system("scalex640"), 640, **catalog().stack("comm/generic"));
  ASSERT_FALSE(built);
  EXPECT_THAT(to_text(built.error()), HasSubstr("scalex640"));
  EXPECT_THAT(to_text(built.error()), HasSubstr("rack-scale bus"));
}

TEST(Machine, MoreThanOneSystemWithoutScaleOutIsRefused) {
  const auto built =
      build_machine(**catalog().system("ub_mesh_pod"), 4096, **catalog().stack("comm/hccl"));
  ASSERT_FALSE(built);
  EXPECT_THAT(to_text(built.error()), HasSubstr("ub_mesh_pod"));
}

TEST(Machine, AMachineOfNothingIsRefused) {
  EXPECT_FALSE(build_machine(**catalog().system("dgx_h100_8"), 0, **catalog().stack("comm/nccl")));
}

TEST(Machine, AnAssumedLatencyIsMarked) {
  // No source gives the latency of an NVLink switch; UB's was measured.
  EXPECT_TRUE(machine("dgx_h100_8", 8, "comm/nccl").levels[0].assumed_latency);
  EXPECT_FALSE(machine("cloudmatrix384", 384, "comm/hccl").levels[1].assumed_latency);
}

TEST(Machine, AStackWithoutCommunicationGivesTheIdealWire) {
  const Machine ideal = *build_machine(**catalog().system("dgx_h100_8"), 8, Stack{});
  EXPECT_DOUBLE_EQ(ideal.levels[0].link[Traffic::kAllReduce].efficiency, 1);
  EXPECT_DOUBLE_EQ(ideal.levels[0].link[Traffic::kAllReduce].protocols[0].base.value(), 0);
}

TEST(Library, AMoreSpecificEntryWinsAndStatesOnlyWhatDiffers) {
  const auto entry = [](const char* family, const char* fabric, const char* parameter,
                        double value) {
    Fact fact;
    fact.path = parameter;
    fact.kind = Fact::Kind::kNumber;
    fact.number = value;
    return StackEntry{family, fabric, "*", Facts{{fact}}};
  };
  Stack stack;
  stack.entries = {entry("*", "hopper/switch", "efficiency", 0.8),
                   entry("*", "*", "efficiency", 0.5), entry("*", "*", "base", 7e-6),
                   entry("all_reduce", "hopper/switch", "efficiency", 0.9)};
  const Machine dgx = *build_machine(**catalog().system("dgx_h100_8"), 8, stack);
  const LinkTable& link = dgx.levels[0].link;
  EXPECT_DOUBLE_EQ(link[Traffic::kAllReduce].efficiency, 0.9);
  EXPECT_DOUBLE_EQ(link[Traffic::kAllGather].efficiency, 0.8);
  EXPECT_DOUBLE_EQ(link[Traffic::kAllReduce].protocols[0].base.value(), 7e-6);
}

TEST(Library, AFabricWithoutMeasurementsTakesItsRelatives) {
  // NVLink 6 was not measured: NCCL is taken to reach there what it reaches on NVLink 5.
  const LinkTable rubin = machine("vera_rubin_nvl72", 72, "comm/nccl").levels[0].link;
  const LinkTable blackwell = machine("dgx_b200_8", 8, "comm/nccl").levels[0].link;
  EXPECT_DOUBLE_EQ(rubin[Traffic::kAllGather].efficiency,
                   blackwell[Traffic::kAllGather].efficiency);
  EXPECT_NE(rubin[Traffic::kAllGather].efficiency,
            machine("dgx_a100_8", 8, "comm/nccl").levels[0].link[Traffic::kAllGather].efficiency);
}

TEST(UsableBandwidth, APairInAFullMeshSeesOneLink) {
  const Machine server = machine("atlas_800t_a2", 8, "comm/hccl");
  const Level& hccs = server.levels[0];
  EXPECT_DOUBLE_EQ(usable_bandwidth(hccs, 2, Pattern::kReduction).value(), 28e9);
  EXPECT_DOUBLE_EQ(usable_bandwidth(hccs, 8, Pattern::kPair).value(), 28e9);
  EXPECT_DOUBLE_EQ(usable_bandwidth(hccs, 8, Pattern::kExchange).value(), 196e9);
}

TEST(UsableBandwidth, AnExchangeOverTwoDimensionsPaysForItsSecondHop) {
  // 8 x 8 full mesh: 49 of 63 peers are two hops away, so 112/63 hops on average over 14 links.
  const Level rack = mesh(LevelKind::kNdFullMesh, {8, 8}, 56e9);
  EXPECT_NEAR(exchange(rack, 64), 14 * 56e9 * 63 / 112, 1e3);
  EXPECT_NEAR(usable_bandwidth(rack, 64, Pattern::kReduction).value(), 14 * 56e9, 1e3);
}

TEST(UsableBandwidth, AnExchangeOnATorusIsBoundByItsBisection) {
  // 16 x 16 of links of 100 GB/s: the published bisection of TPU v6e is 3.2 TB/s, 32 links. Half of
  // the devices send half of their data across it.
  const Machine pod = machine("tpu_v6e_pod", 256, "comm/generic");
  const double across = 128 * 0.5 * exchange(pod.levels[0], 256) * 256 / 255;
  EXPECT_NEAR(across, 3.2e12, 1e9);
}

TEST(UsableBandwidth, ALineHasHalfTheBisectionOfARing) {
  const Level ring = mesh(LevelKind::kTorus, {8}, 1e9);
  const Level longer = mesh(LevelKind::kTorus, {16}, 1e9);
  EXPECT_NEAR(exchange(ring, 8) / exchange(longer, 8), 2, 1e-12);
}

}  // namespace
}  // namespace fivefold
