#include "fivefold/replay/replay.h"

#include <cmath>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/catalog/catalog.h"
#include "fivefold/fabric/plan.h"
#include "fivefold/replay/match.h"
#include "fivefold/replay/network.h"
#include "fivefold/replay/trace_writer_test.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

const std::string kShared = std::string(FIVEFOLD_SHARED_DIR) + "/data/";

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

struct Place {
  Machine machine;
  Graph graph;
};

Place place(const char* system, int devices, const char* stack) {
  const System& one = **catalog().system(system);
  Place result;
  result.machine =
      build_machine(one, devices / one.chip->devices_per_chip, **catalog().stack(stack)).value();
  result.graph = build_graph(result.machine).value();
  return result;
}

// Rings and switches of a user's own, on which nothing but their numbers has a part.
Place network(const std::string& topology, int devices, double gigabytes, double nanoseconds) {
  const auto read = read_topology(
      fmt::format("topology: [ {} ]\nnpus_count: [ {} ]\nbandwidth: [ {} ]\nlatency: [ {} ]\n",
                  topology, devices, gigabytes, nanoseconds),
      "net.yml");
  return {machine_of(*read), read->graph};
}

Trace trace(const std::vector<WrittenNode>& nodes, int rank = 0) {
  return read_trace(written_trace(nodes), "t." + std::to_string(rank) + ".et").value();
}

std::vector<Trace> same(int ranks, const std::vector<WrittenNode>& nodes) {
  std::vector<Trace> traces;
  for (int rank = 0; rank < ranks; ++rank) traces.push_back(trace(nodes, rank));
  return traces;
}

Replay run(const Place& on, const std::vector<Trace>& traces, const ReplayOptions& options = {}) {
  auto result = replay(on.machine, on.graph, traces, nullptr, options);
  EXPECT_TRUE(result) << to_text(result.error());
  return result ? *std::move(result) : Replay{};
}

std::string refusal(const Place& on, const std::vector<Trace>& traces,
                    const ReplayOptions& options = {}) {
  const auto result = replay(on.machine, on.graph, traces, nullptr, options);
  return result ? "accepted" : to_text(result.error());
}

double micros(Seconds time) {
  return time.value() * 1e6;
}

double closed(const Place& on, Collective collective, int ranks, double bytes) {
  const Group group = make_group(on.machine, ranks, 1);
  return micros(collective_time(on.machine, collective, group, Bytes(bytes)).time);
}

struct Kind {
  int comm_type;
  Collective collective;
  bool from_each;  // comm_size is a part of the buffer
};
constexpr Kind kKinds[] = {{0, Collective::kAllReduce, false},
                           {2, Collective::kAllGather, true},
                           {6, Collective::kAllToAll, false},
                           {7, Collective::kReduceScatter, false}};

TEST(Replay, one_collective_takes_the_time_that_it_has_by_itself) {
  for (const auto& [system, devices, stack] :
       {std::tuple{"dgx_h100_8", 8, "comm/nccl"}, std::tuple{"dgx_h100_8", 32, "comm/nccl"},
        std::tuple{"mi300x_8", 8, "comm/rccl"}, std::tuple{"atlas_800t_a2", 8, "comm/hccl"},
        std::tuple{"gb200_nvl72", 72, "comm/nccl"}}) {
    const Place on = place(system, devices, stack);
    for (const Kind& kind : kKinds) {
      for (const double bytes : {72e3, 36e6}) {
        const double part = kind.from_each ? std::floor(bytes / devices) : bytes;
        const double buffer = kind.from_each ? part * devices : bytes;
        const auto traces =
            same(devices, {collective_node(1, kind.comm_type, std::uint64_t(part))});
        const auto alone = simulate_collective(on.machine, on.graph, kind.collective,
                                               make_group(on.machine, devices, 1),
                                               {strided_ranks(0, devices, 1)}, Bytes(buffer))
                               .value();
        for (const bool fold : {true, false}) {
          EXPECT_NEAR(run(on, traces, {.fold = fold}).time / alone.time.time, 1, 2e-3)
              << system << " " << devices << " " << name(kind.collective) << " " << bytes;
        }
      }
    }
  }
}

TEST(Replay, folding_changes_no_time) {
  const Place on = place("dgx_h100_8", 32, "comm/nccl");
  const auto traces = same(32, {compute_node(1, 40), collective_node(2, 2, 1 << 20, {1}),
                                compute_node(3, 30, {1}), collective_node(4, 7, 1 << 22, {3})});
  const Replay folded = run(on, traces, {.tolerance = 1e-9});
  const Replay whole = run(on, traces, {.tolerance = 1e-9, .fold = false});
  EXPECT_GT(folded.folded_to, 0);
  EXPECT_EQ(whole.folded_to, 0);
  EXPECT_NEAR(folded.time / whole.time, 1, 1e-6);
  EXPECT_NEAR(folded.ranks[31].exposed / whole.ranks[31].exposed, 1, 1e-6);
  EXPECT_EQ(folded.recorded, whole.recorded);
  for (std::size_t level = 0; level < whole.levels.size(); ++level) {
    EXPECT_NEAR(folded.levels[level].bytes, whole.levels[level].bytes,
                1e-6 * whole.levels[level].bytes);
    EXPECT_NEAR(folded.levels[level].busiest, whole.levels[level].busiest, 1e-6);
  }
}

// 100 us of computing that a gather runs beside, then 50 us that wait for both.
TEST(Replay, exposed_is_what_no_computing_runs_beside) {
  const Place on = network("Switch", 4, 50, 500);
  const std::uint64_t part = 1 << 22;
  const double gather = closed(on, Collective::kAllGather, 4, 4.0 * double(part));
  const Replay replayed = run(on, same(4, {collective_node(1, 2, part), compute_node(2, 100),
                                           compute_node(3, 50, {1, 2})}));
  const RankTime& rank = replayed.ranks[2];
  ASSERT_GT(gather, 100);
  EXPECT_NEAR(micros(rank.communication), gather, 0.01 * gather);
  EXPECT_NEAR(micros(rank.exposed), gather - 100, 0.01 * gather);
  EXPECT_NEAR(micros(rank.total), gather + 50, 0.01 * gather);
  EXPECT_NEAR(micros(rank.compute), 150, 1e-6);
  EXPECT_NEAR(micros(rank.idle), 0, 1e-6);
}

TEST(Replay, a_device_computes_one_node_at_a_time_beside_host_and_memory) {
  const Place on = network("Switch", 2, 50, 500);
  WrittenNode host = compute_node(3, 70);
  host.attributes = attribute("is_cpu_op", 1, 27);
  WrittenNode load{.id = 4, .type = 2, .micros = 25};
  const Replay replayed = run(on, {trace({compute_node(1, 10), compute_node(2, 20), host, load})});
  const RankTime& rank = replayed.ranks[0];
  EXPECT_NEAR(micros(rank.compute), 30, 1e-9);
  EXPECT_NEAR(micros(rank.host), 70, 1e-9);
  EXPECT_NEAR(micros(rank.memory), 25, 1e-9);
  EXPECT_NEAR(micros(rank.total), 70, 1e-9);
  EXPECT_NEAR(micros(rank.idle), 40, 1e-9);
}

TEST(Replay, a_collective_waits_for_its_last_rank) {
  const auto check = [](const Place& on, double most) {
    const int ranks = on.graph.devices;
    std::vector<Trace> traces = same(ranks - 1, {collective_node(2, 0, 1 << 20)});
    traces.push_back(trace({compute_node(1, 500), collective_node(2, 0, 1 << 20, {1})}, ranks - 1));
    const double alone = closed(on, Collective::kAllReduce, ranks, 1 << 20);
    const Replay replayed = run(on, traces);
    for (const RankTime& rank : replayed.ranks) {
      EXPECT_GE(micros(rank.total), 500 + 0.99 * alone);
      EXPECT_LE(micros(rank.total), 500 + most * alone);
    }
    EXPECT_NEAR(micros(replayed.ranks[0].exposed), micros(replayed.ranks[0].total), 1e-6);
    EXPECT_NEAR(micros(replayed.ranks[std::size_t(ranks) - 1].exposed),
                micros(replayed.ranks[std::size_t(ranks) - 1].total) - 500, 1e-6);
  };
  check(place("dgx_h100_8", 8, "comm/nccl"), 1.01);  // a ring
  // Halving and doubling: those who are ahead must not share the late one's port with those whom it
  // waits for.
  check(network("Switch", 4, 50, 500), 1.01);
}

// Of one group one after the other; of two groups at once, over the same ports.
TEST(Replay, collectives_of_one_group_are_in_order_those_of_two_share_links) {
  const Place on = network("Switch", 4, 50, 0);
  const double alone = closed(on, Collective::kAllReduce, 4, 1 << 24);
  const auto two = [&](const char* first, const char* second) {
    return run(on,
               same(4, {collective_node(1, 0, 1 << 24, {}, first),
                        collective_node(2, 0, 1 << 24, {}, second)}),
               {.spans = true});
  };
  const Replay ordered = two("a", "a"), shared = two("a", "b");
  EXPECT_NEAR(micros(ordered.time) / alone, 2, 0.02);
  EXPECT_NEAR(micros(shared.time) / alone, 2, 0.02);
  EXPECT_NEAR(double(ordered.spans[0].end) / (alone * 1e6), 1, 0.02);
  EXPECT_NEAR(double(shared.spans[0].end) / (alone * 1e6), 2, 0.02);
}

TEST(Replay, groups_are_those_that_use_a_name_or_that_a_file_lists) {
  const Place on = network("Switch", 4, 50, 500);
  std::vector<Trace> traces;
  for (int rank = 0; rank < 4; ++rank) {
    traces.push_back(trace({collective_node(1, 0, 1 << 20, {}, rank < 2 ? "low" : "high")}, rank));
  }
  const double pair = closed(on, Collective::kAllReduce, 2, 1 << 20);
  EXPECT_NEAR(micros(run(on, traces).time) / pair, 1, 0.01);
  const RankGroups listed = {{"low", {1, 0}}, {"high", {2, 3}}};
  EXPECT_NEAR(micros(run(on, traces, {.groups = listed}).time) / pair, 1, 0.01);
  EXPECT_THAT(refusal(on, traces, {.groups = {{"low", {0, 3}}}}),
              HasSubstr("group 'low' of ranks 0, 3, and rank 1 is not in it"));
  EXPECT_THAT(refusal(on, traces, {.groups = {{"low", {0, 1, 2}}}}),
              HasSubstr("node 1 'n1' is collective 1 of group 'low', and rank 2 has only 0"));
  EXPECT_THAT(refusal(on, traces, {.groups = {{"low", {0, 1, 9}}}}),
              HasSubstr("group 'low' has rank 9, of 4 ranks"));
}

TEST(GroupOf, is_the_form_on_the_levels) {
  const Place on = place("dgx_h100_8", 32, "comm/nccl");
  const auto fanouts = [&](const std::vector<int>& ranks) {
    const Group group = group_of(on.machine, ranks);
    EXPECT_EQ(group.size, int(ranks.size()));
    return std::vector<int>(group.fanout.begin(), group.fanout.end());
  };
  using Fanouts = std::vector<int>;
  EXPECT_EQ(fanouts({0, 1, 2, 3}), (Fanouts{4, 1}));
  EXPECT_EQ(fanouts({5, 13, 21, 29}), (Fanouts{1, 4}));
  EXPECT_EQ(fanouts({0, 1, 8, 9}), (Fanouts{2, 2}));
  EXPECT_EQ(fanouts({6, 7, 8, 9}), (Fanouts{2, 2}));
  EXPECT_EQ(fanouts({0, 1, 8}), (Fanouts{1, 3}));  // uneven
  EXPECT_EQ(fanouts({0, 1, 5}), (Fanouts{3, 1}));  // but in one host
  const Group twelve = make_group(on.machine, 12, 1);
  EXPECT_EQ(fanouts({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}),
            Fanouts(twelve.fanout.begin(), twelve.fanout.end()));
}

// Groups of a form for which no ring fits evenly still move and end.
TEST(Replay, uneven_groups_run) {
  const Place on = place("dgx_h100_8", 16, "comm/nccl");
  for (const Kind& kind : kKinds) {
    std::vector<Trace> traces;
    for (int rank = 0; rank < 16; ++rank) {
      const bool member = rank == 2 || rank == 3 || rank == 11;
      traces.push_back(
          trace(member ? std::vector{collective_node(1, kind.comm_type, 1 << 20, {}, "odd")}
                       : std::vector{compute_node(1, 1)},
                rank));
    }
    const Replay replayed = run(on, traces);
    EXPECT_GT(replayed.ranks[11].total.value(), 1e-5) << name(kind.collective);
    EXPECT_NEAR(micros(replayed.ranks[0].total), 1, 1e-9);
  }
}

TEST(Replay, involved_dim_names_the_levels_of_a_group) {
  const auto read = read_topology(
      "topology: [ Ring, Switch ]\nnpus_count: [ 4, 2 ]\nbandwidth: [ 100, 50 ]\n"
      "latency: [ 500, 1000 ]\n",
      "net.yml");
  const Place on = {machine_of(*read), read->graph};
  WrittenNode node = collective_node(1, 0, 1 << 20);
  const auto involve = [&](const std::string& dims) {
    WrittenNode result = node;
    result.attributes +=
        bytes_field(10, bytes_field(1, "involved_dim") + bytes_field(28, bytes_field(1, dims)));
    return same(8, {result});
  };
  const auto time = [&](int size, int stride) {
    return micros(collective_time(on.machine, Collective::kAllReduce,
                                  make_group(on.machine, size, stride), Bytes(1 << 20))
                      .time);
  };
  EXPECT_NEAR(micros(run(on, involve({1, 1})).time) / time(8, 1), 1, 0.01);
  EXPECT_NEAR(micros(run(on, involve({1, 0})).time) / time(4, 1), 1, 0.01);
  EXPECT_NEAR(micros(run(on, involve({0, 1})).time) / time(2, 4), 1, 0.01);
  EXPECT_THAT(refusal(on, involve({0})), HasSubstr("for 1 dimensions of a machine with 2 levels"));
}

// Two pieces each way: a message may come before its receive, and is there at once.
TEST(Replay, messages_take_latency_and_bytes) {
  const Place on = network("Switch", 2, 50, 500);
  const double one = std::hypot(1.0, 1e6 / 50e9 * 1e6);  // two hops of 500 ns behind 20 us
  const Replay replayed =
      run(on, {trace({message_node(1, true, 1, 1'000'000)}, 0),
               trace({compute_node(1, 7), message_node(2, false, 0, 1'000'000, {1}),
                      compute_node(3, 1, {2})},
                     1)});
  EXPECT_NEAR(micros(replayed.ranks[0].total), one, 0.03);
  EXPECT_NEAR(micros(replayed.ranks[1].total), one + 1, 0.03);
  EXPECT_NEAR(micros(replayed.ranks[1].exposed), one - 7, 0.03);
  const Replay late =
      run(on, {trace({message_node(1, true, 1, 1'000'000)}, 0),
               trace({compute_node(1, 50), message_node(2, false, 0, 1'000'000, {1})}, 1)});
  EXPECT_NEAR(micros(late.ranks[1].total), 50, 1e-6);
}

TEST(Replay, a_way_of_several_hops_takes_the_latency_as_often) {
  const Place on = network("Ring", 8, 50, 1000);
  std::vector<Trace> traces = same(8, {});
  traces[0] = trace({message_node(1, true, 3, 1)}, 0);
  traces[3] = trace({message_node(1, false, 0, 1)}, 3);
  EXPECT_NEAR(micros(run(on, traces).time), 3, 0.01);
}

// n ranks in a ring, 2(n-1) steps: each sends a piece and takes one, and its next send needs what
// it took.
std::vector<Trace> ring_of_messages(int ranks, std::uint64_t bytes) {
  std::vector<Trace> traces;
  for (int rank = 0; rank < ranks; ++rank) {
    std::vector<WrittenNode> nodes;
    for (std::uint64_t step = 0; step < std::uint64_t(2 * (ranks - 1)); ++step) {
      std::vector<std::uint64_t> needs;
      if (step > 0) needs = {2 * step - 2, 2 * step - 1};
      nodes.push_back(
          message_node(2 * step, true, (rank + 1) % ranks, bytes / std::uint64_t(ranks), needs));
      nodes.push_back(message_node(2 * step + 1, false, (rank + ranks - 1) % ranks,
                                   bytes / std::uint64_t(ranks), needs));
    }
    traces.push_back(trace(nodes, rank));
  }
  return traces;
}

TEST(Replay, a_ring_spelled_out_as_messages_takes_its_closed_form) {
  for (const int ranks : {4, 8, 16}) {
    const Place on = network("Ring", ranks, 50, 500);
    // Latency of a step behind the transfer, as all closed forms here have it (collective/plan.h).
    const double step = std::hypot(0.5, 1048576.0 / ranks / 50e9 * 1e6);
    const Replay replayed = run(on, ring_of_messages(ranks, 1048576));
    // Rates are found to a thousandth.
    EXPECT_NEAR(micros(replayed.time) / (2 * (ranks - 1) * step), 1, 2e-3) << ranks;
  }
}

TEST(Replay, without_latency_a_ring_of_messages_is_the_library_s_ring_in_one_direction) {
  const Place on = network("Switch", 8, 50, 0);
  const auto plan =
      plan_collective(on.machine, Collective::kAllReduce, make_group(on.machine, 8, 1),
                      Bytes(1048576), {.forced = Algorithm::kRing});
  ASSERT_TRUE(plan);
  EXPECT_NEAR(run(on, ring_of_messages(8, 1048576)).time / time_of(*plan).time, 1, 2e-3);
}

TEST(Replay, gives_the_same_times_each_time) {
  const Place on = place("mi300x_8", 16, "comm/rccl");
  std::vector<Trace> traces;
  for (int rank = 0; rank < 16; ++rank) {
    traces.push_back(
        trace({compute_node(1, std::uint64_t(10 + rank)), collective_node(2, 6, 1 << 20, {1}, "ep"),
               collective_node(3, 0, 1 << 22, {}, rank % 2 == 0 ? "even" : "odd"),
               compute_node(4, 5, {2, 3})},
              rank));
  }
  const Replay first = run(on, traces, {.spans = true}), second = run(on, traces, {.spans = true});
  ASSERT_EQ(first.spans.size(), second.spans.size());
  for (std::size_t i = 0; i < first.spans.size(); ++i) {
    EXPECT_EQ(first.spans[i].begin, second.spans[i].begin);
    EXPECT_EQ(first.spans[i].end, second.spans[i].end);
  }
}

// What must hold of any trace: no rank is faster than its computing or than the longest chain, and
// the times of a rank add up.
TEST(Replay, times_of_a_rank_add_up) {
  const Place on = place("dgx_h100_8", 16, "comm/nccl");
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::vector<WrittenNode> nodes;
    unsigned state = seed;
    const auto random = [&](unsigned below) {
      state = state * 1664525u + 1013904223u;
      return (state >> 8) % below;
    };
    for (std::uint64_t id = 1; id <= 40; ++id) {
      std::vector<std::uint64_t> needs;
      if (id > 1 && random(3) > 0) needs.push_back(1 + random(unsigned(id) - 1));
      if (random(4) == 0) {
        nodes.push_back(collective_node(id, int(kKinds[random(4)].comm_type),
                                        1u << (10 + random(14)), needs,
                                        random(2) == 0 ? "a" : "b"));
      } else {
        nodes.push_back(compute_node(id, random(200), needs));
      }
    }
    const Replay replayed = run(on, same(16, nodes));
    for (const RankTime& rank : replayed.ranks) {
      EXPECT_NEAR(micros(rank.compute + rank.exposed + rank.idle), micros(rank.total), 1e-3);
      EXPECT_LE(rank.exposed, rank.communication);
      EXPECT_GE(rank.total, rank.compute);
      EXPECT_GE(rank.idle.value(), 0);
    }
    EXPECT_LE(replayed.busiest, 1 + 2e-3);
  }
}

TEST(Replay, computes_by_the_kernel_model_where_nothing_was_recorded) {
  const Place on = place("dgx_h100_8", 8, "comm/nccl");
  const Chip& chip = **catalog().chip("h100_sxm");
  const auto kernels = KernelModel::make(chip.device, catalog().default_stack(chip));
  ASSERT_TRUE(kernels);
  WrittenNode node = compute_node(1, 0);
  // 4096 tokens through weights of 8192 x 8192.
  const double n = 8192, m = 4096;
  node.attributes = attribute("num_ops", std::uint64_t(2 * m * n * n)) +
                    attribute("tensor_size", std::uint64_t(2 * (n * n + 2 * m * n)), 13);
  const auto traces = same(1, {node, compute_node(2, 0)});
  const auto modelled = replay(on.machine, on.graph, traces, &*kernels, {});
  ASSERT_TRUE(modelled) << to_text(modelled.error());
  EXPECT_EQ(modelled->modelled, 1u);
  EXPECT_EQ(modelled->untimed, 1u);
  const Seconds product = kernels->time(Family::kGemm, Gemm{.m = m, .n = n, .k = n}).time;
  EXPECT_NEAR(modelled->time / product, 1, 1e-6);
  EXPECT_THAT(refusal(on, traces), HasSubstr("t.0.et: node 1 'n1' has operations to time"));
  EXPECT_EQ(run(on, traces, {.times = ComputeTimes::kRecorded}).untimed, 2u);
}

TEST(ShapeOfWork, has_the_operations_and_bytes_that_are_asked_for) {
  for (const double n : {512.0, 4096.0}) {
    for (const double m : {1.0, 16.0, 256.0}) {
      const double ops = 2 * m * n * n, bytes = 2 * (n * n + 2 * m * n);
      const Shape shape = shape_of_work(ops, bytes);
      ASSERT_TRUE(std::holds_alternative<Gemm>(shape));
      const Gemm& gemm = std::get<Gemm>(shape);
      EXPECT_NEAR(gemm.m, m, 1e-6);
      EXPECT_NEAR(gemm.n, n, 1e-6);
    }
  }
  EXPECT_TRUE(std::holds_alternative<Streaming>(shape_of_work(1e6, 4e6)));
  EXPECT_TRUE(std::holds_alternative<Streaming>(shape_of_work(0, 4e6)));
  // More operations than so few bytes can hold: a cube.
  const Gemm cube = std::get<Gemm>(shape_of_work(2e9, 10));
  EXPECT_EQ(cube.m, 1000);
  EXPECT_EQ(cube.n, 1000);
}

TEST(Replay, says_where_ranks_disagree) {
  const Place on = network("Switch", 4, 50, 500);
  const auto ranks = [&](std::vector<WrittenNode> first, std::vector<WrittenNode> second) {
    return refusal(on, {trace(first, 0), trace(second, 1)});
  };
  EXPECT_THAT(ranks({collective_node(1, 0, 64)}, {collective_node(5, 2, 64)}),
              HasSubstr("t.0.et: node 1 'n1' is all_reduce of 64 bytes, and rank 1 runs node 5 "
                        "'n5', all_gather of 64 bytes, at the same time"));
  EXPECT_THAT(ranks({collective_node(1, 0, 64)}, {collective_node(1, 0, 65)}),
              HasSubstr("all_reduce of 65 bytes"));
  EXPECT_THAT(
      ranks({collective_node(1, 0, 64), collective_node(2, 0, 64)}, {collective_node(1, 0, 64)}),
      HasSubstr("t.0.et: node 2 'n2' is collective 2 of all ranks, and rank 1 has only 1"));
  EXPECT_THAT(ranks({message_node(1, true, 1, 8)}, {compute_node(1, 1)}),
              HasSubstr("t.0.et: node 1 'n1' has no receive: rank 0 sends 1 messages with tag 0 to "
                        "rank 1, which receives 0"));
  EXPECT_THAT(ranks({compute_node(1, 1)}, {message_node(4, false, 0, 8, {}, 3)}),
              HasSubstr("t.1.et: node 4 'n4' has no send"));
  EXPECT_THAT(ranks({message_node(1, true, 1, 8)}, {message_node(1, false, 0, 9)}),
              HasSubstr("sends 8 bytes to rank 1, where node 1 'n1' takes 9"));
  EXPECT_THAT(ranks({message_node(1, true, 2, 8)}, {compute_node(1, 1)}),
              HasSubstr("sends to rank 2, and there are 2 traces"));
  EXPECT_THAT(ranks({message_node(1, true, 0, 8)}, {compute_node(1, 1)}), HasSubstr("itself"));
  EXPECT_THAT(ranks({collective_node(1, 3, 64)}, {collective_node(1, 3, 64)}),
              HasSubstr("is a gather, which has no time here"));
  EXPECT_THAT(ranks({collective_node(1, 12, 64)}, {collective_node(1, 12, 64)}),
              HasSubstr("unknown comm_type 12"));
  WrittenNode bare{.id = 1, .type = 7};
  EXPECT_THAT(ranks({bare}, {bare}), HasSubstr("is a collective without comm_type"));
  bare.attributes = attribute("comm_type", 0);
  EXPECT_THAT(ranks({bare}, {bare}), HasSubstr("is a collective without comm_size"));
  EXPECT_THAT(refusal(on, {trace({collective_node(1, 0, 64)})}),
              HasSubstr("is a collective of one rank"));
  EXPECT_THAT(refusal(on, same(5, {compute_node(1, 1)})), HasSubstr("5 ranks on a machine of 4"));
}

// Each rank's own graph is in order; together they are not.
TEST(Replay, names_a_circle_through_several_ranks) {
  const Place on = network("Switch", 2, 50, 500);
  const std::string messages =
      refusal(on, {trace({message_node(1, false, 1, 8), message_node(2, true, 1, 8, {1})}, 0),
                   trace({message_node(1, false, 0, 8), message_node(2, true, 0, 8, {1})}, 1)});
  EXPECT_THAT(messages, HasSubstr("wait for each other in a circle"));
  EXPECT_THAT(messages, HasSubstr("of rank 0"));
  EXPECT_THAT(messages, HasSubstr("of rank 1"));
  const std::string groups = refusal(
      on, {trace({collective_node(1, 0, 8, {}, "a"), collective_node(2, 0, 8, {1}, "b")}, 0),
           trace({collective_node(1, 0, 8, {}, "b"), collective_node(2, 0, 8, {1}, "a")}, 1)});
  EXPECT_THAT(groups, HasSubstr("wait for each other in a circle"));
}

TEST(Replay, barriers_and_zero_bytes_take_the_latency) {
  const Place on = network("Switch", 4, 50, 500);
  WrittenNode barrier{.id = 1, .type = 7, .attributes = attribute("comm_type", 9)};
  EXPECT_GT(run(on, same(4, {barrier})).time.value(), 1e-6);
  EXPECT_GT(run(on, same(4, {collective_node(1, 0, 0)})).time.value(), 1e-6);
  EXPECT_EQ(run(on, same(4, {})).time.value(), 0);
}

TEST(Replay, micro_benchmarks_of_astra_sim_take_the_time_of_the_collective) {
  const std::string folder = kShared + "chakra/microbench/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  for (const Kind& kind : kKinds) {
    for (const int ranks : {4, 8}) {
      const std::string operation(name(kind.collective));
      if (kind.collective == Collective::kAllToAll && ranks == 8) continue;
      const auto traces = load_traces(
          folder + operation + "_" + std::to_string(ranks) + "npus_1MB/" + operation, ranks);
      ASSERT_TRUE(traces) << to_text(traces.error());
      for (const auto& [system, stack] :
           {std::pair{"dgx_h100_8", "comm/nccl"}, std::pair{"mi300x_8", "comm/rccl"},
            std::pair{"atlas_800t_a2", "comm/hccl"}}) {
        const Place on = place(system, ranks, stack);
        const double bytes = 1048576.0 * (kind.from_each ? ranks : 1);
        EXPECT_NEAR(micros(run(on, *traces).time) / closed(on, kind.collective, ranks, bytes), 1,
                    0.01)
            << system << " " << operation << " " << ranks;
      }
    }
  }
}

// 14 steps of a piece of 131,072 bytes, 7 of them with a reduction of 7 us behind.
TEST(Replay, the_custom_ring_of_astra_sim_takes_its_closed_form) {
  const std::string ring = kShared + "topology/astra_network/Ring_8npus.yml";
  if (!std::filesystem::exists(ring)) GTEST_SKIP() << "no " << ring;
  const auto topology = load_topology(ring);
  ASSERT_TRUE(topology);
  const auto traces =
      load_traces(kShared + "chakra/custom_ring_allreduce_8npus_1MB/custom_allreduce");
  ASSERT_TRUE(traces) << to_text(traces.error());
  const Place on = {machine_of(*topology), topology->graph};
  const Replay replayed = run(on, *traces);
  const double step = std::hypot(0.5, 131072 / 50e9 * 1e6);
  EXPECT_NEAR(micros(replayed.time), 14 * step + 49, 14 * step * 2e-3);
  EXPECT_NEAR(micros(replayed.ranks[5].compute), 49, 1e-9);
  EXPECT_EQ(replayed.messages, 112u);
}

TEST(Replay, a_real_pytorch_step_runs_on_many_ranks) {
  const std::string file = kShared + "chakra/pytorch_feeder_chakra.0.et.gz";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file;
  auto loaded = load_trace(file);
  ASSERT_TRUE(loaded);
  const std::vector<Trace> traces = {*std::move(loaded)};
  const Place on = place("dgx_h100_8", 8, "comm/nccl");
  const Replay replayed = run(on, traces, {.copies = 8});
  EXPECT_EQ(replayed.nodes, 8u * 3664);
  EXPECT_EQ(replayed.collectives, 7u);
  // All kernels one after the other are 292,828 us as recorded.
  EXPECT_NEAR(micros(replayed.ranks[0].compute), 292828, 1);
  EXPECT_GT(replayed.time, replayed.ranks[0].compute);
  EXPECT_EQ(refusal(on, traces, {.copies = 9}),
            "9 ranks on a machine of 8 devices (each rank runs on a device of its own)");
}

}  // namespace
}  // namespace fivefold
