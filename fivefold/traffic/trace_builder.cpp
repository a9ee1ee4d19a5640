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
constexpr double kMostSeconds = 1e11;  // 3,000 years
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
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
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
  const auto [end, failed] =
      std::from_chars(field.text.data(), field.text.data() + field.text.size(), quick);
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
  if (std::abs(request.arrival) > kMostSeconds) {
    problem(line, 0, fmt::format("an arrival at {:g} s is out of any range", request.arrival));
  }
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

}  // namespace fivefold
