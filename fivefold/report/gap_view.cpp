#include "fivefold/report/gap_view.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/base/text.h"
#include "fivefold/report/table.h"

namespace fivefold {
namespace {

using Json = nlohmann::ordered_json;

struct Measure {
  const char* key;
  const char* heading;
  double scale;  // of what is shown
  const char* unit;
  const Quantiles& (*of)(const GapYear&);
};
constexpr Measure kMeasures[] = {
    {"added_domestic", "supplied, domestic", 1e-3, "thousand chips",
     [](const GapYear& y) -> const Quantiles& { return y.added_domestic.chips; }},
    {"added_foreign", "supplied, foreign", 1e-3, "thousand chips",
     [](const GapYear& y) -> const Quantiles& { return y.added_foreign.chips; }},
    {"installed_domestic", "installed, domestic", 1e-3, "thousand chips",
     [](const GapYear& y) -> const Quantiles& { return y.installed_domestic.chips; }},
    {"installed_foreign", "installed, foreign", 1e-3, "thousand chips",
     [](const GapYear& y) -> const Quantiles& { return y.installed_foreign.chips; }},
    {"tokens_domestic", "tokens a day, domestic", 1e-12, "trillion",
     [](const GapYear& y) -> const Quantiles& { return y.installed_domestic.tokens_per_day; }},
    {"tokens_foreign", "tokens a day, foreign", 1e-12, "trillion",
     [](const GapYear& y) -> const Quantiles& { return y.installed_foreign.tokens_per_day; }},
    {"runs_domestic", "training runs a year, domestic", 1, "runs",
     [](const GapYear& y) -> const Quantiles& { return y.installed_domestic.runs_per_year; }},
    {"runs_foreign", "training runs a year, foreign", 1, "runs",
     [](const GapYear& y) -> const Quantiles& { return y.installed_foreign.runs_per_year; }},
    {"reliance_chips", "reliance, chips", 100, "%",
     [](const GapYear& y) -> const Quantiles& { return y.reliance_chips; }},
    {"reliance_flops", "reliance, FLOPS", 100, "%",
     [](const GapYear& y) -> const Quantiles& { return y.reliance_flops; }},
    {"reliance_bandwidth", "reliance, memory bandwidth", 100, "%",
     [](const GapYear& y) -> const Quantiles& { return y.reliance_bandwidth; }},
    {"reliance_tokens", "reliance, tokens", 100, "%",
     [](const GapYear& y) -> const Quantiles& { return y.reliance_tokens; }},
    {"reliance_added", "foreign share of the year's chips", 100, "%",
     [](const GapYear& y) -> const Quantiles& { return y.reliance_added; }},
    {"supplied", "supplied, at list prices", 1e-9, "USD bn",
     [](const GapYear& y) -> const Quantiles& { return y.supplied; }}};

std::string quantiles_text(const Quantiles& quantiles, double scale) {
  return fmt::format("{} ({} to {})", format_number(quantiles.p50 * scale),
                     format_number(quantiles.p5 * scale), format_number(quantiles.p95 * scale));
}

Table years_table(const GapView& view) {
  Table table;
  table.title = "By year: median and 5% to 95% of the futures drawn";
  table.columns = {{"quantity"}, {"unit"}};
  for (const GapYear& year : view.gap.years) {
    table.columns.push_back({fmt::format("{}", year.year), Align::kRight});
  }
  const auto row = [&](const char* heading, const char* unit, auto&& cell) {
    std::vector<TableCell> cells = {heading, unit};
    for (const GapYear& year : view.gap.years) cells.emplace_back(cell(year));
    table.add(std::move(cells));
  };
  for (const Measure& measure : kMeasures) {
    if (!view.training && std::string_view(measure.key).starts_with("runs_")) continue;
    row(measure.heading, measure.unit,
        [&](const GapYear& year) { return quantiles_text(measure.of(year), measure.scale); });
  }
  row("demand", "USD bn", [](const GapYear& year) {
    if (!year.demand) return std::string("not stated");
    return fmt::format("{} ({} to {})", format_number(year.demand->value / 1e9),
                       format_number(year.demand->low / 1e9),
                       format_number(year.demand->high / 1e9));
  });
  const auto if_any = [](const std::optional<Quantiles>& quantiles, double scale) {
    return quantiles ? quantiles_text(*quantiles, scale) : std::string();
  };
  row("shortage", "USD bn", [&](const GapYear& year) { return if_any(year.shortage, 1e-9); });
  row("that many domestic chips", "thousand chips",
      [&](const GapYear& year) { return if_any(year.missing_chips, 1e-3); });
  row("that many tokens a day", "trillion",
      [&](const GapYear& year) { return if_any(year.missing_tokens_per_day, 1e-12); });
  return table;
}

Table chips_table(const GapView& view) {
  Table table;
  table.title = fmt::format(
      "What a chip does: {}, {:g} tokens in, {:g} out{}", view.service.model->id,
      view.service.workload.input, view.service.workload.output,
      view.service.slo.tpot > Seconds(0) ? ", TPOT " + format_quantity(view.service.slo.tpot)
                                         : std::string());
  table.columns = {{"chip"},
                   {"judged in"},
                   {"BF16", Align::kRight},
                   {"memory", Align::kRight},
                   {"tokens/s", Align::kRight},
                   {"W", Align::kRight}};
  if (view.training) table.columns.push_back({"runs a year of 1,000", Align::kRight});
  for (const ChipWork& work : view.gap.chips) {
    const System* system = work.machine.system;
    table.add(
        {work.chip->id,
         system != nullptr ? fmt::format("{} of {}", work.machine.serving_chips, system->id) : "",
         work.flops > 0 ? format_quantity(OpsPerSecond(work.flops)) : "",
         work.bandwidth > 0 ? format_quantity(BytesPerSecond(work.bandwidth)) : "",
         work.tokens_per_day ? format_number(*work.tokens_per_day / 86400) : "",
         work.watts ? format_number(*work.watts) : "",
         work.runs_per_year ? format_number(*work.runs_per_year * 1000) : ""});
    if (!work.why.empty()) table.notes.push_back(fmt::format("{}: {}", work.chip->id, work.why));
  }
  return table;
}

Json json_of(const Quantiles& quantiles) {
  return {{"p5", quantiles.p5},   {"p25", quantiles.p25}, {"p50", quantiles.p50},
          {"p75", quantiles.p75}, {"p95", quantiles.p95}, {"mean", quantiles.mean}};
}

Json json_of(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json json_of(const GapYear& year) {
  Json json = {{"year", year.year}};
  for (const Measure& measure : kMeasures) json[measure.key] = json_of(measure.of(year));
  if (year.demand) {
    json["demand"] = {
        {"value", year.demand->value}, {"low", year.demand->low}, {"high", year.demand->high}};
  }
  if (year.shortage) json["shortage"] = json_of(*year.shortage);
  if (year.missing_chips) json["missing_chips"] = json_of(*year.missing_chips);
  if (year.missing_tokens_per_day) {
    json["missing_tokens_per_day"] = json_of(*year.missing_tokens_per_day);
  }
  return json;
}

}  // namespace

std::string to_text(const GapView& view) {
  std::string text = to_text(years_table(view)) + "\n" + to_text(chips_table(view));
  text += fmt::format(
      "\nReliance is the foreign share of what is installed at the end of a year. {} of the chips "
      "supplied have\nno estimate of their work and are left out of tokens and runs. Stock, life "
      "and losses are assumptions:\n",
      format_percent(view.gap.chips_without_work));
  for (const Fact* fact : view.gap.facts) {
    const auto shown = [&](double value) {
      return fact->dim == Usd::kDim ? format_quantity(Usd(value)) : format_number(value);
    };
    text += fmt::format("  {} = {}", fact->path, shown(fact->number));
    if (fact->lowest() < fact->highest()) {
      text += fmt::format(" ({} to {})", shown(fact->lowest()), shown(fact->highest()));
    }
    text += fmt::format("{} [{}]\n", fact->dim == Usd::kDim ? "" : " " + fact->unit,
                        fmt::join(fact->sources, ", "));
  }
  for (const std::string& assumption : view.gap.assumptions) {
    for (const std::string& line : wrap(assumption, kTextWidth - 2)) text += "  " + line + "\n";
  }
  return text;
}

std::string to_json(const GapView& view) {
  Json json = {{"service",
                {{"model", view.service.model->id},
                 {"input", view.service.workload.input},
                 {"output", view.service.workload.output},
                 {"tpot", view.service.slo.tpot.value()}}},
               {"samples", view.question.samples},
               {"seed", view.question.seed},
               {"years", Json::array()},
               {"chips", Json::array()}};
  for (const GapYear& year : view.gap.years) json["years"].push_back(json_of(year));
  for (const ChipWork& work : view.gap.chips) {
    json["chips"].push_back({{"chip", work.chip->id},
                             {"flops", work.flops},
                             {"bandwidth", work.bandwidth},
                             {"tokens_per_day", json_of(work.tokens_per_day)},
                             {"runs_per_year", json_of(work.runs_per_year)},
                             {"watts", json_of(work.watts)},
                             {"why", work.why}});
  }
  json["share_without_work"] = view.gap.chips_without_work;
  json["assumptions"] = view.gap.assumptions;
  return json.dump(2) + "\n";
}

std::string to_csv(const GapView& view) {
  std::vector<std::string> header = {"year"};
  for (const Measure& measure : kMeasures) {
    for (const char* at : {"p5", "p50", "p95"}) {
      header.push_back(fmt::format("{}_{}", measure.key, at));
    }
  }
  std::string text = csv_record(header);
  for (const GapYear& year : view.gap.years) {
    std::vector<std::string> cells = {fmt::format("{}", year.year)};
    for (const Measure& measure : kMeasures) {
      const Quantiles& quantiles = measure.of(year);
      for (const double value : {quantiles.p5, quantiles.p50, quantiles.p95}) {
        cells.push_back(exact_text(value));
      }
    }
    text += csv_record(cells);
  }
  return text;
}

}  // namespace fivefold
