#include "fivefold/planner/search.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

namespace fivefold {
namespace {

// Tensor-parallel widths worth trying: divisors of the heads within the innermost levels that a
// group of ranks can use without leaving a node-like level.
std::vector<int> tensor_widths(const Machine& machine, const Model& model, int limit) {
  int inner = 1;
  for (const Level& level : machine.levels) {
    if (level.size <= 128) inner = std::max(inner, level.size);
  }
  const int heads = std::max(1, most_heads(model));
  std::vector<int> widths;
  for (int width = 1; width <= std::min({inner, limit, heads}); ++width) {
    if (heads % width == 0 && limit % width == 0) widths.push_back(width);
  }
  return widths;
}

void count(SearchReport& report, const Error* error) {
  ++report.evaluated;
  if (error == nullptr) return;
  ++report.refused;
  report.nearest_refusal =
      error->problems.front().what;  // candidates grow, so the last is the nearest
}

template <class Plan>
const Plan* best_of(const std::vector<Plan>& plans, int devices) {
  const Plan* best = nullptr;
  double most = 0;
  for (const Plan& plan : plans) {
    const int size = plan.layout.devices();
    const double tokens = (devices / size) * plan.estimate.tokens_per_second;
    if (tokens > most) {
      most = tokens;
      best = &plan;
    }
  }
  return best;
}

template <class Plan>
double throughput_of(const std::vector<Plan>& plans, int devices) {
  const Plan* best = best_of(plans, devices);
  return best == nullptr ? 0
                         : (devices / best->layout.devices()) * best->estimate.tokens_per_second;
}

// Tokens that one device takes in a prefill batch: larger batches use the machine better until TTFT
// or memory stops them.
constexpr double kPrefillTokens[] = {1024, 2048, 4096, 8192, 16384, 32768};

}  // namespace

std::vector<int> instance_sizes(const Machine& machine, int limit) {
  std::set<int> sizes;
  for (int size = 1; size <= limit; size *= 2) {
    sizes.insert(size);
    if (3 * size <= limit) sizes.insert(3 * size);
    if (5 * size <= limit) sizes.insert(5 * size);
  }
  for (const Level& level : machine.levels) {
    for (int size : {level.size, level.size / 2, level.size / 3, level.size / 4}) {
      if (size >= 1 && size <= limit) sizes.insert(size);
    }
  }
  return {sizes.begin(), sizes.end()};
}

std::vector<ServingLayout> serving_layouts(const Machine& machine, const Model& model,
                                           int devices) {
  std::vector<ServingLayout> layouts;
  const bool moe = most_experts(model) > 0;
  for (int pp : {1, 2, 4, 8}) {
    if (devices % pp != 0 || pp > model.layer_count()) continue;
    const int stage = devices / pp;
    for (int tp : tensor_widths(machine, model, stage)) {
      const int dp = stage / tp;
      if (moe) {
        if (stage <= most_experts(model) * 2)
          layouts.push_back({.tp = tp, .dp = dp, .ep = stage, .pp = pp});
        if (dp == 1 && stage > 1) layouts.push_back({.tp = tp, .dp = 1, .ep = 1, .pp = pp});
      } else if (dp == 1) {
        layouts.push_back({.tp = tp, .dp = 1, .ep = 1, .pp = pp});
      }
    }
  }
  return layouts;
}

std::vector<DecodePlan> decode_plans(const ServingModel& serving, const Machine& machine,
                                     const Model& model, const ServingWorkload& workload,
                                     int max_devices, SearchReport& report) {
  std::vector<DecodePlan> plans;
  for (int size : instance_sizes(machine, max_devices)) {
    DecodePlan best;
    for (const ServingLayout& layout : serving_layouts(machine, model, size)) {
      const auto estimate = serving.best_decode(workload, layout);
      count(report, estimate ? nullptr : &estimate.error());
      if (!estimate) continue;
      const double per_device = estimate->tokens_per_second / size;
      if (per_device > best.tokens_per_second_per_device) best = {layout, *estimate, per_device};
    }
    if (best.tokens_per_second_per_device > 0) plans.push_back(best);
  }
  return plans;
}

std::vector<PrefillPlan> prefill_plans(const ServingModel& serving, const Machine& machine,
                                       const Model& model, const ServingWorkload& workload,
                                       int max_devices, SearchReport& report) {
  std::vector<PrefillPlan> plans;
  for (int size : instance_sizes(machine, max_devices)) {
    PrefillPlan best;
    for (const ServingLayout& layout : serving_layouts(machine, model, size)) {
      for (double tokens : kPrefillTokens) {
        const auto estimate = serving.prefill(workload, layout, tokens);
        count(report, estimate ? nullptr : &estimate.error());
        if (!estimate) continue;
        if (workload.ttft_limit > Seconds(0) && estimate->time > workload.ttft_limit) continue;
        const double per_device = estimate->tokens_per_second / size;
        if (per_device > best.tokens_per_second_per_device) best = {layout, *estimate, per_device};
      }
    }
    if (best.tokens_per_second_per_device > 0) plans.push_back(best);
  }
  return plans;
}

const DecodePlan* best_use(const std::vector<DecodePlan>& plans, int devices) {
  return best_of(plans, devices);
}
const PrefillPlan* best_use(const std::vector<PrefillPlan>& plans, int devices) {
  return best_of(plans, devices);
}
double throughput(const std::vector<DecodePlan>& plans, int devices) {
  return throughput_of(plans, devices);
}
double throughput(const std::vector<PrefillPlan>& plans, int devices) {
  return throughput_of(plans, devices);
}

}  // namespace fivefold
