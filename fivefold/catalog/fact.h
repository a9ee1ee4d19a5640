// One value of the catalog: what it is, who says so, how sure that is, and who says otherwise.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/base/error.h"
#include "fivefold/base/units.h"

namespace fivefold {

enum class Confidence { kHigh, kMedium, kLow };
std::string_view name(Confidence confidence);

struct Source {
  std::string id;
  std::string title;
  std::string url;
  std::string publisher;
  std::string date;
  std::string kind;  // primary, secondary, weak, derived, unverified, ...
};

// The value of a fact as another source gives it.
struct OtherValue {
  double value = 0;  // coherent units, as the fact
  std::vector<std::string> sources;
  std::string note;
};

// A fact is a number with a unit, a text, a yes/no, "none" (known not to exist) or unknown (looked
// for, not published). Numbers are held in coherent units: bytes, ops, seconds, joules, USD; `unit`
// and `written` keep what the file says. Money in CNY is converted by the catalog's exchange rate.
struct Fact {
  enum class Kind { kNumber, kText, kBool, kNone, kUnknown };
  std::string path;  // "memory.bandwidth"
  Kind kind = Kind::kUnknown;
  double number = 0;
  bool flag = false;
  std::string text;
  Dim dim;                           // of `number`
  std::string unit;                  // as written: "TB/s"
  double written = 0;                // the number as written, in `unit`
  std::optional<double> low, high;   // coherent units
  std::vector<std::string> sources;  // ids; empty is an error that `check` reports
  Confidence confidence = Confidence::kLow;
  std::string note;
  std::string reading;  // "nominal", "measured", "assumption"; empty is nominal
  std::vector<OtherValue> also;
  std::string owner;  // id of the entity that states it (an ancestor, if inherited)
  Place place;

  bool is_number() const { return kind == Kind::kNumber; }
  // The smallest and largest value that any source or range gives.
  double lowest() const;
  double highest() const;
};

// The text of a fact for people: what is fitted over a shape is data in letters, not to be read.
std::string_view readable_text(const Fact& fact);

}  // namespace fivefold
