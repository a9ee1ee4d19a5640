// Supply in words, numbers and a picture. Chips are packages as they are sold; dies are counted
// apart and said to be dies.
#pragma once

#include <string>

#include "fivefold/catalog/catalog.h"
#include "fivefold/policy/supply.h"
#include "fivefold/policy/supply_checks.h"

namespace fivefold {

std::string to_text(const SupplyResult& result);
std::string to_json(const SupplyResult& result);  // one object, with a newline at the end
// vendor, origin, product (empty: all), period, p5, p50, p95, mean, dies, binding, probability
std::string to_csv(const SupplyResult& result);

// What the answer rests on: every fact once with its source, assumptions apart.
std::string explain_text(const SupplyResult& result, const Catalog& catalog);

std::string to_text(const SupplyChecks& checks);
std::string to_json(const SupplyChecks& checks);
std::string to_csv(const SupplyChecks& checks);

std::string to_text(const Tripling& tripling);
std::string to_json(const Tripling& tripling);
std::string to_csv(const Tripling& tripling);

// A fan of the quarters, one panel a vendor of at most twelve and one of all Chinese ones: median,
// 25 to 75% and 5 to 95%. SVG that stands by itself and follows light and dark.
std::string supply_picture(const SupplyResult& result);

}  // namespace fivefold
