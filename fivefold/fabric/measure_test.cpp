#include "fivefold/fabric/measure.h"

#include <gtest/gtest.h>

#include "fivefold/fabric/sample_test.h"

namespace fivefold {
namespace {

Graph plan_graph(int devices, std::vector<PlanLevel> levels) {
  return build_graph(FabricPlan{"mine", devices, std::move(levels), {}, {}}).value();
}

PlanLevel mesh(Wiring wiring, int size, std::vector<int> dims) {
  return {.name = "level",
          .wiring = wiring,
          .size = size,
          .bandwidth = BytesPerSecond(8e9),
          .latency = Seconds(1e-6),
          .dims = std::move(dims),
          .link_bandwidth = BytesPerSecond(1e9)};
}

double of(const Graph& graph, int level) {
  return bisection(graph, level).value();
}

TEST(Bisection, ATorusIsCutAcrossItsLongestDimension) {
  // 2 rings of links x 16 devices of the cut plane: as published, 3.2 TB/s (TPU v6e), 24 TB/s (TPU
  // v4: 2 x 16 x 16 x 50 GB/s = 25.6).
  EXPECT_NEAR(of(system_graph("tpu_v6e_pod", 256), 0), 3.2e12, 1);
  EXPECT_NEAR(of(system_graph("tpu_v4_pod", 4096), 0), 25.6e12, 1);
  EXPECT_NEAR(of(plan_graph(32, {mesh(Wiring::kTorus, 32, {8, 4})}), 0), 2 * 4 * 1e9, 1);
}

TEST(Bisection, AFullMeshIsCutInAQuarterOfItsPairs) {
  EXPECT_NEAR(of(system_graph("atlas_800t_a2", 8), 0), 16 * 28e9, 1);
  // 8 x 8: each of eight lines is cut in 16 links.
  EXPECT_NEAR(of(system_graph("ub_mesh_pod", 64), 0), 8 * 16 * 56e9, 1);
}

TEST(Bisection, AFatTreeLetsHalfOfItsDevicesSend) {
  for (const bool separate : {false, true}) {
    const Graph cm = system_graph("cloudmatrix384", 384, {.separate_planes = separate});
    EXPECT_NEAR(of(cm, 2), 384 * 196e9, 1e3);
    EXPECT_NEAR(of(cm, 1), 8 * 196e9, 1e3);
    EXPECT_NEAR(of(system_graph("gb200_nvl72", 72, {.separate_planes = separate}), 0), 36 * 900e9,
                1e3);
  }
}

TEST(Bisection, OversubscriptionDividesIt) {
  for (const bool rails : {false, true}) {
    GraphOptions options{.separate_planes = true};
    options.scale_out = Clos{.leaf = 16, .rails = rails, .oversubscription = 4, .spines = 4};
    const Graph graph = system_graph("dgx_h100_8", 512, options);
    // Rails of 16 nodes: 32 leaves of 16 cards, half of them on each side.
    EXPECT_NEAR(of(graph, 1), 256 * 50e9 / 4, 1e3) << rails;
  }
}

TEST(Bisection, LevelsWithPortsOfTheirOwnAdd) {
  // In a node, NVLink alone; across nodes, network cards alone.
  const Graph graph = system_graph("dgx_h100_8", 64);
  EXPECT_NEAR(of(graph, 0), 4 * 450e9, 1);
  EXPECT_NEAR(of(graph, 1), 32 * 50e9, 1);
}

TEST(Diameter, ATorusIsHalfOfEachRingAcross) {
  EXPECT_EQ(diameter(system_graph("tpu_v4_pod", 4096)).hops, 24);
  EXPECT_EQ(diameter(system_graph("tpu_v6e_pod", 256)).hops, 16);
}

TEST(Diameter, AMeshIsOneHopForEachDimension) {
  EXPECT_EQ(diameter(system_graph("ub_mesh_pod", 1024)).hops, 4);
}

TEST(Diameter, TwoStagesAreFourHops) {
  const Diameter across = diameter(system_graph("cloudmatrix384", 384));
  EXPECT_EQ(across.hops, 4);
  EXPECT_NEAR(across.latency.value(), 2.5e-6, 1e-12);
  EXPECT_TRUE(across.exact);
}

TEST(Diameter, PcieThroughTheHostIsFourHopsEvenBehindOneSwitch) {
  EXPECT_EQ(diameter(system_graph("rtx_pro_6000d_server_8", 4)).hops, 2);
  EXPECT_EQ(diameter(system_graph("rtx_pro_6000d_server_8", 4, {.peer_to_peer = false})).hops, 4);
}

}  // namespace
}  // namespace fivefold
