// Properties that hold of any fabric of levels, whatever its sizes and faults.
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "fivefold/fabric/folding.h"
#include "fivefold/fabric/measure.h"
#include "fivefold/fabric/plan.h"
#include "fivefold/fabric/routing.h"

namespace fivefold {
namespace {

PlanLevel drawn_level(int inner_size) {
  PlanLevel level;
  level.name = "drawn";
  level.wiring = *rc::gen::element(Wiring::kMesh, Wiring::kTorus, Wiring::kSwitch, Wiring::kPcie);
  const int across = *rc::gen::inRange(1, 4), down = *rc::gen::inRange(2, 5);
  level.dims = {across, down};
  level.size = inner_size * across * down;
  level.bandwidth = BytesPerSecond(*rc::gen::inRange(1, 100) * 1e9);
  level.link_bandwidth = BytesPerSecond(*rc::gen::inRange(1, 100) * 1e9);
  level.latency = Seconds(1e-6);
  level.planes = *rc::gen::inRange(1, 4);
  level.peer_to_peer = *rc::gen::arbitrary<bool>();
  level.carries_outer = *rc::gen::arbitrary<bool>();
  return level;
}

FabricPlan drawn_plan() {
  FabricPlan plan;
  const int levels = *rc::gen::inRange(1, 4);
  int size = 1;
  for (int i = 0; i < levels; ++i) {
    plan.levels.push_back(drawn_level(size));
    size = plan.levels.back().size;
  }
  // Often a part of the outermost block only.
  const int inner = levels > 1 ? plan.levels[levels - 2].size : 1;
  plan.devices = *rc::gen::inRange(inner + 1, size + 1);
  plan.levels.back().size = plan.devices;
  return plan;
}

Routing drawn_routing() {
  return *rc::gen::element(Routing::kAdaptive, Routing::kDeterministic, Routing::kEcmp,
                           Routing::kAllPath);
}

void check_flow(const Graph& graph, int from, int to, const std::vector<Hop>& hops) {
  std::map<int, double> excess{{from, 0}, {to, 0}};
  for (const Hop& hop : hops) {
    RC_ASSERT(hop.share > 0 && hop.share < 1.0001F);
    excess[graph.links[hop.link].from] += hop.share;
    excess[graph.links[hop.link].to] -= hop.share;
  }
  for (const auto& [node, value] : excess) {
    const double expected = node == from ? 1 : node == to ? -1 : 0;
    RC_ASSERT(std::abs(value - expected) < 1e-4);
  }
}

RC_GTEST_PROP(AnyFabric, routes_conserve_their_flow_between_every_pair, ()) {
  const auto graph = build_graph(drawn_plan(), *rc::gen::arbitrary<bool>());
  RC_ASSERT(graph.has_value());
  Router router(*graph, drawn_routing());
  const int from = *rc::gen::inRange(0, graph->devices), to = *rc::gen::inRange(0, graph->devices);
  std::vector<Hop> hops;
  RC_ASSERT(router.route(from, to, 1, hops));
  if (from != to) check_flow(*graph, from, to, hops);
}

RC_GTEST_PROP(AnyFabric, a_search_finds_no_shorter_way_than_arithmetic, ()) {
  const auto graph = build_graph(drawn_plan(), *rc::gen::arbitrary<bool>());
  RC_ASSERT(graph.has_value());
  Graph searched = *graph;
  searched.parts.clear();
  Router by_parts(*graph, Routing::kDeterministic), by_search(searched, Routing::kDeterministic);
  const int from = *rc::gen::inRange(0, graph->devices), to = *rc::gen::inRange(0, graph->devices);
  std::vector<Hop> a, b;
  RC_ASSERT(by_parts.route(from, to, 0, a));
  RC_ASSERT(by_search.route(from, to, 0, b));
  RC_ASSERT(b.size() <= a.size());
}

RC_GTEST_PROP(AnyFabric, a_broken_link_is_gone_and_the_rest_conserves_its_flow, ()) {
  FabricPlan plan = drawn_plan();
  const auto whole = build_graph(plan);
  RC_ASSERT(whole.has_value());
  const Link& link = whole->links[*rc::gen::inRange<std::size_t>(0, whole->links.size())];
  plan.faults = {{.from = link.from, .to = link.to}};
  const auto broken = build_graph(plan);
  if (!broken) return;  // the link was the only one
  for (const Link& left : broken->links) {
    RC_ASSERT(!(left.from == link.from && left.to == link.to));
  }
  Router router(*broken, drawn_routing());
  const int from = *rc::gen::inRange(0, broken->devices);
  const int to = *rc::gen::inRange(0, broken->devices);
  std::vector<Hop> hops;
  if (from != to && router.route(from, to, 1, hops)) check_flow(*broken, from, to, hops);
}

RC_GTEST_PROP(AnyFabric, folded_links_are_alike_and_stand_for_whole_orbits, ()) {
  const FabricPlan plan = drawn_plan();
  const auto graph = build_graph(plan, *rc::gen::arbitrary<bool>());
  RC_ASSERT(graph.has_value());
  const int unit = *rc::gen::inRange(1, graph->devices + 1);
  const auto folded = folded_links(*graph, unit);
  if (!folded) return;
  for (std::size_t i = 0; i < folded->size(); ++i) {
    const std::int32_t stands = (*folded)[i];
    RC_ASSERT(stands <= std::int32_t(i));
    RC_ASSERT((*folded)[stands] == stands);
    RC_ASSERT(graph->links[i].bandwidth == graph->links[stands].bandwidth);
    RC_ASSERT(graph->links[i].level == graph->links[stands].level);
  }
}

RC_GTEST_PROP(AnyFabric, no_half_sends_more_than_its_devices_have_ports, ()) {
  const FabricPlan plan = drawn_plan();
  const auto graph = build_graph(plan);
  RC_ASSERT(graph.has_value());
  double ports = 0;
  for (const Link& link : graph->links) {
    if (link.from < graph->devices / 2) ports += link.bandwidth.value();
  }
  const double middle = bisection(*graph, int(plan.levels.size()) - 1).value();
  RC_ASSERT(middle > 0);
  RC_ASSERT(middle <= ports * (1 + 1e-9));
}

}  // namespace
}  // namespace fivefold
