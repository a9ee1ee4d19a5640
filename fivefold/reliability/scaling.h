// Goodput over the size of a machine, and where more chips no longer help.
//
// A machine k times as large does k times the work in each step, fails k times as often, and pays
// the same for a recovery; what becomes of its checkpoint is the caller's to say. That work grows
// with the machine is the best case: what this leaves, failures and stragglers alone have taken.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "fivefold/reliability/run.h"

namespace fivefold {

struct SizePoint {
  double times = 1;  // the size of the plan's machine
  Seconds mtbf;
  Seconds interval;
  double goodput = 0;  // 0: the run makes no headway
  double useful = 0;   // times x goodput: throughput over that of a plan without losses
};

// The plan on a machine `times` as large, with the same checkpoints; its spare nodes grow with it.
RunPlan resized(const RunPlan& plan, double times);
// What a plan becomes on a machine so many times as large: `resized`, and more where the state is
// spread over more devices or storage grows as well.
using PlanBySize = std::function<RunPlan(double times)>;

// Fail as run_estimate does on a plan that cannot be at the size of 1; sizes must be positive.
Result<std::vector<SizePoint>> goodput_by_size(const PlanBySize& plan,
                                               std::span<const double> sizes);
// The size with the most useful throughput; absent if nothing fails.
Result<std::optional<SizePoint>> largest_useful(const PlanBySize& plan);

// A machine of many chips has `advantage` times the throughput of one of few while nothing fails.
// The number of times both must grow until that is gone; absent if it never is, or if the larger
// fails no more often. Below 1: it is gone at the sizes given.
Result<std::optional<double>> break_even(const PlanBySize& many, const PlanBySize& few,
                                         double advantage);

}  // namespace fivefold
