// The chain from an answer to its sources, as an indented tree.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "fivefold/catalog/explanation.h"

namespace fivefold {

// Who is behind a source id; null if nobody is known: Catalog::source, or a test's own list.
using SourceOf = std::function<const Source*(std::string_view id)>;

// A fact's value as its file writes it: "3.2 TB/s", "none", "not published".
std::string value_text(const Fact& fact);
// A value in coherent units in the unit that the fact is written in.
std::string value_text(const Fact& fact, double coherent);
// "3 to 3.2 TB/s": the range that the file states; empty if it states none.
std::string range_text(const Fact& fact);

// Statement, formula, parts, and each fact with value, range, confidence, source and dissenters;
// lines of at most 100 columns, ends with a newline.
std::string to_text(const Explanation& explanation, const SourceOf& source_of);

}  // namespace fivefold
