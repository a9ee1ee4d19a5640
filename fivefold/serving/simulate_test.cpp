#include "fivefold/serving/simulate.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "fivefold/base/random.h"
#include "fivefold/base/statistics.h"
#include "fivefold/serving/metrics.h"
#include "fivefold/serving/rig_test.h"
#include "fivefold/serving/vision.h"

namespace fivefold {
namespace {

using ::testing::HasSubstr;

RequestLoad load_of(std::size_t count, double rate, int input, int output, std::uint64_t seed) {
  RequestLoad load;
  load.name = "drawn";
  Random random(seed, "test load");
  double now = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (rate > 0) now += random.exponential(1 / rate);
    load.requests.push_back({.arrival = now, .input = input, .output = output});
  }
  return load;
}

RequestLoad uneven_load(std::size_t count, double rate, std::uint64_t seed) {
  RequestLoad load = load_of(count, rate, 1, 1, seed);
  Random random(seed, "test lengths");
  for (Request& r : load.requests) {
    r.input = 1 + int(random.below(3000));
    r.output = 1 + int(random.below(400));
    r.tenant = int(random.below(4));
    r.priority = int(random.below(3));
  }
  return load;
}

// Conversations: each prompt begins with all of an earlier one.
void add_contents(RequestLoad& load, std::uint64_t seed) {
  Random random(seed, "test contents");
  load.block_tokens = 64;
  std::uint32_t fresh = 0;
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    Request& r = load.requests[i];
    r.first_block = std::uint32_t(load.block_ids.size());
    const auto blocks = std::uint32_t(r.input / load.block_tokens);
    std::vector<std::uint32_t> ids;
    if (i > 0 && random.below(2) == 0) {
      const auto earlier = load.blocks_of(load.requests[random.below(std::uint32_t(i))]);
      ids.assign(earlier.begin(), earlier.begin() + std::min<std::ptrdiff_t>(
                                                        std::ptrdiff_t(earlier.size()), blocks));
    }
    while (ids.size() < blocks) ids.push_back(fresh++);
    load.block_ids.insert(load.block_ids.end(), ids.begin(), ids.end());
    r.blocks = std::uint32_t(ids.size());
  }
}

struct Bench {
  Rig rig{"dgx_h100_8", 8, kLlama};
  ServingModel serving = rig.serving();
  SimulationSetup setup() const {
    SimulationSetup setup;
    setup.pool = {&serving, {.tp = 8}, 1, {}};
    return setup;
  }
};

const Bench& bench() {
  static const Bench made;
  return made;
}

// Whatever the policy: all that came is served once, in order of cause, within the cache.
void check_laws(const SimulationSetup& setup, const RequestLoad& load,
                const SimulationResult& result) {
  RC_ASSERT(result.requests.size() == load.requests.size());
  std::uint64_t output = 0, input = 0;
  double in_system = 0;
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    const RequestTimes& t = result.requests[i];
    RC_ASSERT(t.arrival <= t.scheduled);
    RC_ASSERT(t.scheduled < t.first_token);
    RC_ASSERT(t.first_token <= t.finish);
    RC_ASSERT((load.requests[i].output == 1) == (t.finish == t.first_token) ||
              setup.prefill.has_value());
    RC_ASSERT(t.cached < load.requests[i].input);
    output += std::uint64_t(load.requests[i].output);
    input += std::uint64_t(load.requests[i].input);
    in_system += t.finish - t.arrival;
  }
  RC_ASSERT(result.output_tokens == output);
  RC_ASSERT(result.prompt_tokens == input);
  RC_ASSERT(result.cached_tokens <= input);
  for (const PoolUse& pool : result.pools) {
    RC_ASSERT(pool.cache_peak <= 1.0);
    RC_ASSERT(pool.busy <= result.makespan * 8 + 1e-9);
  }
  // Little's law: mean number in the system = arrivals a second x mean time in it.
  const ServingMetrics m = metrics_of(result, load, {});
  const double rate = double(load.requests.size()) / m.duration;
  RC_ASSERT(std::abs(m.mean_concurrency - rate * m.e2e.mean) <= 1e-9 * m.mean_concurrency);
  RC_ASSERT(std::abs(in_system - m.mean_concurrency * m.duration) <= 1e-6 * in_system);
}

RC_GTEST_PROP(Simulation, laws_hold_under_any_policy, ()) {
  SimulationSetup setup = bench().setup();
  EnginePolicy& policy = setup.pool.engine;
  policy.max_sequences = *rc::gen::inRange(1, 200);
  policy.max_step_tokens = *rc::gen::inRange(256, 9000);
  policy.mixes = *rc::gen::arbitrary<bool>();
  policy.swaps = *rc::gen::arbitrary<bool>();
  policy.prefix_cache = *rc::gen::arbitrary<bool>();
  policy.reserve = *rc::gen::element(0.0, 0.3, 1.0);
  policy.watermark = *rc::gen::element(0.0, 0.01, 0.1);
  policy.page_tokens = *rc::gen::element(1, 16, 128);
  policy.order = *rc::gen::element(QueueOrder::kArrival, QueueOrder::kPriority, QueueOrder::kFair);
  // From a cache that holds a few sequences to one that holds all.
  const auto whole = cache_capacity(bench().serving, setup.pool.layout, policy);
  RC_ASSERT(whole.has_value());
  const double tokens = *rc::gen::element(4000.0, 20000.0, 1e6);
  policy.runtime += std::max(Bytes(0), whole->cache - whole->per_token * tokens);
  setup.pool.instances = *rc::gen::inRange(1, 4);
  setup.router = *rc::gen::element(RequestRouter::kInTurn, RequestRouter::kLeastLoaded,
                                   RequestRouter::kPrefix);
  setup.concurrency = *rc::gen::element(0, 0, 17);
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  RequestLoad load = uneven_load(150, *rc::gen::element(1.0, 20.0, 400.0), seed);
  add_contents(load, seed);
  if (setup.concurrency > 0) {
    for (Request& r : load.requests) r.arrival = 0;
  }
  const auto result = simulate(setup, load);
  RC_ASSERT(result.has_value());
  check_laws(setup, load, *result);
  // The same again is the same.
  const auto again = simulate(setup, load);
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    RC_ASSERT(result->requests[i].finish == again->requests[i].finish);
  }
}

RC_GTEST_PROP(Simulation, laws_hold_for_pools_of_their_own, ()) {
  SimulationSetup setup = bench().setup();
  setup.pool.layout = {.tp = 4};
  setup.pool.instances = *rc::gen::inRange(1, 3);
  setup.prefill = ServingPool{&bench().serving, {.tp = 4}, *rc::gen::inRange(1, 4), {}};
  setup.prefill->engine.mixes = false;
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  RequestLoad load = uneven_load(120, *rc::gen::element(1.0, 50.0), seed);
  add_contents(load, seed);
  const auto result = simulate(setup, load);
  RC_ASSERT(result.has_value());
  check_laws(setup, load, *result);
}

// One request alone takes the step times of the closed form, token by token.
TEST(Simulation, one_request_takes_what_the_closed_form_says) {
  SimulationSetup setup = bench().setup();
  setup.pool.engine.max_step_tokens = 8192;
  const RequestLoad load = load_of(1, 0, 2048, 512, 1);
  const auto result = simulate(setup, load);
  ASSERT_TRUE(result);
  const ServingWorkload workload{.input = 2048, .output = 512};
  const auto prefill = bench().serving.prefill(workload, {.tp = 8}, 2048.0 / 8);
  const auto decode = bench().serving.decode(workload, {.tp = 8}, 1);
  const EngineParameters& host = bench().serving.engine();
  const double overhead = (host.request_overhead + 2048 * host.request_token).value();
  const RequestTimes& t = result->requests[0];
  EXPECT_NEAR(ttft_of(t), prefill->time.value() + overhead, 0.01 * prefill->time.value());
  EXPECT_NEAR(tpot_of(t, load.requests[0]), decode->tpot.value(), 0.01 * decode->tpot.value());
}

// In the steady state of a closed loop both ways say the same. Lengths are spread, so that requests
// do not all end together; the first and last tenth, where the loop fills and empties, are left
// out.
TEST(Simulation, a_closed_loop_settles_where_the_closed_form_says) {
  for (const bool mixes : {true, false}) {
    for (const int clients : {4, 16, 64}) {
      SimulationSetup setup = bench().setup();
      setup.concurrency = clients;
      setup.pool.engine.mixes = mixes;
      RequestLoad load = load_of(std::size_t(clients) * 60, 0, 256, 600, 3);
      Random random(9, "test spread");
      for (Request& r : load.requests) r.output = 400 + int(random.below(401));
      const auto result = simulate(setup, load);
      ASSERT_TRUE(result);
      std::vector<double> tpot;
      double tokens = 0;
      const double begin = 0.1 * result->makespan, end = 0.9 * result->makespan;
      for (std::size_t i = 0; i < load.requests.size(); ++i) {
        const RequestTimes& t = result->requests[i];
        if (t.finish < begin || t.finish > end) continue;
        tpot.push_back(tpot_of(t, load.requests[i]));
        tokens += load.requests[i].output;
      }
      const ServingWorkload workload{.input = 256, .output = 600, .length_spread = 0.67};
      Rig rig("dgx_h100_8", 8, kLlama);
      rig.set_mixes(mixes);
      const auto loop = rig.serving().mixed(workload, {.tp = 8}, clients);
      ASSERT_TRUE(loop);
      EXPECT_NEAR(mean(tpot) / loop->tpot.value(), 1, 0.03) << clients << " mixes " << mixes;
      EXPECT_NEAR(tokens / (end - begin) / loop->tokens_per_second, 1, 0.03)
          << clients << " mixes " << mixes;
    }
  }
}

// A prompt in any of the groups that meet in the exchange holds all of them up.
TEST(Simulation, groups_hold_each_other_up_as_the_closed_form_says) {
  Rig rig("dgx_h200_8", 8, kR1);
  rig.set_mixes(false);
  const ServingModel serving = rig.serving();
  for (const int clients : {64, 256}) {
    SimulationSetup setup;
    setup.pool = {&serving, {.dp = 8, .ep = 8}, 1, {}};
    setup.pool.engine.mixes = false;
    setup.concurrency = clients;
    RequestLoad load = load_of(std::size_t(clients) * 30, 0, 2000, 500, 3);
    Random random(9, "test spread");
    for (Request& r : load.requests) r.output = 300 + int(random.below(401));
    const auto result = simulate(setup, load);
    ASSERT_TRUE(result);
    const ServingMetrics m = metrics_of(*result, load, {});
    const ServingWorkload workload{.input = 2000, .output = 500, .length_spread = 0.8};
    const auto loop = serving.mixed(workload, {.dp = 8, .ep = 8}, clients);
    ASSERT_TRUE(loop);
    EXPECT_NEAR(m.tpot.mean / loop->tpot.value(), 1, 0.1) << clients;
    EXPECT_NEAR(m.output_per_second() / loop->tokens_per_second, 1, 0.15) << clients;
  }
}

// Prompts of one length and one answered token are M/D/1: the mean wait is rho/(2(1-rho)) services.
TEST(Simulation, equal_prompts_wait_as_m_d_1_says) {
  SimulationSetup setup = bench().setup();
  setup.pool.engine.max_step_tokens = 2048;
  const RequestLoad one = load_of(1, 0, 2048, 1, 1);
  const double service = simulate(setup, one)->pools[0].busy;
  for (const double rho : {0.3, 0.6, 0.8}) {
    const RequestLoad load = load_of(200000, rho / service, 2048, 1, 7);
    const auto result = simulate(setup, load);
    const ServingMetrics m = metrics_of(*result, load, {});
    const double overhead = bench().serving.engine().request_overhead.value();
    const double wait = m.queue.mean - overhead;
    EXPECT_NEAR(wait, rho / (2 * (1 - rho)) * service, 0.05 * wait) << rho;
    EXPECT_EQ(m.overload, 0);
  }
}

TEST(Simulation, arrivals_beyond_the_capacity_are_called_so) {
  SimulationSetup setup = bench().setup();
  setup.pool.engine.max_step_tokens = 2048;
  const double service = simulate(setup, load_of(1, 0, 2048, 1, 1))->pools[0].busy;
  const RequestLoad load = load_of(20000, 1.25 / service, 2048, 1, 3);
  const ServingMetrics m = metrics_of(*simulate(setup, load), load, {});
  EXPECT_NEAR(m.overload, 0.25, 0.05);
}

TEST(Simulation, a_longer_context_than_the_model_has_names_the_request) {
  RequestLoad load = load_of(3, 1, 100, 10, 1);
  load.requests[1].input = 200000;
  const auto result = simulate(bench().setup(), load);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().problems[0].what, HasSubstr("request 2 of drawn has 200000 + 10"));
}

TEST(Simulation, tenants_that_ask_little_do_not_wait_for_one_that_asks_much) {
  SimulationSetup setup = bench().setup();
  setup.pool.engine.max_sequences = 8;
  RequestLoad load = load_of(400, 50, 1000, 200, 5);
  for (std::size_t i = 0; i < load.requests.size(); ++i) load.requests[i].tenant = i % 20 == 0;
  const auto wait_of_small = [&](QueueOrder order) {
    setup.pool.engine.order = order;
    const auto result = simulate(setup, load);
    std::vector<double> waits;
    for (std::size_t i = 0; i < load.requests.size(); i += 20) {
      waits.push_back(result->requests[i].scheduled - result->requests[i].arrival);
    }
    return mean(waits);
  };
  EXPECT_LT(wait_of_small(QueueOrder::kFair), 0.2 * wait_of_small(QueueOrder::kArrival));
}

TEST(Simulation, prompts_in_the_cache_are_not_computed_again) {
  SimulationSetup setup = bench().setup();
  RequestLoad load = load_of(2, 0, 4097, 2, 1);
  load.requests[1].arrival = 10;
  load.block_tokens = 512;
  load.block_ids = {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 8, 9, 10, 11};
  load.requests[0].blocks = load.requests[1].blocks = 8;
  load.requests[1].first_block = 8;
  const auto result = simulate(setup, load);
  EXPECT_EQ(result->requests[0].cached, 0);
  EXPECT_EQ(result->requests[1].cached, 4 * 512);
  EXPECT_LT(ttft_of(result->requests[1]), ttft_of(result->requests[0]));
}

TEST(Simulation, images_pass_the_tower_before_the_prompt) {
  const Rig rig("dgx_h100_8", 8, "llama4-scout");
  const ServingModel serving = rig.serving();
  SimulationSetup setup;
  setup.pool = {&serving, {.tp = 8, .ep = 1}, 1, {}};
  RequestLoad load = load_of(1, 0, 2000, 2, 1);
  const double without = ttft_of(simulate(setup, load)->requests[0]);
  load.requests[0].images = 3;
  const double with = ttft_of(simulate(setup, load)->requests[0]);
  const Seconds one = tower_time(rig.kernels, *rig.model, rig.precision, 8, 1);
  EXPECT_NEAR(with - without, 3 * one.value(), 0.01 * one.value());
}

// Where all requests are in from the start, one preempted is served last and loses nothing.
TEST(Simulation, victims_come_back_and_end) {
  SimulationSetup setup = bench().setup();
  const auto whole = cache_capacity(bench().serving, setup.pool.layout, setup.pool.engine);
  setup.pool.engine.runtime += whole->cache - whole->per_token * 6000;
  const RequestLoad load = load_of(8, 0, 1000, 900, 1);
  for (const bool swaps : {false, true}) {
    setup.pool.engine.swaps = swaps;
    const auto result = simulate(setup, load);
    ASSERT_TRUE(result);
    EXPECT_GT(result->preemptions, 0U);
    EXPECT_EQ(result->output_tokens, 8U * 900U);
    std::int64_t losses = 0;
    for (const RequestTimes& t : result->requests) losses += t.preemptions;
    EXPECT_EQ(std::uint64_t(losses), result->preemptions);
  }
}

}  // namespace
}  // namespace fivefold
