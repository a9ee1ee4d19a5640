#include <array>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/planner/compare_parts.h"

namespace fivefold {

std::string show(double value, std::string_view unit) {
  if (unit == "chips" || unit == "systems") return format_count(value);
  if (unit == "tokens/s")
    return value < 1e6 ? format_count(std::round(value))
                       : fmt::format("{:.2f} million", value / 1e6);
  if (unit == "fraction") return fmt::format("{:.1f}%", 100 * value);
  // Units of the field that take a prefix; others are ratios of their own and stay as they are.
  const bool prefixed =
      unit == "B" || unit == "B/s" || unit == "FLOP/s" || unit == "OP/s" || unit == "W";
  if (unit == "USD" || unit.starts_with("USD/")) {
    const std::string_view per = unit.substr(3);
    if (value >= 1e6) return fmt::format("${:.2f}M{}", value / 1e6, per);
    if (value >= 1e3) return fmt::format("${:.3g}k{}", value / 1e3, per);
    return fmt::format("${:.3g}{}", value, per);
  }
  if (!prefixed) {
    if (value >= 1e4) return fmt::format("{:.0f} {}", value, unit);
    return fmt::format("{:.4g} {}", value, unit);
  }
  constexpr std::array<const char*, 8> kPrefixes = {"", "k", "M", "G", "T", "P", "E", "Z"};
  std::size_t step = 0;
  while (std::abs(value) >= 999.5 && step + 1 < kPrefixes.size()) {
    value /= 1000;
    ++step;
  }
  return fmt::format("{:.3g} {}{}", value, kPrefixes[step], unit);
}

Side known(double value, std::string_view unit, Explanation why) {
  Side side;
  side.value = value;
  side.text = show(value, unit);
  side.why = std::move(why);
  return side;
}

Side unknown(std::string text, std::string why) {
  Side side;
  side.text = std::move(text);
  side.why.statement = std::move(why);
  return side;
}

std::string describe(const ServingLayout& layout) {
  std::string text = fmt::format("tp{}", layout.tp);
  if (layout.dp > 1) text += fmt::format(" dp{}", layout.dp);
  if (layout.ep > 1) text += fmt::format(" ep{}", layout.ep);
  if (layout.pp > 1) text += fmt::format(" pp{}", layout.pp);
  return text;
}

std::string describe(const DecodePlan& plan) {
  return fmt::format("{}, batch {:.0f} a device", describe(plan.layout), plan.estimate.batch);
}

std::string describe(const TrainingLayout& layout) {
  std::string text = fmt::format("tp{} pp{} dp{}", layout.tp, layout.pp, layout.dp);
  if (layout.ep > 1) text += fmt::format(" ep{}", layout.ep);
  if (layout.cp > 1) text += fmt::format(" cp{}", layout.cp);
  if (layout.vpp > 1) text += fmt::format(" vpp{}", layout.vpp);
  return text + fmt::format(", micro batch {}", layout.micro_batch);
}

}  // namespace fivefold
