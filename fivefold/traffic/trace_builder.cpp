#include "fivefold/traffic/trace_builder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "fivefold/base/text.h"

namespace fivefold {
namespace {

constexpr std::size_t kMostProblems = 10;
constexpr std::int32_t kMostInt = std::numeric_limits<std::int32_t>::max();

std::string_view without_plus(std::string_view text) {
  return text.size() > 1 && text[0] == '+' && text[1] != '-' ? text.substr(1) : text;
}

}  // namespace

std::string shown(std::string_view text, std::size_t most) {
  std::string result;
  for (const char c : text.substr(0, most)) {
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  // Not in the middle of a UTF-8 character.
  while (text.size() > most && !result.empty() && (result.back() & 0x80) != 0) result.pop_back();
  return text.size() > most ? result + "..." : result;
}

void TraceBuilder::problem(int line, int column, std::string what, std::string hint) {
  Problem& added = problems_.emplace_back();
  added.place = {file_, line, column};
  added.what = std::move(what);
  added.hint = std::move(hint);
}

bool TraceBuilder::done() const {
  if (problems_.size() >= kMostProblems) return true;
  return options_.limit > 0 && !options_.sort && load_.requests.size() >= options_.limit;
}

std::optional<double> TraceBuilder::number(int line, const Field& field) {
  const std::string_view text = without_plus(field.text);
  double value = 0;
  const char* last = text.data() + text.size();
  const auto [end, failed] = std::from_chars(text.data(), last, value);
  if (text.empty()) {
    problem(line, field.column, fmt::format("{} is empty", field.name));
  } else if (failed != std::errc() || end != last || !std::isfinite(value)) {
    problem(line, field.column,
            fmt::format("{} '{}' is not a number", field.name, shown(field.text)));
  } else {
    return value;
  }
  return std::nullopt;
}

std::optional<std::int32_t> TraceBuilder::whole(int line, const Field& field, std::int32_t least) {
  std::int32_t quick = 0;
  const char* last = field.text.data() + field.text.size();
  const auto [end, failed] = std::from_chars(field.text.data(), last, quick);
  if (failed == std::errc() && end == last && quick >= least) return quick;
  const auto value = number(line, field);
  if (!value) return std::nullopt;
  const auto refuse = [&](std::string_view what, std::string hint) {
    problem(line, field.column, fmt::format("{} '{}' {}", field.name, shown(field.text), what),
            std::move(hint));
    return std::nullopt;
  };
  if (*value != std::floor(*value)) return refuse("is not a whole number", {});
  if (*value < least) {
    return refuse(*value < 0 ? "is negative" : "is too small", fmt::format("at least {}", least));
  }
  if (*value > kMostInt)
    return refuse("is too large", fmt::format("at most {}", format_count(kMostInt)));
  return std::int32_t(*value);
}

std::int32_t TraceBuilder::tenant(std::string_view name) {
  const auto [found, fresh] =
      tenants_.try_emplace(std::string(name), std::int32_t(load_.tenants.size()));
  if (fresh) load_.tenants.emplace_back(name);
  return found->second;
}

void TraceBuilder::add_block(std::int64_t id) {
  load_.block_ids.push_back(
      block_of_.try_emplace(id, std::uint32_t(block_of_.size())).first->second);
}

void TraceBuilder::add(int line, const Request& request) {
  if (last_line_ > 0 && request.arrival < last_ && !options_.sort) {
    problem(line, 0,
            fmt::format("the time goes back by {} s from line {}",
                        format_number(last_ - request.arrival), last_line_),
            "is the file sorted by arrival? --sort sorts it");
  }
  last_ = request.arrival;
  last_line_ = line;
  Request& added = load_.requests.emplace_back(request);
  added.first_block = first_block_;
  added.blocks = std::uint32_t(load_.block_ids.size()) - first_block_;
  first_block_ = std::uint32_t(load_.block_ids.size());
}

Result<ReadLoad> TraceBuilder::finish(std::string form, bool timed, std::int32_t block_tokens) {
  if (!problems_.empty()) {
    if (problems_.size() >= kMostProblems) {
      problem(0, 0, "the rest was not read after so many problems");
    }
    return fail(Error{std::move(problems_)});
  }
  ReadLoad result{.form = std::move(form), .timed = timed};
  if (left_out_ > 0) {
    result.notes.push_back(fmt::format("{} {} without tokens in or out left out",
                                       format_count(double(left_out_)),
                                       left_out_ == 1 ? "request" : "requests"));
  }
  auto& requests = load_.requests;
  if (requests.empty()) {
    return fail("no requests", left_out_ > 0 ? result.notes.front() : "only a header is there",
                {file_, 0, 0});
  }
  const auto earlier = [](const Request& a, const Request& b) { return a.arrival < b.arrival; };
  if (options_.sort) std::stable_sort(requests.begin(), requests.end(), earlier);
  if (options_.limit > 0 && requests.size() > options_.limit) requests.resize(options_.limit);
  const double first = requests.front().arrival;
  for (Request& request : requests) request.arrival -= first;
  load_.name = file_;
  load_.block_tokens = load_.block_ids.empty() ? 0 : block_tokens;
  result.load = std::move(load_);
  return result;
}

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
