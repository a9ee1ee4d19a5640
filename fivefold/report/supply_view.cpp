#include "fivefold/report/supply_view.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/base/text.h"
#include "fivefold/report/explanation.h"
#include "fivefold/report/table.h"

namespace fivefold {
namespace {

using Json = nlohmann::ordered_json;

TableCell chips(double count) {
  return {count, format_number(count)};
}

// "172k", "1.26M"
std::string short_count(double count) {
  if (count >= 999500) return format_number(count / 1e6) + "M";
  return count >= 1000 ? format_number(count / 1e3) + "k" : format_number(count, 2);
}

std::string binding_text(const SupplyPeriod& period) {
  std::string text;
  for (const Binding& binding : period.binding) {
    if (!text.empty() && binding.probability < 0.05) continue;
    text += fmt::format("{}{} {:.0f}%", text.empty() ? "" : ", ", binding.constraint,
                        100 * binding.probability);
  }
  return text;
}

void add_periods(Table& table, const std::vector<SupplyPeriod>& periods, const std::string& group) {
  for (const SupplyPeriod& period : periods) {
    table.add({period.label, chips(period.chips.p5), chips(period.chips.p50),
               chips(period.chips.p95), chips(period.dies.p50), binding_text(period)},
              group);
  }
}

Table period_table(std::string title) {
  Table table;
  table.title = std::move(title);
  table.columns = {{"period"},
                   {"5%", Align::kRight},
                   {"50%", Align::kRight},
                   {"95%", Align::kRight},
                   {"dies packaged", Align::kRight},
                   {"set by, with probability"}};
  return table;
}

Table product_table(const SupplyResult& result) {
  Table table;
  table.title = "Products, chips a year: median (5% to 95%)";
  table.columns = {{"product"}};
  for (const int year : result.years)
    table.columns.push_back({fmt::format("{}", year), Align::kRight});
  for (const VendorSupply& vendor : result.vendors) {
    for (const VendorSupply::Product& product : vendor.products) {
      std::vector<TableCell> cells = {product.name};
      bool any = false;
      for (const Quantiles& year : product.years) {
        any = any || year.p95 >= 0.5;
        cells.push_back(year.p95 < 0.5 ? "-"
                                       : fmt::format("{} ({} to {})", short_count(year.p50),
                                                     short_count(year.p5), short_count(year.p95)));
      }
      if (any) table.add(std::move(cells), vendor.name);
    }
  }
  return table;
}

std::string header(const SupplyResult& result) {
  const SupplyQuestion& q = result.question;
  std::string text = fmt::format("{} to {}, {} futures, seed {}", to_text(q.from), to_text(q.to),
                                 format_count(q.samples), q.seed);
  if (q.known_by) text += fmt::format(", of what was said by {}", to_text(*q.known_by));
  for (const SupplyQuestion::Scale& scale : q.scaled) {
    text += fmt::format(", {} x {:g}{}", scale.what, scale.factor,
                        scale.from ? " from " + to_text(*scale.from) : std::string());
  }
  return text;
}

std::string growth_text(const SupplyResult& result) {
  std::string text;
  for (const SupplyResult::Growth& growth : result.domestic_growth) {
    text += fmt::format(
        "China, {} over {}: {:.2f} times (5% {:.2f}, 95% {:.2f}); three times or more with "
        "probability {}\n",
        growth.to, growth.from, growth.factor.p50, growth.factor.p5, growth.factor.p95,
        format_percent(growth.probability_of_three, 2));
  }
  return text;
}

std::size_t assumption_count(const SupplyResult& result) {
  std::set<std::string> ids;
  for (const VendorSupply& vendor : result.vendors)
    ids.insert(vendor.assumptions.begin(), vendor.assumptions.end());
  return ids.size();
}

Json quantiles_json(const Quantiles& q) {
  return {{"p5", q.p5},   {"p25", q.p25}, {"p50", q.p50},
          {"p75", q.p75}, {"p95", q.p95}, {"mean", q.mean}};
}

Json periods_json(const std::vector<SupplyPeriod>& periods) {
  Json list = Json::array();
  for (const SupplyPeriod& period : periods) {
    Json binding = Json::array();
    for (const Binding& b : period.binding)
      binding.push_back({{"constraint", b.constraint}, {"probability", b.probability}});
    list.push_back({{"period", period.label},
                    {"chips", quantiles_json(period.chips)},
                    {"dies", quantiles_json(period.dies)},
                    {"binding", binding}});
  }
  return list;
}

Json list_json(const std::vector<Quantiles>& list) {
  Json json = Json::array();
  for (const Quantiles& q : list) json.push_back(quantiles_json(q));
  return json;
}

Json facts_json(const VendorSupply& vendor) {
  Json json = Json::array();
  for (const Fact* fact : vendor.facts) {
    Json one = {{"id", fact->path}, {"value", fact->number}, {"unit", fact->unit}};
    if (fact->low) one["low"] = *fact->low;
    if (fact->high) one["high"] = *fact->high;
    one["confidence"] = name(fact->confidence);
    one["sources"] = fact->sources;
    if (!fact->note.empty()) one["note"] = fact->note;
    json.push_back(std::move(one));
  }
  return json;
}

}  // namespace

std::string to_text(const SupplyResult& result) {
  std::string text = header(result) + "\n\n";
  Table years = period_table("A year, in chips (packages that pass); dies are medians of dies");
  for (const VendorSupply& vendor : result.vendors)
    add_periods(years, vendor.years, fmt::format("{} ({})", vendor.name, vendor.origin));
  add_periods(years, result.domestic_years, "all of China (CN)");
  add_periods(years, result.total_years, "all, with what is brought in");
  if (!result.years.empty()) text += to_text(years) + "\n";
  Table quarters = period_table("A quarter");
  const bool few = result.vendors.size() <= 3 && !result.question.vendors.empty();
  if (few) {
    for (const VendorSupply& vendor : result.vendors)
      add_periods(quarters, vendor.quarters, vendor.name);
  } else {
    add_periods(quarters, result.domestic_quarters, "all of China (CN)");
  }
  text += to_text(quarters);
  if (!result.years.empty()) text += "\n" + to_text(product_table(result));
  if (const std::string growth = growth_text(result); !growth.empty()) text += "\n" + growth;
  return text +
         fmt::format(
             "\nRests on {} assumptions that nobody published (--explain lists them). A single "
             "number would hide how wide this is.\n",
             assumption_count(result));
}

std::string to_json(const SupplyResult& result) {
  Json json;
  const SupplyQuestion& q = result.question;
  json["from"] = to_text(q.from);
  json["to"] = to_text(q.to);
  json["samples"] = q.samples;
  json["seed"] = q.seed;
  json["known_by"] = q.known_by ? Json(to_text(*q.known_by)) : Json();
  json["scaled"] = Json::array();
  for (const SupplyQuestion::Scale& scale : q.scaled)
    json["scaled"].push_back({{"what", scale.what},
                              {"factor", scale.factor},
                              {"from", scale.from ? Json(to_text(*scale.from)) : Json()}});
  json["units"] = {{"chips", "packages that pass"}, {"dies", "compute dies put into packages"}};
  json["vendors"] = Json::array();
  for (const VendorSupply& vendor : result.vendors) {
    Json products = Json::array();
    for (const VendorSupply::Product& product : vendor.products)
      products.push_back({{"name", product.name},
                          {"chip", product.chip},
                          {"quarters", list_json(product.quarters)},
                          {"years", list_json(product.years)}});
    json["vendors"].push_back({{"id", vendor.id},
                               {"name", vendor.name},
                               {"origin", vendor.origin},
                               {"quarters", periods_json(vendor.quarters)},
                               {"years", periods_json(vendor.years)},
                               {"products", products},
                               {"facts", facts_json(vendor)},
                               {"assumptions", vendor.assumptions}});
  }
  json["domestic"] = {{"quarters", periods_json(result.domestic_quarters)},
                      {"years", periods_json(result.domestic_years)}};
  json["total"] = {{"years", periods_json(result.total_years)}};
  json["domestic_growth"] = Json::array();
  for (const SupplyResult::Growth& growth : result.domestic_growth)
    json["domestic_growth"].push_back({{"from", growth.from},
                                       {"to", growth.to},
                                       {"factor", quantiles_json(growth.factor)},
                                       {"probability_of_three", growth.probability_of_three}});
  return json.dump(2) + "\n";
}

std::string to_csv(const SupplyResult& result) {
  std::string csv =
      csv_record({"vendor", "origin", "product", "period", "p5 (chips)", "p50 (chips)",
                  "p95 (chips)", "mean (chips)", "p50 (dies)", "binding", "probability"});
  const auto numbers = [](const Quantiles& q) {
    return std::vector<std::string>{exact_text(q.p5), exact_text(q.p50), exact_text(q.p95),
                                    exact_text(q.mean)};
  };
  const auto add = [&](const std::string& id, const std::string& origin,
                       const std::vector<SupplyPeriod>& periods) {
    for (const SupplyPeriod& period : periods) {
      std::vector<std::string> record = {id, origin, "", period.label};
      for (std::string& number : numbers(period.chips)) record.push_back(std::move(number));
      record.push_back(exact_text(period.dies.p50));
      record.push_back(period.binding.front().constraint);
      record.push_back(exact_text(period.binding.front().probability));
      csv += csv_record(record);
    }
  };
  for (const VendorSupply& vendor : result.vendors) {
    add(vendor.id, vendor.origin, vendor.quarters);
    add(vendor.id, vendor.origin, vendor.years);
    for (const VendorSupply::Product& product : vendor.products) {
      for (std::size_t y = 0; y < product.years.size(); ++y) {
        std::vector<std::string> record = {vendor.id, vendor.origin, product.name,
                                           fmt::format("{}", result.years[y])};
        for (std::string& number : numbers(product.years[y])) record.push_back(std::move(number));
        record.insert(record.end(), 3, "");
        csv += csv_record(record);
      }
    }
  }
  add("CN", "CN", result.domestic_quarters);
  add("CN", "CN", result.domestic_years);
  add("all", "", result.total_years);
  return csv;
}

std::string explain_text(const SupplyResult& result, const Catalog& catalog) {
  std::set<const Fact*> seen;
  Explanation stated{"Published", "", {}, {}}, assumed{"Assumed; nobody published it", "", {}, {}};
  for (const VendorSupply& vendor : result.vendors) {
    for (const Fact* fact : vendor.facts) {
      if (!seen.insert(fact).second) continue;
      const bool is_assumed = std::find(vendor.assumptions.begin(), vendor.assumptions.end(),
                                        fact->path) != vendor.assumptions.end();
      (is_assumed ? assumed : stated).facts.push_back(*fact);
    }
  }
  const Explanation all{
      "What the supply rests on",
      "min(dies / dies a package, stacks / stacks a package, packaging) x packages that pass",
      {stated, assumed},
      {}};
  return to_text(all, [&](std::string_view id) { return catalog.source(id); });
}

}  // namespace fivefold
