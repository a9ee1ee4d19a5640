#include "fivefold/fabric/graph.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/fabric/plan.h"
#include "fivefold/fabric/sample_test.h"

namespace fivefold {
namespace {

using ::testing::HasSubstr;

Machine machine(const char* system, int chips) {
  const Result<Machine> built =
      build_machine(**catalog().system(system), chips, **catalog().stack("comm/generic"));
  EXPECT_TRUE(built) << to_text(built.error());
  return built.value_or(Machine{});
}

Graph graph_of(const char* system, int chips, const GraphOptions& options = {}) {
  const Result<Graph> graph = build_graph(machine(system, chips), options);
  EXPECT_TRUE(graph) << to_text(graph.error());
  return graph.value_or(Graph{});
}

double bandwidth_of_level(const Graph& graph, int level) {
  double sum = 0;
  for (const Link& link : graph.links) sum += link.level == level ? link.bandwidth.value() : 0;
  return sum / 2;
}

int links_of_level(const Graph& graph, int level) {
  return int(std::count_if(graph.links.begin(), graph.links.end(),
                           [level](const Link& link) { return link.level == level; }));
}

std::string refusal(const FabricPlan& plan) {
  const Result<Graph> graph = build_graph(plan);
  return graph ? std::string("built") : to_text(graph.error());
}

FabricPlan plan_with(int devices, std::vector<PlanLevel> levels) {
  return {.name = "mine", .devices = devices, .levels = std::move(levels)};
}

PlanLevel torus(int size, std::vector<int> dims) {
  return {.name = "torus",
          .wiring = Wiring::kTorus,
          .size = size,
          .bandwidth = BytesPerSecond(6e9),
          .latency = Seconds(1e-6),
          .dims = std::move(dims),
          .link_bandwidth = BytesPerSecond(1e9)};
}

PlanLevel switched(int size, double bandwidth, bool carries = false) {
  return {.name = "switch",
          .wiring = Wiring::kSwitch,
          .size = size,
          .bandwidth = BytesPerSecond(bandwidth),
          .latency = Seconds(1e-6),
          .carries_outer = carries};
}

TEST(Graph, ACableIsTwoLinks) {
  const Graph graph = graph_of("cloudmatrix384", 384);
  for (std::size_t i = 0; i < graph.links.size(); i += 2) {
    EXPECT_EQ(graph.links[i].from, graph.links[i + 1].to);
    EXPECT_EQ(graph.links[i].to, graph.links[i + 1].from);
  }
}

TEST(Graph, CloudMatrixHasSevenPlanesAndTwoStagesAsPublished) {
  const Graph graph = graph_of("cloudmatrix384", 384, {.separate_planes = true});
  // 768 dies on 48 x 7 switches of the first stage and 7 x 16 of the second (CM384-CRC).
  EXPECT_EQ(graph.nodes, 768 + 336 + 112);
  // Each first-stage switch: 16 dies x 28 GB/s down (8 packages x 56), 16 x 28 GB/s = 448 up.
  EXPECT_EQ(links_of_level(graph, 1), 2 * 768 * 7);
  EXPECT_EQ(links_of_level(graph, 2), 2 * 336 * 16);
  for (const Link& link : graph.links) {
    if (link.level == 0) continue;
    EXPECT_DOUBLE_EQ(link.bandwidth.value(), 28e9);
  }
}

TEST(Graph, OneSwitchStandsForParallelPlanesWithTheirSum) {
  const Graph all = graph_of("cloudmatrix384", 384, {.separate_planes = true});
  const Graph one = graph_of("cloudmatrix384", 384);
  EXPECT_EQ(one.nodes, 768 + 48 + 1);
  for (const int level : {0, 1, 2}) {
    EXPECT_NEAR(bandwidth_of_level(one, level) / bandwidth_of_level(all, level), 1, 1e-12);
  }
}

TEST(Graph, AnNvlinkDomainIsEighteenSwitches) {
  const Graph graph = graph_of("gb200_nvl72", 72, {.separate_planes = true});
  EXPECT_EQ(graph.nodes, 72 + 18);
  EXPECT_DOUBLE_EQ(graph.links.front().bandwidth.value(), 50e9);
}

TEST(Graph, NetworkCardsAreNotBehindNvlink) {
  const Graph graph = graph_of("dgx_h100_8", 64);
  EXPECT_EQ(graph.nodes, 64 + 8 + 1);
  EXPECT_EQ(links_of_level(graph, 1), 2 * 64);
  EXPECT_DOUBLE_EQ(bandwidth_of_level(graph, 1), 64 * 50e9);
}

TEST(Graph, ATorusHasTwoLinksForEachDimensionAndDevice) {
  const Graph pod = graph_of("tpu_v4_pod", 4096);
  EXPECT_EQ(pod.links.size(), 4096u * 6);
  EXPECT_EQ(pod.nodes, 4096);
}

TEST(Graph, UbMeshIsFourDimensions) {
  const Graph pod = graph_of("ub_mesh_pod", 1024);
  ASSERT_EQ(pod.parts.size(), 1u);
  EXPECT_EQ(pod.parts[0].dims.size(), 4u);
  EXPECT_EQ(pod.links.size(), 1024u * (7 + 7 + 3 + 3));
}

TEST(Graph, WithoutPeerToPeerThePcieSwitchDoesNotTurn) {
  const Graph with = graph_of("rtx_pro_6000d_server_8", 4);
  const Graph without = graph_of("rtx_pro_6000d_server_8", 4, {.peer_to_peer = false});
  EXPECT_EQ(with.nodes, 4 + 1);
  EXPECT_EQ(without.nodes, 4 + 2 + 1);  // its twin for the way down, and the root
  for (const Link& link : without.links) {
    EXPECT_FALSE(link.from >= 4 && link.to < 4 && link.from == without.links[0].to);
  }
}

TEST(Graph, LeavesAndSpinesCarryTheirOversubscription) {
  GraphOptions options{.separate_planes = true};
  options.scale_out = Clos{.leaf = 32, .oversubscription = 2, .spines = 4};
  const Graph graph = graph_of("dgx_h100_8", 128, options);
  EXPECT_EQ(graph.nodes, 128 + 16 * 4 + 4 + 4);  // NVSwitches, leaves, spines
  EXPECT_DOUBLE_EQ(graph.links.back().bandwidth.value(), 32 * 50e9 / 2 / 4);
}

TEST(Graph, ARailJoinsTheDevicesOfOnePlace) {
  GraphOptions options;
  options.scale_out = Clos{.leaf = 16, .rails = true};
  const Graph graph = graph_of("dgx_h100_8", 128, options);
  const Tier& leaf = graph.parts.back().tiers.front();
  EXPECT_EQ(leaf.group_of(3), leaf.group_of(8 + 3));
  EXPECT_NE(leaf.group_of(3), leaf.group_of(4));
  EXPECT_EQ(leaf.groups, 8);
}

TEST(Graph, TwoDevicesMayShareAPort) {
  PlanLevel level = switched(8, 10e9);
  level.devices_per_port = 2;
  const Graph graph = *build_graph(plan_with(8, {level}));
  EXPECT_EQ(graph.nodes, 8 + 4 + 1);
  EXPECT_DOUBLE_EQ(graph.links.back().bandwidth.value(), 20e9);
  EXPECT_EQ(graph.kinds[8], NodeKind::kPort);
}

TEST(Graph, ADragonflyJoinsEachPairOfGroupsOnce) {
  PlanLevel level = switched(72, 10e9);
  level.wiring = Wiring::kDragonfly;
  level.dragonfly = {.p = 2, .a = 4, .h = 2};  // 9 groups of 8 devices
  const Graph graph = *build_graph(plan_with(72, {level}));
  EXPECT_EQ(graph.nodes, 72 + 36);
  EXPECT_EQ(graph.links.size() / 2, 72u + 9 * 6 + 36);
}

TEST(Graph, CircuitsJoinBlocksDeviceByDevice) {
  PlanLevel outer = torus(8, {});
  outer.circuits = {{0, 1}, {1, 2}, {2, 3}};
  const Graph graph = *build_graph(plan_with(8, {torus(2, {}), outer}));
  EXPECT_EQ(graph.links.size() / 2, 4u + 6);
}

TEST(Graph, WhatIsLostOfALevelsPlanesIsLostAboveThem) {
  GraphOptions options;
  options.faults = {{.level = 1, .planes = 1}};
  const Graph whole = graph_of("cloudmatrix384", 384);
  const Graph degraded = graph_of("cloudmatrix384", 384, options);
  EXPECT_FALSE(degraded.parts.empty());
  for (const int level : {1, 2}) {
    EXPECT_NEAR(bandwidth_of_level(degraded, level) / bandwidth_of_level(whole, level), 6.0 / 7,
                1e-9);
  }
  options.separate_planes = true;
  const Graph planes = graph_of("cloudmatrix384", 384, options);
  EXPECT_EQ(links_of_level(planes, 1), 2 * 768 * 6);
}

TEST(GraphError, DevicesThatNothingJoinsAreNamed) {
  FabricPlan plan = plan_with(4, {torus(4, {4})});
  plan.faults = {{.from = 0, .to = 1}, {.from = 3, .to = 0}};
  EXPECT_THAT(refusal(plan), HasSubstr("device 0 and device 1 are not joined"));
  EXPECT_THAT(refusal(plan_with(16, {switched(8, 1e9)})),
              HasSubstr("device 0 and device 8 are not joined"));
}

TEST(GraphError, ALevelWithoutBandwidthIsNamed) {
  EXPECT_THAT(refusal(plan_with(8, {switched(8, 0)})), HasSubstr("'switch' has no bandwidth"));
}

TEST(GraphError, SizesMustNest) {
  EXPECT_THAT(refusal(plan_with(16, {switched(6, 1e9), switched(8, 1e9), switched(16, 1e9)})),
              HasSubstr("no multiple"));
}

TEST(GraphError, AGraphTooLargeToBeMeantIsRefusedBeforeItIsBuilt) {
  PlanLevel mesh = torus(131072, {131072});
  mesh.wiring = Wiring::kMesh;
  EXPECT_THAT(refusal(plan_with(131072, {mesh})), HasSubstr("links"));
}

TEST(GraphError, AFaultThatNamesNothingIsRefused) {
  FabricPlan plan = plan_with(8, {torus(8, {8})});
  plan.faults = {{.from = 0, .to = 4}};
  EXPECT_THAT(refusal(plan), HasSubstr("which have no link"));
  plan.faults = {{.device = 8}};
  EXPECT_THAT(refusal(plan), HasSubstr("devices are 0 to 7"));
}

TEST(Graph, EverySystemOfTheCatalogBuildsOrSaysWhatIsNotPublished) {
  for (const System* system : catalog().systems()) {
    for (const bool separate : {false, true}) {
      const auto built = build_machine(*system, system->chips, **catalog().stack("comm/generic"));
      if (!built) {
        EXPECT_THAT(to_text(built.error()), HasSubstr("not published")) << system->id;
        continue;
      }
      const auto graph = build_graph(*built, {.separate_planes = separate});
      ASSERT_TRUE(graph) << system->id << ": " << to_text(graph.error());
      EXPECT_EQ(graph->devices, system->devices());
    }
  }
}

TEST(Graph, AHundredThousandDevicesAreBuiltAtOnce) {
  const Machine large = machine("dgx_h100_8", 131072);
  const auto start = std::chrono::steady_clock::now();
  const Graph graph = *build_graph(large);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(graph.devices, 131072);
  std::printf("131,072 devices, %zu links: %.3f s, %.0f MB\n", graph.links.size(), took.count(),
              double(graph.links.size() * sizeof(Link) + graph.nodes) / 1e6);
  EXPECT_LT(took.count(), 2);
}

}  // namespace
}  // namespace fivefold
