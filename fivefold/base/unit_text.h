// Units and quantities as people write them: "3.2 TB/s", "50 ms", "400 Gbit/s", "0.5 CNY/kWh",
// "$3.2M".
//
// Decimal prefixes: GB = 1e9 bytes; KiB, MiB, GiB, TiB are binary. Counted things (chip, card,
// rack, token) have no dimension, so "USD/chip" is money and "tokens/s" a frequency. Calendar spans
// ("years", "months") stay counts as well: what uses them counts them.
#pragma once

#include <string>
#include <string_view>

#include "fivefold/base/error.h"
#include "fivefold/base/units.h"

namespace fivefold {

struct Unit {
  Dim dim;
  double scale = 1;   // coherent value = written value * scale; yuan are not converted
  bool yuan = false;  // money in CNY: multiply by the exchange rate as well
  bool known = true;  // false: kept as text, dimension and scale mean nothing
};
Unit parse_unit(std::string_view text);

// A quantity that is not negative. The message of a wrong unit says what was found and what is
// needed.
Result<double> parse_quantity(std::string_view text, Dim expected);
template <class Q>
Result<Q> parse_quantity_as(std::string_view text) {
  return parse_quantity(text, Q::kDim).map([](double value) { return Q(value); });
}

// "a bandwidth", "an amount of bytes", "a plain number", ...
std::string describe(Dim dim);
// A quantity of that dimension as one would write it: "3.2 TB/s"; empty if the field has no name
// for it.
std::string example_of(Dim dim);

}  // namespace fivefold
