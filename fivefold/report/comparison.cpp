#include "fivefold/report/comparison.h"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/report/table.h"

namespace fivefold {
namespace {

using Json = nlohmann::ordered_json;

void put_paragraph(std::string& out, std::string_view text, std::string_view indent = {}) {
  for (const std::string& line : wrap(text, kTextWidth - indent.size())) {
    out += std::string(indent) + line + "\n";
  }
}

Table lines_table(const Comparison& comparison) {
  Table table;
  table.columns = {{"", Align::kLeft},
                   {short_name(comparison.left_name), Align::kLeft},
                   {short_name(comparison.right_name), Align::kLeft},
                   {"ratio", Align::kRight},
                   {"--explain", Align::kLeft}};
  for (const Section& section : comparison.sections) {
    const std::string group = section.intro.empty()
                                  ? section.heading
                                  : fmt::format("{}. {}", section.heading, section.intro);
    for (const Line& line : section.lines) {
      table.add({line.label, line.left.text, line.right.text, ratio_text(line.ratio()), line.id},
                group);
    }
  }
  return table;
}

std::string chips_text(const ParityLine& line) {
  if (!line.chips) return "-";
  return fmt::format("{}", *line.chips);
}

Table parity_table(const Comparison& comparison) {
  Table table;
  table.columns = {{"", Align::kLeft},       {"chips", Align::kRight},
                   {"range", Align::kRight}, {"of what it has", Align::kRight},
                   {"", Align::kLeft},       {"--explain", Align::kLeft}};
  for (const ParityLine& line : comparison.parity) {
    const std::string range =
        line.low && line.high ? fmt::format("{} to {}", *line.low, *line.high) : "";
    const std::string share =
        line.chips && comparison.left_chips > 0
            ? fmt::format("{:.0f}%", 100.0 * *line.chips / comparison.left_chips)
            : "";
    table.add({line.label, chips_text(line), range, share, line.note, line.id});
  }
  return table;
}

Json number_or_null(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json();
}

template <class T>
Json count_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json json_of(const Fact& fact) {
  Json json;
  json["owner"] = fact.owner;
  json["path"] = fact.path;
  json["text"] = value_text(fact);
  json["value"] = fact.is_number() ? Json(fact.number) : Json();
  json["low"] = number_or_null(fact.low);
  json["high"] = number_or_null(fact.high);
  json["reading"] = fact.reading.empty() ? "nominal" : fact.reading;
  json["confidence"] = fact.confidence == Confidence::kHigh     ? "high"
                       : fact.confidence == Confidence::kMedium ? "medium"
                                                                : "low";
  json["sources"] = fact.sources;
  json["note"] = fact.note;
  json["also"] = Json::array();
  for (const OtherValue& other : fact.also) {
    json["also"].push_back(
        {{"value", other.value}, {"sources", other.sources}, {"note", other.note}});
  }
  return json;
}

Json json_of(const Explanation& explanation) {
  Json json;
  json["statement"] = explanation.statement;
  json["formula"] = explanation.formula;
  json["parts"] = Json::array();
  for (const Explanation& part : explanation.parts) json["parts"].push_back(json_of(part));
  json["facts"] = Json::array();
  for (const Fact& fact : explanation.facts) json["facts"].push_back(json_of(fact));
  return json;
}

Json json_of(const Side& side) {
  return {{"value", number_or_null(side.value)},
          {"low", number_or_null(side.low)},
          {"high", number_or_null(side.high)},
          {"text", side.text},
          {"why", json_of(side.why)}};
}

Json json_of(const Line& line) {
  return {{"id", line.id},
          {"label", line.label},
          {"unit", line.unit},
          {"left", json_of(line.left)},
          {"right", json_of(line.right)},
          {"ratio", number_or_null(line.ratio())},
          {"more_is_better", line.more_is_better},
          {"note", line.note}};
}

Json json_of(const ParityLine& line) {
  return {{"id", line.id},
          {"label", line.label},
          {"chips", count_or_null(line.chips)},
          {"low", count_or_null(line.low)},
          {"high", count_or_null(line.high)},
          {"note", line.note},
          {"why", json_of(line.why)}};
}

Json json_of(const std::vector<ParetoPoint>& points) {
  Json json = Json::array();
  for (const ParetoPoint& point : points) {
    json.push_back({{"tokens_per_second_per_user", point.tokens_per_second_per_user},
                    {"tokens_per_second_per_chip", point.tokens_per_second_per_chip},
                    {"label", point.label}});
  }
  return json;
}

Json json_of(const TimeBar& bar) {
  Json json{{"label", bar.label}, {"parts", Json::array()}};
  for (const TimeBar::Part& part : bar.parts) {
    json["parts"].push_back({{"name", part.name}, {"seconds", part.seconds}});
  }
  return json;
}

Json sources_json(const Comparison& comparison, const SourceOf& source_of) {
  Json json = Json::object();
  for (const std::string& id : comparison.source_ids) {
    const Source* source = source_of ? source_of(id) : nullptr;
    if (source == nullptr) continue;
    json[id] = {{"title", source->title},
                {"url", source->url},
                {"publisher", source->publisher},
                {"date", source->date},
                {"kind", source->kind}};
  }
  return json;
}

std::string field(const std::optional<double>& value) {
  return value ? exact_text(*value) : "";
}
std::string field(const std::optional<int>& value) {
  return value ? fmt::format("{}", *value) : "";
}

}  // namespace

std::string short_name(const std::string& name) {
  return name.substr(0, name.find(" ("));
}

std::string ratio_text(std::optional<double> ratio) {
  if (!ratio || !std::isfinite(*ratio)) return "-";
  if (*ratio != 0 && (std::abs(*ratio) < 0.095 || std::abs(*ratio) >= 99.95)) {
    return fmt::format("{:.2g}x", *ratio);
  }
  return fmt::format("{:.2f}x", *ratio);
}

std::string to_text(const Comparison& comparison) {
  std::string out = comparison.title + "\n";
  put_paragraph(out, comparison.subtitle);
  out += "\n";
  put_paragraph(out, comparison.headline);
  out += "\n" + to_text(lines_table(comparison), kTextWidth);
  out += fmt::format("\nHow many chips of {} equal one {} (it has {})\n\n",
                     short_name(comparison.left_name), short_name(comparison.right_name),
                     comparison.left_chips);
  out += to_text(parity_table(comparison), kTextWidth);
  if (!comparison.notes.empty()) out += "\nKeep in mind\n";
  for (const std::string& note : comparison.notes) put_paragraph(out, "- " + note, "  ");
  if (!comparison.assumptions.empty()) {
    out += "\n";
    put_paragraph(
        out,
        fmt::format(
            "{} of the values behind these lines are assumptions that no source gives: the page "
            "and --json list them with their ranges, --explain names them where they act.",
            comparison.assumptions.size()));
  }
  return out;
}

std::string to_json(const Comparison& comparison, const SourceOf& source_of) {
  Json json;
  json["title"] = comparison.title;
  json["subtitle"] = comparison.subtitle;
  json["left"] = {
      {"id", comparison.left_id}, {"name", comparison.left_name}, {"chips", comparison.left_chips}};
  json["right"] = {{"id", comparison.right_id},
                   {"name", comparison.right_name},
                   {"chips", comparison.right_chips}};
  json["model"] = comparison.model_id;
  json["headline"] = comparison.headline;
  json["sections"] = Json::array();
  for (const Section& section : comparison.sections) {
    Json lines = Json::array();
    for (const Line& line : section.lines) lines.push_back(json_of(line));
    json["sections"].push_back(
        {{"heading", section.heading}, {"intro", section.intro}, {"lines", lines}});
  }
  json["parity"] = Json::array();
  for (const ParityLine& line : comparison.parity) json["parity"].push_back(json_of(line));
  json["times"] = Json::array();
  for (const TimeBar& bar : comparison.times) json["times"].push_back(json_of(bar));
  json["pareto"] = {{"left", json_of(comparison.left_pareto)},
                    {"right", json_of(comparison.right_pareto)}};
  json["notes"] = comparison.notes;
  json["assumptions"] = Json::array();
  for (const Fact& fact : comparison.assumptions) json["assumptions"].push_back(json_of(fact));
  json["sources"] = sources_json(comparison, source_of);
  return json.dump(2) + "\n";
}

std::string to_csv(const Comparison& comparison) {
  std::string out =
      csv_record({"section", "id", "label", "unit", "left", "left_low", "left_high", "right",
                  "right_low", "right_high", "ratio", "left_text", "right_text", "note"});
  for (const Section& section : comparison.sections) {
    for (const Line& line : section.lines) {
      out += csv_record({section.heading, line.id, line.label, line.unit, field(line.left.value),
                         field(line.left.low), field(line.left.high), field(line.right.value),
                         field(line.right.low), field(line.right.high), field(line.ratio()),
                         line.left.text, line.right.text, line.note});
    }
  }
  for (const ParityLine& line : comparison.parity) {
    out += csv_record({"parity", line.id, line.label, "chips", field(line.chips), field(line.low),
                       field(line.high), "", "", "", "", "", "", line.note});
  }
  return out;
}

}  // namespace fivefold
