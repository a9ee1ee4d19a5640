// Computing the statements of the article.
//
// To add an item: write its words in catalog/article/items_*.yaml (id, statement, `says` by
// verdict, labels of its values, both languages) and one function here, in the source of its group:
//
//   Result<Finding> third_of_a_chip(const Workbench& bench) { ... }    // S24
//   void add_system_items(ItemTable& table) { table["S24"] = third_of_a_chip; ... }
//
// A new group is a source of its own with an add_ function, called in item_table() (examine.cpp).
// An item without a function is reported as not computable, with `missing.function`. Functions run
// side by side and must not change anything but what is their own.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/article/article.h"
#include "fivefold/article/events.h"
#include "fivefold/planner/comparison.h"
#include "fivefold/policy/demand.h"
#include "fivefold/policy/effective.h"
#include "fivefold/policy/rules.h"
#include "fivefold/policy/supply.h"

namespace fivefold {

// Made by the first item that asks, for all that ask.
template <class T>
class Shared {
 public:
  template <class Make>
  const Result<T>& get(const Make& make) const {
    std::call_once(once_, [&] { made_.emplace(make()); });
    return *made_;
  }

 private:
  mutable std::once_flag once_;
  mutable std::optional<Result<T>> made_;
};

class Workbench {
 public:
  Workbench(const Catalog& from, const ArticleOptions& with) : catalog(from), options(with) {}
  const Catalog& catalog;
  const ArticleOptions& options;

  const Result<std::vector<Event>>& events() const {
    return events_.get([&] { return read_events(catalog); });
  }
  const Result<RuleBook>& rules() const {
    return rules_.get([&] { return RuleBook::load(catalog); });
  }
  // CloudMatrix384 beside GB200 NVL72, serving and training DeepSeek-R1.
  const Result<Comparison>& comparison() const;
  // A chip at the work that fleets are judged by (policy/effective.h), as part of its reference
  // machine; made once for each.
  Result<Served> served(std::string_view chip) const;
  Result<Trained> trained(std::string_view chip) const;
  const Result<SupplyBook>& supply_book() const {
    return supply_book_.get([&] { return SupplyBook::load(catalog); });
  }
  // All vendors, 2024 to 2027, with the samples and the seed of the options.
  const Result<SupplyResult>& supply() const;
  // Fleets, shortage and reliance of that supply, at the usual service.
  const Result<Gap>& gap() const;

 private:
  template <class T>
  class ByChip {
   public:
    template <class Make>
    const Result<T>& get(std::string_view chip, const Make& make) const {
      const Shared<T>* shared = nullptr;
      {
        const std::lock_guard lock(mutex_);
        shared = &made_[std::string(chip)];
      }
      return shared->get(make);
    }

   private:
    mutable std::mutex mutex_;
    mutable std::map<std::string, Shared<T>, std::less<>> made_;
  };

  Shared<Comparison> comparison_;
  ByChip<Served> served_;
  ByChip<Trained> trained_;
  Shared<std::vector<Event>> events_;
  Shared<RuleBook> rules_;
  Shared<SupplyBook> supply_book_;
  Shared<SupplyResult> supply_;
  Shared<Gap> gap_;
};

using ItemFunction = Result<Finding> (*)(const Workbench&);
using ItemTable = std::map<std::string, ItemFunction, std::less<>>;
const ItemTable& item_table();

void add_event_items(ItemTable& table);     // what only the timeline bears out, or nothing can
void add_system_items(ItemTable& table);    // ratios of chips and systems
void add_machine_items(ItemTable& table);   // two machines side by side
void add_work_items(ItemTable& table);      // what domestic chips do beside Nvidia's
void add_software_items(ItemTable& table);  // formats and the ecosystem
void add_access_items(ItemTable& table);    // what may or may not be bought
void add_rule_items(ItemTable& table);      // export rules and gates by date
void add_trend_items(ItemTable& table);     // where they went
void add_supply_items(ItemTable& table);    // what is made, and what limits it
void add_money_items(ItemTable& table);     // what is bought, and what is missing

// --- Parts that items share (item_parts.cpp) ---------------------------------------------------

// A fact of a chip or a system by its path; that it is missing or no number is an error.
Result<const Fact*> chip_number(const Catalog& catalog, std::string_view chip,
                                std::string_view path);
Result<const Fact*> system_number(const Catalog& catalog, std::string_view system,
                                  std::string_view path);
// A value with the range that its sources leave, `scale` times the fact (1e-12 for TB).
ArticleValue value_of(std::string name, const Fact& fact, double scale, int digits,
                      std::string unit);
// scale x above / below, lowest over highest and highest over lowest as range.
ArticleValue ratio_of(std::string name, const Fact& above, const Fact& below, int digits,
                      double scale = 1);
void add_sources(Finding& finding, const Fact& fact);
// Of the timeline; an unknown id is an error.
Result<Event> event_of(const Workbench& bench, std::string_view id);
// A day, month or quarter as a value.
ArticleValue date_value(std::string name, std::string_view written);
// A number that has no range.
ArticleValue plain_value(std::string name, double value, int digits = 3, std::string unit = {});
// A count of whole things, with separators.
ArticleValue count_value(std::string name, double count, std::string unit = {});
Finding not_computable(std::string missing);

}  // namespace fivefold
