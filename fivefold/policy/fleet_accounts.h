// Inside the room: chips through the years of every draw, from what is supplied to what is
// installed.
#pragma once

#include <map>
#include <string>

#include "fivefold/policy/demand.h"

namespace fivefold {

// Fills the years, assumptions and facts of `gap`. `works` by catalog id; the catalog has
// fleet.life and fleet.permanent as numbers.
void count_fleet(const Catalog& catalog, const SupplyResult& supply,
                 const std::map<std::string, const ChipWork*>& works, Gap& gap);

}  // namespace fivefold
