#include "fivefold/catalog/fact.h"

#include <algorithm>

#include "fivefold/catalog/chip.h"

namespace fivefold {

double Fact::lowest() const {
  double least = std::min(number, low.value_or(number));
  for (const OtherValue& other : also) least = std::min(least, other.value);
  return least;
}

double Fact::highest() const {
  double most = std::max(number, high.value_or(number));
  for (const OtherValue& other : also) most = std::max(most, other.value);
  return most;
}

std::string_view readable_text(const Fact& fact) {
  const bool fitted = fact.path.ends_with("residual") && fact.text != "flat";
  return fitted ? std::string_view("fitted over the shape") : std::string_view(fact.text);
}

const Fact* Facts::find(std::string_view path) const {
  for (const Fact& fact : all) {
    if (fact.path == path) return &fact;
  }
  return nullptr;
}

std::string_view name(Confidence confidence) {
  switch (confidence) {
    case Confidence::kHigh:
      return "high";
    case Confidence::kMedium:
      return "medium";
    case Confidence::kLow:
      break;
  }
  return "low";
}

}  // namespace fivefold
