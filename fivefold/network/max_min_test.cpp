#include "fivefold/network/max_min.h"

#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/network/schedule.h"

namespace fivefold {
namespace {

struct Flow {
  std::vector<Hop> path;
  double weight = 1;
  double cap = kNoCap;
};

std::vector<double> rates(const std::vector<double>& capacities, const std::vector<Flow>& flows) {
  MaxMin solver(capacities, 1e-9);
  for (const Flow& flow : flows) {
    solver.add_weight(solver.add_class(flow.path, flow.cap), flow.weight);
  }
  solver.settle();
  std::vector<double> result;
  for (int i = 0; i < int(flows.size()); ++i) result.push_back(solver.rate(i));
  return result;
}

// Bertsekas and Gallager, Data Networks, example 6.8: five sessions on a line of four unit links.
TEST(MaxMin, solves_the_example_of_the_textbook) {
  EXPECT_THAT(
      rates({1, 1, 1, 1},
            {{{{0, 1}}}, {{{0, 1}, {1, 1}, {2, 1}}}, {{{2, 1}}}, {{{2, 1}, {3, 1}}}, {{{0, 1}}}}),
      testing::Pointwise(testing::DoubleNear(1e-9), {1 / 3., 1 / 3., 1 / 3., 1 / 3., 1 / 3.}));
}

// One flow over n links, each with a flow of its own ("parking lot"): all get half.
TEST(MaxMin, gives_half_to_each_in_a_parking_lot) {
  std::vector<Flow> flows = {{{{0, 1}, {1, 1}, {2, 1}, {3, 1}}}};
  for (int link = 0; link < 4; ++link) flows.push_back({{{link, 1}}});
  EXPECT_THAT(rates({10, 10, 10, 4}, flows),
              testing::Pointwise(testing::DoubleNear(1e-9), {2.0, 8.0, 8.0, 8.0, 2.0}));
}

TEST(MaxMin, shares_by_weight_and_keeps_to_caps) {
  // 12 by weights 1 : 2 and a third that may not have more than 3.
  EXPECT_THAT(rates({12}, {{{{0, 1}}, 1}, {{{0, 1}}, 2}, {{{0, 1}}, 1, 3.0}}),
              testing::Pointwise(testing::DoubleNear(1e-9), {3.0, 3.0, 3.0}));
  EXPECT_THAT(rates({12}, {{{{0, 1}}, 1}, {{{0, 1}}, 2}, {{{0, 1}}, 1, 1.5}}),
              testing::Pointwise(testing::DoubleNear(1e-9), {3.5, 3.5, 1.5}));
}

TEST(MaxMin, charges_a_link_with_the_share_of_the_flow_that_passes_it) {
  // Spread over two links of 5: 10 in all, though each link carries only 5.
  EXPECT_THAT(rates({5, 5}, {{{{0, 0.5}, {1, 0.5}}}}),
              testing::Pointwise(testing::DoubleNear(1e-9), {10.0}));
}

struct Network {
  std::vector<double> capacities;
  std::vector<Flow> flows;
};

Network random_network(std::mt19937_64& random, int links, int flows) {
  Network network;
  for (int i = 0; i < links; ++i) network.capacities.push_back(1 + double(random() % 100));
  for (int i = 0; i < flows; ++i) {
    Flow flow{.weight = 1 + double(random() % 3), .cap = kNoCap};
    std::vector<int> order(std::size_t(links), 0);
    for (int link = 0; link < links; ++link) order[std::size_t(link)] = link;
    std::shuffle(order.begin(), order.end(), random);
    const int hops = 1 + int(random() % std::uint64_t(std::min(links, 4)));
    for (int hop = 0; hop < hops; ++hop) {
      flow.path.push_back({order[std::size_t(hop)], random() % 4 == 0 ? 0.5f : 1.0f});
    }
    if (random() % 5 == 0) flow.cap = 0.5 + double(random() % 20);
    network.flows.push_back(flow);
  }
  return network;
}

// The definition, not an algorithm: no link carries more than it can, and every flow with weight
// has a bottleneck (its cap, or a full link on which no flow has more per weight).
void expect_max_min(const Network& network, const MaxMin& solver,
                    const std::vector<double>& weights, double tolerance) {
  std::vector<double> used(network.capacities.size(), 0.0), most(network.capacities.size(), 0.0);
  for (std::size_t i = 0; i < network.flows.size(); ++i) {
    if (weights[i] == 0) continue;
    for (const Hop& hop : network.flows[i].path) {
      const auto link = std::size_t(hop.link);
      used[link] += weights[i] * double(hop.share) * solver.rate(int(i));
      most[link] = std::max(most[link], solver.rate(int(i)));
    }
  }
  for (std::size_t link = 0; link < used.size(); ++link) {
    ASSERT_LE(used[link], network.capacities[link] * (1 + tolerance)) << "link " << link;
  }
  for (std::size_t i = 0; i < network.flows.size(); ++i) {
    if (weights[i] == 0) continue;
    const double rate = solver.rate(int(i));
    bool bounded = rate >= network.flows[i].cap * (1 - tolerance);
    for (const Hop& hop : network.flows[i].path) {
      const auto link = std::size_t(hop.link);
      bounded = bounded || (used[link] >= network.capacities[link] * (1 - tolerance) &&
                            rate >= most[link] * (1 - tolerance));
    }
    ASSERT_TRUE(bounded) << "flow " << i << " at " << rate << " has no bottleneck";
  }
}

TEST(MaxMin, every_flow_has_a_bottleneck_while_flows_come_and_go) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    const int links = 1 + int(random() % 40);
    const Network network = random_network(random, links, 1 + int(random() % 60));
    MaxMin solver(network.capacities, 1e-9);
    std::vector<double> weights(network.flows.size(), 0.0);
    for (const Flow& flow : network.flows) solver.add_class(flow.path, flow.cap);
    for (int step = 0; step < 60; ++step) {
      // Single changes are passed on from link to link, many at once are filled anew.
      const int changes = step % 20 == 0 ? int(network.flows.size()) : 1;
      for (int change = 0; change < changes; ++change) {
        const auto i = std::size_t(random() % network.flows.size());
        const double weight = network.flows[i].weight;
        const bool leave = weights[i] > 0 && random() % 2 == 0;
        solver.add_weight(int(i), leave ? -weight : weight);
        weights[i] += leave ? -weight : weight;
      }
      solver.settle();
      expect_max_min(network, solver, weights, 1e-6);
      if (HasFatalFailure()) FAIL() << "round " << round << " step " << step;
    }
  }
}

// What simulate() relies on: whoever's rate is another than before is named, as the level of a link
// or as a class that moved.
TEST(MaxMin, names_every_change) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 100; ++round) {
    const Network network = random_network(random, 20, 40);
    MaxMin solver(network.capacities, 1e-9);
    for (const Flow& flow : network.flows) solver.add_class(flow.path, flow.cap);
    std::vector<double> weights(network.flows.size(), 0.0), before(network.flows.size(), 0.0);
    for (int step = 0; step < 40; ++step) {
      const auto i = std::size_t(random() % network.flows.size());
      const double change = weights[i] > 0 ? -weights[i] : 1;
      solver.add_weight(int(i), change);
      weights[i] += change;
      const auto changes = solver.settle();
      std::vector<bool> levels(20), moved(network.flows.size());
      for (const auto link : changes.levels) levels[std::size_t(link)] = true;
      for (const auto index : changes.moved) moved[std::size_t(index)] = true;
      for (std::size_t flow = 0; flow < weights.size(); ++flow) {
        if (weights[flow] == 0) continue;
        const double rate = solver.rate(int(flow));
        const int link = solver.bottleneck(int(flow));
        const bool named = moved[flow] || (link >= 0 && levels[std::size_t(link)]);
        ASSERT_TRUE(rate == before[flow] || named);
        before[flow] = rate;
      }
    }
  }
}

// Doubling all capacities doubles all rates; a coarse tolerance stays near the exact rates.
TEST(MaxMin, scales_and_stays_near_the_exact_rates_at_a_coarse_tolerance) {
  std::mt19937_64 random(17);
  const Network network = random_network(random, 30, 200);
  MaxMin exact(network.capacities, 1e-9), coarse(network.capacities, 1e-3);
  auto doubled_capacities = network.capacities;
  for (double& capacity : doubled_capacities) capacity *= 2;
  MaxMin doubled(doubled_capacities, 1e-9);
  for (const Flow& flow : network.flows) {
    for (MaxMin* solver : {&exact, &coarse, &doubled}) {
      const double cap = solver == &doubled ? 2 * flow.cap : flow.cap;
      solver->add_weight(solver->add_class(flow.path, cap), flow.weight);
    }
  }
  for (int gone = 0; gone < 150; ++gone) {
    double worst = 0;
    for (MaxMin* solver : {&exact, &coarse, &doubled}) {
      solver->settle();
      if (gone > 0) solver->add_weight(gone - 1, -network.flows[std::size_t(gone - 1)].weight);
      solver->settle();
    }
    for (int i = gone; i < 200; ++i) {
      ASSERT_NEAR(doubled.rate(i), 2 * exact.rate(i), 1e-6 * exact.rate(i));
      worst = std::max(worst, std::abs(coarse.rate(i) / exact.rate(i) - 1));
    }
    ASSERT_LT(worst, 0.03) << "after " << gone << " departures";
  }
}

}  // namespace
}  // namespace fivefold
