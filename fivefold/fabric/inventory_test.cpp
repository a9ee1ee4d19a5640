#include "fivefold/fabric/inventory.h"

#include <gtest/gtest.h>

namespace fivefold {
namespace {

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

Inventory inventory_of(const char* system, int chips, const GraphOptions& options = {}) {
  const auto machine =
      build_machine(**catalog().system(system), chips, **catalog().stack("comm/generic"));
  const auto taken = take_inventory(catalog(), plan_of(*machine, options));
  EXPECT_TRUE(taken) << to_text(taken.error());
  return taken.value_or(Inventory{});
}

TEST(Inventory, CloudMatrixHasItsPublishedSwitchesAndModules) {
  const Inventory inventory = inventory_of("cloudmatrix384", 384);
  EXPECT_EQ(inventory.levels[1].switches, 336);
  EXPECT_EQ(inventory.levels[2].switches, 112);
  EXPECT_NEAR(inventory.levels[2].transceivers, 5376, 1e-6);
  // Published (SEMI-REP): 159 W and 4,672 USD a chip. Its modules are of the frugal kind.
  EXPECT_LT(inventory.total.power.low, 159.0 * 384);
  EXPECT_GT(inventory.total.power.high, 159.0 * 384);
  EXPECT_LT(inventory.total.price.low, 4672.0 * 384);
  EXPECT_GT(inventory.total.price.high, 4672.0 * 384);
}

TEST(Inventory, AnNvlinkDomainHasCopperAndNoTransceiver) {
  const Inventory inventory = inventory_of("gb200_nvl72", 72);
  EXPECT_EQ(inventory.levels[0].medium, Medium::kCopper);
  EXPECT_EQ(inventory.levels[0].switches, 18);
  EXPECT_EQ(inventory.levels[0].cables, 72 * 18);
  EXPECT_EQ(inventory.total.transceivers, 0);
}

TEST(Inventory, AQuarterOfATpuPodIsOptical) {
  const Inventory inventory = inventory_of("tpu_v4_pod", 4096);
  EXPECT_EQ(inventory.levels[0].cables, 4096 * 3);
  EXPECT_EQ(inventory.levels[0].switches, 0);
  EXPECT_NEAR(inventory.levels[0].transceivers, 2 * 4096 * 3 / 4, 1e-6);
}

TEST(Inventory, AnotherStageAsksForAsManyTransceiversAgain) {
  GraphOptions options;
  options.scale_out = Clos{.leaf = 32, .spines = 4};
  const double one = inventory_of("dgx_h100_8", 128).levels[1].transceivers;
  EXPECT_EQ(one, 2 * 128);
  // 16 cables of 400 Gbit/s are four of 3.2 Tbit/s here: four modules each at both ends.
  EXPECT_EQ(inventory_of("dgx_h100_8", 128, options).levels[1].transceivers, one + 2 * 16 * 4);
}

TEST(Inventory, RangesHoldTheirValues) {
  for (const char* system : {"cloudmatrix384", "dgx_h100_8", "ub_mesh_pod"}) {
    const LevelInventory total = inventory_of(system, (*catalog().system(system))->chips).total;
    EXPECT_LE(total.price.low, total.price.value);
    EXPECT_LE(total.price.value, total.price.high);
    EXPECT_LT(total.power.low, total.power.high);
  }
}

}  // namespace
}  // namespace fivefold
