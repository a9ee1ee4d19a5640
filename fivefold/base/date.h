// Days and quarters of the calendar, and how people write them.
#pragma once

#include <chrono>
#include <compare>
#include <string>
#include <string_view>

#include "fivefold/base/error.h"

namespace fivefold {

using Date = std::chrono::sys_days;

// A date that may be known to the month or the year only: "2025-09-17", "2025-09", "2025".
struct DateSpan {
  Date first, last;  // both in it
  bool operator==(const DateSpan&) const = default;
};
// Between the years 1990 and 2100; a day that no calendar has is an error.
Result<DateSpan> parse_date_span(std::string_view text, const Place& place = {});
// To the day, or an error that says how to write it.
Result<Date> parse_date(std::string_view text, const Place& place = {});
std::string to_text(Date date);  // "2025-09-17"
int days_between(Date from, Date to);

struct Quarter {
  int year = 0;
  int quarter = 1;  // 1 to 4
  auto operator<=>(const Quarter&) const = default;
  Date first() const;
  Date last() const;
};
// "2025Q3", in either case.
Result<Quarter> parse_quarter(std::string_view text, const Place& place = {});
std::string to_text(Quarter quarter);
Quarter quarter_of(Date date);
Quarter operator+(Quarter quarter, int quarters);
int quarters_between(Quarter from, Quarter to);

}  // namespace fivefold
