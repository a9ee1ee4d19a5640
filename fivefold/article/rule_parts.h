// What statements about rules share: chips of the catalog, judged by each day's rules.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/article/items.h"

namespace fivefold {

inline constexpr std::string_view kArticleDay = "2025-09-18";

struct RuledChips {
  const Catalog& catalog;
  const RuleBook& book;

  Classification on(const RuleSubject& subject, Date day) const {
    return book.classify(subject, day);
  }
  Result<RuleSubject> chip(std::string_view id) const;
};
Result<RuledChips> ruled_chips(const Workbench& bench);

Date day_of(std::string_view text);
// On the H200 from the proclamation of January 2026 on, as a share of its price.
Result<double> tariff_on_h200(const Workbench& bench);
// Sources of the rules that tested the chip and applied.
void add_said(Finding& finding, const std::vector<RuleFinding>& rules);
using IsSo = bool (*)(const Classification&);
using Counts = bool (*)(const RuleSubject&);
// The first day from `from` on on which the answer for the subject is so.
std::optional<Date> first_day(const RuledChips& rules, const RuleSubject& subject, Date from,
                              IsSo is_so);
// How many chips of the catalog are so on a day, of those that `counts` takes.
int count_on(const RuledChips& rules, Date day, Counts counts, IsSo is_so);
bool sold_and_bought(const Classification& answer);
bool may_be_sold(const Classification& answer);
bool needs_nothing(const Classification& answer);
bool is_denied(const Classification& answer);
bool from_nvidia(const RuleSubject& chip);  // for data centres
bool nvidia_desk(const RuleSubject& chip);
bool american(const RuleSubject& chip);  // for data centres
// Zero if it is not published.
double number_of(const RuleSubject& subject, const char* field);
ArticleValue percent_value(std::string name, double share, int digits = 3);

}  // namespace fivefold
