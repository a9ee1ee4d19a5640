#include "fivefold/article/supply_parts.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace fivefold {

ArticleValue ranged(std::string name, const Ranged& of, double scale, int digits,
                    std::string unit) {
  ArticleValue value{std::move(name), of.value * scale, {}, {}, digits, std::move(unit)};
  value.low = of.low * scale;
  value.high = of.high * scale;
  return value;
}

ArticleValue drawn(std::string name, const Quantiles& of, double scale, int digits,
                   std::string unit) {
  return ranged(std::move(name), {of.p50, of.p5, of.p95}, scale, digits, std::move(unit));
}

Result<std::size_t> year_index(const SupplyResult& supply, int year) {
  const auto found = std::find(supply.years.begin(), supply.years.end(), year);
  if (found == supply.years.end()) return fail(fmt::format("the supply model has no {}", year));
  return std::size_t(found - supply.years.begin());
}

Result<const VendorSupply*> vendor_of(const SupplyResult& supply, std::string_view id) {
  for (const VendorSupply& vendor : supply.vendors) {
    if (vendor.id == id) return &vendor;
  }
  return fail(fmt::format("the supply model has no vendor '{}'", id));
}

Result<const Fact*> supply_fact(const Workbench& bench, std::string_view vendor,
                                std::string_view id) {
  const auto& supply = bench.supply();
  if (!supply) return fail(supply.error());
  const auto of = vendor_of(*supply, vendor);
  if (!of) return fail(of.error());
  for (const Fact* fact : (*of)->facts) {
    if (fact->path == id) return fact;
  }
  return fail(fmt::format("the supply of {} has no fact '{}'", vendor, id));
}

}  // namespace fivefold
