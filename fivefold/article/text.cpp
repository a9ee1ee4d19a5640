// How English and Arabic write numbers and dates, and templates filled with them.
#include "fivefold/base/text.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/article/article.h"

namespace fivefold {
namespace {

constexpr std::array<const char*, 10> kArabicDigits = {"٠", "١", "٢", "٣", "٤",
                                                       "٥", "٦", "٧", "٨", "٩"};
// An Arabic letter mark keeps the sign with its number and the number's direction to Arabic.
constexpr const char* kArabicMinus = "\u061C-";
constexpr const char* kArabicPercent = "٪\u061C";

constexpr std::array<const char*, 12> kEnglishMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<const char*, 12> kArabicMonths = {"يناير",  "فبراير", "مارس",   "أبريل",
                                                       "مايو",   "يونيو",  "يوليو",  "أغسطس",
                                                       "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"};
constexpr std::array<const char*, 4> kEnglishQuarters = {"first", "second", "third", "fourth"};
constexpr std::array<const char*, 4> kArabicQuarters = {"الأول", "الثاني", "الثالث", "الرابع"};

std::string in_arabic_digits(std::string_view english) {
  std::string text;
  for (const char c : english) {
    if (c >= '0' && c <= '9') {
      text += kArabicDigits[std::size_t(c - '0')];
    } else if (c == '.') {
      text += "٫";
    } else if (c == ',') {
      text += "٬";
    } else if (c == '-') {
      text += kArabicMinus;
    } else {
      text += c;
    }
  }
  return text;
}

std::string plain_number(int number, Language language) {
  const std::string text = std::to_string(number);
  return language == Language::kArabic ? in_arabic_digits(text) : text;
}

// All digits of large numbers are written: "1.2e+15" is no number of a newspaper.
std::string english_number(double value, int digits) {
  if (!std::isfinite(value)) return value > 0 ? "∞" : value < 0 ? "-∞" : "?";
  if (digits == 0) return format_count(value);
  if (std::abs(value) < 1e12) return format_number(value, digits);
  const double step = std::pow(10, std::floor(std::log10(std::abs(value))) + 1 - digits);
  return format_count(std::round(value / step) * step);
}

// A unit stands behind a space, a percent sign does not.
std::string with_unit(const std::string& number, const std::string& unit, Language language) {
  if (unit.empty()) return number;
  if (unit == "%") return number + (language == Language::kArabic ? kArabicPercent : "%");
  return number + " " + unit;
}

std::string amount(const ArticleValue& value, Language language) {
  if (!value.text.empty()) return date_text(value.text, language);
  return with_unit(number_text(value.value, value.digits, language), value.unit, language);
}

bool has_range(const ArticleValue& value) {
  return value.low && value.high && *value.low != *value.high;
}

std::string range(const ArticleValue& value, Language language) {
  const bool arabic = language == Language::kArabic;
  const bool percent = value.unit == "%";
  const auto bound = [&](double number, bool last) {
    const std::string text = number_text(number, value.digits, language);
    return last || percent ? with_unit(text, value.unit, language) : text;
  };
  return fmt::format("{} {} {} {}", arabic ? "من" : "from", bound(*value.low, false),
                     arabic ? "إلى" : "to", bound(*value.high, true));
}

Result<std::string> filled(std::string_view name, const std::vector<ArticleValue>& values,
                           Language language) {
  constexpr std::string_view kRange = ".range";
  const bool ranged = name.ends_with(kRange);
  if (ranged) name.remove_suffix(kRange.size());
  const auto value = std::find_if(values.begin(), values.end(),
                                  [&](const ArticleValue& known) { return known.name == name; });
  if (value == values.end()) {
    std::vector<std::string> known;
    for (const ArticleValue& other : values) known.push_back(other.name);
    return fail(fmt::format("the text names '{{{}}}', which is not computed", name),
                known.empty() ? "nothing is computed"
                              : fmt::format("computed: {}", fmt::join(known, ", ")));
  }
  if (ranged && !value->text.empty()) {
    return fail(fmt::format("'{{{}.range}}': '{}' is a text", name, value->text));
  }
  return ranged && has_range(*value) ? range(*value, language) : amount(*value, language);
}

// The value as the article's words write it: its unit, or its text where that is a word.
ArticleValue worded(const Article& article, ArticleValue value, Language language) {
  const auto find = [&](const std::string& key) -> const std::string* {
    const auto known = article.words.find(key);
    return known == article.words.end() ? nullptr : &in(known->second, language);
  };
  if (const std::string* text = find(value.text)) value.text = *text;
  if (const std::string* unit = find("unit." + value.unit)) value.unit = *unit;
  return value;
}

}  // namespace

std::string number_text(double value, int digits, Language language) {
  const std::string english = english_number(value, digits);
  return language == Language::kArabic ? in_arabic_digits(english) : english;
}

std::string date_text(std::string_view text, Language language) {
  const bool arabic = language == Language::kArabic;
  if (const auto quarter = parse_quarter(text)) {
    const std::size_t index = std::size_t(quarter->quarter - 1);
    const std::string year = plain_number(quarter->year, language);
    return arabic ? fmt::format("الربع {} من {}", kArabicQuarters[index], year)
                  : fmt::format("the {} quarter of {}", kEnglishQuarters[index], year);
  }
  const auto span = parse_date_span(text);
  if (!span) return std::string(text);
  const std::chrono::year_month_day first(span->first);
  std::string written = plain_number(int(first.year()), language);
  if (text.size() == 4) return written;
  const auto& months = arabic ? kArabicMonths : kEnglishMonths;
  written = fmt::format("{} {}", months[unsigned(first.month()) - 1], written);
  if (span->first != span->last) return written;
  return fmt::format("{} {}", plain_number(int(unsigned(first.day())), language), written);
}

Result<std::string> fill(std::string_view text, const std::vector<ArticleValue>& values,
                         Language language) {
  std::string result;
  while (true) {
    const std::size_t open = text.find('{');
    result += text.substr(0, open);
    if (open == text.npos) return result;
    const std::size_t close = text.find('}', open);
    if (close == text.npos) {
      return fail(fmt::format("'{}' opens a brace that nothing closes", text.substr(open)),
                  "write {name}");
    }
    const auto value = filled(text.substr(open + 1, close - open - 1), values, language);
    if (!value) return tl::unexpected(value.error());
    result += *value;
    text.remove_prefix(close + 1);
  }
}

const std::string& in(const Wording& wording, Language language) {
  return language == Language::kArabic ? wording.ar : wording.en;
}

std::string word(const Article& article, std::string_view key, Language language) {
  const auto known = article.words.find(key);
  return known == article.words.end() ? std::string(key) : in(known->second, language);
}

std::string value_text(const Article& article, const ArticleValue& value, Language language) {
  return amount(worded(article, value, language), language);
}

std::string range_text(const Article& article, const ArticleValue& value, Language language) {
  return has_range(value) ? range(worded(article, value, language), language) : std::string();
}

Result<std::string> sentence(const Article& article, const Finding& finding, Language language) {
  const ArticleItem* item = find_item(article, finding.item);
  if (!item) return fail(fmt::format("there is no item '{}'", finding.item));
  const std::string says = finding.says.empty() ? key_of(finding.verdict) : finding.says;
  auto said = item->says.find(says);
  const Wording* wording = said == item->says.end() ? nullptr : &said->second;
  if (!wording) {
    said = article.words.find(finding.missing);
    if (said != article.words.end()) wording = &said->second;
  }
  if (!wording) {
    return fail(fmt::format("item {} has no sentence '{}'", item->id, says), "add it under `says`",
                item->place);
  }
  std::vector<ArticleValue> values;
  for (const ArticleValue& value : finding.values) {
    values.push_back(worded(article, value, language));
  }
  auto text = fill(in(*wording, language), values, language);
  if (text) return text;
  Error error = text.error();
  for (Problem& problem : error.problems) {
    problem.place = item->place;
    problem.what = fmt::format("item {}, sentence '{}': {}", item->id, says, problem.what);
  }
  return fail(std::move(error));
}

const ArticleItem* find_item(const Article& article, std::string_view id) {
  const auto found = std::find_if(article.items.begin(), article.items.end(),
                                  [&](const ArticleItem& item) { return item.id == id; });
  return found == article.items.end() ? nullptr : &*found;
}

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSupported:
      return "supported";
    case Verdict::kContradicted:
      return "contradicted";
    case Verdict::kDepends:
      return "depends";
    case Verdict::kNotComputable:
      return "not computable";
  }
  return "";
}

std::string key_of(Verdict verdict) {
  return verdict == Verdict::kNotComputable ? "not_computable" : std::string(name(verdict));
}

}  // namespace fivefold
