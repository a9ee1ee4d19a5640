#include "fivefold/catalog/fact_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/base/unit_text.h"

namespace fivefold {
namespace {

const std::vector<std::string> kFactKeys = {"value",      "unit",  "low",  "high", "mid",  "source",
                                            "confidence", "note",  "kind", "also", "what", "chips",
                                            "region",     "as_of", "id",   "date"};
const std::vector<std::string> kAlsoKeys = {"value", "unit",       "source",
                                            "note",  "confidence", "kind"};
const std::vector<std::string> kReadings = {"nominal",    "measured", "claimed",
                                            "assumption", "derived",  "fitted"};

bool is_fact_key(const std::string& key) {
  return std::find(kFactKeys.begin(), kFactKeys.end(), key) != kFactKeys.end();
}

// A mapping with a value, or with nothing that a group of facts would hold.
bool looks_like_fact(const yaml::Node& node) {
  if (!node.is_map()) return false;
  return node.find("value") || node.find("mid") ||
         std::all_of(node.keys.begin(), node.keys.end(), is_fact_key);
}

// A remark may have any form; it is kept as the words that it holds.
std::string words_of(const yaml::Node& node) {
  if (!node.is_map() && !node.is_list()) return node.scalar;
  std::string words;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (i > 0) words += node.is_map() ? ", " : "; ";
    if (node.is_map()) words += node.keys[i] + " ";
    words += words_of(node.items[i]);
  }
  return words;
}

std::string needed(const FactRule& rule) {
  const std::string example = example_of(rule.dim);
  if (rule.dim == Dim{}) return "a number is needed";
  return fmt::format("{} such as '{}' is needed", describe(rule.dim), example);
}

}  // namespace

double FactReader::scale_of(const Fact& fact) const {
  const Unit unit = parse_unit(fact.unit);
  if (!unit.known) return 1;
  return unit.yuan && yuan_per_usd_ > 0 ? unit.scale / yuan_per_usd_ : unit.scale;
}

void FactReader::problem(const yaml::Node& node, std::string what, std::string hint) const {
  problems_.push_back({place(node), std::move(what), std::move(hint)});
}

void FactReader::unknown_key(const yaml::Node& map, std::size_t index, std::string_view where,
                             const std::vector<std::string>& known) const {
  const auto [line, column] = map.key_places[index];
  std::string hint = did_you_mean(map.keys[index], known);
  if (hint.empty()) hint = fmt::format("known: {}", fmt::join(known, ", "));
  problems_.push_back({{file_, line, column},
                       fmt::format("unknown field '{}' of {}", map.keys[index], where),
                       std::move(hint)});
}

bool FactReader::expect_map(const yaml::Node& node, std::string_view what) const {
  if (node.is_map()) return true;
  problem(node, fmt::format("{} must be a mapping (key: value)", what));
  return false;
}

bool FactReader::expect_list(const yaml::Node& node, std::string_view what) const {
  if (node.is_list()) return true;
  problem(node, fmt::format("{} must be a list", what));
  return false;
}

std::string FactReader::text(const yaml::Node& node, std::string_view what) const {
  if (node.is_scalar()) return node.scalar;
  problem(node, fmt::format("{} must be a text", what));
  return {};
}

std::vector<std::string> FactReader::texts(const yaml::Node& node, std::string_view what) const {
  std::vector<std::string> result;
  if (!node.is_list()) {
    result.push_back(text(node, what));
  } else {
    for (const yaml::Node& item : node.items) result.push_back(text(item, what));
  }
  std::erase(result, std::string());
  return result;
}

std::optional<double> FactReader::number(const yaml::Node& node) const {
  if (!node.is_scalar() || node.quoted) return std::nullopt;
  std::string_view digits = node.scalar;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || stop != digits.data() + digits.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

int FactReader::whole_number(const yaml::Node& node, std::string_view what, int least,
                             int most) const {
  const auto value = number(node);
  if (value && *value == std::floor(*value) && *value >= least && *value <= most)
    return static_cast<int>(*value);
  problem(node, fmt::format("{} '{}' must be a whole number from {} to {}", what, node.scalar,
                            least, most));
  return least;
}

std::optional<Fact> FactReader::fact(const yaml::Node& node, const std::string& path,
                                     const FactRule* rule) const {
  Fact fact;
  fact.path = path;
  fact.place = place(node);
  if (!expect_map(node, fmt::format("'{}'", path))) return std::nullopt;
  const std::size_t problems_before = problems_.size();
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (!is_fact_key(node.keys[i])) {
      unknown_key(node, i, fmt::format("fact '{}'", path), kFactKeys);
    }
  }
  if (const yaml::Node* unit = node.find("unit"); unit && !unit->is_null())
    fact.unit = text(*unit, "unit");
  if (const yaml::Node* source = node.find("source")) fact.sources = texts(*source, "source");
  if (const yaml::Node* note = node.find("note"); note && !note->is_null())
    fact.note = text(*note, "note");
  if (const yaml::Node* kind = node.find("kind")) {
    fact.reading = text(*kind, "kind");
    if (std::find(kReadings.begin(), kReadings.end(), fact.reading) == kReadings.end()) {
      problem(*kind, fmt::format("unknown kind '{}' of fact '{}'", fact.reading, path),
              fmt::format("known: {}", fmt::join(kReadings, ", ")));
    }
  } else if (fact.sources == std::vector<std::string>{"assumption"}) {
    fact.reading = "assumption";
  }
  if (fact.reading == "nominal") fact.reading.clear();
  if (const yaml::Node* confidence = node.find("confidence")) {
    const std::string word = text(*confidence, "confidence");
    if (word == "high") {
      fact.confidence = Confidence::kHigh;
    } else if (word == "medium") {
      fact.confidence = Confidence::kMedium;
    } else if (word != "low") {
      problem(*confidence, fmt::format("confidence '{}' must be high, medium or low", word));
    }
  }
  read_value(node, rule, fact);
  read_also(node, rule, fact);
  if (problems_.size() != problems_before) return std::nullopt;
  return fact;
}

void FactReader::read_value(const yaml::Node& node, const FactRule* rule, Fact& fact) const {
  const yaml::Node* value = node.find("value");
  if (!value) value = node.find("mid");
  if (!value) {
    problem(node, fmt::format("fact '{}' has no value", fact.path),
            "write value: null if it is not published");
    return;
  }
  const bool wants_number = rule && rule->kind == FactRule::Kind::kNumber;
  const bool wants_text = rule && rule->kind == FactRule::Kind::kText;
  const auto parsed = wants_text ? std::nullopt : number(*value);
  if (value->is_list()) {
    fact.kind = Fact::Kind::kText;
    fact.text = fmt::format("{}", fmt::join(texts(*value, "value"), ", "));
  } else if (value->is_null()) {
    fact.kind = Fact::Kind::kUnknown;
  } else if (value->is_map()) {
    problem(*value, fmt::format("the value of fact '{}' must be a number or a text", fact.path));
    return;
  } else if (!value->quoted && value->scalar == "none") {
    fact.kind = Fact::Kind::kNone;
  } else if (!value->quoted && (value->scalar == "true" || value->scalar == "false")) {
    fact.kind = Fact::Kind::kBool;
    fact.flag = value->scalar == "true";
  } else if (parsed) {
    fact.kind = Fact::Kind::kNumber;
    fact.written = *parsed;
  } else {
    fact.kind = Fact::Kind::kText;
    fact.text = value->scalar;
  }
  if (wants_number && fact.kind == Fact::Kind::kText) {
    const auto quantity = parse_quantity(fact.text, rule->dim);
    if (!quantity) {
      problem(*value, fmt::format("{}: {}", fact.path, quantity.error().problems.front().what));
      return;
    }
    fact.kind = Fact::Kind::kNumber;  // written in one piece: value: 3.2 TB/s
    fact.unit = fact.text.substr(
        std::min(fact.text.find_first_not_of("0123456789.,+-eE "), fact.text.size()));
    fact.written = *quantity / scale_of(fact);
    fact.text.clear();
  }
  if (rule && rule->kind == FactRule::Kind::kBool && fact.kind == Fact::Kind::kText) {
    problem(*value, fmt::format("{}: '{}' must be true, false or null", fact.path, fact.text));
    return;
  }
  if (!fact.is_number()) return;
  const Unit unit = parse_unit(fact.unit);
  fact.dim = unit.known ? unit.dim : Dim{};
  if (wants_number) check_unit(*value, *rule, fact);
  if (unit.yuan && yuan_per_usd_ <= 0) {
    problem(*value, fmt::format("{} is in yuan, but no exchange rate is stated", fact.path),
            "state economics fx.cny_per_usd");
  }
  const double scale = scale_of(fact);
  fact.number = fact.written * scale;
  read_range(node, *value, scale, fact);
  if (wants_number) check_range(*value, *rule, fact);
}

void FactReader::read_range(const yaml::Node& node, const yaml::Node& value, double scale,
                            Fact& fact) const {
  for (const auto& [key, end] : {std::pair{"low", &fact.low}, std::pair{"high", &fact.high}}) {
    const yaml::Node* bound = node.find(key);
    if (!bound || bound->is_null()) continue;
    const auto bound_value = number(*bound);
    if (!bound_value) {
      problem(*bound, fmt::format("'{}' of fact '{}' must be a number", key, fact.path));
    } else {
      *end = *bound_value * scale;
    }
  }
  if ((fact.low && *fact.low > fact.number) || (fact.high && *fact.high < fact.number)) {
    problem(value, fmt::format("the value of fact '{}' lies outside of its own range", fact.path));
  }
}

void FactReader::read_also(const yaml::Node& node, const FactRule* rule, Fact& fact) const {
  const yaml::Node* also = node.find("also");
  if (!also || !expect_list(*also, "also")) return;
  for (const yaml::Node& item : also->items) {
    if (!expect_map(item, "an entry of 'also'")) continue;
    for (std::size_t i = 0; i < item.keys.size(); ++i) {
      if (std::find(kAlsoKeys.begin(), kAlsoKeys.end(), item.keys[i]) == kAlsoKeys.end()) {
        unknown_key(item, i, "'also'", kAlsoKeys);
      }
    }
    OtherValue other;
    if (const yaml::Node* source = item.find("source")) other.sources = texts(*source, "source");
    if (const yaml::Node* note = item.find("note")) other.note = text(*note, "note");
    const yaml::Node* value = item.find("value");
    const auto written = value ? number(*value) : std::nullopt;
    if (!value || (fact.is_number() && !written)) {
      problem(item, fmt::format("an other value of fact '{}' must be a number", fact.path));
      continue;
    }
    if (!written) {  // texts that disagree are kept as words
      other.note = value->scalar + (other.note.empty() ? "" : "; " + other.note);
    } else {
      Fact as_fact = fact;
      if (const yaml::Node* unit = item.find("unit")) as_fact.unit = text(*unit, "unit");
      other.value = *written * scale_of(as_fact);
      as_fact.written = *written;
      as_fact.dim = parse_unit(as_fact.unit).dim;
      if (fact.is_number() && as_fact.dim != fact.dim) {
        problem(item, fmt::format("{}: {} '{}' is {}, the fact is {}", fact.path, *written,
                                  as_fact.unit, describe(as_fact.dim), describe(fact.dim)));
      } else if (rule && rule->kind == FactRule::Kind::kNumber) {
        as_fact.number = other.value;
        check_range(*value, *rule, as_fact);
      }
    }
    fact.also.push_back(std::move(other));
  }
}

void FactReader::check_unit(const yaml::Node& node, const FactRule& rule, const Fact& fact) const {
  if (fact.unit.empty() && rule.dim != Dim{}) {
    problem(node, fmt::format("{} has no unit: {}", fact.path, needed(rule)), "add unit:");
  } else if (!parse_unit(fact.unit).known) {
    problem(node, fmt::format("{}: '{}' is not a unit that is known here; {}", fact.path, fact.unit,
                              needed(rule)));
  } else if (fact.dim != rule.dim) {
    problem(node, fmt::format("{}: '{} {}' is {}; {}", fact.path, fact.written, fact.unit,
                              describe(fact.dim), needed(rule)));
  }
}

void FactReader::check_range(const yaml::Node& node, const FactRule& rule, const Fact& fact) const {
  if (fact.dim != rule.dim) return;
  const auto refuse = [&](double number, const std::string& why) {
    const double scale = scale_of(fact);
    problem(node, fmt::format("{}: {:.6g} {} is {}", fact.path, number / scale, fact.unit, why),
            fmt::format("plausible is {:.4g} to {:.4g} {}", rule.least / scale, rule.most / scale,
                        fact.unit));
  };
  for (const double number :
       {fact.number, fact.low.value_or(fact.number), fact.high.value_or(fact.number)}) {
    if (number < 0) return refuse(number, "negative");
    if (number == 0)
      return refuse(number, "zero; write null for unknown and none for what does not exist");
    if (number < rule.least) return refuse(number, "too small to be real");
    if (number > rule.most) return refuse(number, "too large to be real");
  }
}

Fact FactReader::remark(const yaml::Node& node, const std::string& path) const {
  Fact fact;
  fact.path = path;
  fact.kind = Fact::Kind::kText;
  fact.text = words_of(node);
  fact.reading = "remark";
  fact.place = place(node);
  return fact;
}

// A group may name its source once: {l1: 336, l2: 112, source: CM384-CRC, confidence: high}.
std::optional<Fact> FactReader::bare_fact(const yaml::Node& group, const yaml::Node& item,
                                          const std::string& path, const FactRule* rule) const {
  yaml::Node node;
  node.kind = yaml::Node::Kind::kMap;
  node.line = item.line;
  node.column = item.column;
  const auto add = [&](std::string key, const yaml::Node& value) {
    node.keys.push_back(std::move(key));
    node.key_places.emplace_back(value.line, value.column);
    node.items.push_back(value);
  };
  add("value", item);
  for (const char* shared : {"source", "confidence"}) {
    if (const yaml::Node* value = group.find(shared)) add(shared, *value);
  }
  return fact(node, path, rule);
}

void FactReader::facts(const yaml::Node& node, const std::string& group, Scope scope,
                       std::vector<Fact>& into) const {
  const bool names_source = !group.empty() && node.find("source");
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const yaml::Node& item = node.items[i];
    const std::string& key = node.keys[i];
    const std::string path = group.empty() ? key : group + "." + key;
    const FactRule* rule = rule_for(scope, path);
    if (names_source && (key == "source" || key == "confidence")) continue;
    if (rule && rule->kind == FactRule::Kind::kRemark && !looks_like_fact(item)) {
      into.push_back(remark(item, path));
    } else if (item.is_map() && is_group(scope, path) && !(rule && looks_like_fact(item))) {
      facts(item, path, scope, into);
    } else if (!rule) {
      unknown_key(node, i, group.empty() ? "this entry" : fmt::format("'{}'", group),
                  names_under(scope, group));
    } else if (item.is_scalar() && path.ends_with(".name")) {
      into.push_back(remark(item, path));  // what a thing is called needs no source
    } else if (!item.is_map() && !names_source) {
      problem(item, fmt::format("'{}' must be a fact", path),
              "write it as {value: ..., unit: ..., source: ...}");
    } else if (auto read =
                   item.is_map() ? fact(item, path, rule) : bare_fact(node, item, path, rule)) {
      into.push_back(std::move(*read));
    }
  }
}

}  // namespace fivefold
