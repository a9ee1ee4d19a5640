#include "fivefold/evidence/reliability.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/evidence/temporary_test.h"

namespace fivefold {
namespace {

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

Prediction predicted(const std::string& rows) {
  const auto path = std::filesystem::path(temporary_path("reliability_rows.csv"));
  std::ofstream(path) << "id,system,chips,chip,quantity,value,unit,notes\n" << rows;
  const auto predictions = predict_training(catalog(), read_csv(path.string()).value());
  EXPECT_TRUE(predictions);
  return predictions->back();
}

TEST(ReliabilityEvidence, what_rates_were_derived_from_is_calibrated) {
  const Prediction p = predicted(
      "w,Llama,16384,H100,window,54,days,\n"
      "u,Llama,16384,H100,unexpected_interruptions,419,count,\n");
  EXPECT_TRUE(p.calibrated);
  EXPECT_NEAR(p.predicted, 419, 1);
}

TEST(ReliabilityEvidence, a_bound_is_told_apart_from_errors) {
  const Prediction p =
      predicted("e,Meta,16384,H100,effective_training_time,0.9,fraction,more than\n");
  EXPECT_EQ(p.family, "goodput_bound");
  EXPECT_FALSE(p.calibrated);
  EXPECT_GT(p.predicted, p.measured);
}

// RSC's rate is one number for the node; its jobs of 1,024 failed 3.6 times as often as that says.
TEST(ReliabilityEvidence, a_measured_time_to_failure_is_no_calibration) {
  const Prediction p = predicted("r,Meta RSC-1/RSC-2,1024,A100,job MTTF,7.9,hours,measured\n");
  EXPECT_FALSE(p.calibrated);
  EXPECT_NEAR(p.predicted / p.measured, 3.6, 0.1);
}

TEST(ReliabilityEvidence, rows_that_are_not_predicted_say_why) {
  EXPECT_EQ(predicted("x,s,8,H100,planned_interruptions,47,count,\n").refused,
            "planned interruptions are decisions, not failures");
  EXPECT_EQ(predicted("x,s,8,Z900,job MTTF,3,hours,\n").refused, "chip not in the catalog");
  EXPECT_EQ(predicted("x,s,8,H100,unexpected_interruptions,3,count,\n").refused,
            "length of the run not published");
  EXPECT_EQ(predicted("x,s,8,H100,mood,3,count,\n").refused, "quantity mood is not known");
}

}  // namespace
}  // namespace fivefold
