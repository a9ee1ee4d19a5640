#include "tests/simgrid/cases.h"

#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>

#include "fivefold/fabric/plan.h"
#include "fivefold/fabric/routing.h"

namespace fivefold::simgrid_test {
namespace {

constexpr double kBandwidth = 12.5e9;

FabricPlan fabric(const std::string& name) {
  FabricPlan plan;
  plan.name = name;
  PlanLevel level{.name = name, .bandwidth = BytesPerSecond(kBandwidth), .latency = Seconds(0)};
  if (name == "star64") {
    plan.devices = 64;
  } else if (name == "fattree64" || name == "fattree256") {
    plan.devices = name == "fattree64" ? 64 : 256;
    level.clos = {.leaf = 16, .oversubscription = 2, .spines = 8};
  } else if (name == "dragonfly72") {
    plan.devices = 72;
    level.wiring = Wiring::kDragonfly;
    level.dragonfly = {.p = 2, .a = 4, .h = 2, .local = level.bandwidth, .global = level.bandwidth};
  } else {
    std::fprintf(stderr, "no fabric '%s'\n", name.c_str());
    std::exit(2);
  }
  level.size = plan.devices;
  plan.levels = {level};
  return plan;
}

void all_to_all(int hosts, std::vector<Flow>& flows) {
  for (int i = 0; i < hosts; ++i) {
    for (int j = 0; j < hosts; ++j) {
      if (i != j) flows.push_back({i, j, 1e6, {}});
    }
  }
}

double size(std::mt19937_64& random) {
  return 1e6 + double(random() % 9000000);
}

void permutations(int hosts, std::vector<Flow>& flows) {
  std::mt19937_64 random(5);
  std::vector<int> to(std::size_t(hosts), 0);
  std::iota(to.begin(), to.end(), 0);
  for (int round = 0; round < 4; ++round) {
    for (std::size_t i = to.size() - 1; i > 0; --i) std::swap(to[i], to[random() % i]);
    for (int i = 0; i < hosts; ++i) {
      if (to[std::size_t(i)] != i) flows.push_back({i, to[std::size_t(i)], size(random), {}});
    }
  }
}

void random_pairs(int hosts, int count, std::vector<Flow>& flows) {
  std::mt19937_64 random(7);
  while (int(flows.size()) < count) {
    const int from = int(random() % std::uint64_t(hosts));
    const int to = int(random() % std::uint64_t(hosts));
    if (from != to) flows.push_back({from, to, size(random), {}});
  }
}

}  // namespace

std::vector<std::string> accuracy_cases() {
  return {"star64.alltoall",        "star64.permutations",  "fattree64.alltoall",
          "fattree64.permutations", "dragonfly72.alltoall", "dragonfly72.permutations"};
}

Case make_case(const std::string& name) {
  const std::size_t dot = name.find('.');
  const std::string traffic = dot == std::string::npos ? "" : name.substr(dot + 1);
  Case result{
      .name = name, .graph = build_graph(fabric(name.substr(0, dot)), true).value(), .flows = {}};
  if (traffic == "alltoall") {
    all_to_all(result.graph.devices, result.flows);
  } else if (traffic == "permutations") {
    permutations(result.graph.devices, result.flows);
  } else if (traffic.starts_with("random")) {
    random_pairs(result.graph.devices, std::atoi(traffic.c_str() + 6), result.flows);
  } else {
    std::fprintf(stderr, "no traffic '%s'\n", traffic.c_str());
    std::exit(2);
  }
  Router router(result.graph, Routing::kDeterministic);
  std::vector<Hop> hops;
  for (Flow& flow : result.flows) {
    hops.clear();
    if (!router.route(flow.from, flow.to, 0, hops)) std::abort();
    for (const Hop& hop : hops) flow.links.push_back(hop.link);
  }
  return result;
}

}  // namespace fivefold::simgrid_test
