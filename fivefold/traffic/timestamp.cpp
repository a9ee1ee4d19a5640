#include "fivefold/traffic/trace_builder.h"

namespace fivefold {
namespace {

// Two or four digits at `at`, which moves on; -1 if they are none.
int digits(std::string_view text, std::size_t& at, int count) {
  int value = 0;
  for (int i = 0; i < count; ++i, ++at) {
    if (at >= text.size() || text[at] < '0' || text[at] > '9') return -1;
    value = value * 10 + (text[at] - '0');
  }
  return value;
}

bool take(std::string_view text, std::size_t& at, std::string_view any_of) {
  if (at >= text.size() || any_of.find(text[at]) == std::string_view::npos) return false;
  ++at;
  return true;
}

// Seconds of an offset from UTC, "+01:00", "-0130", "Z" or nothing.
std::optional<int> offset_of(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z") return 0;
  std::size_t at = 0;
  if (!take(text, at, "+-")) return std::nullopt;
  const int hours = digits(text, at, 2);
  take(text, at, ":");
  const int minutes = at == text.size() ? 0 : digits(text, at, 2);
  if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59 || at != text.size())
    return std::nullopt;
  return (hours * 60 + minutes) * (text[0] == '-' ? -60 : 60);
}

// Days from 1970-01-01 of a date of the Gregorian calendar: years from March on, in eras of 400.
std::int64_t days_of(int year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int era = year / 400;
  const int of_era = year % 400;
  const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return std::int64_t(era) * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

}  // namespace

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  std::size_t at = 0;
  const int year = digits(text, at, 4);
  bool good = take(text, at, "-");
  const int month = digits(text, at, 2);
  good = take(text, at, "-") && good;
  const int day = digits(text, at, 2);
  good = take(text, at, " Tt") && good;
  const int hour = digits(text, at, 2);
  good = take(text, at, ":") && good;
  const int minute = digits(text, at, 2);
  good = take(text, at, ":") && good;
  const int second = digits(text, at, 2);
  // The range in which 64 bits hold it in 1e-9.
  if (!good || year < 1700 || year > 2250 || month < 1 || month > 12 || day < 1 || day > 31 ||
      hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
    return std::nullopt;
  }
  std::int64_t fraction = 0;
  if (take(text, at, ".")) {
    const std::size_t begin = at;
    std::int64_t scale = 100'000'000;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) {
      fraction += scale * (text[at] - '0');
    }
    if (at == begin) return std::nullopt;
  }
  const auto offset = offset_of(text.substr(at));
  if (!offset) return std::nullopt;
  const std::int64_t seconds =
      days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - *offset;
  return seconds * 1'000'000'000 + fraction;
}

}  // namespace fivefold
