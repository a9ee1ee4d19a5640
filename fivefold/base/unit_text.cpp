#include "fivefold/base/unit_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace fivefold {
namespace {

constexpr Dim kNone{};
constexpr Dim kByte{.byte = 1};
constexpr Dim kOp{.op = 1};
constexpr Dim kSecond{.second = 1};
constexpr Dim kJoule{.joule = 1};
constexpr Dim kUsd{.usd = 1};
constexpr Dim kPerSecond = kNone - kSecond;
constexpr Dim kWatt = kJoule - kSecond;
constexpr Dim kOpRate = kOp - kSecond;
constexpr Dim kByteRate = kByte - kSecond;

struct Name {
  std::string_view text;
  Dim dim;
  double scale;
  bool yuan = false;
};

constexpr double kKibi = 1024.0;
constexpr double kHour = 3600.0;
constexpr double kDay = 24 * kHour;

// The first name of each kind and size is the one that formatting uses.
constexpr Name kNames[] = {
    {"B", kByte, 1},
    {"KB", kByte, 1e3},
    {"kB", kByte, 1e3},
    {"MB", kByte, 1e6},
    {"GB", kByte, 1e9},
    {"TB", kByte, 1e12},
    {"PB", kByte, 1e15},
    {"EB", kByte, 1e18},
    {"KiB", kByte, kKibi},
    {"MiB", kByte, kKibi* kKibi},
    {"GiB", kByte, kKibi* kKibi* kKibi},
    {"TiB", kByte, kKibi* kKibi* kKibi* kKibi},
    {"PiB", kByte, kKibi* kKibi* kKibi* kKibi* kKibi},
    {"bytes", kByte, 1},
    {"byte", kByte, 1},
    {"bit", kByte, 1.0 / 8},
    {"Kbit", kByte, 1e3 / 8},
    {"Mbit", kByte, 1e6 / 8},
    {"Gbit", kByte, 1e9 / 8},
    {"Tbit", kByte, 1e12 / 8},
    {"Pbit", kByte, 1e15 / 8},
    {"Mbps", kByteRate, 1e6 / 8},
    {"Gbps", kByteRate, 1e9 / 8},
    {"Tbps", kByteRate, 1e12 / 8},
    {"FLOP", kOp, 1},
    {"MFLOP", kOp, 1e6},
    {"GFLOP", kOp, 1e9},
    {"TFLOP", kOp, 1e12},
    {"PFLOP", kOp, 1e15},
    {"EFLOP", kOp, 1e18},
    {"ZFLOP", kOp, 1e21},
    {"op", kOp, 1},
    {"ops", kOp, 1},
    {"FLOPS", kOpRate, 1},
    {"MFLOPS", kOpRate, 1e6},
    {"GFLOPS", kOpRate, 1e9},
    {"TFLOPS", kOpRate, 1e12},
    {"PFLOPS", kOpRate, 1e15},
    {"EFLOPS", kOpRate, 1e18},
    {"ZFLOPS", kOpRate, 1e21},
    {"OPS", kOpRate, 1},
    {"GOPS", kOpRate, 1e9},
    {"TOPS", kOpRate, 1e12},
    {"POPS", kOpRate, 1e15},
    {"EOPS", kOpRate, 1e18},
    {"s", kSecond, 1},
    {"ms", kSecond, 1e-3},
    {"us", kSecond, 1e-6},
    {"µs", kSecond, 1e-6},
    {"ns", kSecond, 1e-9},
    {"ps", kSecond, 1e-12},
    {"min", kSecond, 60},
    {"h", kSecond, kHour},
    {"hour", kSecond, kHour},
    {"hours", kSecond, kHour},
    {"d", kSecond, kDay},
    {"day", kSecond, kDay},
    {"days", kSecond, kDay},
    {"W", kWatt, 1},
    {"mW", kWatt, 1e-3},
    {"kW", kWatt, 1e3},
    {"MW", kWatt, 1e6},
    {"GW", kWatt, 1e9},
    {"J", kJoule, 1},
    {"uJ", kJoule, 1e-6},
    {"nJ", kJoule, 1e-9},
    {"pJ", kJoule, 1e-12},
    {"mJ", kJoule, 1e-3},
    {"kJ", kJoule, 1e3},
    {"MJ", kJoule, 1e6},
    {"GJ", kJoule, 1e9},
    {"TJ", kJoule, 1e12},
    {"Wh", kJoule, kHour},
    {"kWh", kJoule, 1e3 * kHour},
    {"MWh", kJoule, 1e6 * kHour},
    {"GWh", kJoule, 1e9 * kHour},
    {"Hz", kPerSecond, 1},
    {"kHz", kPerSecond, 1e3},
    {"MHz", kPerSecond, 1e6},
    {"GHz", kPerSecond, 1e9},
    {"USD", kUsd, 1},
    {"kUSD", kUsd, 1e3},
    {"MUSD", kUsd, 1e6},
    {"CNY", kUsd, 1, true},
    {"kCNY", kUsd, 1e3, true},
    {"MCNY", kUsd, 1e6, true},
    {"fraction", kNone, 1},
    {"ratio", kNone, 1},
    {"x", kNone, 1},
    {"%", kNone, 0.01},
    {"percent", kNone, 0.01},
};

// What is counted: without dimension.
constexpr std::string_view kCounted[] = {
    "1",      "mm2",    "clk",     "cycle",    "chip",   "chips",        "card",    "cards",
    "die",    "dies",   "device",  "devices",  "server", "servers",      "system",  "systems",
    "rack",   "racks",  "module",  "modules",  "node",   "nodes",        "GPU",     "NPU",
    "token",  "tokens", "request", "requests", "image",  "images",       "sample",  "samples",
    "link",   "links",  "lane",    "lanes",    "core",   "cores",        "layer",   "rank",
    "ranks",  "row",    "rows",    "call",     "calls",  "year",         "years",   "month",
    "months", "week",   "weeks",   "operator", "count",  "values",       "value",   "parameters",
    "kernel", "launch", "step",    "steps",    "hop",    "hops",         "C",       "port",
    "ports",  "wafer",  "wafers",  "stack",    "stacks", "person-weeks", "failure", "failures"};

constexpr std::pair<std::string_view, double> kMultiples[] = {
    {"thousand ", 1e3}, {"million ", 1e6}, {"billion ", 1e9}};

constexpr Unit kUnknown{kNone, 1, false, false};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<Unit> simple_unit(std::string_view text) {
  for (const Name& name : kNames) {
    if (name.text == text) return Unit{name.dim, name.scale, name.yuan};
  }
  for (std::string_view counted : kCounted) {
    if (counted == text) return Unit{};
  }
  return std::nullopt;
}

Unit times(const Unit& a, const Unit& b) {
  return {a.dim + b.dim, a.scale * b.scale, a.yuan || b.yuan, a.known && b.known};
}
Unit per(const Unit& a, const Unit& b) {
  return {a.dim - b.dim, a.scale / b.scale, a.yuan || b.yuan, a.known && b.known};
}

// One factor: "USD", "million tokens", "GPU-h".
Unit factor(std::string_view text) {
  text = trimmed(text);
  for (const auto& [word, scale] : kMultiples) {
    if (text.starts_with(word)) {
      Unit unit = factor(text.substr(word.size()));
      unit.scale *= scale;
      return unit;
    }
  }
  if (const auto unit = simple_unit(text)) return *unit;
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return kUnknown;
  const auto left = simple_unit(text.substr(0, dash));
  if (!left) return kUnknown;
  return times(*left, factor(text.substr(dash + 1)));
}

struct Split {
  double number;
  std::string_view rest;
};

// The number at the start of a text, thousands separators allowed ("1,200").
std::optional<Split> leading_number(std::string_view text) {
  std::string digits;
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    const char c = text[end];
    const bool separator = c == ',' && end > 0 && end + 3 < text.size() &&
                           text.find_first_not_of("0123456789", end + 1) >= end + 4;
    const bool sign =
        (c == '-' || c == '+') && (end == 0 || text[end - 1] == 'e' || text[end - 1] == 'E');
    const bool exponent =
        (c == 'e' || c == 'E') && end > 0 && end + 1 < text.size() &&
        (std::string_view("0123456789+-").find(text[end + 1]) != std::string_view::npos);
    if (separator) continue;
    if (!(c >= '0' && c <= '9') && c != '.' && !sign && !exponent) break;
    digits += c;
  }
  const char* first = digits.data() + (digits.starts_with('+') ? 1 : 0);
  const char* last = digits.data() + digits.size();
  double number = 0;
  const auto [stop, error] = std::from_chars(first, last, number);
  if (error != std::errc{} || stop != last || !std::isfinite(number)) return std::nullopt;
  return Split{number, trimmed(text.substr(end))};
}

// "$8.2M", "$950", "$1.2bn".
Unit dollar_suffix(std::string_view text) {
  const std::pair<std::string_view, double> suffixes[] = {{"", 1},    {"k", 1e3}, {"K", 1e3},
                                                          {"M", 1e6}, {"B", 1e9}, {"bn", 1e9}};
  for (const auto& [suffix, scale] : suffixes) {
    if (text == suffix) return Unit{kUsd, scale};
  }
  return kUnknown;
}

struct Kind {
  Dim dim;
  std::string_view name;
  std::string_view example;
};
constexpr Kind kKinds[] = {
    {kNone, "a plain number", "0.5"},
    {kByte, "an amount of bytes", "80 GB"},
    {kOp, "a number of operations", "2 TFLOP"},
    {kSecond, "a time", "50 ms"},
    {kJoule, "an energy", "3 kWh"},
    {kUsd, "an amount of money", "30000 USD"},
    {kPerSecond, "a frequency", "1.83 GHz"},
    {kByteRate, "a bandwidth", "3.2 TB/s"},
    {kOpRate, "a rate of operations", "989 TFLOPS"},
    {kWatt, "a power", "700 W"},
    {kUsd - kJoule, "a price of energy", "0.08 USD/kWh"},
    {kUsd - kSecond, "a rent", "2.5 USD/GPU-h"},
    {kJoule - kByte, "an energy per byte", "4 pJ/bit"},
    {kJoule - kOp, "an energy per operation", "0.5 pJ/op"},
    {kUsd - kOpRate, "a price of computing", "30 USD/TFLOPS"},
    {kWatt - kOpRate, "a power per rate", "0.8 W/TFLOPS"},
};

}  // namespace

Unit parse_unit(std::string_view text) {
  text = trimmed(text);
  // "GB/s per direction" is how the catalog counts every bandwidth.
  text = trimmed(text.substr(0, text.find(" per direction")));
  constexpr std::size_t kLongest = 60;  // a longer text is prose
  if (text.empty()) return Unit{};
  if (text.size() > kLongest) return kUnknown;
  std::size_t slash = text.find('/');
  Unit unit = factor(text.substr(0, slash));
  while (slash != std::string_view::npos) {
    text.remove_prefix(slash + 1);
    slash = text.find('/');
    unit = per(unit, factor(text.substr(0, slash)));
  }
  return unit.known ? unit : kUnknown;
}

Result<double> parse_quantity(std::string_view text, Dim expected) {
  const std::string example = example_of(expected);
  const std::string needed =
      fmt::format("{}{} is needed", describe(expected),
                  example.empty() ? std::string{} : fmt::format(" such as '{}'", example));
  text = trimmed(text);
  const bool dollars = text.starts_with('$');
  const auto split = leading_number(dollars ? text.substr(1) : text);
  if (!split) return fail(fmt::format("'{}' does not start with a number; {}", text, needed));
  const Unit unit = dollars ? dollar_suffix(split->rest) : parse_unit(split->rest);
  if (!unit.known) {
    return fail(
        fmt::format("'{}' has no unit that is known here: '{}'; {}", text, split->rest, needed));
  }
  if (unit.dim != expected) {
    if (split->rest.empty() && !dollars) {
      return fail(fmt::format("'{}' has no unit; {}", text, needed));
    }
    return fail(fmt::format("'{}' is {}; {}", text, describe(unit.dim), needed));
  }
  if (unit.yuan) return fail(fmt::format("'{}' is in yuan; state it in USD", text));
  if (split->number < 0) return fail(fmt::format("'{}' is negative; {}", text, needed));
  return split->number * unit.scale;
}

std::string describe(Dim dim) {
  for (const Kind& kind : kKinds) {
    if (kind.dim == dim) return std::string(kind.name);
  }
  return "a quantity of another kind";
}

std::string example_of(Dim dim) {
  for (const Kind& kind : kKinds) {
    if (kind.dim == dim) return std::string(kind.example);
  }
  return {};
}

}  // namespace fivefold
