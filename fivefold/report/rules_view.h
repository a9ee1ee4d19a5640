// Export rules in words and numbers: one chip with every test, a chip's history, all chips on a
// day, how far a chip must be cut, and the rules themselves. Every text says that it is no legal
// advice.
#pragma once

#include <string>
#include <vector>

#include "fivefold/policy/rules.h"
#include "fivefold/report/table.h"

namespace fivefold {

inline constexpr const char* kNoLegalAdvice = "A planning aid, no legal advice.";

// A question as every view is asked: the day and the buyer have been checked.
struct RulesQuestion {
  const Catalog* catalog = nullptr;
  const RuleBook* book = nullptr;
  Date date;
  Buyer buyer;
};

std::string classify_text(const RulesQuestion& question, const RuleSubject& subject);
std::string classify_json(const RulesQuestion& question, const RuleSubject& subject);
std::string classify_csv(const RulesQuestion& question,
                         const RuleSubject& subject);  // a test a line

// Each day on which the answer for the subject changes, on either side. The date is not asked.
Table rules_history(const RulesQuestion& question, const RuleSubject& subject);
// All chips of the catalog on the day.
Table rules_chips(const RulesQuestion& question);
// Chips from abroad that somebody may sell and somebody may buy.
Table rules_admitted(const RulesQuestion& question);
// The ways to cut the chip, and what its vendor builds of a die as large that passes.
Result<Table> rules_limit(const RulesQuestion& question, const RuleSubject& subject);
// Rules, gates and actions; of a day or of all time, with bills, which are never applied.
Table rules_list(const RulesQuestion& question, bool of_the_day);
std::string rules_list_text(const RulesQuestion& question, bool of_the_day);

// TPP against performance density, both logarithmic, with what the day's rules make of a
// data-centre part there and the catalog's chips.
std::string rules_picture(const RulesQuestion& question);

// Shared by the views: "no licence", "licence (issued), 15% of sales", "out of reach".
std::string access_text(const Classification& answer);
std::string gate_text(const Classification& answer);

}  // namespace fivefold
