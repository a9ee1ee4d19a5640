#include "fivefold/reliability/scaling.h"

#include <cmath>

#include <fmt/format.h>

namespace fivefold {
namespace {

constexpr double kSmallest = 1e-6, kLargest = 1e9;  // times a plan's machine

// A plan that makes no headway at this size has no goodput; other errors were found before.
SizePoint point_at(const PlanBySize& plan_by_size, double times) {
  const RunPlan plan = plan_by_size(times);
  SizePoint point{.times = times, .mtbf = plan.rates.mtbf()};
  if (const auto run = run_estimate(plan)) {
    point.interval = run->interval;
    point.goodput = run->shares.useful;
    point.useful = times * point.goodput;
  }
  return point;
}

}  // namespace

RunPlan resized(const RunPlan& plan, double times) {
  RunPlan larger = plan;
  larger.rates = plan.rates * times;
  larger.stragglers.hosts = std::max(1.0, plan.stragglers.hosts * times);
  if (plan.spares.nodes > 0) larger.spares.nodes = int(std::ceil(plan.spares.nodes * times));
  return larger;
}

Result<std::vector<SizePoint>> goodput_by_size(const PlanBySize& plan,
                                               std::span<const double> sizes) {
  if (const auto sound = interval_of(plan(1)); !sound) return fail(sound.error());
  std::vector<SizePoint> points;
  for (const double size : sizes) {
    if (!(size > 0)) return fail(fmt::format("a machine cannot be {} times as large", size));
    points.push_back(point_at(plan, size));
  }
  return points;
}

Result<std::optional<SizePoint>> largest_useful(const PlanBySize& plan) {
  if (const auto sound = interval_of(plan(1)); !sound) return fail(sound.error());
  if (plan(1).rates.total == Hertz(0)) return std::nullopt;
  // Rises, then falls: by golden section over the logarithm.
  const double golden = (std::sqrt(5.0) - 1) / 2;
  double low = std::log(kSmallest), high = std::log(kLargest);
  const auto useful = [&plan](double x) { return point_at(plan, std::exp(x)).useful; };
  // Where it is zero on the right side a section could mistake it for the left: come in first.
  while (high > low && useful(high) == 0) high -= 1;
  high += 1;
  double a = high - golden * (high - low), b = low + golden * (high - low);
  double at_a = useful(a), at_b = useful(b);
  while (high - low > 1e-6) {
    if (at_a < at_b) {
      low = a;
      a = b;
      at_a = at_b;
      b = low + golden * (high - low);
      at_b = useful(b);
    } else {
      high = b;
      b = a;
      at_b = at_a;
      a = high - golden * (high - low);
      at_a = useful(a);
    }
  }
  return point_at(plan, std::exp((low + high) / 2));
}

Result<std::optional<double>> break_even(const PlanBySize& many, const PlanBySize& few,
                                         double advantage) {
  for (const PlanBySize* plan : {&many, &few}) {
    if (const auto sound = interval_of((*plan)(1)); !sound) return fail(sound.error());
  }
  if (!(advantage > 0)) return fail(fmt::format("{} is no advantage", advantage), "above zero");
  const auto ahead = [&](double x) {
    const double of_many = point_at(many, std::exp(x)).goodput;
    const double of_few = point_at(few, std::exp(x)).goodput;
    return of_many > 0 && advantage * of_many > of_few;
  };
  double low = std::log(kSmallest), high = std::log(kLargest);
  if (!ahead(low)) return std::exp(low);
  // Far out both make no headway, which is no advantage of either.
  while (high > low && point_at(few, std::exp(high)).goodput == 0) high -= 0.1;
  if (ahead(high)) return std::nullopt;
  while (high - low > 1e-6) {
    const double middle = (low + high) / 2;
    (ahead(middle) ? low : high) = middle;
  }
  return std::exp(low);
}

}  // namespace fivefold
