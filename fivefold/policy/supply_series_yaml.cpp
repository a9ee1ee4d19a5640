// The series of facts, the head of the book and the published totals.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/policy/supply_yaml.h"

namespace fivefold {
namespace {

const std::vector<std::string> kSeriesKeys = {"id", "what", "kind", "form", "unit", "points"};
const std::vector<std::string> kKinds = {"wafers", "yield",          "hbm",    "packaging",
                                         "dies",   "imports",        "shares", "time",
                                         "stacks", "packaging_yield"};
const std::vector<std::string> kHeadKeys = {
    "start",  "wafer", "yield_model", "alpha",  "spread",  "lead",      "place_in_span",
    "series", "dies",  "nodes",       "memory", "vendors", "packaging", "checks"};
const std::vector<std::string> kPointKeys = {"at", "from", "to"};
const std::vector<std::string> kCheckKeys = {"of", "counts", "year", "input"};

constexpr double kMost = 1e12;  // of anything that is counted here

bool is_share(const SupplySeries& series) {
  return series.unit == "fraction";
}

template <class Items>
auto find_id(Items& items, std::string_view id) {
  return std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.id == id; });
}

}  // namespace

bool SupplyReader::known_keys(const yaml::Node& node, std::string_view what,
                              const std::vector<std::string>& keys) const {
  if (!facts_.expect_map(node, what)) return false;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (std::find(keys.begin(), keys.end(), node.keys[i]) == keys.end())
      facts_.unknown_key(node, i, what, keys);
  }
  return true;
}

std::string SupplyReader::text(const yaml::Node& node, std::string_view key, bool needed) const {
  const yaml::Node* found = node.find(key);
  if (found && !found->is_null()) return facts_.text(*found, key);
  if (needed) facts_.problem(node, fmt::format("no '{}'", key), fmt::format("add {}:", key));
  return {};
}

double SupplyReader::number(const yaml::Node& node, std::string_view key, double least, double most,
                            double otherwise) const {
  const yaml::Node* found = node.find(key);
  if (!found) return otherwise;
  const auto value = facts_.number(*found);
  if (value && *value >= least && *value <= most) return *value;
  facts_.problem(*found, fmt::format("{} '{}' is not a number from {:g} to {:g}", key,
                                     found->scalar, least, most));
  return otherwise;
}

DateSpan SupplyReader::span(const yaml::Node& node, std::string_view key) const {
  const yaml::Node* found = node.find(key);
  if (!found || !found->is_scalar()) {
    facts_.problem(node, fmt::format("no '{}'", key), fmt::format("add {}: 2025-09", key));
    return {};
  }
  const auto span = parse_date_span(found->scalar);
  if (span) return *span;
  const Problem& problem = span.error().problems.front();
  facts_.problem(*found, fmt::format("{}: {}", key, problem.what), problem.hint);
  return {};
}

// The fact without the keys that are ours.
std::optional<Fact> SupplyReader::stripped_fact(const yaml::Node& node, const std::string& id,
                                                const std::vector<std::string>& own) const {
  yaml::Node bare = node;
  for (std::size_t i = bare.keys.size(); i-- > 0;) {
    if (std::find(own.begin(), own.end(), bare.keys[i]) == own.end()) continue;
    const auto at = std::ptrdiff_t(i);
    bare.keys.erase(bare.keys.begin() + at);
    bare.items.erase(bare.items.begin() + at);
    bare.key_places.erase(bare.key_places.begin() + at);
  }
  auto fact = facts_.fact(bare, id, nullptr);
  if (!fact) return {};
  fact->owner = "supply";
  if (fact->sources.empty()) {
    facts_.problem(node, fmt::format("{} has no source", id),
                   "add source:, or source: assumption with low: and high:");
  }
  if (!fact->is_number()) {
    facts_.problem(node, fmt::format("{}: a number is needed", id));
    return {};
  }
  const bool assumed = fact->sources == std::vector<std::string>{"assumption"};
  if (assumed && (!fact->low || !fact->high) && fact->number != 0) {
    facts_.problem(node, fmt::format("{} is assumed, but has no range", id), "add low: and high:");
  }
  return fact;
}

void SupplyReader::check_point(const yaml::Node& node, const SupplySeries& series,
                               const SupplyPoint& point) const {
  const Fact& fact = point.fact;
  const double low = fact.low.value_or(fact.number), high = fact.high.value_or(fact.number);
  if (low < 0) {
    facts_.problem(node, fmt::format("{}: {:g} {} is negative", fact.path, low, series.unit),
                   "zero or more");
  }
  if (high > kMost) {
    facts_.problem(
        node, fmt::format("{}: {:g} {} is too large to be real", fact.path, high, series.unit));
  }
  if (is_share(series) && high > 1) {
    facts_.problem(node, fmt::format("{}: a share of {:g} is over 1", fact.path, high),
                   "shares are fractions: 0.35");
  }
  if (series.kind == "yield" && low == 0) {
    facts_.problem(node, fmt::format("{}: a yield of zero makes no dies", fact.path), "above 0");
  }
  if (fact.unit != series.unit) {
    facts_.problem(node, fmt::format("{} is in '{}', its series {} in '{}'", fact.path, fact.unit,
                                     series.id, series.unit));
  }
  for (const SupplyPoint& other : series.points) {
    if (other.fact.path != fact.path && other.at == point.at && other.as_of == point.as_of) {
      facts_.problem(node,
                     fmt::format("{} and {} say the same date of {} on the same day",
                                 other.fact.path, fact.path, series.id),
                     "state another as_of: the later one counts");
    }
  }
}

void SupplyReader::read_point(const yaml::Node& node, SupplySeries& series) const {
  if (!facts_.expect_map(node, "a point")) return;
  SupplyPoint point;
  const std::string id = text(node, "id");
  point.what = text(node, "what", false);
  point.as_of = span(node, "as_of");
  if (series.form == SeriesForm::kAmount) {
    const DateSpan from = span(node, "from"), to = span(node, "to");
    point.at = {from.first, to.last};
    if (from.first > to.last) {
      facts_.problem(node,
                     fmt::format("{} ends before it begins: {} to {}", id, to_text(from.first),
                                 to_text(to.last)),
                     "from: is the earlier one");
    }
  } else {
    point.at = span(node, "at");
  }
  auto fact = stripped_fact(node, id, kPointKeys);
  if (!fact) return;
  if (fact->unit.empty()) fact->unit = series.unit;
  point.fact = *std::move(fact);
  check_point(node, series, point);
  const auto known = std::find_if(series.points.begin(), series.points.end(),
                                  [&](const auto& p) { return p.fact.path == point.fact.path; });
  if (known == series.points.end()) {
    series.points.push_back(std::move(point));
  } else if (known->fact.place.file == point.fact.place.file) {
    facts_.problem(node, fmt::format("'{}' stands here again", id),
                   fmt::format("first in line {}", known->fact.place.line));
  } else {
    *known = std::move(point);  // of a layer above
  }
}

void SupplyReader::read_series(const yaml::Node& node) {
  if (!facts_.expect_list(node, "series")) return;
  for (const yaml::Node& item : node.items) {
    if (!known_keys(item, "a series", kSeriesKeys)) continue;
    const std::string id = text(item, "id");
    auto known = find_id(data_.series, id);
    if (known == data_.series.end()) {
      SupplySeries series;
      series.id = id;
      series.place = facts_.place(item);
      series.what = text(item, "what");
      series.kind = text(item, "kind");
      series.unit = text(item, "unit");
      const std::string form = text(item, "form");
      series.form = form == "level"    ? SeriesForm::kLevel
                    : form == "amount" ? SeriesForm::kAmount
                                       : SeriesForm::kRate;
      if (form != "rate" && form != "level" && form != "amount")
        facts_.problem(item, fmt::format("form '{}' of {}", form, id), "rate, level or amount");
      if (series.form == SeriesForm::kRate && !series.unit.ends_with("/month"))
        facts_.problem(item, fmt::format("{} is a rate in '{}'", id, series.unit),
                       "rates are a month: wafers/month");
      if (std::find(kKinds.begin(), kKinds.end(), series.kind) == kKinds.end())
        facts_.problem(item, fmt::format("unknown kind '{}' of {}", series.kind, id),
                       fmt::format("known: {}", fmt::join(kKinds, ", ")));
      data_.series.push_back(std::move(series));
      known = data_.series.end() - 1;
    } else if (known->place.file == facts_.file()) {
      facts_.problem(item, fmt::format("series '{}' stands here again", id),
                     fmt::format("first in line {}", known->place.line));
      continue;
    }
    const yaml::Node* points = item.find("points");
    if (!points) {
      facts_.problem(item, fmt::format("series '{}' has no points", id), "points: [...]");
    } else if (facts_.expect_list(*points, "points")) {
      for (const yaml::Node& point : points->items) read_point(point, *known);
    }
  }
}

void SupplyReader::read_head(const yaml::Node& supply) {
  known_keys(supply, "supply", kHeadKeys);
  if (const yaml::Node* start = supply.find("start")) {
    const auto quarter = parse_quarter(facts_.text(*start, "start"));
    if (quarter) {
      data_.start = *quarter;
    } else {
      facts_.problem(*start, quarter.error().problems.front().what, "start: 2023Q1");
    }
  }
  if (const yaml::Node* wafer = supply.find("wafer");
      wafer && known_keys(*wafer, "wafer", {"diameter", "edge", "scribe"})) {
    data_.wafer.diameter = number(*wafer, "diameter", 50, 450, 300);
    data_.wafer.edge = number(*wafer, "edge", 0, 20, 3);
    data_.wafer.scribe = number(*wafer, "scribe", 0, 2, 0.1);
  }
  if (const yaml::Node* model = supply.find("yield_model")) {
    const std::string word = facts_.text(*model, "yield_model");
    data_.yield_model = word == "murphy"              ? YieldModel::kMurphy
                        : word == "negative_binomial" ? YieldModel::kNegativeBinomial
                                                      : YieldModel::kPoisson;
    if (word != "poisson" && word != "murphy" && word != "negative_binomial")
      facts_.problem(*model, fmt::format("unknown yield_model '{}'", word),
                     "poisson, murphy or negative_binomial");
  }
  data_.alpha = number(supply, "alpha", 0.01, 1e6, data_.alpha);
  if (const yaml::Node* spread = supply.find("spread");
      spread && known_keys(*spread, "spread", {"high", "medium", "low"})) {
    for (const auto& [key, into] :
         {std::pair{"high", &data_.spread_high}, std::pair{"medium", &data_.spread_medium},
          std::pair{"low", &data_.spread_low}}) {
      if (const yaml::Node* node = spread->find(key))
        *into = stripped_fact(*node, fmt::format("spread.{}", key), {});
      if (*into && ((*into)->number < 0 || (*into)->number > 10))
        facts_.problem(*spread->find(key), fmt::format("a spread of {:g}", (*into)->number),
                       "0 to 10");
    }
  }
  const SeriesForm level = SeriesForm::kLevel;
  if (supply.find("lead")) data_.lead = named_series(supply, "lead", level, true);
  if (supply.find("place_in_span"))
    data_.place_in_span = named_series(supply, "place_in_span", level, true);
  if (supply.find("packaging"))
    data_.packaging = named_series(supply, "packaging", SeriesForm::kRate, true);
}

void SupplyReader::read_checks(const yaml::Node& node) {
  if (!facts_.expect_list(node, "checks")) return;
  for (const yaml::Node& item : node.items) {
    if (!facts_.expect_map(item, "a check")) continue;
    SupplyCheck check;
    const std::string id = text(item, "id");
    check.what = text(item, "what");
    check.of = text(item, "of");
    check.counts = text(item, "counts");
    check.year = int(number(item, "year", 1990, 2100, 0));
    check.as_of = span(item, "as_of");
    const yaml::Node* input = item.find("input");
    check.input = input && input->scalar == "true";
    if (check.counts != "chips" && check.counts != "dies" && check.counts != "share")
      facts_.problem(item, fmt::format("'{}' counts '{}'", id, check.counts),
                     "chips, dies or share (of all chips)");
    if (check.of != "CN" && check.of != "all" &&
        find_id(data_.vendors, check.of) == data_.vendors.end())
      facts_.problem(item, fmt::format("'{}' is of unknown vendor '{}'", id, check.of),
                     "a vendor, CN or all");
    if (auto fact = stripped_fact(item, id, kCheckKeys)) {
      check.fact = *std::move(fact);
      data_.checks.push_back(std::move(check));
    }
  }
}

}  // namespace fivefold
