// A config.json as text, and typed access to its fields with messages that name field and line.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "fivefold/base/error.h"

namespace fivefold {

// One object of the file: the whole, or a part such as "text_config". Reading a field that is
// missing or of the wrong kind records a problem and returns a value that keeps going: all problems
// show at once. Fields that nobody asked for and whose names speak of shape are problems too
// (`unread_shapes`).
class Fields {
 public:
  // Bare Infinity, -Infinity and NaN (as published for Nemotron-H) are tolerated outside strings.
  static Result<Fields> parse(std::string_view text, const std::string& file);

  bool has(std::string_view name) const;  // present and not null
  int integer(std::string_view name);     // needed: positive
  // Absent or null: the fallback. Zero is allowed.
  int integer_or(std::string_view name, int fallback, int lowest = 0);
  double number_or(std::string_view name, double fallback);
  bool flag_or(std::string_view name, bool fallback);
  std::string text_or(std::string_view name, const std::string& fallback);
  std::vector<std::string> texts(std::string_view name);  // a list of texts, or none
  std::vector<int> integers(std::string_view name);       // a list of whole numbers, or none
  // A number that some configurations repeat for each layer: the one value of the list.
  int uniform_or(std::string_view name, int fallback);
  Fields part(std::string_view name);  // needed
  // Says that the field is known and does not change what is counted.
  void ignore(std::string_view name);
  // Files with parts may repeat a part's fields at the top.
  void ignore_repeated(const Fields& part);

  void refuse(std::string_view name, std::string what, std::string hint = {});
  // Fields about sizes, counts or patterns that were not read and are not known to be harmless.
  void refuse_unread_shapes();
  const std::vector<Problem>& problems() const;
  const std::string& file() const;

 private:
  struct Shared;
  const nlohmann::json* find(std::string_view name);
  Place place(std::string_view name) const;
  std::shared_ptr<Shared> shared_;
  const nlohmann::json* object_ = nullptr;
  std::string prefix_;  // "text_config."
};

}  // namespace fivefold
