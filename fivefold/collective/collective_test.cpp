#include "fivefold/collective/collective.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/catalog/catalog.h"
#include "fivefold/collective/plan.h"

namespace fivefold {
namespace {

constexpr double kGB = 1e9;

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

Machine machine(const char* system, int chips, const char* stack) {
  return build_machine(**catalog().system(system), chips, **catalog().stack(stack)).value();
}

// A switch of `size` ranks at 100 GB/s, latency 2 us, nothing lost; a second level of the same kind
// outside at 10 GB/s and 5 us if `blocks` > 1. The library has only what a test switches on.
Machine ideal(int size, int blocks = 1) {
  Machine machine;
  machine.devices = size * blocks;
  for (int i = 0; i < (blocks > 1 ? 2 : 1); ++i) {
    Level level;
    level.size = i == 0 ? size : size * blocks;
    level.fanout = i == 0 ? size : blocks;
    level.bandwidth = BytesPerSecond(i == 0 ? 100 * kGB : 10 * kGB);
    level.latency = Seconds(i == 0 ? 2e-6 : 5e-6);
    for (LinkParameters& link : level.link.of) {
      link.protocols[0] = {1, Seconds(0), level.latency};
      link.hierarchical = false;
    }
    machine.levels.push_back(level);
  }
  return machine;
}

void set_hierarchical(Machine& machine) {
  for (Level& level : machine.levels) {
    for (LinkParameters& link : level.link.of) link.hierarchical = true;
  }
}

double seconds(const Machine& machine, Collective collective, int size, double bytes,
               int stride = 1) {
  return collective_time(machine, collective, make_group(machine, size, stride), Bytes(bytes))
      .time.value();
}

std::vector<int> fanout(const Machine& machine, int size, int stride) {
  const Group group = make_group(machine, size, stride);
  return {group.fanout.begin(), group.fanout.end()};
}

TEST(Group, StridesPlaceMembersInsideAndAcross) {
  const Machine cluster = machine("dgx_h100_8", 64, "comm/nccl");
  EXPECT_THAT(fanout(cluster, 8, 1), testing::ElementsAre(8, 1));
  EXPECT_THAT(fanout(cluster, 4, 8), testing::ElementsAre(1, 4));
  EXPECT_THAT(fanout(cluster, 4, 4), testing::ElementsAre(2, 2));
  EXPECT_THAT(fanout(cluster, 12, 1), testing::ElementsAre(6, 2));  // equal parts
  const Machine cm = machine("cloudmatrix384", 384, "comm/hccl");
  EXPECT_THAT(fanout(cm, 32, 1), testing::ElementsAre(2, 8, 2));
  EXPECT_THAT(fanout(cm, 320, 1), testing::ElementsAre(2, 8, 20));
}

TEST(Collective, OneRankTakesNoTime) {
  const Machine dgx = machine("dgx_h100_8", 8, "comm/nccl");
  for (const Collective collective : {Collective::kAllReduce, Collective::kAllToAll,
                                      Collective::kAllGather, Collective::kSendRecv}) {
    EXPECT_EQ(seconds(dgx, collective, 1, 1e9), 0) << name(collective);
  }
}

// Patarasuk & Yuan 2009: 2(n-1) steps, 2(n-1)/n of the buffer.
TEST(AllReduce, ARingMovesTwiceTheBuffer) {
  const Machine wire = ideal(8);
  // 1 GB over 8 ranks: 1.75 GB at 100 GB/s is 17.5 ms; 14 steps of 2 us hide behind it.
  EXPECT_NEAR(seconds(wire, Collective::kAllReduce, 8, 1e9), std::hypot(17.5e-3, 28e-6), 1e-12);
  EXPECT_NEAR(seconds(wire, Collective::kAllGather, 8, 1e9), std::hypot(8.75e-3, 14e-6), 1e-12);
}

TEST(AllReduce, AHierarchyMovesLessOverTheNetworkThanARing) {
  Machine wire = ideal(8, 2);
  wire.levels[1].bandwidth = BytesPerSecond(1 * kGB);
  // A ring through 16 ranks leaves each node with 15/8 of 8 GB over 8 ports: 1.875 s.
  EXPECT_NEAR(seconds(wire, Collective::kAllReduce, 16, 8e9), 1.875, 1e-3);
  // Level by level: 14 GB at 100 GB/s inside, then each port carries its eighth once: 0.14 + 1 s.
  set_hierarchical(wire);
  EXPECT_NEAR(seconds(wire, Collective::kAllReduce, 16, 8e9), 1.14, 1e-3);
}

TEST(AllToAll, EachLevelCarriesOnlyWhatCrossesIt) {
  const Machine wire = ideal(8, 4);
  // 24 of 32 destinations are in other nodes.
  EXPECT_NEAR(seconds(wire, Collective::kAllToAll, 32, 8e9), 8e9 * 24 / 32 / 10e9, 1e-3);
  EXPECT_NEAR(seconds(wire, Collective::kAllToAll, 8, 8e9), 8e9 * 7 / 8 / 100e9, 1e-4);
}

TEST(AllReduce, SwitchReductionGainsOnlyInLargeGroups) {
  Machine wire = ideal(8);
  wire.levels[0].link.of[0].in_network_efficiency = 1;
  const double ring8 = seconds(ideal(8), Collective::kAllReduce, 8, 1e10);
  const double switch8 = seconds(wire, Collective::kAllReduce, 8, 1e10);
  EXPECT_NEAR(ring8 / switch8, 2.0 * 7 / 9, 1e-3);
  EXPECT_NEAR(seconds(wire, Collective::kAllReduce, 2, 1e10),
              seconds(ideal(8), Collective::kAllReduce, 2, 1e10), 1e-9);
}

// No algorithm can be faster than the bytes that each port must pass.
TEST(Bounds, NothingIsFasterThanThePort) {
  for (const char* system : {"dgx_h100_8", "gb200_nvl72", "cloudmatrix384", "atlas_800t_a2",
                             "mi300x_8", "tpu_v6e_pod", "ub_mesh_pod", "rtx_pro_6000_server_8"}) {
    const System& built = **catalog().system(system);
    for (const char* stack : {"comm/generic", "comm/nccl", "comm/hccl", "comm/sglang"}) {
      const auto whole = build_machine(built, built.chips, **catalog().stack(stack));
      ASSERT_TRUE(whole) << to_text(whole.error());
      for (int size = 2; size <= whole->devices; size *= 2) {
        const double n = size;
        double port = 0;  // all of a device's links together
        for (const Level& level : whole->levels) port += level.bandwidth.value();
        for (const double bytes : {1e3, 1e6, 1e9}) {
          const double once = bytes * (n - 1) / n / port;
          // Reduction in a switch lets the buffer pass once.
          EXPECT_GE(seconds(*whole, Collective::kAllReduce, size, bytes), bytes / port);
          EXPECT_GE(seconds(*whole, Collective::kAllGather, size, bytes), once);
          EXPECT_GE(seconds(*whole, Collective::kAllToAll, size, bytes), once);
        }
      }
    }
  }
}

// A library that chooses by a model of its own may stay with a protocol too long: then a larger
// message is faster. One that takes the fastest may not.
void take_fastest(Machine& machine) {
  for (Level& level : machine.levels) {
    for (LinkParameters& link : level.link.of) link.expected.nccl = false;
  }
}

TEST(Bounds, TimeGrowsWithBytes) {
  for (const char* system : {"dgx_b200_8", "gb200_nvl72", "cloudmatrix384", "atlas_800i_a3"}) {
    const System& built = **catalog().system(system);
    for (const char* stack : {"comm/nccl", "comm/trtllm", "comm/hccl"}) {
      Machine whole = build_machine(built, built.chips, **catalog().stack(stack)).value();
      take_fastest(whole);
      for (const Collective collective :
           {Collective::kAllReduce, Collective::kAllGather, Collective::kReduceScatter,
            Collective::kAllToAll, Collective::kBroadcast, Collective::kReduce,
            Collective::kSendRecv}) {
        double before = 0;
        for (double bytes = 8; bytes < 1e10; bytes *= 2) {
          const double time = seconds(whole, collective, 8, bytes);
          EXPECT_GE(time, before) << system << " " << name(collective) << " " << bytes;
          before = time;
        }
      }
    }
  }
}

TEST(Bounds, NoForcedAlgorithmIsFasterThanTheFastest) {
  int forced = 0, refused = 0;
  for (const char* system : {"dgx_h100_8", "gb200_nvl72", "cloudmatrix384", "ub_mesh_pod"}) {
    const System& built = **catalog().system(system);
    for (const char* stack : {"comm/generic", "comm/nccl", "comm/sglang"}) {
      Machine whole = build_machine(built, built.chips, **catalog().stack(stack)).value();
      take_fastest(whole);
      const Group group = make_group(whole, 8, 1);
      for (const AlgorithmInfo& info : all_algorithms()) {
        // Choices that these libraries leave to the user.
        if (info.algorithm == Algorithm::kTree || info.algorithm == Algorithm::kDoubleTree ||
            info.algorithm == Algorithm::kHalvingDoubling ||
            info.algorithm == Algorithm::kAllPath || info.algorithm == Algorithm::kRailAligned)
          continue;
        for (const Collective collective :
             {Collective::kAllReduce, Collective::kAllGather, Collective::kReduceScatter,
              Collective::kAllToAll, Collective::kBroadcast, Collective::kReduce,
              Collective::kSendRecv}) {
          for (const double bytes : {1e3, 1e6, 1e9}) {
            const auto plan =
                plan_collective(whole, collective, group, Bytes(bytes), {.forced = info.algorithm});
            plan ? ++forced : ++refused;
            if (!plan) continue;
            EXPECT_GE(time_of(*plan).time.value(),
                      seconds(whole, collective, 8, bytes) * (1 - 1e-9))
                << system << " " << stack << " " << name(info.algorithm) << " " << name(collective);
          }
        }
      }
    }
  }
  EXPECT_GT(forced, 100);
  EXPECT_GT(refused, 100);
}

// Each forced algorithm against what its ports must carry at least (the bounds of all_algorithms).
TEST(Bounds, EachAlgorithmCarriesItsBytes) {
  Machine wire = ideal(8);
  LinkParameters& link = wire.levels[0].link.of[std::size_t(Traffic::kAllReduce)];
  link.hierarchical = true;
  link.tree_share = 1;
  link.in_network_efficiency = 1;
  link.direct = {
      .one_shot_efficiency = 1, .two_shot_efficiency = 1, .largest = Bytes(1e12), .most_ranks = 8};
  const std::pair<Algorithm, double> ports[] = {
      {Algorithm::kRing, 1.75},    {Algorithm::kHierarchical, 1.75},
      {Algorithm::kTree, 3},       {Algorithm::kHalvingDoubling, 1.75},
      {Algorithm::kDoubleTree, 2}, {Algorithm::kOneShot, 7},
      {Algorithm::kTwoShot, 1.75}, {Algorithm::kInNetwork, 9.0 / 8}};
  for (const auto& [algorithm, buffers] : ports) {
    const auto plan = plan_collective(wire, Collective::kAllReduce, make_group(wire, 8, 1),
                                      Bytes(1e10), {.forced = algorithm});
    ASSERT_TRUE(plan) << to_text(plan.error());
    EXPECT_EQ(plan->algorithm, algorithm);
    ASSERT_EQ(plan->levels.size(), 1u);
    EXPECT_NEAR(plan->levels[0].bytes, buffers * 1e10, 1) << name(algorithm);
    EXPECT_NEAR(time_of(*plan).time.value(), buffers * 0.1, 1e-4) << name(algorithm);
  }
}

TEST(Forced, ARefusalSaysWhatIsMissing) {
  const Machine dgx = machine("dgx_a100_8", 8, "comm/nccl");
  const Group group = make_group(dgx, 8, 1);
  const auto refusal = [&](Collective collective, Algorithm algorithm) {
    return plan_collective(dgx, collective, group, Bytes(1e6), {.forced = algorithm})
        .error()
        .problems.front()
        .what;
  };
  EXPECT_EQ(refusal(Collective::kAllReduce, Algorithm::kHierarchical),
            "all_reduce by hierarchical: the library does not go level by level on this fabric");
  EXPECT_EQ(
      refusal(Collective::kAllReduce, Algorithm::kInNetwork),
      "all_reduce by in_network: the switches of this fabric do not reduce under this library");
  EXPECT_EQ(refusal(Collective::kAllToAll, Algorithm::kRing),
            "all_to_all by ring: a ring is no all-to-all and no pair");
  EXPECT_EQ(refusal(Collective::kAllToAll, Algorithm::kRailAligned),
            "all_to_all by rail_aligned: rails join several hosts, and the group has one");
}

// The busiest sender or receiver sets the time of an exchange.
TEST(AllToAll, AnUnevenExchangeTakesItsBusiestPort) {
  const Machine wire = ideal(8);
  const Group group = make_group(wire, 8, 1);
  const auto time = [&](double row, double column) {
    return time_of(*plan_collective(wire, Collective::kAllToAll, group, Bytes(8e9),
                                    {.largest_row = row, .largest_column = column}))
        .time.value();
  };
  EXPECT_NEAR(time(2, 1.5) / time(1, 1), 2, 1e-3);
  EXPECT_NEAR(time(1, 3) / time(1, 1), 3, 1e-3);
}

// Through the rail's device, 7/8 of the buffer crosses the switch, and a host is one message.
TEST(AllToAll, RailsTakeFewerMessagesOverTheNetwork) {
  const Machine wire = ideal(8, 4);
  const Group group = make_group(wire, 32, 1);
  const auto plan = plan_collective(wire, Collective::kAllToAll, group, Bytes(32e6),
                                    {.forced = Algorithm::kRailAligned});
  ASSERT_TRUE(plan);
  EXPECT_NEAR(plan->levels[0].bytes, 28e6, 1);
  EXPECT_NEAR(plan->levels[1].bytes, 24e6, 1);
  EXPECT_EQ(plan->levels[1].steps, 3);
  const auto pairs = plan_collective(wire, Collective::kAllToAll, group, Bytes(32e6));
  EXPECT_EQ(pairs->levels[1].steps, 24);
}

TEST(Bounds, TheLatencyIsAPartOfTheTime) {
  const Machine rack = machine("gb200_nvl72", 72, "comm/nccl");
  for (double bytes = 8; bytes < 1e10; bytes *= 8) {
    const CollectiveTime time =
        collective_time(rack, Collective::kAllReduce, make_group(rack, 72, 1), Bytes(bytes));
    EXPECT_GT(time.latency.value(), 0);
    EXPECT_LE(time.latency, time.time);
  }
}

// HIXL on 910C: one pair reads 148.1 and writes 123.5 GB/s in a node, 143.2 and 119.7 across nodes,
// and 22.65 GB/s over RoCE.
TEST(Published, ATransferOverUbLiesBetweenReadAndWrite) {
  const Machine cm = machine("cloudmatrix384", 384, "comm/hccl");
  const double bytes = 8 << 20;
  const double in_node = bytes / seconds(cm, Collective::kSendRecv, 2, bytes, 2);
  EXPECT_GT(in_node, 119.7e9);
  EXPECT_LT(in_node, 148.1e9);
  const double across = bytes / seconds(cm, Collective::kSendRecv, 2, bytes, 16);
  EXPECT_NEAR(across / in_node, 1, 0.05);
  const Machine servers = machine("atlas_800i_a3", 16, "comm/hccl");
  const double roce = bytes / seconds(servers, Collective::kSendRecv, 2, bytes, 16);
  EXPECT_NEAR(roce, 22.65e9, 0.5e9);
}

// NCCL maintainers (nccl-tests issue 212) expect 480 GB/s of busbw with NVLS and 370 without on 8
// H100.
TEST(Published, H100AllReduceReachesItsPlateau) {
  const Machine dgx = machine("dgx_h100_8", 8, "comm/nccl");
  const double bytes = 16e9;
  const double busbw = 1.75 * bytes / seconds(dgx, Collective::kAllReduce, 8, bytes);
  EXPECT_NEAR(busbw, 480e9, 0.05 * 480e9);
}

double exchange_seconds(const Machine& machine, int size, MoeExchange exchange) {
  return moe_exchange_time(machine, make_group(machine, size, 1), exchange).time.value();
}

MoeExchange deepseek(double tokens, bool combine, bool low_latency) {
  return {.tokens = tokens,
          .topk = 8,
          .bytes_per_token = Bytes(combine ? 14336 : 7392),
          .low_latency = low_latency,
          .experts = 256,
          .combine = combine};
}

// With nothing lost and no latency, a copy takes its bytes over the port that it crosses.
TEST(MoeExchange, ATokenCrossesTheNetworkOncePerNode) {
  Machine wire = ideal(8, 4);
  for (Level& level : wire.levels) {
    for (LinkParameters& link : level.link.of) link.protocols[0] = {1, Seconds(0), Seconds(0)};
  }
  MoeExchange one{.tokens = 1000, .topk = 1, .bytes_per_token = Bytes(1e6)};
  // One destination each: 24 of 32 are in other nodes, whether forwarded or not.
  const double direct = exchange_seconds(wire, 32, one);
  EXPECT_NEAR(direct, 1e9 * 0.75 / 10e9, 1e-9);
  wire.levels[1].link.of[std::size_t(Traffic::kMoeDispatch)].exchange.forwards = true;
  EXPECT_NEAR(exchange_seconds(wire, 32, one), direct, 1e-9);
  // Very many destinations: all 3 other nodes once each, where direct copies go to 24 devices.
  MoeExchange all = one;
  all.topk = 4000;
  EXPECT_NEAR(exchange_seconds(wire, 32, all), 1e9 * 3 / 10e9, 1e-6);
  // Limited to two nodes: half of a token's nodes are reached.
  all.nodes_limit = 2;
  EXPECT_NEAR(exchange_seconds(wire, 32, all), 1e9 * 2 * 0.75 / 10e9, 1e-6);
}

TEST(MoeExchange, ImbalanceStretchesTheWireTime) {
  const Machine cm = machine("cloudmatrix384", 384, "comm/hccl");
  MoeExchange even = deepseek(128, false, true);
  MoeExchange uneven = even;
  uneven.imbalance = 1.5;
  EXPECT_GT(exchange_seconds(cm, 256, uneven), exchange_seconds(cm, 256, even));
}

// arXiv 2506.12708 table 6: dispatch 116 to 152 us and combine 118 to 149 us from EP 8 to EP 256.
TEST(Published, CloudMatrixExchangeHardlyGrowsWithTheGroup) {
  const Machine cm = machine("cloudmatrix384", 384, "comm/hccl");
  MoeExchange dispatch = deepseek(128, false, true);
  dispatch.bytes_per_token = Bytes(7680);
  EXPECT_NEAR(exchange_seconds(cm, 8, dispatch), 116e-6, 15e-6);
  EXPECT_NEAR(exchange_seconds(cm, 256, dispatch), 152e-6, 20e-6);
  EXPECT_NEAR(exchange_seconds(cm, 8, deepseek(128, true, true)), 118e-6, 12e-6);
  EXPECT_NEAR(exchange_seconds(cm, 256, deepseek(128, true, true)), 149e-6, 15e-6);
}

// DeepEP V1 on H800 (docs/legacy.md): low-latency dispatch 118 us at EP 16 to 194 us at EP 256; the
// network's part of the copies grows from 1/2 to 31/32.
TEST(Published, DeepEpLatencyFollowsTheShareOfTheNetwork) {
  const Machine cluster = machine("h800_8", 256, "comm/nccl");
  const double ep16 = exchange_seconds(cluster, 16, deepseek(128, false, true));
  const double ep256 = exchange_seconds(cluster, 256, deepseek(128, false, true));
  EXPECT_NEAR(ep16, 118e-6, 12e-6);
  EXPECT_NEAR(ep256, 194e-6, 20e-6);
}

// Four hosts of eight.
TEST(Group, devices_in_order_have_the_levels_that_they_fill_and_others_none) {
  const Machine on = machine("dgx_h100_8", 32, "comm/nccl");
  const auto shape = [&](std::vector<int> devices) {
    const Group group = group_of(on, devices);
    return std::vector<int>(group.fanout.begin(), group.fanout.end());
  };
  EXPECT_THAT(shape({0, 1, 2, 3, 8, 9, 10, 11}), testing::ElementsAre(4, 2));
  EXPECT_THAT(shape({5, 7, 1}), testing::ElementsAre(3, 1));
  EXPECT_THAT(shape({0, 8, 16, 24}), testing::ElementsAre(1, 4));
  // Interleaved, and filled unevenly: no host can be counted on.
  EXPECT_THAT(shape({0, 8, 1, 9}), testing::ElementsAre(1, 4));
  EXPECT_THAT(shape({0, 1, 2, 8}), testing::ElementsAre(1, 4));
  for (int size = 1; size <= 32; size *= 2) {
    for (int stride = 1; size * stride <= 32; stride *= 2) {
      std::vector<int> devices;
      for (int i = 0; i < size; ++i) devices.push_back(i * stride);
      const Group group = make_group(on, size, stride);
      EXPECT_EQ(shape(devices), std::vector<int>(group.fanout.begin(), group.fanout.end()))
          << size << " ranks, " << stride << " apart";
    }
  }
}

}  // namespace
}  // namespace fivefold
