// Series of dated facts as they stood on a day, on a grid of quarters, and what one future draws of
// them; internal to the room.
#pragma once

#include <span>
#include <vector>

#include "fivefold/policy/supply_data.h"

namespace fivefold {

// Quarters, and fractions of them, since the first day of `start`; the end of a day is meant for
// last days.
double quarters_since(Quarter start, Date day);

// The distribution of a fact between low and high: its value is the median, and the density of each
// half falls in a line from the value to the end (a half whose end is the value is a point there).
// u from 0 to 1.
double drawn_value(double low, double value, double high, double u);

struct SeriesKnot {
  double from = 0, to = 0;  // quarters since the start
  double low = 0, value = 0, high = 0;
  const SupplyPoint* point = nullptr;
};

// A series with what was known, without what was replaced, in order of time.
struct SeriesView {
  const SupplySeries* series = nullptr;
  std::vector<SeriesKnot> knots;
  std::vector<double> factors;  // by quarter, of --scale; empty: 1
  // Of amounts: the share of each knot's amount that falls into each quarter, [quarter][knot].
  std::vector<double> parts;

  bool known() const { return !knots.empty(); }
  double factor(int quarter) const { return factors.empty() ? 1 : factors[std::size_t(quarter)]; }
};

// `from` and `quarters` say which quarters the views answer for.
std::vector<SeriesView> views_of(const SupplyBook::Data& data, std::optional<Date> known_by,
                                 int quarters);
// Applies the factors to what they name; an unknown name is an error with the nearest.
Result<void> scale_views(const SupplyBook::Data& data, const std::vector<SupplyQuestion::Scale>& by,
                         int quarters, std::vector<SeriesView>& views);

// One future of a series. Times and values of the knots are kept from draw to draw.
class DrawnSeries {
 public:
  // `place` says where in its span a rate or level holds, from 0 to 1.
  void draw(const SeriesView& view, double u, double place);
  // With the values changed: yields as densities of defects.
  template <class Change>
  void change(const Change& to) {
    for (double& value : values_) value = to(value);
  }
  double level(double time) const;                // without factors
  double rate_sum(double from, double to) const;  // of a rate, over quarters; without factors
  double arriving(int quarter) const;             // of rates and amounts, with the factor
  bool known() const { return view_ != nullptr && view_->known(); }
  const SeriesView& view() const { return *view_; }

 private:
  const SeriesView* view_ = nullptr;
  std::vector<double> times_, values_;
};

// At the central values the shares of a node's wafers are at most the whole.
void check_shares(const SupplyBook::Data& data, std::vector<Problem>& problems);

}  // namespace fivefold
