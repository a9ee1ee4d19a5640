// Errors of input, as values. A user gets one message per problem: where it is, what was found and
// what would be right. A whole file is read before it is refused, so that all its problems show at once.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace fivefold {

// Lines and columns count from 1; 0 means that there is none to name.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
  bool operator==(const Place&) const = default;
};

struct Problem {
  Place place;
  std::string what;  // "bandwidth '3.2 TB': TB is an amount of bytes, not bytes per second"
  std::string hint;  // "write it as '3.2 TB/s'"; may be empty
};

struct Error {
  std::vector<Problem> problems;  // never empty
};

template <class T>
using Result = tl::expected<T, Error>;

Error make_error(std::string what, std::string hint = {}, Place place = {});
tl::unexpected<Error> fail(std::string what, std::string hint = {}, Place place = {});
tl::unexpected<Error> fail(Error error);

// "file:line:column: what (hint)", one line a problem, without a newline at the end.
std::string to_text(const Error& error);

// The names of `known` nearest to `name` (edit distance, at most three), best first; for "did you mean".
std::vector<std::string> nearest(std::string_view name, const std::vector<std::string>& known);
// "did you mean a, b or c?" or empty.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

}  // namespace fivefold
