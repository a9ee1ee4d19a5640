// What the evaluation of rules works on. Only the sources of the room `policy` include this.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "fivefold/policy/rule_data.h"

namespace fivefold {

// What has been decided so far, if the undecided tests came out one certain way.
struct RuleWorld {
  Access access = Access::kFree;
  Gate gate = Gate::kAdmitted;
  bool granted = false;
  double revenue_share = 0, tariff = 0;
  std::string clause, outcome, gate_outcome;
  auto key() const {
    return std::tie(access, gate, granted, revenue_share, tariff, clause, outcome, gate_outcome);
  }
};

// A subject on a day, and all values that conditions may ask.
struct RuleQuestion {
  const RuleBook::Data& data;
  const RuleSubject& subject;
  const Buyer& buyer;
  Date date;
  RuleValues values;
  std::string headquarters;
};

Truth both(Truth a, Truth b);
Truth inverse(Truth a);
// Adds every comparison to `tests`, those after a decided one too.
Truth evaluate(const std::optional<RuleCondition>& condition, const RuleQuestion& question,
               const RuleWorld& world, std::vector<ThresholdTest>& tests);
bool is_among(const std::vector<std::string>& all, std::string_view one);
// What `clause` is while no rule has spoken.
inline constexpr const char* kNoClause = "none";

}  // namespace fivefold
