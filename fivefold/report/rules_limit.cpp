// How far a chip must be cut, beside what its vendor builds.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/policy/rule_data.h"
#include "fivefold/report/rules_view.h"

namespace fivefold {
namespace {

constexpr std::size_t kMostBuilt = 3;  // chips that are set beside a limit

std::string limit_text(const ChipLimit::Cut& cut) {
  return fmt::format("{}{}", cut.open ? "below " : "at most ", plain_number(cut.limit));
}

double value_or_zero(const RuleSubject& subject, const std::string& field) {
  const auto found = subject.values.find(field);
  return found == subject.values.end() ? 0 : found->second.value.value_or(0);
}

// What a chip keeps of a way's limits, in all; zero if it lies above one.
double kept(const RuleSubject& chip, const ChipLimit::Way& way) {
  double product = 1;
  for (const ChipLimit::Cut& cut : way) {
    const double share = value_or_zero(chip, cut.field) / cut.limit;
    product *= share < 1 || (!cut.open && share == 1) ? share : 0;
  }
  return product;
}

struct Built {
  RuleSubject chip;
  const ChipLimit::Way* way = nullptr;  // that it went
  double kept = 0;
};

// Chips of the vendor with a die as large, for the same use, that pass by their numbers; those
// nearest to the limits first.
std::vector<Built> built_like(const RulesQuestion& question, const RuleSubject& subject,
                              const ChipLimit& limit) {
  std::vector<Built> all;
  const double area = value_or_zero(subject, "die_area_mm2");
  for (const Chip* chip : question.catalog->chips()) {
    Built built{rule_subject(*question.catalog, *chip), nullptr, 0};
    const double own = value_or_zero(built.chip, "die_area_mm2");
    const bool alike = built.chip.vendor == subject.vendor && built.chip.id != subject.id &&
                       built.chip.data_center == subject.data_center && area > 0 &&
                       std::abs(own - area) < 0.01 * area;
    if (!alike) continue;
    for (const ChipLimit::Way& way : limit.ways) {
      const double share = kept(built.chip, way);
      if (share <= built.kept) continue;
      built.kept = share;
      built.way = &way;
    }
    RuleSubject unnamed = built.chip;
    unnamed.id.clear();
    unnamed.names.clear();
    const Classification answer = question.book->classify(unnamed, question.date, question.buyer);
    if (built.way && answer.access == Access::kFree) all.push_back(std::move(built));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Built& a, const Built& b) { return a.kept > b.kept; });
  return all;
}

void add_built(const RulesQuestion& question, const RuleSubject& subject, const ChipLimit& limit,
               Table& table) {
  const std::vector<Built> all = built_like(question, subject, limit);
  for (std::size_t i = 0; i < std::min(all.size(), kMostBuilt); ++i) {
    for (const ChipLimit::Cut& cut : *all[i].way) {
      const double value = value_or_zero(all[i].chip, cut.field);
      table.add({question.book->data().field(cut.field)->name,
                 {value, plain_number(value)},
                 {cut.limit, limit_text(cut)},
                 {value / cut.limit, format_percent(value / cut.limit)},
                 ""},
                fmt::format("Built with a die as large: {}", all[i].chip.name));
    }
  }
}

}  // namespace

Result<Table> rules_limit(const RulesQuestion& question, const RuleSubject& subject) {
  const auto limit = limit_of(*question.book, subject, question.date, question.buyer);
  if (!limit) return fail(limit.error());
  Table table;
  table.title =
      fmt::format("{}: what passes without a licence, {}", subject.name,
                  fmt::format("to {} on {}", question.buyer.destination, to_text(question.date)));
  table.columns = {{"what"},
                   {"value", Align::kRight},
                   {"limit", Align::kRight},
                   {"share", Align::kRight},
                   {"binding threshold"}};
  if (limit->passes) table.notes.push_back("it passes as it is");
  for (std::size_t i = 0; i < limit->ways.size(); ++i) {
    const ChipLimit::Way& way = limit->ways[i];
    for (const ChipLimit::Cut& cut : way) {
      table.add(
          {question.book->data().field(cut.field)->name,
           {cut.value, plain_number(cut.value)},
           {cut.limit, limit_text(cut)},
           {cut.factor, format_percent(cut.factor)},
           fmt::format("{} ({}, {})", cut.binding, cut.rule, cut.clause)},
          way.size() > 1 ? fmt::format("way {}: together", i + 1) : fmt::format("way {}", i + 1));
    }
  }
  add_built(question, subject, *limit, table);
  table.notes.push_back(
      "the die stays as it is; a cut chip is another product, which rules on "
      "named products do not reach");
  table.notes.push_back(kNoLegalAdvice);
  return table;
}

}  // namespace fivefold
