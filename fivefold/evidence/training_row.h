// Reading fields of training tables.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fivefold/evidence/evidence.h"

namespace fivefold {

inline constexpr double kGib = 1024.0 * 1024.0 * 1024.0;  // bytes

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
std::string lower(std::string_view text);
// Blank where the source prints none, or no whole number.
std::optional<int> whole(const CsvTable& table, std::size_t row, std::string_view column);
// The number before a word: 1572864 for " tokens per step" in "one step; 1572864 tokens per step".
std::optional<double> number_before(std::string_view text, std::string_view word);

}  // namespace fivefold
