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

// Steps of one node that vTrain published (arXiv 2312.12391). Over its rows they are sums of one
// time a layer, one of embedding and head and one of the end, to a hundredth of a percent, for each
// hidden size, tp and micro batch: rows are no independent measurements. Its configurations say
// that layers are computed again. They cannot be: between hidden sizes of 1024 and 2048 a layer
// takes 8.32 ms more for 8 sequences, 314 of A100's 312 Tflop/s in four passes, 235 in three.
bool is_vtrain_single(const CsvTable& table, std::size_t row);

}  // namespace fivefold
