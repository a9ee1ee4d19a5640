// The parts that the page is put together from: one function a block.
#pragma once

#include <string>
#include <string_view>

#include "fivefold/planner/comparison.h"
#include "fivefold/report/explanation.h"

namespace fivefold {

// A complete HTML 5 document with the page's styles; `command` is what produces it again.
std::string html_document(std::string_view title, const std::string& body,
                          std::string_view command);
// The same with a page's own language, styles and ending.
std::string html_frame(std::string_view title, std::string_view language, std::string_view styles,
                       const std::string& main);
// A small square of a colour and what it stands for.
std::string swatch(std::string_view css, std::string_view name);

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
// Title, publisher and date of a source, and its address as a link where it is one of the web.
std::string source_text(const Source& source);

}  // namespace fivefold
