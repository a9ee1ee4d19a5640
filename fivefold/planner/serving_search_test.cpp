#include "fivefold/planner/serving_search.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "fivefold/planner/serving_place_test.h"

namespace fivefold {
namespace {

ServingGoal goal_with(double tpot, double ttft = 0) {
  ServingGoal goal;
  goal.workload.input = 1024;
  goal.workload.output = 512;
  goal.slo.tpot = Seconds(tpot);
  goal.slo.ttft = Seconds(ttft);
  return goal;
}

constexpr const char* kSmall = "meta-llama/Llama-3.1-8B";

TEST(ServingSearch, no_point_of_the_front_is_dominated) {
  const ServingPlace place("dgx_h100_8", 16, "deepseek-ai/DeepSeek-R1");
  const ServingGoal goal = goal_with(0.05, 3);
  const auto search = search_serving(place.space, goal);
  ASSERT_TRUE(search) << to_text(search.error());
  ASSERT_GE(search->front.size(), 4u);
  for (std::size_t i = 1; i < search->front.size(); ++i) {
    EXPECT_GT(search->front[i].per_user(), search->front[i - 1].per_user());
    EXPECT_LT(search->front[i].per_chip, search->front[i - 1].per_chip);
  }
  bool has_best = false;
  for (const ServingPlan& plan : search->front) {
    EXPECT_LE(plan.loop.ttft.value(), 3);
    has_best = has_best || plan.value == search->best.value;
    if (plan.loop.tpot <= goal.slo.tpot) {
      EXPECT_LE(plan.value, search->best.value);
    }
  }
  EXPECT_TRUE(has_best);
}

TEST(ServingSearch, a_looser_limit_never_gives_less) {
  const ServingPlace place("dgx_h100_8", 8, "meta-llama/Llama-3.1-70B");
  double last = 0;
  for (const double tpot : {0.01, 0.015, 0.02, 0.03, 0.05, 0.1}) {
    const auto search = search_serving(place.space, goal_with(tpot, 2));
    if (!search) continue;
    EXPECT_GE(search->best.per_chip, last * 0.995) << tpot;
    last = search->best.per_chip;
  }
  EXPECT_GT(last, 0);
  last = 0;
  for (const double ttft : {0.3, 0.5, 1.0, 2.0, 5.0}) {
    const auto search = search_serving(place.space, goal_with(0.05, ttft));
    if (!search) continue;
    EXPECT_GE(search->best.per_chip, last * 0.995) << ttft;
    last = search->best.per_chip;
  }
  EXPECT_GT(last, 0);
}

TEST(ServingSearch, more_chips_never_give_less) {
  double last = 0;
  for (const int chips : {8, 16, 32}) {
    const ServingPlace place("dgx_h100_8", chips, "meta-llama/Llama-3.1-70B");
    const auto search = search_serving(place.space, goal_with(0.03, 2));
    ASSERT_TRUE(search) << to_text(search.error());
    const double rate = search->best.loop.tokens_per_second;
    EXPECT_GE(rate, last) << chips;
    last = rate;
  }
}

TEST(ServingSearch, numbers_are_those_of_the_layout_estimated_alone) {
  const ServingPlace place("dgx_h100_8", 32, "deepseek-ai/DeepSeek-R1");
  for (const bool apart : {false, true}) {
    ServingGoal goal = goal_with(0.05, 3);
    goal.together = !apart;
    goal.apart = apart;
    const auto search = search_serving(place.space, goal);
    ASSERT_TRUE(search) << to_text(search.error());
    const ServingPlan& best = search->best;
    ASSERT_EQ(best.apart, apart);
    const double instances = apart ? 1 : best.pools.decode_instances;
    const auto alone =
        apart ? place.serving.split(goal.workload, best.pools, best.concurrency)
              : place.serving.mixed(goal.workload, best.pools.decode, best.concurrency / instances);
    ASSERT_TRUE(alone);
    EXPECT_DOUBLE_EQ(best.loop.tpot.value(), alone->tpot.value());
    EXPECT_DOUBLE_EQ(best.loop.ttft.value(), alone->ttft.value());
    EXPECT_NEAR(best.loop.tokens_per_second, instances * alone->tokens_per_second,
                1e-9 * best.loop.tokens_per_second);
    EXPECT_DOUBLE_EQ(best.per_chip, best.loop.tokens_per_second / place.machine.chips);
    EXPECT_LE(best.devices(), place.machine.devices);
  }
}

TEST(ServingSearch, trying_everything_finds_nothing_better) {
  const ServingPlace place("dgx_h100_8", 4, kSmall);
  ServingGoal goal = goal_with(0.012, 0.5);
  goal.apart = false;
  const auto search = search_serving(place.space, goal);
  ASSERT_TRUE(search) << to_text(search.error());
  double best = 0;
  for (const int size : {1, 2, 4}) {
    for (const ServingLayout& layout : serving_layouts(place.machine, place.model, size)) {
      const double most = most_sequences(place.space, goal.workload, layout);
      for (double sequences = 1; sequences <= most; ++sequences) {
        const auto plan = plan_together(place.space, goal, 0, layout, sequences);
        if (plan && holds(*plan, goal)) best = std::max(best, plan->value);
      }
    }
  }
  EXPECT_GT(best, 0);
  EXPECT_GE(search->best.value, best * 0.999);
}

TEST(ServingSearch, trying_every_pool_finds_nothing_better) {
  const ServingPlace place("dgx_h100_8", 4, kSmall);
  ServingGoal goal = goal_with(0.012, 0.5);
  goal.together = false;
  const auto search = search_serving(place.space, goal);
  ASSERT_TRUE(search) << to_text(search.error());
  std::vector<ServingLayout> layouts;
  for (const int size : {1, 2, 3}) {
    const auto cuts = serving_layouts(place.machine, place.model, size);
    layouts.insert(layouts.end(), cuts.begin(), cuts.end());
  }
  double best = 0;
  for (const ServingLayout& prompts : layouts) {
    for (const ServingLayout& tokens : layouts) {
      const double most = most_sequences(place.space, goal.workload, tokens);
      for (int a = 1; a < 4; ++a) {
        for (int b = 1; a * prompts.devices() + b * tokens.devices() <= 4; ++b) {
          for (double requests = 1; requests < 4096; requests = std::ceil(requests * 1.05)) {
            const auto plan = plan_apart(place.space, goal, 0,
                                         {prompts, tokens, double(a), double(b)}, requests, most);
            if (!plan || !holds(*plan, goal)) continue;
            best = std::max(best, plan->value);
          }
        }
      }
    }
  }
  EXPECT_GT(best, 0);
  EXPECT_GE(search->best.value, best * 0.999);
}

TEST(ServingSearch, says_which_limit_is_missed_and_by_how_much) {
  const ServingPlace place("dgx_h100_8", 8, "meta-llama/Llama-3.1-70B");
  const auto search = search_serving(place.space, goal_with(0.0005));
  ASSERT_FALSE(search);
  EXPECT_NE(to_text(search.error()).find("over the limit of 0.5 ms"), std::string::npos)
      << to_text(search.error());
  const ServingPlace small("dgx_h100_8", 1, "deepseek-ai/DeepSeek-R1");
  const auto none = search_serving(small.space, goal_with(0));
  ASSERT_FALSE(none);
  EXPECT_NE(to_text(none.error()).find("does not fit"), std::string::npos) << to_text(none.error());
  const ServingPlace one("dgx_h100_8", 16, "deepseek-ai/DeepSeek-R1");
  ServingGoal pools = goal_with(0.05);
  pools.together = false;
  const auto no_room = search_serving(one.space, pools);
  ASSERT_FALSE(no_room);
  EXPECT_NE(to_text(no_room.error()).find("of 16 devices"), std::string::npos)
      << to_text(no_room.error());
  ServingGoal goal = goal_with(0.05);
  goal.least_per_chip = 1e9;
  const auto least = search_serving(place.space, goal);
  ASSERT_FALSE(least);
  EXPECT_NE(to_text(least.error()).find("the most is"), std::string::npos);
}

TEST(ServingSearch, the_fastest_plan_that_gives_a_rate) {
  const ServingPlace place("dgx_h100_8", 8, "meta-llama/Llama-3.1-70B");
  const auto most = search_serving(place.space, goal_with(0.1));
  ASSERT_TRUE(most);
  ServingGoal goal = goal_with(0.1);
  goal.objective = ServingObjective::kLatency;
  double last = 0;
  for (const double share : {0.0, 0.2, 0.5, 0.8}) {
    goal.least_per_chip = share * most->best.per_chip;
    const auto search = search_serving(place.space, goal);
    ASSERT_TRUE(search) << to_text(search.error());
    EXPECT_GE(search->best.per_chip, goal.least_per_chip);
    EXPECT_GE(search->best.loop.tpot.value(), last);
    EXPECT_LE(search->best.loop.tpot.value(), most->best.loop.tpot.value() * 1.001);
    last = search->best.loop.tpot.value();
  }
}

TEST(ServingSearch, holds_what_the_engine_can_hold) {
  const ServingPlace place("dgx_h100_8", 16, "deepseek-ai/DeepSeek-R1");
  const auto search = search_serving(place.space, goal_with(0));
  ASSERT_TRUE(search) << to_text(search.error());
  for (const ServingPlan& plan : search->top) {
    EXPECT_LE(plan.sequences,
              most_sequences(place.space, ServingGoal(goal_with(0)).workload, plan.pools.decode));
  }
}

TEST(ServingSearch, power_and_money_choose_by_what_they_say) {
  const ServingPlace place("dgx_h100_8", 8, "meta-llama/Llama-3.1-70B");
  for (const auto objective :
       {ServingObjective::kTokensPerKilowatt, ServingObjective::kTokensPerDollar}) {
    ServingGoal goal = goal_with(0.05, 2);
    goal.objective = objective;
    const auto search = search_serving(place.space, goal);
    ASSERT_TRUE(search) << to_text(search.error());
    const ServingCost cost = cost_of(serving_catalog(), place.machine,
                                     load_of(place.space, goal.workload, search->best));
    const bool power = objective == ServingObjective::kTokensPerKilowatt;
    const double a_second = power ? cost.power->value() / 1e3 : cost.usd->value();
    EXPECT_NEAR(search->best.value, search->best.loop.tokens_per_second / a_second,
                1e-9 * search->best.value);
  }
}

}  // namespace
}  // namespace fivefold
