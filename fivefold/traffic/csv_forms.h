// What the columns of each form mean.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace fivefold::csv {

enum class Role : std::uint8_t {
  kIgnored,
  kArrival,
  kInput,
  kOutput,
  kTenant,
  kPriority,
  kImages,
  kCopies
};
enum class Time : std::uint8_t { kDate, kSeconds, kNanoseconds };

struct FormColumn {
  std::string_view name;
  Role role;
  bool required = false;
};
struct CsvForm {
  std::string_view name;
  Time time;
  std::vector<FormColumn> columns;
  bool own = false;  // written for this program: nothing in it is passed over
};

const std::vector<CsvForm>& forms();

}  // namespace fivefold::csv
