// Fused experts: how tokens fall on them, bounds, what grows.
#include "fivefold/kernel/moe.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "fivefold/base/random.h"
#include "fivefold/kernel/parameters.h"

namespace fivefold {
namespace {

constexpr double kMoeCores = 132, kMoePeak = 989e12, kMoeBandwidth = 3.35e12;

// An H100's data sheet with a kernel of round numbers.
FamilyParameters experts_kernel() {
  FamilyParameters p;
  p.compute_rate = 0.7 * kMoePeak / kMoeCores;
  p.memory_rate = 0.85 * kMoeBandwidth;
  p.feed_rate = 48 * 1.83e9;
  p.launch = 15e-6;
  p.fill = 1e-6;
  p.passes = 2;
  return p;
}

double experts_seconds(const MoeBlock& moe) {
  return mechanism(experts_kernel(), kMoeCores, moe).time.value();
}

MoeBlock experts_of(double tokens, double experts, double ranks, double topk, double power_law) {
  return {.tokens = tokens,
          .hidden = 4096,
          .width = 1536,
          .experts = experts,
          .local_experts = experts / ranks,
          .topk = topk,
          .power_law = power_law};
}

// At random, even and by three power laws.
MoeBlock random_experts(Random& random) {
  const double experts = std::exp2(4 + random.below(6)), ranks = std::exp2(random.below(5));
  MoeBlock moe = experts_of(1.0 + random.below(20000), experts, ranks, 1.0 + random.below(8), 0);
  const std::array<double, 5> laws = {0, 0, 0.6, 1.01, 1.2};
  const std::size_t law = random.below(laws.size());
  moe.power_law = laws[law];
  moe.even = law == 0;
  moe.hidden = 128.0 * (1 + random.below(64));
  moe.width = 32.0 * (1 + random.below(128));
  moe.exchanged = random.below(2) == 0;
  return moe;
}

void for_random_experts(const std::function<void(MoeBlock, Random&)>& check) {
  for (std::uint64_t i = 0; i < 500; ++i) {
    Random random(20261124, "experts", i);
    const MoeBlock moe = random_experts(random);
    SCOPED_TRACE(::testing::Message() << "case " << i);
    check(moe, random);
  }
}

// Drawn as a benchmark does: loads of all experts, their sum scaled and rounded, what is left over
// dealt out; the device with most pairs. Its pairs and the experts that have any.
Routing drawn(const MoeBlock& moe, Random& random) {
  const auto experts = static_cast<std::size_t>(moe.experts),
             local = static_cast<std::size_t>(moe.local_experts);
  const double power = 1 - moe.power_law, high = std::pow(0.8 * moe.tokens, power);
  std::vector<double> loads(experts);
  for (double& load : loads) load = std::pow(1 + random.uniform() * (high - 1), 1 / power);
  const double scale = moe.tokens * moe.topk / std::accumulate(loads.begin(), loads.end(), 0.0);
  for (double& load : loads) load = std::min(std::round(load * scale), moe.tokens);
  double left = moe.tokens * moe.topk - std::accumulate(loads.begin(), loads.end(), 0.0);
  for (std::size_t tries = 0; left > 0 && tries < 100 * experts; ++tries) {
    double& load = loads[random.below(experts)];
    if (load < moe.tokens) ++load, --left;
  }
  Routing busiest;
  for (std::size_t first = 0; first < experts; first += local) {
    Routing device;
    for (std::size_t e = first; e < first + local; ++e) {
      device.pairs += loads[e];
      device.active += loads[e] > 0 ? 1 : 0;
    }
    if (device.pairs > busiest.pairs) busiest = device;
  }
  return busiest;
}

TEST(Routing, a_device_with_all_experts_has_all_pairs) {
  for_random_experts([](MoeBlock moe, Random&) {
    moe.local_experts = moe.experts;
    const double pairs = moe.tokens * moe.topk;
    EXPECT_NEAR(routing_of(moe).pairs, pairs, 1e-9 * pairs);
  });
}

TEST(Routing, the_busiest_device_has_no_fewer_pairs_than_the_mean_and_no_more_than_there_are) {
  for_random_experts([](const MoeBlock& moe, Random&) {
    const Routing routing = routing_of(moe);
    EXPECT_GE(routing.pairs, moe.routed_pairs() * (1 - 1e-9));
    EXPECT_LE(routing.pairs, moe.tokens * std::min(moe.topk, moe.local_experts) * (1 + 1e-9));
    EXPECT_LE(routing.active, std::min(routing.pairs, moe.local_experts) * (1 + 1e-9));
    EXPECT_LE(routing.most, moe.tokens * (1 + 1e-9));
    for (std::size_t t = 0; t < kTileRows.size(); ++t)
      EXPECT_GE(routing.row_tiles[t] * kTileRows[t], routing.pairs * (1 - 1e-9));
  });
}

// Means over 200 draws: one formula for all laws and cuts is that far off at worst.
TEST(Routing, power_laws_load_the_busiest_device_within_a_fifth_of_what_is_drawn) {
  for (const double ranks : {1.0, 4.0, 32.0}) {
    for (const double tokens : {64.0, 1024.0, 8192.0}) {
      for (const double power : {1.01, 1.2}) {
        const MoeBlock moe = experts_of(tokens, 256, ranks, 8, power);
        double pairs = 0, active = 0;
        constexpr int kDraws = 200;
        for (int i = 0; i < kDraws; ++i) {
          Random random(20261124, "draws", std::uint64_t(i));
          const Routing one = drawn(moe, random);
          pairs += one.pairs / kDraws;
          active += one.active / kDraws;
        }
        const Routing routing = routing_of(moe);
        SCOPED_TRACE(::testing::Message() << ranks << " " << tokens << " " << power);
        EXPECT_NEAR(routing.pairs / pairs, 1, 0.2);
        EXPECT_NEAR(routing.active / active, 1, 0.15);
      }
    }
  }
}

TEST(Moe, is_never_faster_than_its_pairs_at_peak_or_the_weights_of_its_active_experts) {
  for_random_experts([](const MoeBlock& moe, Random&) {
    const Routing routing = routing_of(moe);
    const double matrix = 3 * moe.hidden * moe.width;
    EXPECT_GE(experts_seconds(moe), 2 * routing.pairs * matrix / kMoePeak);
    EXPECT_GE(experts_seconds(moe), 2 * routing.active * matrix / kMoeBandwidth);
  });
}

TEST(Moe, more_tokens_experts_or_values_never_take_less_time) {
  for_random_experts([](const MoeBlock& moe, Random& random) {
    const double least = experts_seconds(moe) * (1 - 1e-9);
    MoeBlock more = moe;
    more.tokens += 1.0 + random.below(2000);
    EXPECT_GE(experts_seconds(more), least) << "tokens " << moe.tokens << " " << more.tokens;
    more = moe;
    more.local_experts = std::min(moe.experts, 2 * moe.local_experts);
    // The busiest of fewer devices has an expert less busy, which narrow tiles may reward.
    const double spared = moe.power_law > 0 ? 0.95 : 1;
    EXPECT_GE(experts_seconds(more), least * spared) << "local experts";
    more = moe;
    more.hidden += 1.0 + random.below(2000);
    EXPECT_GE(experts_seconds(more), least) << "hidden";
    more = moe;
    more.width += 1.0 + random.below(2000);
    EXPECT_GE(experts_seconds(more), least) << "width";
    more = moe;
    more.topk = std::min(moe.experts, moe.topk + 1);
    EXPECT_GE(experts_seconds(more), least) << "topk";
  });
}

// Few tokens of a power law leave experts unread; where all are read the busiest has more to do.
TEST(Moe, the_busiest_device_of_a_power_law_is_never_quicker_than_one_of_even_load) {
  for (const double tokens : {4096.0, 8192.0, 32768.0}) {
    for (const double ranks : {4.0, 16.0, 64.0}) {
      MoeBlock even = experts_of(tokens, 256, ranks, 8, 0);
      even.even = true;
      EXPECT_GE(experts_seconds(experts_of(tokens, 256, ranks, 8, 1.01)), experts_seconds(even))
          << tokens << " " << ranks;
    }
  }
}

// Tokens whose experts are elsewhere do no arithmetic, but without an exchange their rows pass.
TEST(Moe, an_exchange_spares_the_rows_of_tokens_whose_experts_are_elsewhere) {
  MoeBlock moe = experts_of(8192, 256, 32, 8, 0);
  const double walked = experts_seconds(moe);
  moe.exchanged = true;
  EXPECT_LT(experts_seconds(moe), walked);
  moe.local_experts = moe.experts;
  const double exchanged = experts_seconds(moe);
  moe.exchanged = false;
  EXPECT_NEAR(experts_seconds(moe), exchanged, 1e-9 * exchanged);
}

// 64 tokens take 8 of 128 experts in turn; a sixteenth of them is here. Half of the tokens chose
// one of those, and bring 8 rows each.
TEST(Moe, rows_of_absent_experts_come_with_tokens_that_chose_one_that_is_here) {
  MoeBlock moe = experts_of(64, 128, 16, 8, 0);
  moe.even = true;
  const Routing skipped = routing_of(moe);
  EXPECT_DOUBLE_EQ(skipped.pairs, 32);
  moe.absent_rows = true;
  const Routing computed = routing_of(moe);
  EXPECT_DOUBLE_EQ(computed.pairs, 32 * 8);
  EXPECT_DOUBLE_EQ(computed.active, skipped.active + 1);  // with the weights of one expert
  EXPECT_GT(experts_seconds(moe), 0);
}

TEST(Moe, absent_rows_never_exceed_those_of_all_tokens_and_are_none_where_all_experts_are_here) {
  for_random_experts([](MoeBlock moe, Random&) {
    const Routing skipped = routing_of(moe);
    const double before = experts_seconds(moe);
    moe.absent_rows = true;
    const Routing computed = routing_of(moe);
    EXPECT_GE(computed.pairs, skipped.pairs);
    EXPECT_LE(computed.pairs, std::max(skipped.pairs, moe.tokens * moe.topk) * (1 + 1e-12));
    EXPECT_GE(experts_seconds(moe), before);
    if (moe.local_experts == moe.experts) EXPECT_EQ(computed.pairs, skipped.pairs);
  });
}

}  // namespace
}  // namespace fivefold
