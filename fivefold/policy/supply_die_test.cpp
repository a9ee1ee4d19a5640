#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "fivefold/policy/supply.h"

namespace fivefold {
namespace {

constexpr Wafer kBare{300, 0, 0};  // as published formulas take it

// The facts of supply (model.gross_dies), by the formula without scribe lines.
TEST(GrossDies, AsPublished) {
  EXPECT_NEAR(gross_dies(21.32, 31.22, kBare), 80.4, 0.1);
  EXPECT_NEAR(gross_dies(14.6, 31.25, kBare), 123.7, 0.1);
  EXPECT_NEAR(gross_dies(std::sqrt(814.0), std::sqrt(814.0), kBare), 63.5, 0.1);
  EXPECT_NEAR(gross_dies(std::sqrt(750.0), std::sqrt(750.0), kBare), 69.9, 0.1);
}

// Morgan Stanley counts 78 of the 910B, the bare formula 80.4.
TEST(GrossDies, Of910bBetweenThePublished) {
  const double dies = gross_dies(21.32, 31.22);
  EXPECT_GE(dies, 78);
  EXPECT_LE(dies, 81);
}

TEST(GrossDies, NoneOnAWaferThatIsTooSmall) {
  EXPECT_EQ(gross_dies(300, 300), 0);
  EXPECT_EQ(placed_dies(300, 300), 0);
  EXPECT_EQ(placed_dies(0, 10), 0);
}

// Unit squares of one grid in a circle: one from a radius of sqrt(1/2), two from sqrt(5)/2, four
// from sqrt(2), a cross of five from sqrt(5/2).
TEST(PlacedDies, UnitSquares) {
  const auto in_radius = [](double radius) { return placed_dies(1, 1, {2 * radius, 0, 0}); };
  EXPECT_EQ(in_radius(0.70), 0);
  EXPECT_EQ(in_radius(0.71), 1);
  EXPECT_EQ(in_radius(1.11), 1);
  EXPECT_EQ(in_radius(1.12), 2);
  EXPECT_EQ(in_radius(1.41), 2);
  EXPECT_EQ(in_radius(1.42), 4);
  EXPECT_EQ(in_radius(1.59), 5);
}

TEST(PlacedDies, NeverMoreThanTheAreaAndNearItForSmallDies) {
  rc::check([] {
    const double width = *rc::gen::inRange(20, 400) / 10.0;
    const double height = *rc::gen::inRange(20, 400) / 10.0;
    const double area = M_PI * 147 * 147 / ((width + 0.1) * (height + 0.1));
    RC_ASSERT(placed_dies(width, height) <= area);
  });
  EXPECT_GT(placed_dies(2, 2), 0.95 * M_PI * 147 * 147 / (2.1 * 2.1));
}

TEST(PlacedDies, AnEdgeTakesDies) {
  EXPECT_LE(placed_dies(21.32, 31.22, {300, 5, 0.1}), placed_dies(21.32, 31.22, {300, 0, 0.1}));
}

// supply.yaml, model.d0_per_cm2: densities of the 910B for published yields.
TEST(DieYield, DensitiesAsPublished) {
  const double area = 6.6561;
  const double published[][2] = {
      {0.2, 0.2418}, {0.3, 0.1809}, {0.4, 0.1377}, {0.5, 0.1041}, {0.6, 0.0767}};
  for (const auto& [yield, density] : published) {
    EXPECT_NEAR(*defect_density(YieldModel::kPoisson, area, yield), density, 6e-5);
    EXPECT_NEAR(*die_yield(YieldModel::kPoisson, area, density), yield, 2e-4);
  }
  EXPECT_NEAR(*defect_density(YieldModel::kPoisson, 8.14, 0.6), 0.0628, 1e-4);  // GH100
}

// Murphy 1964 at A D = 1 is (1 - 1/e)^2; Stapper's at alpha = 2, A D = 2 is a quarter.
TEST(DieYield, KnownPoints) {
  EXPECT_NEAR(*die_yield(YieldModel::kMurphy, 1, 1), 0.39958, 1e-5);
  EXPECT_NEAR(*die_yield(YieldModel::kNegativeBinomial, 2, 1, 2), 0.25, 1e-12);
  EXPECT_NEAR(*die_yield(YieldModel::kNegativeBinomial, 3, 1, 1), 0.25, 1e-12);  // Seeds
}

TEST(DieYield, Limits) {
  for (const YieldModel model :
       {YieldModel::kPoisson, YieldModel::kMurphy, YieldModel::kNegativeBinomial}) {
    EXPECT_EQ(*die_yield(model, 5, 0), 1);
    EXPECT_NEAR(*die_yield(model, 1, 1e-7), 1 - 1e-7, 1e-12);  // all begin as 1 - A D
    EXPECT_LT(*die_yield(model, 10, 100), 1e-5);
  }
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_DOUBLE_EQ(*die_yield(YieldModel::kNegativeBinomial, 3, 0.4, infinite), std::exp(-1.2));
  EXPECT_NEAR(*die_yield(YieldModel::kNegativeBinomial, 3, 0.4, 1e9), std::exp(-1.2), 1e-9);
}

// Clusters of defects leave more dies whole: Poisson below Murphy below Seeds (alpha = 1).
TEST(DieYield, MurphyLiesBetween) {
  rc::check([] {
    const double area = *rc::gen::inRange(1, 900) / 100.0;
    const double density = *rc::gen::inRange(1, 300) / 100.0;
    const double poisson = *die_yield(YieldModel::kPoisson, area, density);
    const double murphy = *die_yield(YieldModel::kMurphy, area, density);
    const double seeds = *die_yield(YieldModel::kNegativeBinomial, area, density, 1);
    RC_ASSERT(poisson < murphy);
    RC_ASSERT(murphy < seeds);
  });
}

TEST(DieYield, DensityGoesBack) {
  rc::check([] {
    const double area = *rc::gen::inRange(1, 900) / 100.0;
    const double yield = *rc::gen::inRange(1, 100) / 100.0;
    const double alpha = *rc::gen::inRange(1, 100) / 10.0;
    for (const YieldModel model :
         {YieldModel::kPoisson, YieldModel::kMurphy, YieldModel::kNegativeBinomial}) {
      const double density = *defect_density(model, area, yield, alpha);
      RC_ASSERT(std::abs(*die_yield(model, area, density, alpha) - yield) < 1e-9);
    }
  });
}

TEST(DieYield, WhatIsNoDieIsRefused) {
  EXPECT_FALSE(die_yield(YieldModel::kPoisson, -1, 0.1));
  EXPECT_FALSE(die_yield(YieldModel::kPoisson, 1, -0.1));
  EXPECT_FALSE(die_yield(YieldModel::kNegativeBinomial, 1, 0.1, 0));
  EXPECT_FALSE(defect_density(YieldModel::kMurphy, 1, 0));
  EXPECT_FALSE(defect_density(YieldModel::kMurphy, 1, 1.01));
  EXPECT_FALSE(defect_density(YieldModel::kPoisson, 1, std::nan("")));
  EXPECT_EQ(*defect_density(YieldModel::kPoisson, 1, 1), 0);
}

}  // namespace
}  // namespace fivefold
