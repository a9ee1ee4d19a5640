#include "fivefold/reliability/failures.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/reliability/assumptions.h"
#include "fivefold/reliability/sample_test.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}
const Chip& chip(std::string_view id) {
  return **catalog().chip(id);
}

// Calibration, not a test of the rates: they were derived from these counts.
TEST(Failures, the_rates_give_back_the_counts_that_they_were_derived_from) {
  const FailureRates rates = *failure_rates(catalog(), chip("h100_sxm"), sample::llama3());
  const Seconds window(54 * 86400.0);
  EXPECT_NEAR(rates.total * window, 419, 0.5);
  EXPECT_NEAR(rates.mtbf().value() / 3600, 3.093, 0.005);
  std::array<double, kComponentCount> expected{};
  for (const ComponentRate& part : rates.parts) {
    expected[std::size_t(part.component)] = part.rate * window;
  }
  const auto of = [&expected](Component part) { return expected[std::size_t(part)]; };
  EXPECT_NEAR(of(Component::kChip), 190, 0.1);
  EXPECT_NEAR(of(Component::kMemory), 72, 0.1);
  EXPECT_NEAR(of(Component::kHost), 43, 0.1);
  EXPECT_NEAR(of(Component::kSoftware), 63, 0.1);
  const double network = of(Component::kSwitch) + of(Component::kCopper) + of(Component::kOptics);
  EXPECT_NEAR(network, 35, 0.1);
}

TEST(Failures, five_times_the_parts_fail_five_times_as_often) {
  const Chip& h100 = chip("h100_sxm");
  const FailureRates one = *failure_rates(catalog(), h100, sample::llama3());
  const FailureRates five = *failure_rates(catalog(), h100, sample::llama3() * 5);
  EXPECT_NEAR(five.total / one.total, 5, 1e-12);
  EXPECT_NEAR((one * 5).total / five.total, 1, 1e-12);
  EXPECT_NEAR(one.mtbf() / five.mtbf(), 5, 1e-12);
}

TEST(Failures, the_total_is_the_sum_of_the_parts_and_lies_in_its_range) {
  const FailureRates rates = *failure_rates(catalog(), chip("ascend_910c"), sample::llama3());
  Hertz sum;
  for (const ComponentRate& part : rates.parts) {
    sum += part.rate;
    EXPECT_LE(part.low, part.rate) << name(part.component);
    EXPECT_GE(part.high, part.rate) << name(part.component);
  }
  EXPECT_NEAR(sum / rates.total, 1, 1e-12);
  EXPECT_LT(rates.taking_nodes(), rates.total);  // software takes no node
}

TEST(Failures, a_chip_without_published_rates_is_taken_as_h100_with_a_wider_range) {
  const FailureRates h100 = *failure_rates(catalog(), chip("h100_sxm"), sample::llama3());
  const FailureRates ascend = *failure_rates(catalog(), chip("ascend_910c"), sample::llama3());
  EXPECT_EQ(h100.scale->path, "fail.scale.hopper");
  EXPECT_EQ(ascend.scale->path, "fail.scale.default");
  EXPECT_EQ(ascend.scale->sources, std::vector<std::string>{"assumption"});
  EXPECT_NEAR(ascend.total / h100.total, 1, 1e-12);
  EXPECT_GT(ascend.high, h100.high);
}

// RSC-1 (arXiv 2410.21680): 6.5 failures in 1,000 node-days of eight A100; its authors project 1.8
// h for 16,384 and 0.23 h for 131,072 by 1 / (nodes x rate).
TEST(Failures, the_projections_of_rsc_follow_from_its_node_rate) {
  PartCounts counts = sample::llama3();
  const FailureRates rates = *failure_rates(catalog(), chip("a100_sxm_80g"), counts);
  EXPECT_NEAR(rates.total.value() * 86400 / 2048 * 1000, 6.5, 0.01);
  EXPECT_NEAR(rates.mtbf().value() / 3600, 1.8, 0.01);
  EXPECT_NEAR((rates * 8).mtbf().value() / 3600, 0.23, 0.01);
}

// UB-Mesh (arXiv 2503.20377): MTBF of 13.8 and 98.5 h, MTTR 75 min, availability 91.6 and 98.8%.
TEST(Failures, availability_of_ub_mesh_closes) {
  EXPECT_NEAR(availability(Seconds(13.8 * 3600), Seconds(75 * 60)), 0.916, 0.002);
  EXPECT_NEAR(availability(Seconds(98.5 * 3600), Seconds(75 * 60)), 0.988, 0.001);
}

TEST(Failures, bad_counts_are_refused_by_name) {
  EXPECT_THAT(to_text(failure_rates(catalog(), chip("h100_sxm"), {}).error()),
              HasSubstr("without chips"));
  PartCounts counts = sample::llama3();
  counts.hosts = -1;
  EXPECT_THAT(to_text(failure_rates(catalog(), chip("h100_sxm"), counts).error()),
              HasSubstr("-1 is no number of parts (host)"));
}

TEST(Failures, what_the_catalog_assumes_of_runs_is_all_there) {
  const RunAssumptions assumed = *run_assumptions(catalog());
  EXPECT_EQ(assumed.facts.size(), 10u);
  EXPECT_EQ(assumed.detect, Seconds(300));
  EXPECT_NEAR(assumed.storage_per_chip.value() * 24000, 2e12, 2e9);
}

}  // namespace
}  // namespace fivefold
