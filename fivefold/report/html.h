// The comparison as one page that needs nothing else: styles and pictures are inside, light and
// dark, readable on a phone and in print. It is written for somebody who has never heard of the
// program.
#pragma once

#include <string>
#include <string_view>

#include "fivefold/planner/comparison.h"
#include "fivefold/report/explanation.h"

namespace fivefold {

// A complete HTML 5 document. `command` is what produces it again, shown at the foot.
std::string to_html(const Comparison& comparison, const SourceOf& source_of,
                    std::string_view command);

}  // namespace fivefold
