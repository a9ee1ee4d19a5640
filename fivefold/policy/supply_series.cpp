#include "fivefold/policy/supply_series.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fivefold {
namespace {

constexpr double kMonths = 3;  // in a quarter

bool was_known(const SupplyPoint& point, std::optional<Date> by) {
  return !by || point.as_of.last <= *by;
}

SeriesKnot knot_of(const SupplyBook::Data& data, const SupplyPoint& point) {
  const Fact& fact = point.fact;
  SeriesKnot knot;
  knot.point = &point;
  knot.from = quarters_since(data.start, point.at.first);
  knot.to = quarters_since(data.start, point.at.last + std::chrono::days(1));
  knot.value = fact.number;
  // What is published without a range is no more certain for that.
  const double spread = 1 + data.spread_of(fact.confidence);
  const bool ranged = fact.low || fact.high;
  knot.low = ranged ? fact.low.value_or(fact.number) : fact.number / spread;
  knot.high = ranged ? fact.high.value_or(fact.number) : fact.number * spread;
  return knot;
}

// Shares stay shares when a spread is laid around them.
void keep_share(const SupplySeries& series, SeriesKnot& knot) {
  if (series.unit == "fraction") knot.high = std::min(knot.high, std::max(knot.value, 1.0));
}

// The part of a span that falls into each quarter, less what later statements cover.
void fill_parts(SeriesView& view, int quarters) {
  const std::size_t count = view.knots.size();
  view.parts.assign(std::size_t(quarters) * count, 0);
  std::vector<double> edges;
  for (int q = 0; q <= quarters; ++q) edges.push_back(q);
  for (const SeriesKnot& knot : view.knots) edges.insert(edges.end(), {knot.from, knot.to});
  std::sort(edges.begin(), edges.end());
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    const double mid = (edges[i] + edges[i + 1]) / 2;
    if (mid < 0 || mid >= quarters) continue;
    std::size_t newest = count;
    for (std::size_t k = 0; k < count; ++k) {
      const SeriesKnot& knot = view.knots[k];
      if (mid < knot.from || mid >= knot.to) continue;
      if (newest == count || knot.point->as_of.last >= view.knots[newest].point->as_of.last)
        newest = k;
    }
    if (newest == count) continue;
    const SeriesKnot& knot = view.knots[newest];
    view.parts[std::size_t(mid) * count + newest] +=
        (edges[i + 1] - edges[i]) / (knot.to - knot.from);
  }
}

void add_knot(const SupplyBook::Data& data, const SupplyPoint& point, SeriesView& view) {
  SeriesKnot knot = knot_of(data, point);
  keep_share(*view.series, knot);
  for (SeriesKnot& other : view.knots) {
    if (view.series->form == SeriesForm::kAmount || other.point->at != point.at) continue;
    if (other.point->as_of.last <= point.as_of.last) other = knot;
    return;
  }
  view.knots.push_back(knot);
}

void scale_view(SeriesView& view, const SupplyQuestion::Scale& scale, Quarter start, int quarters) {
  if (view.factors.empty()) view.factors.assign(std::size_t(quarters), 1);
  const int first = scale.from ? quarters_between(start, *scale.from) : 0;
  for (int q = std::max(first, 0); q < quarters; ++q) view.factors[std::size_t(q)] *= scale.factor;
}

}  // namespace

double quarters_since(Quarter start, Date day) {
  const Quarter in = quarter_of(day);
  const double length = days_between(in.first(), in.last()) + 1;
  return quarters_between(start, in) + days_between(in.first(), day) / length;
}

double drawn_value(double low, double value, double high, double u) {
  return u < 0.5 ? value - (value - low) * (1 - std::sqrt(2 * u))
                 : value + (high - value) * (1 - std::sqrt(2 * (1 - u)));
}

std::vector<SeriesView> views_of(const SupplyBook::Data& data, std::optional<Date> known_by,
                                 int quarters) {
  std::vector<SeriesView> views(data.series.size());
  for (std::size_t i = 0; i < views.size(); ++i) {
    SeriesView& view = views[i];
    view.series = &data.series[i];
    for (const SupplyPoint& point : data.series[i].points) {
      if (was_known(point, known_by)) add_knot(data, point, view);
    }
    std::stable_sort(view.knots.begin(), view.knots.end(),
                     [](const auto& a, const auto& b) { return a.from < b.from; });
    if (view.series->form == SeriesForm::kAmount) fill_parts(view, quarters);
  }
  return views;
}

Result<void> scale_views(const SupplyBook::Data& data, const std::vector<SupplyQuestion::Scale>& by,
                         int quarters, std::vector<SeriesView>& views) {
  for (const SupplyQuestion::Scale& scale : by) {
    if (!(scale.factor >= 0) || !std::isfinite(scale.factor))
      return fail(fmt::format("a scale of {} for '{}'", scale.factor, scale.what),
                  "zero or more: --scale yield=1.2");
    bool found = false;
    std::vector<std::string> names;
    for (SeriesView& view : views) {
      names.insert(names.end(), {view.series->kind, view.series->id});
      if (view.series->kind == scale.what || view.series->id == scale.what) {
        scale_view(view, scale, data.start, quarters);
        found = true;
      }
      for (const SupplyPoint& point : view.series->points) {
        names.push_back(point.fact.path);
        if (point.fact.path != scale.what) continue;
        found = true;
        if (scale.from)
          return fail(
              fmt::format("'{}' is one fact: it has no quarter to begin", scale.what),
              fmt::format("scale its series {} from {}", view.series->id, to_text(*scale.from)));
        for (SeriesKnot& knot : view.knots) {
          if (knot.point != &point) continue;
          knot.low *= scale.factor;
          knot.value *= scale.factor;
          knot.high *= scale.factor;
        }
      }
    }
    if (!found) {
      std::string hint = did_you_mean(scale.what, names);
      if (hint.empty()) hint = "wafers, yield, hbm, packaging, or an id that --explain lists";
      return fail(fmt::format("nothing is called '{}' that could be scaled", scale.what), hint);
    }
  }
  return {};
}

void DrawnSeries::draw(const SeriesView& view, double u, double place) {
  view_ = &view;
  if (view.series->form == SeriesForm::kAmount) place = 0;
  const std::size_t count = view.knots.size();
  times_.resize(count);
  values_.resize(count);
  for (std::size_t k = 0; k < count; ++k) {
    const SeriesKnot& knot = view.knots[k];
    times_[k] = knot.from + place * (knot.to - knot.from);
    values_[k] = drawn_value(knot.low, knot.value, knot.high, u);
    // A wide span may reach past a narrow one that begins later.
    for (std::size_t i = k; i > 0 && times_[i] < times_[i - 1]; --i) {
      std::swap(times_[i], times_[i - 1]);
      std::swap(values_[i], values_[i - 1]);
    }
  }
}

double DrawnSeries::level(double time) const {
  if (times_.empty()) return 0;
  if (time <= times_.front()) return values_.front();
  for (std::size_t k = 1; k < times_.size(); ++k) {
    if (time > times_[k]) continue;
    const double width = times_[k] - times_[k - 1];
    const double share = width > 0 ? (time - times_[k - 1]) / width : 1;
    return values_[k - 1] + share * (values_[k] - values_[k - 1]);
  }
  return values_.back();
}

double DrawnSeries::rate_sum(double from, double to) const {
  if (times_.empty()) return 0;
  double sum = 0, at = std::max(from, times_.front());
  double rate = level(at);
  for (std::size_t k = 0; k <= times_.size() && at < to; ++k) {
    const double end = k < times_.size() ? std::min(times_[k], to) : to;
    if (end <= at) continue;
    const double next = level(end);
    sum += (end - at) * (rate + next) / 2;
    at = end;
    rate = next;
  }
  return sum * kMonths;
}

double DrawnSeries::arriving(int quarter) const {
  const SeriesView& view = *view_;
  if (view.series->form == SeriesForm::kRate)
    return rate_sum(quarter, quarter + 1) * view.factor(quarter);
  const std::size_t count = values_.size();
  double sum = 0;
  for (std::size_t k = 0; k < count; ++k)
    sum += view.parts[std::size_t(quarter) * count + k] * values_[k];
  return sum * view.factor(quarter);
}

void check_shares(const SupplyBook::Data& data, std::vector<Problem>& problems) {
  constexpr int kQuarters = 40;
  const std::vector<SeriesView> views = views_of(data, {}, kQuarters);
  for (std::size_t n = 0; n < data.nodes.size(); ++n) {
    for (int q = 0; q < kQuarters; ++q) {
      double sum = 0;
      const SupplyPoint* last = nullptr;
      for (const SupplyVendor& vendor : data.vendors) {
        for (const SupplyWafers& wafers : vendor.wafers) {
          if (wafers.node != int(n)) continue;
          const SeriesView& view = views[std::size_t(wafers.share)];
          DrawnSeries central;
          central.draw(view, 0.5, 0.5);
          sum += central.level(q);
          // Best named where a layer above the node's changed them.
          const std::string& below = data.nodes[n].place.file;
          if (view.known() && (!last || last->fact.place.file == below))
            last = view.knots.back().point;
        }
      }
      if (sum <= 1 + 1e-9) continue;
      problems.push_back({last->fact.place,
                          fmt::format("the shares of the wafers of {} sum to {:.3g} in {}",
                                      data.nodes[n].id, sum, to_text(data.start + q)),
                          "at most 1: lower one of them"});
      break;
    }
  }
}

}  // namespace fivefold
