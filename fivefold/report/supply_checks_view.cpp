// The checks of supply and the question of tripling, printed.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/base/text.h"
#include "fivefold/report/supply_view.h"
#include "fivefold/report/table.h"

namespace fivefold {
namespace {

using Json = nlohmann::ordered_json;

std::string number_of(const SupplyComparison& check, double value) {
  return check.counts == "share" ? format_percent(value, 2) : format_number(value);
}

Table totals_table(const SupplyChecks& checks) {
  Table table;
  table.title = "Published totals in the distribution of the model";
  table.columns = {{"published"},
                   {"of"},
                   {"year", Align::kRight},
                   {"counts"},
                   {"value", Align::kRight},
                   {"model 5%", Align::kRight},
                   {"50%", Align::kRight},
                   {"95%", Align::kRight},
                   {"lies at", Align::kRight},
                   {"input"}};
  for (const SupplyComparison& check : checks.totals) {
    const auto cell = [&](double value) { return TableCell(value, number_of(check, value)); };
    table.add({check.what,
               check.of,
               {double(check.year), fmt::format("{}", check.year)},
               check.counts,
               cell(check.published),
               cell(check.model.p5),
               cell(check.model.p50),
               cell(check.model.p95),
               {check.quantile, format_percent(check.quantile, 2)},
               check.input ? "partly" : "no"});
  }
  table.notes = {
      "'lies at' is the share of futures below the published value: 50% is the median of the "
      "model, 0% and 100% are outside of it",
      "input 'partly': something of the model rests on the same statement (not the total itself)"};
  return table;
}

Table arithmetic_table(const SupplyChecks& checks) {
  Table table;
  table.title = "Arithmetic on the facts alone";
  table.columns = {{"what"},
                   {"computed", Align::kRight},
                   {"published", Align::kRight},
                   {"within", Align::kRight},
                   {"closes"}};
  for (const SupplyArithmetic& line : checks.arithmetic) {
    table.add({line.what,
               {line.computed, format_number(line.computed)},
               {line.published, format_number(line.published)},
               {line.tolerance, format_percent(line.tolerance, 2)},
               line.closes() ? "yes" : "no"});
  }
  return table;
}

Table needs_table(const Tripling& tripling) {
  Table table;
  table.title = "For even odds";
  table.columns = {{"more of"},
                   {"times", Align::kRight},
                   {"probability of three times", Align::kRight, "probability"}};
  for (const Tripling::Need& need : tripling.needs) {
    table.add({fmt::format("{}", fmt::join(need.kinds, " and ")),
               need.times ? TableCell(*need.times, fmt::format("{:.2f}", *need.times))
                          : TableCell(fmt::format("not with {:g}", need.most)),
               {need.probability, format_percent(need.probability, 2)}});
  }
  table.notes = {
      "hbm counts all stacks that ever came, since 2026 lives on the stock; the others from 2026Q1",
      "yields are multiplied on the die that they are stated of, up to 99%"};
  return table;
}

}  // namespace

std::string to_text(const SupplyChecks& checks) {
  return to_text(totals_table(checks), 130) + "\n" + to_text(arithmetic_table(checks));
}

std::string to_json(const SupplyChecks& checks) {
  Json json;
  json["totals"] = Json::array();
  for (const SupplyComparison& check : checks.totals) {
    json["totals"].push_back({{"id", check.id},
                              {"what", check.what},
                              {"of", check.of},
                              {"counts", check.counts},
                              {"year", check.year},
                              {"published", check.published},
                              {"low", check.low ? Json(*check.low) : Json()},
                              {"high", check.high ? Json(*check.high) : Json()},
                              {"p5", check.model.p5},
                              {"p50", check.model.p50},
                              {"p95", check.model.p95},
                              {"quantile", check.quantile},
                              {"input", check.input},
                              {"as_of", check.as_of},
                              {"sources", check.sources},
                              {"confidence", name(check.confidence)},
                              {"note", check.note}});
  }
  json["arithmetic"] = Json::array();
  for (const SupplyArithmetic& line : checks.arithmetic)
    json["arithmetic"].push_back({{"what", line.what},
                                  {"computed", line.computed},
                                  {"published", line.published},
                                  {"tolerance", line.tolerance},
                                  {"closes", line.closes()}});
  return json.dump(2) + "\n";
}

std::string to_csv(const SupplyChecks& checks) {
  return to_csv(totals_table(checks));
}

std::string to_text(const Tripling& tripling) {
  return fmt::format(
             "China, 2026 over 2025: {:.2f} times (5% {:.2f}, 95% {:.2f}); three times or more "
             "with "
             "probability {}\n\n",
             tripling.factor.p50, tripling.factor.p5, tripling.factor.p95,
             format_percent(tripling.probability, 2)) +
         to_text(needs_table(tripling));
}

std::string to_json(const Tripling& tripling) {
  Json json = {
      {"from", 2025},
      {"to", 2026},
      {"factor",
       {{"p5", tripling.factor.p5}, {"p50", tripling.factor.p50}, {"p95", tripling.factor.p95}}},
      {"probability_of_three", tripling.probability}};
  json["needs"] = Json::array();
  for (const Tripling::Need& need : tripling.needs)
    json["needs"].push_back({{"kinds", need.kinds},
                             {"times", need.times ? Json(*need.times) : Json()},
                             {"most", need.most},
                             {"probability", need.probability}});
  return json.dump(2) + "\n";
}

std::string to_csv(const Tripling& tripling) {
  return to_csv(needs_table(tripling));
}

}  // namespace fivefold
