// Two systems side by side, printed: for a terminal, as JSON and as CSV (forms in docs/json.md).
// The page is in report/html.h.
#pragma once

#include <string>

#include "fivefold/planner/comparison.h"
#include "fivefold/report/explanation.h"

namespace fivefold {

// Side by side with ratios, at most 100 columns; the last column is what --explain takes.
std::string to_text(const Comparison& comparison);
// Explanations in full, sources resolved; ends with a newline.
std::string to_json(const Comparison& comparison, const SourceOf& source_of);
// One record a line: section, id, label, unit, left, left_low, left_high, right, right_low,
// right_high, ratio, left_text, right_text, note. Parity lines have the chips under `left`.
std::string to_csv(const Comparison& comparison);

// A system's name without what stands in brackets behind it.
std::string short_name(const std::string& name);
// "1.67x", "0.034x", "-" if there is none.
std::string ratio_text(std::optional<double> ratio);

}  // namespace fivefold
