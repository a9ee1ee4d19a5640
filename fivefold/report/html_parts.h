// The parts that the page is put together from: one function a block.
#pragma once

#include <string>
#include <string_view>

#include "fivefold/planner/comparison.h"
#include "fivefold/report/explanation.h"

namespace fivefold {

// Pictures (html_pictures.cpp); empty if the comparison has nothing for them.
std::string parity_picture(const Comparison& comparison, const SourceOf& source_of);
std::string ratio_picture(const Comparison& comparison);
std::string fabric_picture(const Comparison& comparison);
std::string time_picture(const Comparison& comparison);
std::string pareto_picture(const Comparison& comparison);

// Which side a line's ratio speaks for, as a CSS name: "left", "right", or "muted" for neither.
std::string_view side_ahead(const Line& line);

// Tables that open to their explanations, and what they rest on (html_details.cpp).
std::string line_tables(const Comparison& comparison, const SourceOf& source_of);
// Statement, formula, parts and facts as nested lists.
std::string explanation_block(const Explanation& explanation, const SourceOf& source_of);
std::string assumption_list(const Comparison& comparison);
std::string source_list(const Comparison& comparison, const SourceOf& source_of);

}  // namespace fivefold
