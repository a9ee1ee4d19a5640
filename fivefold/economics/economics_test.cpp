#include "fivefold/economics/economics.h"

#include <gmock/gmock.h>

namespace fivefold {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::NotNull;

Fact number(std::string path, double value) {
  Fact fact;
  fact.path = std::move(path);
  fact.kind = Fact::Kind::kNumber;
  fact.number = value;
  return fact;
}

// Ten chips of 600 W in a system of 10 kW and a million dollars.
struct Shop {
  Catalog catalog = *Catalog::load();
  Chip chip;
  System system;
  Shop() {
    chip.name = "chip";
    chip.tdp = Watts(600);
    chip.facts.all = {number("tdp", 600)};
    system.name = "shop";
    system.chip = &chip;
    system.chips = 10;
    system.power = Watts(10e3);
    system.price = Usd(1e6);
    system.facts.all = {number("power", 10e3), number("price", 1e6)};
  }
  Shop(const Shop&) = delete;
  double fact(const char* id) const { return (*catalog.economics(id))->number; }
};

TEST(Power, an_idle_system_still_feeds_hosts_and_idle_chips) {
  const Shop shop;
  const auto idle = power_under_load(shop.catalog, shop.system, {});
  ASSERT_TRUE(idle);
  EXPECT_NEAR(idle->value.value(), 4000 + shop.fact("power.idle") * 6000, 1e-6);
}

TEST(Power, full_load_is_the_published_power) {
  const Shop shop;
  const auto full = power_under_load(shop.catalog, shop.system, {.compute = 1, .memory = 1});
  ASSERT_TRUE(full);
  EXPECT_NEAR(full->value.value(), 10e3, 1e-6);
}

TEST(Power, more_load_never_takes_less_and_never_more_than_published) {
  const Shop shop;
  double last = 0;
  for (double share = 0; share <= 1.5; share += 0.1) {
    const auto power =
        power_under_load(shop.catalog, shop.system, {.compute = share, .memory = 0.3});
    ASSERT_TRUE(power);
    EXPECT_GE(power->value.value(), last);
    EXPECT_LE(power->value.value(), 10e3 + 1e-6);
    last = power->value.value();
  }
}

TEST(Power, without_a_published_figure_the_assumption_is_named) {
  Shop shop;
  shop.system.power = Watts(0);
  const auto power = power_at_full_load(shop.catalog, shop.system);
  ASSERT_TRUE(power);
  EXPECT_NEAR(power->value.value(), 6000 * (1 + shop.fact("power.rest")), 1e-6);
  EXPECT_THAT(power->facts, Contains(*shop.catalog.economics("power.rest")));
}

TEST(Cost, a_machine_is_written_off_while_it_is_loaded) {
  const Shop shop;
  const auto cost = running_cost(shop.catalog, shop.system, {.compute = 1, .memory = 1}, {});
  ASSERT_TRUE(cost);
  // A million dollars over four years, 70% loaded: 40.74 dollars an hour; 10 kW at PUE 1.1 and 9.1
  // cents: 1.00 dollar an hour.
  EXPECT_NEAR(cost->writeoff.value.value() * 3600, 40.74, 0.01);
  EXPECT_NEAR(cost->energy.value.value() * 3600, 1.001, 0.001);
  EXPECT_NEAR(cost_per_million_tokens(cost->total(), 10e3).value(), 41.74 / 36, 0.001);
  for (const Fact* fact : cost->writeoff.facts) EXPECT_THAT(fact, NotNull());
  EXPECT_THAT(cost->writeoff.facts, Contains(*shop.catalog.economics("capex.lifetime")));
  EXPECT_THAT(cost->energy.facts, Contains(*shop.catalog.economics("elec.us.avg")));
}

TEST(Cost, energy_of_a_token_is_power_over_rate) {
  EXPECT_DOUBLE_EQ(energy_per_token(Watts(559378), 384 * 1943.0).value(), 559378 / (384 * 1943.0));
  EXPECT_DOUBLE_EQ(cost_of_step(UsdPerSecond(0.01), 3, Seconds(20)).value(), 0.6);
}

TEST(Cost, a_system_without_any_price_is_refused) {
  Shop shop;
  shop.system.price = Usd(0);
  const auto price = price_of(shop.catalog, shop.system);
  ASSERT_FALSE(price);
  EXPECT_THAT(price.error().problems[0].what, HasSubstr("price of shop"));
}

TEST(Rent, a_system_costs_its_chips_by_the_hour) {
  const Catalog catalog = *Catalog::load();
  const auto rent = rental_cost(catalog, **catalog.system("dgx_h100_8"));
  ASSERT_TRUE(rent);
  EXPECT_NEAR(rent->value.value() * 3600, 8 * 2.35, 1e-9);
  EXPECT_EQ(rent->facts.front()->path, "rent.h100.us");
}

TEST(Rent, a_chip_that_nobody_rents_out_is_refused_by_name) {
  const Catalog catalog = *Catalog::load();
  const auto rent = rental_cost(catalog, **catalog.system("cloudmatrix384"));
  ASSERT_FALSE(rent);
  EXPECT_THAT(to_text(rent.error()), HasSubstr("no rental price of Ascend 910C"));
}

}  // namespace
}  // namespace fivefold
