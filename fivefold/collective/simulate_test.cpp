#include "fivefold/collective/simulate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/catalog/catalog.h"
#include "fivefold/fabric/plan.h"

namespace fivefold {
namespace {

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

struct Built {
  Machine machine;
  Graph graph;
  Group all;
};

Built built(const char* system, int systems, const char* stack, const GraphOptions& options = {}) {
  const System& one = **catalog().system(system);
  Built result;
  result.machine = build_machine(one, one.chips * systems, **catalog().stack(stack)).value();
  result.graph = build_graph(result.machine, options).value();
  result.all = make_group(result.machine, result.graph.devices, 1);
  return result;
}

SimulatedCollective run(const Built& on, Collective collective, double bytes,
                        const FlowOptions& options = {}) {
  return simulate_collective(on.machine, on.graph, collective, on.all,
                             {strided_ranks(0, on.graph.devices, 1)}, Bytes(bytes), options)
      .value();
}

double seconds(const SimulatedCollective& result) {
  return result.time.time.value();
}

struct Place {
  const char* system;
  int systems;
  const char* stack;
};

// Switches, full meshes, tori, two-level UB, an nD mesh, with a network outside and without.
constexpr Place kPlaces[] = {
    {"dgx_h100_8", 1, "comm/nccl"},     {"dgx_h100_8", 4, "comm/nccl"},
    {"gb200_nvl72", 1, "comm/nccl"},    {"gb200_nvl72", 2, "comm/nccl"},
    {"mi300x_8", 1, "comm/rccl"},       {"mi300x_8", 3, "comm/rccl"},
    {"atlas_800t_a2", 4, "comm/hccl"},  {"atlas_800i_a3", 1, "comm/hccl"},
    {"cloudmatrix384", 1, "comm/hccl"}, {"cloudmatrix384", 2, "comm/hccl"},
    {"ub_mesh_pod", 1, "comm/hccl"},    {"tpu_v6e_pod", 1, "comm/generic"},
    {"tpu_v4_pod", 1, "comm/generic"},
};

// Where every link carries the traffic of one device, flows and formula are two ways to one number.
TEST(SimulateCollective, without_contention_flows_take_the_time_of_the_closed_form) {
  for (const Place& place : kPlaces) {
    const Built on = built(place.system, place.systems, place.stack);
    for (const Collective collective : {Collective::kAllReduce, Collective::kAllGather,
                                        Collective::kReduceScatter, Collective::kAllToAll}) {
      // A torus folds to no block smaller than a plane: sixteen million flows are for the
      // benchmark.
      if (collective == Collective::kAllToAll && on.graph.devices > 800) continue;
      for (const Algorithm algorithm :
           {Algorithm::kRing, Algorithm::kHierarchical, Algorithm::kPairwise}) {
        for (const double bytes : {64e3, 16e6, 4e9}) {
          const CollectiveOptions choice{.forced = algorithm};
          const auto plan = plan_collective(on.machine, collective, on.all, Bytes(bytes), choice);
          if (!plan) continue;
          const double closed = time_of(*plan).time.value();
          const double simulated = seconds(run(on, collective, bytes, {.choice = choice}));
          EXPECT_NEAR(simulated / closed, 1, 0.01)
              << place.systems << " x " << place.system << ", " << name(collective) << " by "
              << name(algorithm) << ", " << bytes << " B: closed " << closed << " s, flows "
              << simulated << " s";
        }
      }
    }
  }
}

TEST(SimulateCollective, folding_changes_no_time) {
  for (const Place& place : kPlaces) {
    const Built on = built(place.system, place.systems, place.stack);
    if (on.graph.devices > 256) continue;
    for (const Collective collective : {Collective::kAllReduce, Collective::kAllToAll}) {
      for (const AlgorithmInfo& info : all_algorithms()) {
        const CollectiveOptions choice{.forced = info.algorithm};
        if (!plan_collective(on.machine, collective, on.all, Bytes(1e8), choice)) continue;
        const auto folded =
            run(on, collective, 1e8, {.choice = choice, .tolerance = 1e-9, .fold = true});
        const auto whole =
            run(on, collective, 1e8, {.choice = choice, .tolerance = 1e-9, .fold = false});
        EXPECT_NEAR(seconds(folded) / seconds(whole), 1, 1e-6)
            << place.system << " " << name(info.algorithm);
        EXPECT_EQ(whole.folded_to, 0);
        // Also where only some repetitions of a round were simulated.
        for (std::size_t link = 0; link < folded.link_bytes.size(); ++link) {
          if (folded.link_bytes[link] == 0) continue;
          EXPECT_NEAR(folded.link_bytes[link], whole.timeline.link_bytes[link],
                      1e-6 * folded.link_bytes[link]);
        }
        for (std::size_t level = 0; level < whole.levels.size(); ++level) {
          EXPECT_NEAR(folded.levels[level].bytes, whole.levels[level].bytes,
                      1e-6 * whole.levels[level].bytes);
        }
      }
    }
  }
}

// What must leave and enter each device, over all links that it has: no algorithm is faster.
TEST(SimulateCollective, no_algorithm_beats_the_ports_of_the_devices) {
  for (const Place& place : kPlaces) {
    const Built on = built(place.system, place.systems, place.stack);
    if (on.graph.devices > 256) continue;
    std::vector<double> out(std::size_t(on.graph.nodes), 0.0);
    for (const Link& link : on.graph.links) out[std::size_t(link.from)] += link.bandwidth.value();
    const double port = *std::min_element(out.begin(), out.begin() + on.graph.devices);
    const double n = on.graph.devices, bytes = 1e9;
    for (const AlgorithmInfo& info : all_algorithms()) {
      const CollectiveOptions choice{.forced = info.algorithm};
      for (const Collective collective :
           {Collective::kAllReduce, Collective::kAllGather, Collective::kAllToAll}) {
        if (!plan_collective(on.machine, collective, on.all, Bytes(bytes), choice)) continue;
        const double passes = collective == Collective::kAllReduce ? 2 : 1;
        // A switch that sums and multicasts takes each buffer once.
        const double must =
            info.algorithm == Algorithm::kInNetwork ? bytes : passes * (n - 1) / n * bytes;
        EXPECT_GE(seconds(run(on, collective, bytes, {.choice = choice})), must / port * 0.999)
            << place.system << " " << name(collective) << " " << name(info.algorithm);
      }
    }
  }
}

TEST(SimulateCollective, bytes_on_the_links_are_those_that_the_algorithm_moves) {
  const Built on = built("dgx_h100_8", 4, "comm/nccl");
  const double n = 32, bytes = 1e9;
  const auto ring =
      run(on, Collective::kAllReduce, bytes, {.choice = {.forced = Algorithm::kRing}});
  // Each of n devices sends 2(n-1)/n of the buffer: 7/8 to its host, 1/8 to the next one, over a
  // port up and a port down.
  const double sent = 2 * (n - 1) / n * bytes * n;
  EXPECT_NEAR(ring.levels[0].bytes, 2 * sent * 7 / 8, 1e-6 * sent);
  EXPECT_NEAR(ring.levels[1].bytes, 2 * sent / 8, 1e-6 * sent);
  const auto exchange = run(on, Collective::kAllToAll, bytes);
  EXPECT_NEAR(exchange.levels[0].bytes, 2 * n * bytes * 7 / n, 1e-6 * n * bytes);
  EXPECT_NEAR(exchange.levels[1].bytes, 2 * n * bytes * 24 / n, 1e-6 * n * bytes);
}

// One collective alone: more bandwidth anywhere is never slower. Routing is fixed; with a routing
// that moves flows onto new links this need not hold (docs/network.md).
TEST(SimulateCollective, a_faster_level_never_slows_it_down) {
  for (const Place& place : kPlaces) {
    const Built on = built(place.system, place.systems, place.stack);
    if (on.graph.devices > 256) continue;
    for (const Collective collective : {Collective::kAllReduce, Collective::kAllToAll}) {
      const double before = seconds(run(on, collective, 1e8));
      for (int level = 0; level < int(on.machine.levels.size()); ++level) {
        Built faster = on;
        for (Link& link : faster.graph.links) {
          if (link.level == level) link.bandwidth = link.bandwidth * 1.7;
        }
        EXPECT_LE(seconds(run(faster, collective, 1e8)), before * (1 + 1e-3)) << place.system;
      }
    }
  }
}

// Groups of stride 8, one device of each host: eight at once, each over its own card.
TEST(SimulateCollective, groups_on_rails_of_their_own_do_not_disturb_each_other) {
  const Built on = built("dgx_h100_8", 4, "comm/nccl");
  const Group shape = make_group(on.machine, 4, 8);
  std::vector<Ranks> all;
  for (int rail = 0; rail < 8; ++rail) all.push_back(strided_ranks(rail, 4, 8));
  const auto one = simulate_collective(on.machine, on.graph, Collective::kAllReduce, shape,
                                       {all.front()}, Bytes(1e9));
  const auto eight =
      simulate_collective(on.machine, on.graph, Collective::kAllReduce, shape, all, Bytes(1e9));
  ASSERT_TRUE(one && eight);
  EXPECT_NEAR(seconds(*eight) / seconds(*one), 1, 1e-6);
}

// Two groups over the same links take twice as long for what they transfer.
TEST(SimulateCollective, groups_on_the_same_links_share_them) {
  const Built on = built("dgx_h100_8", 2, "comm/nccl");
  const Group shape = make_group(on.machine, 2, 8);
  const FlowOptions options{.choice = {.forced = Algorithm::kRing}};
  const auto time = [&](const std::vector<Ranks>& groups) {
    return seconds(simulate_collective(on.machine, on.graph, Collective::kAllReduce, shape, groups,
                                       Bytes(4e9), options)
                       .value());
  };
  EXPECT_NEAR(time({{0, 8}, {0, 8}}) / time({{0, 8}}), 2, 0.02);
}

// A tensor-parallel group inside a host against the same group spread over eight hosts.
TEST(SimulateCollective, placement_decides_which_links_a_group_crosses) {
  const Built on = built("dgx_h100_8", 8, "comm/nccl");
  const FlowOptions options{.choice = {.forced = Algorithm::kRing}};
  const auto inside = simulate_collective(on.machine, on.graph, Collective::kAllReduce,
                                          make_group(on.machine, 8, 1), {strided_ranks(0, 8, 1)},
                                          Bytes(1e9), options);
  const auto spread = simulate_collective(on.machine, on.graph, Collective::kAllReduce,
                                          make_group(on.machine, 8, 8), {strided_ranks(0, 8, 8)},
                                          Bytes(1e9), options);
  ASSERT_TRUE(inside && spread);
  // NVLink 4 against a 400 Gbit/s card: 9 to 1 nominal.
  EXPECT_GT(seconds(*spread) / seconds(*inside), 5);
}

TEST(SimulateCollective, half_of_a_level_takes_twice_its_transfer) {
  const Built on = built("dgx_h100_8", 2, "comm/nccl");
  Built halved = on;
  for (Link& link : halved.graph.links) {
    if (link.level == 1) link.bandwidth = link.bandwidth / 2.0;
  }
  const double ratio = seconds(run(halved, Collective::kAllToAll, 8e9)) /
                       seconds(run(on, Collective::kAllToAll, 8e9));
  EXPECT_NEAR(ratio, 2, 0.05);
}

TEST(SimulateCollective, gives_the_same_times_each_time) {
  const Built on = built("cloudmatrix384", 1, "comm/hccl");
  std::vector<Ranks> groups;
  std::mt19937 random(3);
  std::vector<int> devices(768);
  std::iota(devices.begin(), devices.end(), 0);
  for (std::size_t i = devices.size() - 1; i > 0; --i) std::swap(devices[i], devices[random() % i]);
  for (int group = 0; group < 48; ++group) {
    groups.emplace_back(devices.begin() + group * 16, devices.begin() + group * 16 + 16);
  }
  const Group shape = make_group(on.machine, 16, 1);
  const auto first =
      simulate_collective(on.machine, on.graph, Collective::kAllToAll, shape, groups, Bytes(1e8));
  const auto second =
      simulate_collective(on.machine, on.graph, Collective::kAllToAll, shape, groups, Bytes(1e8));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->timeline.finish, second->timeline.finish);
  EXPECT_EQ(first->time.time, second->time.time);
}

TEST(SimulateCollective, refuses_ranks_that_are_not_there) {
  const Built on = built("dgx_h100_8", 1, "comm/nccl");
  const auto refusal = [&](const std::vector<Ranks>& groups, int size, double bytes = 1e6) {
    const auto result = simulate_collective(on.machine, on.graph, Collective::kAllReduce,
                                            make_group(on.machine, size, 1), groups, Bytes(bytes));
    return result ? std::string("accepted") : to_text(result.error());
  };
  EXPECT_EQ(refusal({{0, 8}}, 2),
            "rank on device 8 of a fabric of 8 devices (devices count from 0)");
  EXPECT_EQ(refusal({{3, 3}}, 2), "two ranks of one group on device 3");
  EXPECT_EQ(refusal({{3}}, 1), "a collective needs a group of two ranks");
  EXPECT_EQ(refusal({{0, 1, 2}}, 2), "a group of 3 ranks among groups of 2");
  EXPECT_THAT(refusal({{0, 1}}, 2, 1e30), testing::HasSubstr("more than 100 days"));
}

SimulatedCollective exchange(const Built& on, MoeExchange what, const MoeRouting& routing = {}) {
  return simulate_moe_exchange(on.machine, on.graph, on.all, strided_ranks(0, on.graph.devices, 1),
                               what, routing)
      .value();
}

// Many tokens drawn evenly: the closed form, which is the expectation of every port, up to the
// busiest of many ports.
TEST(SimulateMoe, even_routing_takes_the_time_of_the_closed_form) {
  for (const Place& place : {Place{"h800_8", 1, "comm/nccl"}, Place{"h800_8", 4, "comm/nccl"},
                             Place{"atlas_800i_a3", 1, "comm/hccl"}}) {
    const Built on = built(place.system, place.systems, place.stack);
    for (const bool combine : {false, true}) {
      for (const bool low_latency : {false, true}) {
        const MoeExchange what{.tokens = 4096,
                               .topk = 8,
                               .bytes_per_token = Bytes(combine ? 14336 : 7392),
                               .low_latency = low_latency,
                               .experts = double(on.graph.devices) * 4,
                               .combine = combine};
        const double closed = moe_exchange_time(on.machine, on.all, what).time.value();
        EXPECT_NEAR(seconds(exchange(on, what)) / closed, 1, 0.08)
            << place.systems << " x " << place.system << (combine ? " combine" : " dispatch")
            << (low_latency ? ", low latency" : "");
      }
    }
  }
}

TEST(SimulateMoe, popular_experts_cost_time_and_the_same_seed_the_same_time) {
  const Built on = built("h800_8", 4, "comm/nccl");
  const MoeExchange what{
      .tokens = 1024, .topk = 8, .nodes_limit = 2, .bytes_per_token = Bytes(7392), .experts = 256};
  double before = 0;
  for (const double skew : {0.0, 0.5, 1.0}) {
    const double time = seconds(exchange(on, what, {.skew = skew}));
    EXPECT_GT(time, before * 0.99) << skew;
    before = time;
  }
  EXPECT_GT(before, 1.3 * seconds(exchange(on, what)));
  EXPECT_EQ(seconds(exchange(on, what, {.seed = 5})), seconds(exchange(on, what, {.seed = 5})));
}

// Bytes by counting: with top-k over n ranks of one expert each, distinct ranks, no node passes on.
TEST(SimulateMoe, every_token_reaches_each_of_its_ranks_once) {
  const MoeExchange what{.tokens = 100, .topk = 3, .bytes_per_token = Bytes(10), .experts = 16};
  for (const int block : {0, 4}) {
    MoeTraffic traffic = draw_traffic(what, 16, block, {.seed = 3});
    std::vector<double> in(16, 0.0), out(16, 0.0);
    std::vector<Message> messages;
    for (int rank = 0; rank < 16; ++rank) {
      messages.clear();
      traffic.rounds[0].messages(rank, messages);
      for (const Message& message : messages) {
        out[std::size_t(rank)] += message.bytes;
        in[std::size_t(message.to)] += message.bytes;
        // Between nodes only on one rail.
        if (block > 0 && rank / block != message.to / block) {
          EXPECT_EQ(rank % block, message.to % block);
        }
      }
    }
    const double sent = std::accumulate(out.begin(), out.end(), 0.0);
    EXPECT_DOUBLE_EQ(sent, std::accumulate(in.begin(), in.end(), 0.0));
    // 16 ranks x 100 tokens x 3 copies of 10 bytes, 15/16 of them to other ranks; on the way over a
    // gate a copy may move twice.
    if (block == 0) {
      EXPECT_NEAR(sent, 16 * 100 * 3 * 10 * 15 / 16.0, 0.03 * sent);
    }
  }
}

TEST(SimulateMoe, a_combine_sends_the_dispatch_backwards) {
  MoeExchange what{.tokens = 64, .topk = 4, .bytes_per_token = Bytes(1), .experts = 32};
  MoeTraffic there = draw_traffic(what, 32, 8, {});
  what.combine = true;
  MoeTraffic back = draw_traffic(what, 32, 8, {});
  std::vector<std::vector<double>> bytes(32, std::vector<double>(32, 0.0));
  std::vector<Message> messages;
  for (int rank = 0; rank < 32; ++rank) {
    messages.clear();
    there.rounds[0].messages(rank, messages);
    for (const Message& message : messages) {
      bytes[std::size_t(rank)][std::size_t(message.to)] += message.bytes;
    }
    messages.clear();
    back.rounds[0].messages(rank, messages);
    for (const Message& message : messages) {
      bytes[std::size_t(message.to)][std::size_t(rank)] -= message.bytes;
    }
  }
  for (const auto& row : bytes) EXPECT_THAT(row, testing::Each(0.0));
}

TEST(SimulateMoe, refuses_more_choices_than_experts) {
  const Built on = built("h800_8", 1, "comm/nccl");
  const auto refused = simulate_moe_exchange(
      on.machine, on.graph, on.all, strided_ranks(0, 8, 1),
      {.tokens = 1, .topk = 9, .bytes_per_token = Bytes(1), .experts = 8}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(to_text(refused.error()),
            "1 tokens, each to 9 of 8 experts (at least one token, and no more choices than "
            "experts)");
}

}  // namespace
}  // namespace fivefold
