// What a question and a book must hold to be answered; internal to the room.
#pragma once

#include "fivefold/policy/supply_flow.h"

namespace fivefold {

// Indices of the vendors, all of them if none is named.
Result<std::vector<std::size_t>> asked_vendors(const SupplyBook& book,
                                               const std::vector<std::string>& wanted);
Result<void> check_question(const SupplyBook::Data& data, const SupplyQuestion& question);
// Without some facts there is no answer; what else is not known yet is not made yet.
Result<void> check_known(const SupplyBook::Data& data, const SupplyQuestion& question,
                         const std::vector<SeriesView>& views);
// Every source and chip that the book names is of the catalog.
Result<void> check_names(const Catalog& catalog, const SupplyBook::Data& data);

}  // namespace fivefold
