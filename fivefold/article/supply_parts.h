// Parts that the items of supply and of money share.
#pragma once

#include <string>
#include <string_view>

#include "fivefold/article/items.h"

namespace fivefold {

// The median with its 5 to 95%, and a number with its range, times `scale`.
ArticleValue drawn(std::string name, const Quantiles& of, double scale, int digits,
                   std::string unit);
ArticleValue ranged(std::string name, const Ranged& of, double scale, int digits, std::string unit);

Result<std::size_t> year_index(const SupplyResult& supply, int year);
Result<const VendorSupply*> vendor_of(const SupplyResult& supply, std::string_view id);
// A fact that a vendor's supply rests on.
Result<const Fact*> supply_fact(const Workbench& bench, std::string_view vendor,
                                std::string_view id);

}  // namespace fivefold
