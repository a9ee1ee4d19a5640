// Drawn loads: what stays the same, and how near what is drawn comes to what was asked for.
#include <cmath>
#include <numeric>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "fivefold/traffic/gaps.h"
#include "fivefold/traffic/traffic.h"

namespace fivefold {
namespace {

// Any load in order, with contents, tenants by name, priorities and images or without.
rc::Gen<RequestLoad> any_load() {
  return rc::gen::exec([] {
    RequestLoad load;
    const bool contents = *rc::gen::arbitrary<bool>();
    const bool tenants = *rc::gen::arbitrary<bool>();
    const bool more = *rc::gen::arbitrary<bool>();
    const int count = *rc::gen::inRange(1, 30);
    std::uint32_t ids = 0;
    double at = 0;
    for (int i = 0; i < count; ++i) {
      Request request{.arrival = at};
      request.input = *rc::gen::inRange(1, 200'000);
      request.output = *rc::gen::inRange(1, 20'000);
      at += *rc::gen::inRange(0, 1'000'000) / 7e3;
      if (tenants) {
        request.tenant = *rc::gen::inRange(0, int(load.tenants.size()) + 1);
        if (request.tenant == int(load.tenants.size()))
          load.tenants.push_back("of \"" + std::to_string(request.tenant) + "\", Inc");
      }
      if (more) {
        request.priority = *rc::gen::inRange(-2, 3);
        request.images = *rc::gen::inRange(0, 4);
      }
      request.first_block = std::uint32_t(load.block_ids.size());
      if (contents) {
        request.blocks = std::uint32_t(*rc::gen::inRange(0, 4));
        for (std::uint32_t b = 0; b < request.blocks; ++b) {
          const auto id = std::uint32_t(*rc::gen::inRange(0, int(ids) + 1));
          ids = std::max(ids, id + 1);
          load.block_ids.push_back(id);
        }
      }
      load.requests.push_back(request);
    }
    load.block_tokens = ids > 0 ? 512 : 0;
    return load;
  });
}

std::int64_t tokens(const RequestLoad& load) {
  std::int64_t sum = 0;
  for (const Request& r : load.requests) sum += std::int64_t(r.input) + r.output;
  return sum;
}

bool in_order(const RequestLoad& load) {
  return std::is_sorted(load.requests.begin(), load.requests.end(),
                        [](const Request& a, const Request& b) { return a.arrival < b.arrival; });
}

RC_GTEST_PROP(Loads, WrittenReadBackEqual, ()) {
  const RequestLoad load = *any_load();
  const auto read = parse_load(load_csv(load), "own.csv");
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->form == "own");
  RC_ASSERT(read->load.tenants == load.tenants);
  RC_ASSERT(read->load.requests.size() == load.requests.size());
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    const Request& a = load.requests[i];
    const Request& b = read->load.requests[i];
    RC_ASSERT(a.arrival == b.arrival);
    RC_ASSERT(a.input == b.input && a.output == b.output && a.tenant == b.tenant);
    RC_ASSERT(a.priority == b.priority && a.images == b.images);
  }
}

RC_GTEST_PROP(Loads, RepeatedKeepsTokensTenantsAndReuse, ()) {
  const RequestLoad load = *any_load();
  const int times = *rc::gen::inRange(1, 5);
  const RequestLoad again = repeated(load, times);
  RC_ASSERT(tokens(again) == times * tokens(load));
  RC_ASSERT(in_order(again));
  RC_ASSERT(again.tenants == load.tenants);
  const std::size_t count = load.requests.size();
  for (std::size_t i = 0; i < again.requests.size(); ++i) {
    RC_ASSERT(again.requests[i].tenant == load.requests[i % count].tenant);
    RC_ASSERT(again.blocks_of(again.requests[i]).size() == load.requests[i % count].blocks);
  }
  // Contents of each repetition are its own.
  const auto before = summarise(load).reuse;
  const auto after = summarise(again).reuse;
  RC_ASSERT(before.has_value() == after.has_value());
  if (before) RC_ASSERT(std::abs(*before - *after) < 1e-12);
}

RC_GTEST_PROP(Loads, ScaledChangesTheRateAlone, ()) {
  const RequestLoad load = *any_load();
  const double factor = *rc::gen::inRange(1, 1000) / 100.0;
  const RequestLoad faster = scaled(load, factor);
  RC_ASSERT(tokens(faster) == tokens(load));
  RC_ASSERT(in_order(faster));
  const LoadSummary a = summarise(load);
  const LoadSummary b = summarise(faster);
  RC_ASSERT(std::abs(b.rate - factor * a.rate) <= 1e-9 * b.rate);
  RC_ASSERT(std::abs(b.gap_cv - a.gap_cv) < 1e-9);
}

RC_GTEST_PROP(Loads, DrawnInOrderAndTheSameAgain, ()) {
  Lengths lengths;
  lengths.kind =
      *rc::gen::element(Lengths::Kind::kFixed, Lengths::Kind::kUniform, Lengths::Kind::kLognormal);
  lengths.spread = *rc::gen::inRange(0, 101) / 100.0;
  lengths.input_cv = *rc::gen::inRange(0, 300) / 100.0;
  lengths.input = *rc::gen::inRange(1, 100'000);
  const Arrivals arrivals{*rc::gen::inRange(1, 1000) / 10.0, *rc::gen::inRange(0, 500) / 100.0};
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const RequestLoad load = draw_load(lengths, arrivals, 200, seed);
  RC_ASSERT(in_order(load));
  RC_ASSERT(load.requests.front().arrival == 0);
  for (const Request& r : load.requests) {
    RC_ASSERT(r.input >= 1 && r.output >= 1);
    if (lengths.kind == Lengths::Kind::kUniform) {
      RC_ASSERT(r.input >= std::floor(lengths.spread * lengths.input) && r.input <= lengths.input);
    }
  }
  RC_ASSERT(load_csv(load) == load_csv(draw_load(lengths, arrivals, 200, seed)));
}

// A mean of n gaps is off by cv / sqrt(n) in one standard deviation; the cv of gamma gaps by
// about cv * sqrt((1 + 2 cv^2) / 2n) and more for skewed ones.
TEST(DrawnLoads, RateAndSpreadOfGaps) {
  constexpr std::size_t kCount = 200'001;
  for (const double cv : {0.0, 0.3, 1.0, 2.0, 3.0}) {
    const LoadSummary s = summarise(draw_load({}, {.rate = 8, .cv = cv}, kCount, 7));
    const double n = double(kCount - 1);
    EXPECT_NEAR(s.rate, 8, 8 * 4 * cv / std::sqrt(n) + 1e-9) << cv;
    EXPECT_NEAR(s.gap_cv, cv, 4 * cv * std::sqrt((1 + 6 * cv * cv) / (2 * n)) + 1e-9) << cv;
  }
}

TEST(DrawnLoads, Lengths) {
  constexpr std::size_t kCount = 200'000;
  const LoadSummary uniform = summarise(
      draw_closed({.kind = Lengths::Kind::kUniform, .input = 1000, .spread = 0.8}, kCount, 3));
  EXPECT_EQ(uniform.span, 0);
  EXPECT_NEAR(uniform.input_mean, 900, 0.6);
  EXPECT_EQ(uniform.input_max, 1000);
  const LoadSummary skewed = summarise(draw_closed(
      {.kind = Lengths::Kind::kLognormal, .input = 5000, .output = 300, .input_cv = 1.5}, kCount,
      3));
  EXPECT_NEAR(skewed.input_mean, 5000, 4 * 1.5 * 5000 / std::sqrt(double(kCount)));
  // The median is the mean over sqrt(1 + cv^2).
  EXPECT_NEAR(skewed.input_p50, 5000 / std::sqrt(3.25), 40);
  EXPECT_EQ(skewed.output_mean, 300);
}

TEST(DrawnLoads, PairsOfATrace) {
  RequestLoad trace;
  for (int i = 1; i <= 50; ++i) trace.requests.push_back({.input = i, .output = 1000 + i});
  const RequestLoad load = draw_closed({.kind = Lengths::Kind::kTrace, .trace = &trace}, 5000, 1);
  for (const Request& r : load.requests) EXPECT_EQ(r.output, 1000 + r.input);
  EXPECT_NEAR(summarise(load).input_mean, 25.5, 0.9);
}

TEST(Gaps, MomentsOfEachKind) {
  constexpr int kCount = 400'000;
  const double weibull_cv =
      std::sqrt(std::tgamma(1 + 2 / 0.7) / std::pow(std::tgamma(1 + 1 / 0.7), 2) - 1);
  for (const auto& [gaps, cv] : {std::pair{Gaps{Gaps::Kind::kGamma, 0.25, 3}, 2.0},
                                 std::pair{Gaps{Gaps::Kind::kGamma, 4, 3}, 0.5},
                                 std::pair{Gaps{Gaps::Kind::kWeibull, 0.7, 3}, weibull_cv}}) {
    Random random(1, "test");
    double sum = 0;
    double squares = 0;
    double first = 0;
    for (int i = 0; i < kCount; ++i) {
      const double gap = gaps.next(random);
      sum += gap;
      squares += gap * gap;
      first += gaps.first(random);
    }
    const double mean = sum / kCount;
    EXPECT_NEAR(mean, 3, 0.05);
    EXPECT_NEAR(std::sqrt(squares / kCount - mean * mean) / mean, cv, 0.03);
    // Renewal theory: half of E[gap^2] / E[gap].
    EXPECT_NEAR(first / kCount, 3 * (1 + cv * cv) / 2, 0.1);
  }
}

TEST(Summary, SmallLoads) {
  RequestLoad load;
  EXPECT_EQ(summarise(load).requests, 0u);
  load.requests.push_back({});
  EXPECT_EQ(summarise(load).rate, 0);
  load.requests.push_back({.arrival = 2, .input = 3});
  load.requests.push_back({.arrival = 2, .input = 5});
  const LoadSummary s = summarise(load);
  EXPECT_EQ(s.rate, 1);
  EXPECT_EQ(s.gap_cv, 1);
  EXPECT_EQ(s.input_p50, 3);
  EXPECT_EQ(s.reuse, std::nullopt);
}

}  // namespace
}  // namespace fivefold
