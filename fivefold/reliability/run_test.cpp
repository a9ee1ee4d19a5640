#include "fivefold/reliability/run.h"

#include <cmath>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fivefold/base/parallel.h"
#include "fivefold/reliability/assumptions.h"
#include "fivefold/reliability/sample_test.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

double sum_of(const RunShares& s) {
  return s.useful + s.stragglers + s.data + s.checkpoint + s.lost + s.recovery + s.waiting;
}

std::string refusal(const RunPlan& plan) {
  const auto run = run_estimate(plan);
  return run ? "" : to_text(run.error());
}

RunPlan drawn_plan() {
  const auto within = [](double low, double high) {
    return low + (high - low) * *rc::gen::inRange(0, 10001) / 1e4;
  };
  RunPlan plan = sample::plan();
  plan.step = Seconds(within(1, 60));
  plan.rates = sample::rates_of(Seconds(3600 * within(1, 100)));
  plan.rates.parts[0].component = *rc::gen::element(Component::kSoftware, Component::kChip);
  plan.checkpoint.blocked = Seconds(within(0, 120));
  plan.checkpoint.durable = plan.checkpoint.blocked + Seconds(within(0, 300));
  plan.checkpoint.load = Seconds(within(0, 300));
  plan.detect = Seconds(within(0, 600));
  plan.restart = Seconds(within(0, 600));
  plan.spares = {*rc::gen::inRange(-1, 12), Seconds(3600 * within(1, 48))};
  plan.stragglers = {.hosts = within(1, 3000), .slow_share = 0.005, .slow_by = within(0, 0.05)};
  plan.data = within(0, 0.05);
  return plan;
}

RC_GTEST_PROP(Run, shares_sum_to_one_and_none_is_negative, ()) {
  const auto run = run_estimate(drawn_plan());
  RC_ASSERT(run.has_value());
  const RunShares& s = run->shares;
  RC_ASSERT(std::abs(sum_of(s) - 1) < 1e-9);
  for (const double share : {s.useful, s.stragglers, s.data, s.checkpoint, s.lost, s.recovery}) {
    RC_ASSERT(share >= 0);
  }
}

RC_GTEST_PROP(Run, more_failures_are_never_better, ()) {
  RunPlan plan = drawn_plan();
  const auto before = run_estimate(plan);
  plan.rates = plan.rates * 1.3;
  const auto after = run_estimate(plan);
  if (before && after) RC_ASSERT(after->shares.useful < before->shares.useful);
}

RC_GTEST_PROP(Run, more_spares_are_never_worse, ()) {
  RunPlan plan = drawn_plan();
  plan.rates.parts[0].component = Component::kChip;
  plan.spares.nodes = *rc::gen::inRange(0, 10);
  const auto before = run_estimate(plan);
  ++plan.spares.nodes;
  const auto after = run_estimate(plan);
  if (before && after) RC_ASSERT(after->shares.useful >= before->shares.useful);
}

// Mean of 400 runs of thirty days; a run has some 130 failures, so that the mean of their time
// outside of work is known to about half a percent.
void expect_alike(const RunPlan& plan, double tolerance) {
  const RunEstimate closed = *run_estimate(plan);
  const RunEstimate played = *simulate_run(plan, 400, 5);
  EXPECT_NEAR(sum_of(played.shares), 1, 1e-9);
  EXPECT_NEAR(played.time / closed.time, 1, tolerance);
  EXPECT_NEAR(played.interruptions / closed.interruptions, 1, 0.02);
  EXPECT_NEAR(played.shares.checkpoint, closed.shares.checkpoint, tolerance);
  EXPECT_NEAR(played.shares.recovery, closed.shares.recovery, tolerance);
  EXPECT_NEAR(played.shares.lost, closed.shares.lost, tolerance);
  EXPECT_NEAR(played.shares.waiting, closed.shares.waiting, 1.5 * tolerance);
  EXPECT_NEAR(played.shares.stragglers, closed.shares.stragglers, tolerance);
  EXPECT_LT(played.time_spread.p10, played.time_spread.p50);
  EXPECT_LT(played.time_spread.p50, played.time_spread.p90);
}

TEST(Run, the_closed_form_is_the_mean_of_simulated_runs) {
  expect_alike(sample::plan(), 0.001);
}

TEST(Run, it_is_so_with_failures_as_frequent_as_recoveries_are_long) {
  RunPlan plan = sample::plan();
  plan.rates = sample::rates_of(Seconds(1800));
  expect_alike(plan, 0.005);
}

TEST(Run, it_is_so_with_asynchronous_checkpoints) {
  RunPlan plan = sample::plan();
  plan.checkpoint = {.blocked = Seconds(5), .durable = Seconds(400), .load = Seconds(120)};
  expect_alike(plan, 0.002);
}

TEST(Run, it_is_so_with_few_spares_and_with_none) {
  RunPlan plan = sample::plan();
  plan.rates.parts[0].component = Component::kHost;
  for (const int spares : {0, 2}) {
    plan.spares = {spares, Seconds(12 * 3600)};
    expect_alike(plan, 0.006);
  }
}

TEST(Run, it_is_so_with_stragglers) {
  RunPlan plan = sample::plan();
  plan.stragglers = {.hosts = 200, .slow_share = 0.005, .slow_by = 0.05, .jitter = 0.01};
  expect_alike(plan, 0.002);
}

TEST(Run, without_failures_it_takes_its_ideal_time) {
  RunPlan plan = sample::plan();
  plan.rates = {};
  const RunEstimate run = *run_estimate(plan);
  EXPECT_EQ(run.time, run.ideal);
  EXPECT_EQ(run.shares.useful, 1);
  EXPECT_EQ(run.interruptions, 0);
  EXPECT_NEAR(simulate_run(plan, 2, 1)->time / run.ideal, 1, 1e-12);
}

TEST(Run, the_same_seed_gives_the_same_bytes) {
  const RunPlan plan = sample::plan();
  const RunEstimate a = *simulate_run(plan, 20, 3), b = *simulate_run(plan, 20, 3);
  EXPECT_EQ(std::memcmp(&a.shares, &b.shares, sizeof a.shares), 0);
  EXPECT_EQ(a.time, b.time);
  EXPECT_EQ(a.failures, b.failures);
  EXPECT_NE(simulate_run(plan, 20, 4)->time, a.time);
}

// Every run, not only their mean: no run is shorter than its work and checkpoints.
TEST(Run, no_simulated_run_beats_its_ideal_time) {
  RunPlan plan = sample::plan();
  plan.interval = Seconds(3600);
  const RunEstimate run = *simulate_run(plan, 200, 9);
  EXPECT_GT(run.time_spread.p10, run.ideal.value() * (1 + 60.0 / 3600));
}

// Llama 3 (arXiv 2407.21783, section 3.3.4): over 90% effective training time. MTTI is calibrated;
// detection and restart are half and a third of MegaScale's bounds.
TEST(Run, llama_3_has_over_nine_tenths_of_effective_training_time) {
  const Catalog catalog = Catalog::load().value();
  const RunAssumptions assumed = *run_assumptions(catalog);
  RunPlan plan;
  plan.step = Seconds(10);
  plan.steps = 54 * 8640;
  plan.rates = *failure_rates(catalog, **catalog.chip("h100_sxm"), sample::llama3());
  plan.checkpoint = *checkpoint_cost({.state = Bytes(405e9 * 14),
                                      .state_per_device = Bytes(405e9 * 14 / 128),
                                      .storage = BytesPerSecond(2e12),
                                      .copy = assumed.copy,
                                      .pause = assumed.pause});
  plan.detect = assumed.detect;
  plan.restart = assumed.restart;
  plan.stragglers = assumed.stragglers;
  plan.stragglers.hosts = 2048;
  const RunEstimate run = *run_estimate(plan);
  EXPECT_GT(run.shares.useful, 0.90);
  EXPECT_LT(run.shares.useful, 0.97);
  EXPECT_NEAR(simulate_run(plan, 50, 1)->shares.useful, run.shares.useful, 0.003);
}

// MegaScale (arXiv 2402.15627, section 6.3): over 100 restarts in several weeks, less than 10
// minutes to find a fault and 15 to catch up (lost work included), over 90% effective. With four
// weeks its own figures close.
TEST(Run, the_figures_of_megascale_close_with_one_another) {
  RunPlan plan;
  plan.step = Seconds(10);
  plan.steps = 28 * 8640;
  plan.rates = sample::rates_of(Seconds(28 * 86400.0 / 100));
  plan.detect = Seconds(600);
  plan.restart = Seconds(900);
  const RunEstimate run = *run_estimate(plan);
  EXPECT_GT(run.interruptions, 100);
  EXPECT_GT(run.shares.useful, 0.90);
}

TEST(Run, bad_plans_get_one_clear_message) {
  const auto with = [](auto change) {
    RunPlan plan = sample::plan();
    change(plan);
    return refusal(plan);
  };
  EXPECT_THAT(with([](RunPlan& p) { p.step = Seconds(0); }), HasSubstr("a step of 0 s"));
  EXPECT_THAT(with([](RunPlan& p) { p.steps = 0; }), HasSubstr("nothing to do"));
  EXPECT_THAT(with([](RunPlan& p) { p.interval = Seconds(-5); }), HasSubstr("no time between"));
  EXPECT_THAT(with([](RunPlan& p) { p.detect = Seconds(-1); }), HasSubstr("time to detect"));
  EXPECT_THAT(with([](RunPlan& p) { p.data = NAN; }), HasSubstr("wait for data"));
  EXPECT_THAT(with([](RunPlan& p) {
                p.checkpoint.durable = Seconds(5000);
                p.interval = Seconds(600);
              }),
              HasSubstr("does not fit in an interval"));
  EXPECT_THAT(with([](RunPlan& p) { p.rates = sample::rates_of(Seconds(30)); }),
              HasSubstr("no headway"));
  EXPECT_THAT(to_text(simulate_run(sample::plan(), 0, 1).error()), HasSubstr("0 runs"));
}

}  // namespace
}  // namespace fivefold
