// What may be asked of the rules: days, countries, values that a user states; and their names.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/policy/rule_run.h"

namespace fivefold {

std::string_view name(Access access) {
  switch (access) {
    case Access::kFree:
      return "no licence";
    case Access::kNotice:
      return "licence exception with notice";
    case Access::kReview:
      return "case-by-case review";
    case Access::kLicence:
      return "licence";
    case Access::kDenied:
      return "presumption of denial";
    case Access::kUnknown:
      break;
  }
  return "undecided";
}

std::string_view name(Gate gate) {
  switch (gate) {
    case Gate::kAdmitted:
      return "admitted";
    case Gate::kDiscouraged:
      return "discouraged";
    case Gate::kConditional:
      return "conditional";
    case Gate::kBlocked:
      return "blocked";
    case Gate::kBanned:
      break;
  }
  return "banned";
}

std::string plain_number(double value, int digits) {
  std::string text = format_number(value, digits);
  if (text.find('.') == std::string::npos || text.find('e') != std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::vector<Date> RuleBook::turning_days() const {
  std::set<Date> days;
  for (const auto* rules : {&data_->rules, &data_->gates}) {
    for (const Rule& rule : *rules) {
      if (!rule.in_force) continue;
      days.insert(rule.from);
      if (rule.to < Date::max()) days.insert(rule.to + std::chrono::days(1));
    }
  }
  std::erase_if(days, [&](Date day) { return day < data_->known_from || day > data_->known_to; });
  return {days.begin(), days.end()};
}

Result<Date> RuleBook::check_date(Date date) const {
  if (date >= data_->known_from && date <= data_->known_to) return date;
  return fail(fmt::format("{} is {} the rules know", to_text(date),
                          date < data_->known_from ? "before what" : "past what"),
              fmt::format("from {} to {}; {}", to_text(data_->known_from), to_text(data_->known_to),
                          data_->note));
}

Date RuleBook::last_day() const {
  return data_->known_to;
}

Result<Buyer> RuleBook::check_buyer(Buyer buyer) const {
  for (std::string* code : {&buyer.destination, &buyer.headquarters}) {
    if (code == &buyer.headquarters && code->empty()) continue;
    for (char& letter : *code) {
      if (letter >= 'a' && letter <= 'z') letter = char(letter - 'a' + 'A');
    }
    if (is_among(data_->countries, *code)) continue;
    return fail(fmt::format("unknown country '{}'", *code), "a code of two letters, such as CN");
  }
  return buyer;
}

Result<void> RuleBook::state(RuleSubject& subject, std::string_view assignment) const {
  const std::size_t equals = assignment.find('=');
  const std::string id(assignment.substr(0, equals));
  const RuleField* field = data_->field(id);
  if (equals == std::string_view::npos || !field) {
    std::vector<std::string> ids;
    for (const RuleField& one : data_->fields) ids.push_back(one.id);
    return fail(fmt::format("'{}' states no field of the rules", assignment),
                equals == std::string_view::npos ? "write FIELD=VALUE, such as seller=foundry"
                                                 : fmt::format("known: {}", fmt::join(ids, ", ")));
  }
  const std::string text(assignment.substr(equals + 1));
  RuleValue value;
  value.from = "stated";
  value.confidence = Confidence::kHigh;
  if (field->kind == RuleField::Kind::kText) {
    value.text = text;
  } else if (field->kind == RuleField::Kind::kYesNo) {
    if (text != "yes" && text != "no") return fail(fmt::format("{} is yes or no", id));
    value.value = text == "yes" ? 1 : 0;
    if (id == "data_center") {
      subject.data_center = text == "yes";
      subject.data_center_stated = true;
    }
  } else {
    double number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || stop != text.data() + text.size() || !std::isfinite(number) ||
        number < 0) {
      return fail(fmt::format("{}: '{}' is not a number from 0 on", id, text));
    }
    value.value = number;
  }
  subject.values[id] = std::move(value);
  return {};
}

}  // namespace fivefold
