// The parts that the page is put together from: one function a block.
#pragma once

#include <string>

#include "fivefold/planner/comparison.h"
#include "fivefold/report/explanation.h"

namespace fivefold {

// Pictures (html_pictures.cpp); empty if the comparison has nothing for them.
std::string parity_picture(const Comparison& comparison);
std::string ratio_picture(const Comparison& comparison);
std::string fabric_picture(const Comparison& comparison);
std::string time_picture(const Comparison& comparison);
std::string pareto_picture(const Comparison& comparison);

// Tables that open to their explanations, and what they rest on (html_details.cpp).
std::string line_tables(const Comparison& comparison, const SourceOf& source_of);
std::string parity_details(const Comparison& comparison, const SourceOf& source_of);
std::string assumption_list(const Comparison& comparison);
std::string source_list(const Comparison& comparison, const SourceOf& source_of);

}  // namespace fivefold
