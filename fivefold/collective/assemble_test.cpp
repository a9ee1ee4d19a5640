#include "fivefold/collective/assemble.h"

#include <cmath>

#include <gtest/gtest.h>

#include "fivefold/catalog/catalog.h"
#include "fivefold/collective/simulate.h"
#include "fivefold/fabric/plan.h"

namespace fivefold {
namespace {

struct Built {
  Machine machine;
  Graph graph;
  Group all;
  Ranks ranks;
  std::vector<double> nominal;
};

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

Built built(const char* system, int systems, const char* stack) {
  const System& one = **catalog().system(system);
  Built result;
  result.machine = build_machine(one, one.chips * systems, **catalog().stack(stack)).value();
  result.graph = build_graph(result.machine).value();
  result.all = make_group(result.machine, result.graph.devices, 1);
  result.ranks = strided_ranks(0, result.graph.devices, 1);
  for (const Link& link : result.graph.links) result.nominal.push_back(link.bandwidth.value());
  return result;
}

struct Wanted {
  Collective collective;
  double bytes;
};

// Seconds until all of them, begun together, have ended; each under its own plan.
double together(const Built& on, const std::vector<Wanted>& operations) {
  Assembler assembler(on.graph, Routing::kAdaptive);
  for (const Wanted& operation : operations) {
    const auto plan =
        plan_collective(on.machine, operation.collective, on.all, Bytes(operation.bytes)).value();
    const auto rounds =
        rounds_of(on.machine, operation.collective, on.all, Bytes(operation.bytes), plan);
    const auto reached = reached_by(on.machine, on.all, plan, operation.collective);
    EXPECT_TRUE(assembler.add(rounds, {.groups = {&on.ranks, 1}, .reached = reached}));
  }
  return double(simulate(on.nominal, assembler.schedule, {.tolerance = 1e-9})->end) * 1e-12;
}

TEST(Assemble, a_plan_alone_has_the_rates_of_lowered_capacities) {
  for (const auto& [system, systems, stack] :
       {std::tuple{"dgx_h100_8", 4, "comm/nccl"}, std::tuple{"mi300x_8", 2, "comm/rccl"},
        std::tuple{"atlas_800t_a2", 2, "comm/hccl"}, std::tuple{"gb200_nvl72", 2, "comm/nccl"}}) {
    const Built on = built(system, systems, stack);
    for (const Collective collective :
         {Collective::kAllReduce, Collective::kAllGather, Collective::kAllToAll}) {
      for (const double bytes : {1e5, 1e9}) {
        const auto lowered =
            simulate_collective(on.machine, on.graph, collective, on.all, {on.ranks}, Bytes(bytes),
                                {.tolerance = 1e-9, .fold = false})
                .value();
        EXPECT_NEAR(together(on, {{collective, bytes}}) / (double(lowered.timeline.end) * 1e-12), 1,
                    1e-6)
            << system << " " << name(collective) << " " << bytes;
      }
    }
  }
}

// Both rings fill the ports of all devices, each at what its plan reaches there: the time on a port
// is that of one after the other.
TEST(Assemble, plans_that_share_links_fill_them_with_their_times_in_sum) {
  const Built on = built("gb200_nvl72", 1, "comm/nccl");
  const Wanted gather{Collective::kAllGather, 4e9}, scatter{Collective::kReduceScatter, 8e9};
  const double one = together(on, {gather}), other = together(on, {scatter});
  EXPECT_NEAR(together(on, {gather, scatter}) / (one + other), 1, 0.01);
}

TEST(Assemble, a_rank_that_comes_late_holds_up_who_sends_to_it) {
  const Built on = built("dgx_h100_8", 1, "comm/nccl");
  const auto plan = plan_collective(on.machine, Collective::kAllGather, on.all, Bytes(1e8)).value();
  const auto rounds = rounds_of(on.machine, Collective::kAllGather, on.all, Bytes(1e8), plan);
  const auto reached = reached_by(on.machine, on.all, plan, Collective::kAllGather);
  Assembler assembler(on.graph, Routing::kAdaptive);
  std::vector<std::int32_t> ready;
  const Picoseconds late = 1'000'000'000;  // 1 ms
  for (int rank = 0; rank < 8; ++rank) {
    ready.push_back(assembler.schedule.add({.delay = rank == 3 ? late : 0}));
    assembler.senders.push_back(-1);
  }
  const auto placed = assembler.add(
      rounds, {.groups = {&on.ranks, 1}, .ready = ready, .meets = true, .reached = reached});
  ASSERT_TRUE(placed);
  const auto timeline = simulate(on.nominal, assembler.schedule);
  ASSERT_TRUE(timeline);
  for (const std::int32_t end : placed->waits.back()) {
    EXPECT_GT(timeline->finish[std::size_t(end)], late);
  }
}

}  // namespace
}  // namespace fivefold
