#include "fivefold/fabric/routing.h"

#include <chrono>
#include <deque>
#include <map>

#include <gtest/gtest.h>

#include "fivefold/base/random.h"
#include "fivefold/fabric/sample_test.h"

namespace fivefold {
namespace {

constexpr Routing kAll[] = {Routing::kAdaptive, Routing::kDeterministic, Routing::kEcmp,
                            Routing::kAllPath};

PlanLevel level(Wiring wiring, int size, std::vector<int> dims = {}) {
  return {.name = "level",
          .wiring = wiring,
          .size = size,
          .bandwidth = BytesPerSecond(8e9),
          .latency = Seconds(1e-6),
          .dims = std::move(dims),
          .link_bandwidth = BytesPerSecond(1e9)};
}

Graph plan_graph(int devices, std::vector<PlanLevel> levels, std::vector<Fault> faults = {}) {
  const auto graph =
      build_graph(FabricPlan{"mine", devices, std::move(levels), std::move(faults), {}});
  EXPECT_TRUE(graph) << to_text(graph.error());
  return graph.value_or(Graph{});
}

// What leaves a node is what enters it; 1 leaves the one end and enters the other.
void expect_flow(const Graph& graph, int from, int to, const std::vector<Hop>& hops) {
  std::map<int, double> excess;
  for (const Hop& hop : hops) {
    ASSERT_GT(hop.share, 0);
    excess[graph.links[hop.link].from] += hop.share;
    excess[graph.links[hop.link].to] -= hop.share;
  }
  for (const auto& [node, value] : excess) {
    const double expected = node == from ? 1 : node == to ? -1 : 0;
    EXPECT_NEAR(value, expected, 1e-5) << "at node " << node << " of " << from << " to " << to;
  }
}

// The hops of a shortest way over links up to a level, by plain search.
int searched_hops(const Graph& graph, int from, int to) {
  int limit = 1 << 20;
  for (std::size_t i = graph.levels.size(); i-- > 0;) {
    if (from / graph.levels[i].size == to / graph.levels[i].size) limit = int(i);
  }
  const LinksByNode out = links_from(graph);
  std::vector<int> hops(graph.nodes, -1);
  std::deque<int> queue{from};
  hops[from] = 0;
  while (!queue.empty()) {
    const int node = queue.front();
    queue.pop_front();
    for (int k = out.first[node]; k < out.first[node + 1]; ++k) {
      const Link& link = graph.links[out.links[k]];
      const bool ends = node >= graph.devices && link.to < graph.devices && link.to != to;
      if (link.level > limit || hops[link.to] >= 0 || ends) continue;
      hops[link.to] = hops[node] + 1;
      queue.push_back(link.to);
    }
  }
  return hops[to];
}

void expect_sound_routes(const Graph& graph, std::uint64_t seed, bool shortest = true) {
  for (const Routing routing : kAll) {
    Router router(graph, routing);
    Random random(seed, "routes");
    for (int i = 0; i < 60; ++i) {
      const int from = int(random.below(graph.devices)), to = int(random.below(graph.devices));
      std::vector<Hop> hops;
      ASSERT_TRUE(router.route(from, to, i, hops)) << from << " to " << to;
      if (from == to) {
        EXPECT_TRUE(hops.empty());
        continue;
      }
      expect_flow(graph, from, to, hops);
      if (!shortest || routing == Routing::kAllPath) continue;
      EXPECT_EQ(path_length(graph, from, to, hops).hops, searched_hops(graph, from, to))
          << name(routing) << " " << from << " to " << to;
    }
  }
}

TEST(Routing, EveryWayIsConnectedConservesItsFlowAndIsShortest) {
  for (const char* system : {"cloudmatrix384", "dgx_h100_8", "ub_mesh_pod", "tpu_v6e_pod",
                             "rtx_pro_6000d_server_8", "mi250x_4", "trn2_ultraserver"}) {
    for (const bool separate : {false, true}) {
      SCOPED_TRACE(system);
      expect_sound_routes(
          system_graph(system, (*catalog().system(system))->chips, {.separate_planes = separate}),
          7);
    }
  }
}

TEST(Routing, AParallelClosKeepsEveryFlow) {
  GraphOptions options{.separate_planes = true};
  options.scale_out = Clos{.leaf = 4, .rails = true, .pod = 64, .spines = 4, .cores = 2};
  expect_sound_routes(system_graph("dgx_h100_8", 256, options), 3);
}

TEST(Routing, AMeshOfNodesIsCrossedBeforeTheNode) {
  // Inside a switch of 8, outside a ring of 4 of each device's own links: the flow goes round, then
  // in.
  const Graph graph = plan_graph(32, {level(Wiring::kSwitch, 8), level(Wiring::kTorus, 32, {4})});
  Router router(graph);
  std::vector<Hop> hops;
  ASSERT_TRUE(router.route(0, 8 + 5, 0, hops));
  EXPECT_EQ(hops.size(), 3u);
  expect_flow(graph, 0, 13, hops);
}

TEST(Routing, TablesAndArithmeticAgree) {
  for (const char* system : {"ub_mesh_pod", "cloudmatrix384", "dgx_h100_8"}) {
    const Graph graph = system_graph(system, 64, {.separate_planes = true});
    Graph searched = graph;
    searched.parts.clear();
    Router by_parts(graph), by_tables(searched);
    Random random(11, "routes");
    for (int i = 0; i < 100; ++i) {
      const int from = int(random.below(graph.devices)), to = int(random.below(graph.devices));
      std::vector<Hop> a, b;
      ASSERT_TRUE(by_parts.route(from, to, 0, a) && by_tables.route(from, to, 0, b));
      std::map<int, double> shares;
      for (const Hop& hop : a) shares[hop.link] += hop.share;
      for (const Hop& hop : b) shares[hop.link] -= hop.share;
      for (const auto& [link, share] : shares) EXPECT_NEAR(share, 0, 1e-5) << system;
    }
  }
}

TEST(Routing, AFailedLinkIsNeverCrossed) {
  const Graph whole = plan_graph(16, {level(Wiring::kTorus, 16, {4, 4})});
  const Graph broken = plan_graph(16, {level(Wiring::kTorus, 16, {4, 4})}, {{.from = 0, .to = 1}});
  EXPECT_EQ(broken.links.size() + 2, whole.links.size());
  for (const Link& link : broken.links) EXPECT_FALSE(link.from == 0 && link.to == 1);
  expect_sound_routes(broken, 5);
  Router router(broken, Routing::kDeterministic);
  std::vector<Hop> hops;
  ASSERT_TRUE(router.route(0, 1, 0, hops));
  EXPECT_EQ(hops.size(), 3u);
}

TEST(Routing, ARandomPartOfAMachineIsStillJoined) {
  Random random(23, "routes");
  for (int i = 0; i < 40; ++i) {
    const int devices = 2 + int(random.below(58));
    const Wiring wiring = random.below(2) == 0 ? Wiring::kTorus : Wiring::kMesh;
    std::vector<PlanLevel> levels{level(wiring, std::min(devices, 12), {4, 3})};
    if (devices > 12) levels.push_back(level(wiring, devices, {5}));
    expect_sound_routes(plan_graph(devices, levels), i);
  }
}

TEST(Routing, ADragonflyIsThreeRoutersAcross) {
  PlanLevel dragonfly = level(Wiring::kDragonfly, 72);
  dragonfly.dragonfly = {.p = 2, .a = 4, .h = 2};
  const Graph graph = plan_graph(72, {dragonfly});
  expect_sound_routes(graph, 1);
  Router router(graph, Routing::kEcmp);
  for (int to = 1; to < 72; ++to) {
    std::vector<Hop> hops;
    ASSERT_TRUE(router.route(0, to, 0, hops));
    EXPECT_LE(hops.size(), 5u);
  }
}

TEST(Routing, AllPathsOfAFullMeshShareAFlow) {
  // Eight members: the direct link and six detours, a seventh each.
  const Graph graph = plan_graph(8, {level(Wiring::kMesh, 8)});
  Router router(graph, Routing::kAllPath);
  std::vector<Hop> hops;
  ASSERT_TRUE(router.route(2, 5, 0, hops));
  ASSERT_EQ(hops.size(), 1u + 2 * 6);
  for (const Hop& hop : hops) EXPECT_FLOAT_EQ(hop.share, 1.0F / 7);
}

TEST(Routing, WithoutPeerToPeerTheWayIsThroughTheHost) {
  for (const bool peers : {true, false}) {
    const Graph graph = system_graph("rtx_pro_6000d_server_8", 8, {.peer_to_peer = peers});
    Router router(graph);
    std::vector<Hop> hops;
    ASSERT_TRUE(router.route(0, 1, 0, hops));
    EXPECT_EQ(hops.size(), peers ? 2u : 4u);
    expect_flow(graph, 0, 1, hops);
  }
}

TEST(Routing, EqualHashesSpreadOverTheSpines) {
  GraphOptions options{.separate_planes = true};
  options.scale_out = Clos{.leaf = 8, .spines = 8};
  const Graph graph = system_graph("dgx_h100_8", 64, options);
  Router router(graph, Routing::kEcmp);
  std::map<int, int> spines;
  for (int label = 0; label < 4000; ++label) {
    std::vector<Hop> hops;
    ASSERT_TRUE(router.route(0, 60, label, hops));
    ASSERT_EQ(hops.size(), 4u);
    ++spines[graph.links[hops[1].link].to];
  }
  EXPECT_EQ(spines.size(), 8u);
  for (const auto& [spine, count] : spines) EXPECT_NEAR(count, 500, 120);
}

TEST(Routing, ARankOutsideIsRefused) {
  const Graph graph = plan_graph(8, {level(Wiring::kMesh, 8)});
  Router router(graph);
  std::vector<Hop> hops;
  EXPECT_FALSE(router.route(0, 8, 0, hops));
  EXPECT_FALSE(router.route(-1, 3, 0, hops));
  EXPECT_TRUE(hops.empty());
}

TEST(Routing, TheLatencyOfAWayIsThatOfItsLevel) {
  const Graph graph = system_graph("cloudmatrix384", 384);
  Router router(graph);
  const auto latency = [&](int to) {
    std::vector<Hop> hops;
    EXPECT_TRUE(router.route(0, to, 0, hops));
    return path_length(graph, 0, to, hops).latency.value();
  };
  EXPECT_NEAR(latency(1), 0.218e-6, 1e-12);
  EXPECT_NEAR(latency(15), 0.929e-6, 1e-12);
  EXPECT_NEAR(latency(700), 2.5e-6, 1e-12);
}

TEST(Routing, AWayThroughATreeTakesNanoseconds) {
  const Graph graph = system_graph("dgx_h100_8", 131072);
  Router router(graph);
  std::vector<Hop> hops;
  hops.reserve(64);
  constexpr int kCount = 1 << 20;
  std::size_t sum = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kCount; ++i) {
    hops.clear();
    const std::uint64_t draw = std::uint64_t(i) * 0x9e3779b97f4a7c15ULL >> 30;
    sum += router.route(int(draw % 131072), int((draw >> 17) % 131072), 0, hops);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%.1f ns a route\n", took.count() / kCount * 1e9);
  EXPECT_EQ(sum, std::size_t(kCount));
  EXPECT_LT(took.count() / kCount, 2e-6);
}

}  // namespace
}  // namespace fivefold
