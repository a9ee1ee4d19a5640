// Training on two islands of unlike chips, as text and JSON.
#pragma once

#include <string>

#include "fivefold/planner/mixed_search.h"

namespace fivefold {

std::string mixed_text(const std::array<Island, 2>& islands, const Model& model,
                       const IslandLink& link, const MixedSearch& search);
std::string mixed_json(const std::array<Island, 2>& islands, const Model& model,
                       const IslandLink& link, const MixedSearch& search);

}  // namespace fivefold
