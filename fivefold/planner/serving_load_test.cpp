#include "fivefold/planner/serving_load.h"

#include <gmock/gmock.h>

#include "fivefold/catalog/catalog.h"
#include "fivefold/traffic/traffic.h"

namespace fivefold {
namespace {

struct Served {
  Catalog catalog = *Catalog::load();
  const System& system = **catalog.system("dgx_h100_8");
  Stack stack = with_engine(catalog, catalog.default_stack(*system.chip), *system.chip);
  Machine machine = *build_machine(system, 8, stack);
  const Model& model = **catalog.model("meta-llama/Llama-3.1-8B");
  KernelModel kernels = *KernelModel::make(machine.device, stack);
  ServingModel serving{machine, model, kernels, serving_precision(model, machine.device)};

  SimulationSetup setup(int instances) const {
    SimulationSetup setup;
    setup.pool = {&serving, {.tp = 1}, instances, engine_policy(stack, machine.device)};
    return setup;
  }
};

const Served& served() {
  static const Served made;
  return made;
}

RequestLoad load() {
  return draw_load({.kind = Lengths::Kind::kLognormal,
                    .input = 1000,
                    .output = 200,
                    .input_cv = 0.8,
                    .output_cv = 0.8},
                   {.rate = 5}, 1500, 3);
}

double factor(int instances, const Slo& slo, double share = 0.9) {
  const auto largest = largest_load(served().setup(instances), load(), slo, share);
  EXPECT_TRUE(largest.has_value());
  return largest ? largest->factor : 0;
}

constexpr Slo kSlo{.ttft = Seconds(1), .tpot = Seconds(0.03)};

TEST(LargestLoad, holds_and_a_little_more_does_not) {
  const auto largest = largest_load(served().setup(2), load(), kSlo, 0.9);
  ASSERT_TRUE(largest);
  EXPECT_GE(largest->metrics.attainment(), 0.9);
  EXPECT_EQ(largest->metrics.overload, 0);
  EXPECT_TRUE(largest->beyond.attainment() < 0.9 || largest->beyond.overload > 0);
  EXPECT_THAT(largest->limit, ::testing::AnyOf("TTFT", "TPOT", "the queue"));
}

TEST(LargestLoad, more_instances_hold_no_less) {
  double before = 0;
  for (const int instances : {1, 2, 4, 8}) {
    const double here = factor(instances, kSlo);
    EXPECT_GE(here, before) << instances;
    before = here;
  }
}

TEST(LargestLoad, looser_limits_hold_no_less) {
  const double tight = factor(2, kSlo);
  EXPECT_GE(factor(2, {.ttft = Seconds(2), .tpot = Seconds(0.03)}), tight);
  EXPECT_GE(factor(2, {.ttft = Seconds(1), .tpot = Seconds(0.06)}), tight);
  EXPECT_GE(factor(2, kSlo, 0.8), tight);
}

TEST(LargestLoad, limits_that_nothing_holds_give_none) {
  EXPECT_EQ(factor(8, {.tpot = Seconds(1e-6)}), 0);
}

TEST(LargestLoad, the_same_again_is_the_same) {
  EXPECT_EQ(factor(2, kSlo), factor(2, kSlo));
}

}  // namespace
}  // namespace fivefold
