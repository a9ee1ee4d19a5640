#include <gmock/gmock.h>

#include "fivefold/kernel/parameters.h"

namespace fivefold {
namespace {

using testing::ElementsAre;

Fact fact(std::string path, double number, std::string source) {
  Fact fact;
  fact.path = std::move(path);
  fact.kind = Fact::Kind::kNumber;
  fact.number = number;
  fact.sources = {std::move(source)};
  return fact;
}

StackEntry entry(std::string family, std::string architecture, std::string format,
                 std::vector<Fact> facts) {
  return {std::move(family), std::move(architecture), std::move(format), Facts{std::move(facts)}};
}

Device hopper() {
  Device device;
  device.chip = "one";
  device.architecture = "hopper";
  return device;
}

std::vector<std::string> names_and_sources(const Stack& stack, const Shape& shape) {
  std::vector<std::string> names;
  for (const Fact* fact : facts_serving(hopper(), stack, Family::kGemm, shape))
    names.push_back(fact->path + " " + fact->sources.front());
  return names;
}

TEST(FactsServing, are_those_of_the_last_entry_that_fits) {
  Stack stack;
  stack.entries = {
      entry("*", "*", "*", {fact("compute_fraction", 0.5, "any"), fact("launch", 1e-6, "any")}),
      entry("gemm", "hopper", "fp8", {fact("compute_fraction", 0.6, "fp8")}),
      entry("gemm", "ampere", "*", {fact("compute_fraction", 0.7, "other chip")}),
      entry("moe", "*", "*", {fact("compute_fraction", 0.8, "other family")})};
  EXPECT_THAT(names_and_sources(stack, Gemm{.a = Format::kFp8, .b = Format::kFp8}),
              ElementsAre("compute_fraction fp8", "launch any"));
  EXPECT_THAT(names_and_sources(stack, Gemm{}), ElementsAre("compute_fraction any", "launch any"));
}

TEST(FactsServing, what_is_given_in_another_unit_takes_the_place) {
  Stack stack;
  stack.entries = {entry("*", "*", "*", {fact("launch", 1e-6, "seconds")}),
                   entry("gemm", "*", "*", {fact("launch_cycles", 900, "cycles")})};
  EXPECT_THAT(names_and_sources(stack, Gemm{}), ElementsAre("launch_cycles cycles"));
}

TEST(FactsServing, a_rate_does_not_keep_the_drag_that_was_fitted_with_another) {
  Stack stack;
  stack.entries = {entry("gemm", "*", "narrow",
                         {fact("compute_fraction", 0.9, "all"), fact("drag", 0.2, "all")}),
                   entry("gemm", "hopper", "fp8", {fact("compute_fraction", 0.6, "one kernel")})};
  EXPECT_THAT(names_and_sources(stack, Gemm{.a = Format::kInt8, .b = Format::kInt8}),
              ElementsAre("compute_fraction all", "drag all"));
  EXPECT_THAT(names_and_sources(stack, Gemm{.a = Format::kFp8, .b = Format::kFp8}),
              ElementsAre("compute_fraction one kernel"));
  EXPECT_THAT(names_and_sources(stack, Gemm{}), ElementsAre());
}

TEST(FactsServing, a_variant_counts_more_than_its_family) {
  Stack stack;
  stack.entries = {entry("gemm_batched", "*", "*", {fact("launch", 1e-6, "batched")}),
                   entry("gemm", "*", "*", {fact("launch", 2e-6, "plain")})};
  EXPECT_THAT(names_and_sources(stack, Gemm{.batch = 8}), ElementsAre("launch batched"));
  EXPECT_THAT(names_and_sources(stack, Gemm{}), ElementsAre("launch plain"));
}

}  // namespace
}  // namespace fivefold
