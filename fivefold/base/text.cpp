#include "fivefold/base/text.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

namespace fivefold {
namespace {

struct Step {
  double scale;
  const char* unit;
};

constexpr Step kByteSteps[] = {{1, "B"},     {1e3, "KB"},  {1e6, "MB"}, {1e9, "GB"},
                               {1e12, "TB"}, {1e15, "PB"}, {1e18, "EB"}};
constexpr Step kBandwidthSteps[] = {{1, "B/s"},     {1e3, "KB/s"},  {1e6, "MB/s"}, {1e9, "GB/s"},
                                    {1e12, "TB/s"}, {1e15, "PB/s"}, {1e18, "EB/s"}};
constexpr Step kOpSteps[] = {{1, "FLOP"},     {1e6, "MFLOP"},  {1e9, "GFLOP"}, {1e12, "TFLOP"},
                             {1e15, "PFLOP"}, {1e18, "EFLOP"}, {1e21, "ZFLOP"}};
constexpr Step kRateSteps[] = {{1, "FLOPS"},     {1e6, "MFLOPS"},  {1e9, "GFLOPS"},
                               {1e12, "TFLOPS"}, {1e15, "PFLOPS"}, {1e18, "EFLOPS"},
                               {1e21, "ZFLOPS"}};
constexpr Step kTimeSteps[] = {{1e-12, "ps"}, {1e-9, "ns"}, {1e-6, "us"}, {1e-3, "ms"},
                               {1, "s"},      {120, "min"}, {7200, "h"},  {2 * 86400, "d"}};
constexpr Step kPowerSteps[] = {{1e-3, "mW"}, {1, "W"}, {1e3, "kW"}, {1e6, "MW"}, {1e9, "GW"}};
constexpr Step kEnergySteps[] = {{1e-12, "pJ"},  {1e-9, "nJ"},   {1e-6, "uJ"},
                                 {1e-3, "mJ"},   {1, "J"},       {1e3, "kJ"},
                                 {3.6e6, "kWh"}, {3.6e9, "MWh"}, {3.6e12, "GWh"}};
constexpr Step kFrequencySteps[] = {{1, "Hz"}, {1e3, "kHz"}, {1e6, "MHz"}, {1e9, "GHz"}};

// From minutes on, a step begins before its unit is reached: 90 s stays 90 s.
double unit_of(const Step& step) {
  if (step.scale == 120) return 60;
  if (step.scale == 7200) return 3600;
  if (step.scale == 2 * 86400) return 86400;
  return step.scale;
}

std::span<const Step> steps_of(Dim dim) {
  if (dim == Bytes::kDim) return kByteSteps;
  if (dim == BytesPerSecond::kDim) return kBandwidthSteps;
  if (dim == Ops::kDim) return kOpSteps;
  if (dim == OpsPerSecond::kDim) return kRateSteps;
  if (dim == Seconds::kDim) return kTimeSteps;
  if (dim == Watts::kDim) return kPowerSteps;
  if (dim == Joules::kDim) return kEnergySteps;
  if (dim == Hertz::kDim) return kFrequencySteps;
  return {};
}

// What the number will be once rounded, so that 999.96 GB becomes 1.00 TB.
double rounded(double value, int digits) {
  if (value == 0 || !std::isfinite(value)) return value;
  const double magnitude = std::pow(10, digits - 1 - std::floor(std::log10(std::abs(value))));
  return std::round(value * magnitude) / magnitude;
}

std::string with_separators(std::string text) {
  const std::size_t start = text.starts_with('-') ? 1 : 0;
  const std::size_t end = std::min(text.find('.'), text.size());
  for (std::size_t i = end; i > start + 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string format_money(double value, int digits) {
  static constexpr Step kMoneySteps[] = {{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "B"}};
  const double size = std::abs(rounded(value, digits));
  const Step* step = &kMoneySteps[0];
  for (const Step& candidate : kMoneySteps) {
    if (size >= candidate.scale && candidate.scale != 1e3) step = &candidate;
  }
  // Thousands stay written out: prices of chips read better as $30,000 than as $30.0k.
  const char* sign = value < 0 ? "-" : "";
  return fmt::format("{}${}{}", sign, format_number(std::abs(value) / step->scale, digits),
                     step->unit);
}

}  // namespace

std::string format_number(double value, int digits) {
  constexpr double kLargestInFull = 1e12;
  constexpr double kSmallestInFull = 1e-4;
  if (!std::isfinite(value)) return value > 0 ? "infinite" : value < 0 ? "-infinite" : "undefined";
  if (value == 0) return "0";
  const double shown = rounded(value, digits);
  const double size = std::abs(shown);
  if (size >= kLargestInFull || size < kSmallestInFull)
    return fmt::format("{:.{}e}", value, digits - 1);
  const int before = static_cast<int>(std::floor(std::log10(size))) + 1;
  return with_separators(fmt::format("{:.{}f}", shown, std::max(0, digits - before)));
}

std::string format_count(double value) {
  return with_separators(fmt::format("{:.0f}", value));
}

std::string format_percent(double share, int digits) {
  return format_number(share * 100, digits) + "%";
}

std::string format_quantity(double value, Dim dim, int digits) {
  if (dim == Dim{}) return format_number(value, digits);
  if (dim == Usd::kDim) return format_money(value, digits);
  if (dim == UsdPerJoule::kDim) return format_number(value * 3.6e6, digits) + " USD/kWh";
  if (dim == Usd::kDim - Seconds::kDim) return format_number(value * 3600, digits) + " USD/h";
  const std::span<const Step> steps = steps_of(dim);
  if (steps.empty()) return format_number(value, digits);
  if (value == 0 || !std::isfinite(value)) {
    const char* base = dim == Seconds::kDim ? "s" : steps.front().unit;
    return fmt::format("{} {}", format_number(value, digits), base);
  }
  const Step* step = &steps.front();
  for (const Step& candidate : steps) {
    if (std::abs(rounded(value / unit_of(candidate), digits)) * unit_of(candidate) >=
        candidate.scale) {
      step = &candidate;
    }
  }
  return fmt::format("{} {}", format_number(value / unit_of(*step), digits), step->unit);
}

}  // namespace fivefold
