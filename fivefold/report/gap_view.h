// Demand, stock and reliance by year, in words and numbers (policy/demand.h).
#pragma once

#include <string>

#include "fivefold/policy/demand.h"

namespace fivefold {

struct GapView {
  Service service;
  bool training = false;  // training runs were estimated
  SupplyQuestion question;
  Gap gap;
};
std::string to_text(const GapView& view);
std::string to_json(const GapView& view);
std::string to_csv(const GapView& view);  // a row a year, medians with 5% and 95%

}  // namespace fivefold
