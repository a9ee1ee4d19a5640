// Exact folding by symmetry.
//
// If moving every device d to (d + unit) mod devices, and every switch with it, maps the links onto
// links of equal level, bandwidth and latency, then traffic that looks the same from each block of
// `unit` devices loads a link and its images alike: one of them stands for all.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fivefold/fabric/graph.h"

namespace fivefold {

// For each link its representative, the lowest number among its images. Nothing if the graph has
// no parts (only there it is known where switches move) or the move is no symmetry; every link is
// checked.
std::optional<std::vector<std::int32_t>> folded_links(const Graph& graph, int unit);

}  // namespace fivefold
