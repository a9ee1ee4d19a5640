// Quantities and numbers for people: "13.8 TB", "1.23 ms", "2.50 PFLOPS", "$8.20M".
#pragma once

#include <string>

#include "fivefold/base/units.h"

namespace fivefold {

inline constexpr int kDigits = 3;  // significant

// "1,234.5", "0.00123"; from a million million on as "1.2e+15".
std::string format_number(double value, int digits = kDigits);
// A whole number with separators: "524,288".
std::string format_count(double value);
std::string format_percent(double share, int digits = kDigits);  // 0.123: "12.3%"

// In the unit of the field that leaves one to three digits before the point. What has no such unit
// is shown in coherent units.
std::string format_quantity(double value, Dim dim, int digits = kDigits);
template <Dim D>
std::string format_quantity(Quantity<D> quantity, int digits = kDigits) {
  return format_quantity(quantity.value(), D, digits);
}

}  // namespace fivefold
