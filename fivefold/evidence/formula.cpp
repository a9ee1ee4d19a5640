#include "fivefold/evidence/formula.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

namespace fivefold {
namespace {

constexpr int kMaxDepth = 64;

// A reader from left to right; the first error stops it.
class FormulaReader {
 public:
  FormulaReader(std::string_view text, const std::function<Result<Amount>(std::string_view)>& look_up)
      : text_(text), look_up_(look_up) {}

  Result<Amount> whole() {
    auto amount = sum();
    if (!amount) return amount;
    skip_space();
    if (at_ < text_.size()) return wrong("end of the formula");
    return amount;
  }

 private:
  Result<Amount> sum() {
    if (++depth_ > kMaxDepth)
      return fail(fmt::format("the formula '{}' is nested too deeply", text_));
    auto left = product();
    while (left) {
      const char sign = peek();
      if (sign != '+' && sign != '-') break;
      ++at_;
      const auto right = product();
      if (!right) return right;
      if (left->dim != right->dim) {
        return fail(fmt::format("the formula '{}' adds amounts of different units before column {}",
                                text_, at_ + 1));
      }
      left->value += sign == '+' ? right->value : -right->value;
    }
    --depth_;
    return left;
  }

  Result<Amount> product() {
    auto left = factor();
    while (left) {
      const char sign = peek();
      if (sign != '*' && sign != '/') break;
      ++at_;
      const auto right = factor();
      if (!right) return right;
      if (sign == '*') {
        left = Amount{left->value * right->value, left->dim + right->dim};
      } else {
        if (right->value == 0) return fail(fmt::format("the formula '{}' divides by zero", text_));
        left = Amount{left->value / right->value, left->dim - right->dim};
      }
    }
    return left;
  }

  Result<Amount> factor() {
    const char next = peek();
    if (next == '-') {
      ++at_;
      if (++depth_ > kMaxDepth)
        return fail(fmt::format("the formula '{}' is nested too deeply", text_));
      auto amount = factor();
      --depth_;
      if (amount) amount->value = -amount->value;
      return amount;
    }
    if (next == '(') return bracketed();
    if (std::isdigit(static_cast<unsigned char>(next))) return number();
    if (std::isalpha(static_cast<unsigned char>(next))) return named();
    return wrong("a number, a name or '('");
  }

  Result<Amount> bracketed() {
    ++at_;
    auto amount = sum();
    if (!amount) return amount;
    if (peek() != ')') return wrong("')'");
    ++at_;
    return amount;
  }

  Result<Amount> number() {
    const std::string rest(text_.substr(at_));
    char* end = nullptr;
    const double value = std::strtod(rest.c_str(), &end);
    at_ += static_cast<std::size_t>(end - rest.c_str());
    if (!std::isfinite(value)) return wrong("a number that is finite");
    return Amount{value, Dim{}};
  }

  Result<Amount> named() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
                                  text_[at_] == '_' || text_[at_] == '.')) {
      ++at_;
    }
    const std::string_view id = text_.substr(begin, at_ - begin);
    if (peek() == '(' && (id == "ceil" || id == "floor")) {
      auto amount = bracketed();
      // A count that is whole but for rounding stays what it is.
      if (amount) {
        const double nearest = std::round(amount->value);
        if (std::abs(amount->value - nearest) < 1e-9 * std::max(1.0, std::abs(nearest))) {
          amount->value = nearest;
        } else {
          amount->value = id == "ceil" ? std::ceil(amount->value) : std::floor(amount->value);
        }
      }
      return amount;
    }
    return look_up_(id);
  }

  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  tl::unexpected<Error> wrong(std::string_view wanted) {
    const std::string found =
        at_ < text_.size() ? fmt::format("'{}'", text_.substr(at_, 1)) : "the end";
    return fail(fmt::format("the formula '{}' has {} at column {} where {} is needed", text_, found,
                            at_ + 1, wanted));
  }

  std::string_view text_;
  const std::function<Result<Amount>(std::string_view)>& look_up_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Amount> evaluate(std::string_view formula,
                        const std::function<Result<Amount>(std::string_view)>& look_up) {
  return FormulaReader(formula, look_up).whole();
}

Result<std::vector<std::string>> names_in(std::string_view formula) {
  std::vector<std::string> names;
  // Only syntax and names matter: plain numbers, all different so that no difference of two is
  // zero.
  const std::function<Result<Amount>(std::string_view)> collect =
      [&](std::string_view name) -> Result<Amount> {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
    return Amount{1 + 0.6180339887 * static_cast<double>(names.size()), Dim{}};
  };
  const auto read = evaluate(formula, collect);
  if (!read && names.empty()) return tl::unexpected(read.error());
  return names;
}

}  // namespace fivefold
