#include "fivefold/base/date.h"

#include <optional>

#include <fmt/format.h>

namespace fivefold {
namespace {

using std::chrono::day;
using std::chrono::last;
using std::chrono::month;
using std::chrono::year;
using std::chrono::year_month;
using std::chrono::year_month_day;

constexpr int kFirstYear = 1990;
constexpr int kLastYear = 2100;

// Digits only: no sign, no space.
std::optional<int> digits(std::string_view text, std::size_t count) {
  if (text.size() != count) return {};
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return {};
    number = number * 10 + (c - '0');
  }
  return number;
}

std::optional<int> year_in(std::string_view text) {
  const auto number = digits(text, 4);
  if (!number || *number < kFirstYear || *number > kLastYear) return {};
  return number;
}

std::optional<DateSpan> span_of(std::string_view text) {
  const auto in_year = year_in(text.substr(0, 4));
  if (!in_year) return {};
  const year y(*in_year);
  if (text.size() == 4) return DateSpan{Date(y / 1 / 1), Date(y / 12 / 31)};
  if (text.size() < 7 || text[4] != '-') return {};
  const auto m = digits(text.substr(5, 2), 2);
  if (!m || *m < 1 || *m > 12) return {};
  const year_month in_month = y / month(unsigned(*m));
  if (text.size() == 7) return DateSpan{Date(in_month / 1), Date(in_month / last)};
  if (text.size() != 10 || text[7] != '-') return {};
  const auto d = digits(text.substr(8, 2), 2);
  if (!d) return {};
  const year_month_day date = in_month / day(unsigned(*d));
  if (!date.ok()) return {};
  return DateSpan{Date(date), Date(date)};
}

}  // namespace

Result<DateSpan> parse_date_span(std::string_view text, const Place& place) {
  if (const auto span = span_of(text)) return *span;
  return fail(
      fmt::format("'{}' is no date", text),
      fmt::format("write 2025-09-17, 2025-09 or 2025, from {} to {}", kFirstYear, kLastYear),
      place);
}

Result<Date> parse_date(std::string_view text, const Place& place) {
  const auto span = span_of(text);
  if (span && span->first == span->last) return span->first;
  return fail(fmt::format("'{}' is no day", text),
              fmt::format("write it as 2025-09-17, from {} to {}", kFirstYear, kLastYear), place);
}

std::string to_text(Date date) {
  const year_month_day d(date);
  return fmt::format("{:04}-{:02}-{:02}", int(d.year()), unsigned(d.month()), unsigned(d.day()));
}

int days_between(Date from, Date to) {
  return int((to - from).count());
}

Date Quarter::first() const {
  return Date(std::chrono::year(year) / month(unsigned(3 * quarter - 2)) / 1);
}

Date Quarter::last() const {
  return Date(std::chrono::year(year) / month(unsigned(3 * quarter)) / std::chrono::last);
}

Result<Quarter> parse_quarter(std::string_view text, const Place& place) {
  const auto in_year = text.size() == 6 ? year_in(text.substr(0, 4)) : std::nullopt;
  const bool marked = text.size() == 6 && (text[4] == 'Q' || text[4] == 'q');
  if (!in_year || !marked || text[5] < '1' || text[5] > '4') {
    return fail(fmt::format("'{}' is no quarter", text),
                fmt::format("write it as 2025Q3, from {} to {}", kFirstYear, kLastYear), place);
  }
  return Quarter{*in_year, text[5] - '0'};
}

std::string to_text(Quarter quarter) {
  return fmt::format("{:04}Q{}", quarter.year, quarter.quarter);
}

Quarter quarter_of(Date date) {
  const year_month_day d(date);
  return {int(d.year()), int(unsigned(d.month()) + 2) / 3};
}

Quarter operator+(Quarter quarter, int quarters) {
  const int index = quarter.year * 4 + quarter.quarter - 1 + quarters;
  return {index / 4, index % 4 + 1};
}

int quarters_between(Quarter from, Quarter to) {
  return (to.year - from.year) * 4 + to.quarter - from.quarter;
}

}  // namespace fivefold
