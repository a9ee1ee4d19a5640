// From wafer starts to good dies, in one quarter of one future.
#include <algorithm>
#include <cmath>

#include "fivefold/policy/supply_flow.h"

namespace fivefold {
namespace {

constexpr double kMostYield = 0.99;
constexpr double kLeastWeight = 1e-9;  // of one without wafers

}  // namespace

// Between dates it is the density of defects that learns, by a constant share a quarter: the
// logarithm of it is what is drawn in lines.
void SupplyFuture::yields_to_defects() {
  std::vector<double> areas(drawn_.size(), 0);
  for (const SupplyNode& node : data_.nodes)
    areas[std::size_t(node.yield)] = data_.dies[std::size_t(node.reference)].area();
  for (const SupplyDie& die : data_.dies) {
    if (die.yield >= 0) areas[std::size_t(die.yield)] = die.area();
  }
  for (std::size_t s = 0; s < drawn_.size(); ++s) {
    if (!(areas[s] > 0)) continue;
    drawn_[s].change([&](double yield) {
      return std::log(
          *defect_density(data_.yield_model, areas[s], std::min(yield, kMostYield), data_.alpha));
    });
  }
}

// A scaled yield is scaled on the die that it is stated of.
double SupplyFuture::yield_of(const SupplyNode& node, const SupplyDie& die, double time,
                              int quarter) const {
  const int series = die.yield >= 0 ? die.yield : node.yield;
  const double area = die.yield >= 0 ? die.area() : data_.dies[std::size_t(node.reference)].area();
  const DrawnSeries& drawn = drawn_[std::size_t(series)];
  double density = std::exp(drawn.level(time));
  const double factor = drawn.view().factor(quarter);
  if (factor != 1) {
    const double yield = *die_yield(data_.yield_model, area, density, data_.alpha) * factor;
    if (!(yield > 0)) return 0;
    density = *defect_density(data_.yield_model, area, std::min(yield, kMostYield), data_.alpha);
  }
  return *die_yield(data_.yield_model, die.area(), density, data_.alpha);
}

double SupplyFuture::gross_of(std::size_t die, double time, int quarter) const {
  const int series = data_.dies[die].gross;
  return series >= 0 && known(series) ? level(series, time, quarter) : gross_[die];
}

// A vendor's wafers of a node, divided among its dies.
void SupplyFuture::divide_wafers(double wafers, const SupplyNode& node, const SupplyVendor& vendor,
                                 std::size_t first_die, double time, int quarter) {
  QuarterTrace& trace = trace_[std::size_t(quarter)];
  const std::size_t n = std::size_t(&node - data_.nodes.data());
  double named = 0;
  int unnamed = 0;
  for (const SupplyVendorDie& die : vendor.dies) {
    if (die.share < 0) ++unnamed;
    if (die.share >= 0 && known(die.share)) named += level(die.share, time, quarter);
  }
  for (std::size_t d = 0; d < vendor.dies.size(); ++d) {
    const SupplyVendorDie& die = vendor.dies[d];
    double share = die.share < 0 ? std::max(0.0, 1 - named) / unnamed : 0;
    if (die.share >= 0 && known(die.share))
      share = level(die.share, time, quarter) / std::max(named, 1.0);
    if (!(share > 0)) continue;
    const std::size_t of = std::size_t(die.die);
    trace.wafers_used[n] += wafers * share;
    trace.dies_made[first_die + d] += wafers * share * gross_of(of, time, quarter) *
                                      yield_of(node, data_.dies[of], time, quarter);
  }
}

// Wafers that were begun a lead time ago come out. Drawn shares above the whole are cut to it.
void SupplyFuture::make_wafers(const SupplyNode& node, double time, int quarter) {
  QuarterTrace& trace = trace_[std::size_t(quarter)];
  const std::size_t n = std::size_t(&node - data_.nodes.data());
  const DrawnSeries& starts = drawn_[std::size_t(node.wafers)];
  trace.wafers[n] = trace.wafers_used[n] = 0;
  if (!starts.known()) return;
  trace.wafers[n] =
      starts.rate_sum(quarter - lead_, quarter + 1 - lead_) * starts.view().factor(quarter);
  double stated = 0;
  for (const SupplyVendor& vendor : data_.vendors) {
    for (const SupplyWafers& part : vendor.wafers) {
      if (part.node == int(n) && known(part.share)) stated += level(part.share, time, quarter);
    }
  }
  if (!(trace.wafers[n] > 0) || !(stated > 0)) return;
  const double whole = trace.wafers[n] / std::max(stated, 1.0);
  std::size_t first_die = 0;
  for (std::size_t v = 0; v < data_.vendors.size(); ++v) {
    const SupplyVendor& vendor = data_.vendors[v];
    for (const SupplyWafers& part : vendor.wafers) {
      if (part.node != int(n) || !known(part.share)) continue;
      const double own = whole * level(part.share, time, quarter);
      weights_[v] += own;
      divide_wafers(own, node, vendor, first_die, time, quarter);
    }
    first_die += vendor.dies.size();
  }
}

void SupplyFuture::make_dies(int quarter) {
  QuarterTrace& trace = trace_[std::size_t(quarter)];
  std::fill(weights_.begin(), weights_.end(), kLeastWeight);
  std::fill(trace.dies_made.begin(), trace.dies_made.end(), 0);
  for (const SupplyNode& node : data_.nodes) make_wafers(node, quarter + 0.5 - lead_, quarter);
  std::size_t d = 0;
  for (const SupplyVendor& vendor : data_.vendors) {
    for (const SupplyVendorDie& die : vendor.dies) {
      for (const int bank : die.bank) {
        if (known(bank)) trace.dies_made[d] += drawn_[std::size_t(bank)].arriving(quarter);
      }
      stock_[d] += trace.dies_made[d];
      trace.dies[d] = stock_[d];
      ++d;
    }
  }
}

}  // namespace fivefold
