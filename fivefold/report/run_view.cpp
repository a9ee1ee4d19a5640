#include "fivefold/report/run_view.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/base/text.h"
#include "fivefold/report/table.h"

namespace fivefold {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kDay = 86400;

struct ShareLine {
  const char* key;
  const char* name;
  double (*of)(const RunShares&);
};
constexpr ShareLine kShares[] = {
    {"useful", "useful (goodput)", [](const RunShares& s) { return s.useful; }},
    {"stragglers", "stragglers", [](const RunShares& s) { return s.stragglers; }},
    {"data", "waiting for data", [](const RunShares& s) { return s.data; }},
    {"checkpoint", "checkpoints", [](const RunShares& s) { return s.checkpoint; }},
    {"lost", "work lost", [](const RunShares& s) { return s.lost; }},
    {"recovery", "detect, restart, load", [](const RunShares& s) { return s.recovery; }},
    {"waiting", "waiting for a node", [](const RunShares& s) { return s.waiting; }}};

std::string time_text(Seconds time) {
  return std::isfinite(time.value()) ? format_quantity(time) : "never";
}

std::string share_text(double share) {
  return fmt::format("{:.2f}%", 100 * share);
}

Json finite(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

Table parts_table(const RunView& view) {
  const FailureRates& rates = view.plan.rates;
  Table table;
  table.title = "What stops the job; a day of all, and of each in a million hours";
  table.columns = {{"component"},
                   {"count", Align::kRight},
                   {"one fails in", Align::kRight},
                   {"a day", Align::kRight},
                   {"range", Align::kRight},
                   {"share", Align::kRight},
                   {"in 1e6 h", Align::kRight},
                   {"fact"},
                   {"source"}};
  const auto range = [](Hertz low, Hertz high) {
    return fmt::format("{:.3g} to {:.3g}", low.value() * kDay, high.value() * kDay);
  };
  for (const ComponentRate& part : rates.parts) {
    const bool bytes = part.component == Component::kMemory;
    const double each = part.fact->number * (bytes ? 1e12 : 1);
    table.add({std::string(name(part.component)),
               bytes ? format_quantity(Bytes(part.count)) : format_count(part.count),
               time_text(1 / part.rate), fmt::format("{:.3g}", part.rate.value() * kDay),
               range(part.low, part.high), format_percent(part.rate / rates.total),
               fmt::format("{:.3g}{}", each * 3600e6, bytes ? " a TB" : ""), part.fact->path,
               fmt::format("{}", fmt::join(part.fact->sources, ", "))});
  }
  table.add({"in all", "", time_text(rates.mtbf()),
             fmt::format("{:.3g}", rates.total.value() * kDay), range(rates.low, rates.high)});
  if (rates.scale) {
    table.notes.push_back(fmt::format("all times {:.3g} ({}, {}): {}", rates.scale->number,
                                      rates.scale->path, fmt::join(rates.scale->sources, ", "),
                                      rates.scale->note));
  }
  return table;
}

Table sizes_table(const ReliabilityView& view) {
  Table table;
  table.title = "As the machine grows, with the same state to save";
  table.columns = {{"chips", Align::kRight},
                   {"one failure in", Align::kRight},
                   {"checkpoint after", Align::kRight},
                   {"goodput", Align::kRight},
                   {"useful chips", Align::kRight}};
  const AgainstView* other = view.against ? &*view.against : nullptr;
  if (other) {
    table.columns.insert(table.columns.end(), {{other->name, Align::kRight},
                                               {"its goodput", Align::kRight},
                                               {"advantage", Align::kRight}});
  }
  for (std::size_t i = 0; i < view.sizes.size(); ++i) {
    const SizePoint& point = view.sizes[i];
    std::vector<TableCell> cells = {format_count(view.run.chips * point.times),
                                    time_text(point.mtbf),
                                    point.goodput > 0 ? time_text(point.interval) : "-",
                                    point.goodput > 0 ? share_text(point.goodput) : "no headway",
                                    format_count(view.run.chips * point.useful)};
    if (other) {
      const SizePoint& theirs = other->sizes[i];
      cells.push_back(format_count(other->chips * theirs.times));
      cells.push_back(theirs.goodput > 0 ? share_text(theirs.goodput) : "no headway");
      cells.push_back(theirs.goodput > 0 ? fmt::format("{:.2f}x", other->advantage * point.goodput /
                                                                      theirs.goodput)
                                         : "-");
    }
    table.add(std::move(cells));
  }
  return table;
}

// Where more chips no longer add, and where the advantage over the other machine is gone.
std::vector<std::string> conclusions(const ReliabilityView& view) {
  std::vector<std::string> lines;
  if (view.largest) {
    const double chips = view.run.chips * view.largest->times;
    lines.push_back(fmt::format(
        "Most is done with {} chips (one failure in {}, goodput {}); beyond, chips that are added "
        "stop more work than they do.",
        format_number(chips), time_text(view.largest->mtbf), share_text(view.largest->goodput)));
  }
  if (!view.against) return lines;
  const AgainstView& other = *view.against;
  if (!other.break_even) {
    lines.push_back(fmt::format("Failures never take the advantage of {:.3g}x over {}.",
                                other.advantage, other.name));
  } else {
    lines.push_back(
        fmt::format("Failures take all of the advantage of {:.3g}x over {} at {} chips against {}.",
                    other.advantage, other.name, format_number(view.run.chips * *other.break_even),
                    format_number(other.chips * *other.break_even)));
  }
  return lines;
}

Json run_json(const RunEstimate& run) {
  Json json;
  json["time_s"] = run.time.value();
  json["interruptions"] = run.interruptions;
  for (const ShareLine& line : kShares) json["shares"][line.key] = line.of(run.shares);
  if (run.runs == 0) return json;
  json["runs"] = run.runs;
  const auto spread = [](const Spread& s) {
    return Json{{"p10", s.p10}, {"p50", s.p50}, {"p90", s.p90}};
  };
  json["time_spread_s"] = spread(run.time_spread);
  json["goodput_spread"] = spread(run.goodput_spread);
  return json;
}

Json facts_json(const std::vector<const Fact*>& facts) {
  Json json = Json::array();
  for (const Fact* fact : facts) {
    const Json one = {{"path", fact->path}, {"value", fact->number}, {"sources", fact->sources}};
    if (std::find(json.begin(), json.end(), one) == json.end()) json.push_back(one);
  }
  return json;
}

Json json_of(const RunView& view) {
  Json json;
  json["chips"] = view.chips;
  json["ideal_s"] = view.expected.ideal.value();
  if (view.tokens > 0) json["tokens"] = view.tokens;
  json["mtbf_s"] = finite(view.expected.mtbf.value());
  json["components"] = Json::array();
  for (const ComponentRate& part : view.plan.rates.parts) {
    json["components"].push_back(
        {{"component", name(part.component)},
         {"count", part.count},
         {"rate_Hz", part.rate.value()},
         {"rate_low_Hz", part.low.value()},
         {"rate_high_Hz", part.high.value()},
         {"fact", part.fact->path},
         {"sources", part.fact->sources},
         {"failures", view.expected.failures[std::size_t(part.component)]}});
  }
  if (view.plan.rates.scale) {
    json["scale"] = {{"fact", view.plan.rates.scale->path},
                     {"value", view.plan.rates.scale->number},
                     {"sources", view.plan.rates.scale->sources}};
  }
  const Seconds blocked = view.plan.checkpoint.blocked, mtbf = view.expected.mtbf;
  json["checkpoint"] = {{"state_bytes", view.state.value()},
                        {"blocked_s", blocked.value()},
                        {"durable_s", view.plan.checkpoint.durable.value()},
                        {"load_s", view.plan.checkpoint.load.value()},
                        {"interval_s", finite(view.expected.interval.value())},
                        {"young_s", finite(young_interval(blocked, mtbf).value())},
                        {"daly_s", finite(daly_interval(blocked, mtbf).value())},
                        {"best_s", finite(best_interval(blocked, mtbf).value())}};
  json["recovery_s"] = recovery_of(view.plan).value();
  json["spares"] = view.plan.spares.nodes < 0 ? Json() : Json(view.plan.spares.nodes);
  json["spares_for_little_waiting"] = view.spares_for_little_waiting;
  json["expected"] = run_json(view.expected);
  json["simulated"] = view.simulated ? run_json(*view.simulated) : Json();
  json["cost"] = Json();
  if (view.cost) {
    json["cost"] = {{"energy_J", view.cost->energy.value()},
                    {"usd", view.cost->usd.value()},
                    {"rented", view.cost->rented},
                    {"formula", view.cost->formula},
                    {"facts", facts_json(view.cost->facts)}};
  }
  json["assumptions"] = facts_json(view.facts);
  return json;
}

Json point_json(const SizePoint& point, double chips) {
  return {{"chips", chips * point.times},
          {"mtbf_s", finite(point.mtbf.value())},
          {"interval_s", point.goodput > 0 ? finite(point.interval.value()) : Json()},
          {"goodput", point.goodput},
          {"useful_chips", chips * point.useful}};
}

std::string line_text(std::string_view label, const std::string& expected,
                      const std::string& simulated = {}) {
  if (simulated.empty()) return fmt::format("{:<24}{}\n", label, expected);
  return fmt::format("{:<24}{:<26}{}\n", label, expected, simulated);
}

std::string cost_text(const RunView& view) {
  if (!view.cost) return view.no_cost.empty() ? "" : line_text("cost", "- (" + view.no_cost + ")");
  std::string text = line_text("energy", format_quantity(view.cost->energy) + " at the plug");
  text += line_text("cost", format_quantity(view.cost->usd));
  for (const std::string& part : wrap(view.cost->formula, kTextWidth - 26)) {
    text += line_text("", "  " + part);
  }
  return text;
}

std::string checkpoint_text(const RunView& view) {
  const CheckpointCost& cost = view.plan.checkpoint;
  const Seconds mtbf = view.expected.mtbf;
  std::string text = line_text(
      "checkpoint", fmt::format("{}: steps wait {}, durable after {}, loaded in {}",
                                format_quantity(view.state), format_quantity(cost.blocked),
                                format_quantity(cost.durable), format_quantity(cost.load)));
  if (!std::isfinite(mtbf.value())) return text;
  text += line_text("  after work of", fmt::format("{} (Young {}, Daly {}, least expected time {})",
                                                   time_text(view.expected.interval),
                                                   time_text(young_interval(cost.blocked, mtbf)),
                                                   time_text(daly_interval(cost.blocked, mtbf)),
                                                   time_text(best_interval(cost.blocked, mtbf))));
  return text;
}

}  // namespace

std::string to_text(const RunView& view) {
  const RunEstimate& run = view.expected;
  const RunEstimate* played = view.simulated ? &*view.simulated : nullptr;
  const auto both = [played](double expected, const Spread* spread, double simulated) {
    const std::string text = fmt::format("{:.2f}", expected);
    if (!played) return std::pair(text, std::string());
    return std::pair(text,
                     fmt::format("{:.2f} ({:.2f} to {:.2f})", simulated, spread->p10, spread->p90));
  };
  std::string text;
  if (view.tokens > 0) {
    text += line_text("run",
                      fmt::format("{} tokens, {} steps of {}", format_number(view.tokens),
                                  format_count(view.plan.steps), format_quantity(view.plan.step)));
  }
  text += line_text("one failure in", time_text(run.mtbf));
  text += checkpoint_text(view);
  text += line_text(
      "recovery",
      fmt::format("{}: detect {}, restart {}, load {}", format_quantity(recovery_of(view.plan)),
                  format_quantity(view.plan.detect), format_quantity(view.plan.restart),
                  format_quantity(view.plan.checkpoint.load)));
  text += line_text(
      "spare nodes",
      fmt::format("{}; {} for less than 0.1% of waiting, with repairs of {}",
                  view.plan.spares.nodes < 0 ? std::string("as many as needed")
                                             : fmt::format("{}", view.plan.spares.nodes),
                  view.spares_for_little_waiting, format_quantity(view.plan.spares.repair)));
  if (played) {
    text += "\n" +
            line_text("", "expected", fmt::format("{} runs simulated (10% to 90%)", played->runs));
  } else {
    text += "\n";
  }
  const Spread days =
      played ? Spread{played->time_spread.p10 / kDay, 0, played->time_spread.p90 / kDay} : Spread{};
  const auto [d, d2] =
      both(run.time.value() / kDay, &days, played ? played->time.value() / kDay : 0);
  text += line_text("days", d + fmt::format(" for {:.2f}", run.ideal.value() / kDay), d2);
  text += line_text("interruptions", fmt::format("{:.1f}", run.interruptions),
                    played ? fmt::format("{:.1f}", played->interruptions) : std::string());
  for (const ShareLine& line : kShares) {
    const double share = line.of(run.shares), share2 = played ? line.of(played->shares) : 0;
    if (share == 0 && share2 == 0) continue;
    text += line_text(std::string("  ") + line.name, share_text(share),
                      played ? share_text(share2) : std::string());
  }
  return text + cost_text(view);
}

std::string to_json(const RunView& view) {
  return json_of(view).dump(2) + "\n";
}

std::string to_csv(const RunView& view) {
  std::string text = csv_record({"quantity", "unit", "expected", "simulated"});
  const RunEstimate* played = view.simulated ? &*view.simulated : nullptr;
  const auto add = [&text](const char* key, const char* unit, double value,
                           const std::optional<double>& simulated = {}) {
    text += csv_record({key, unit, std::isfinite(value) ? exact_text(value) : "",
                        simulated ? exact_text(*simulated) : ""});
  };
  add("ideal", "s", view.expected.ideal.value());
  add("time", "s", view.expected.time.value(),
      played ? std::optional(played->time.value()) : std::nullopt);
  add("mtbf", "s", view.expected.mtbf.value());
  add("interval", "s", view.expected.interval.value());
  add("interruptions", "", view.expected.interruptions,
      played ? std::optional(played->interruptions) : std::nullopt);
  for (const ShareLine& line : kShares) {
    add(line.key, "fraction", line.of(view.expected.shares),
        played ? std::optional(line.of(played->shares)) : std::nullopt);
  }
  if (view.cost) {
    add("energy", "J", view.cost->energy.value());
    add("cost", "USD", view.cost->usd.value());
  }
  return text;
}

std::string to_text(const ReliabilityView& view) {
  std::string text = view.title + "\n\n";
  if (!view.run.plan.rates.parts.empty()) text += to_text(parts_table(view.run)) + "\n";
  text += to_text(view.run) + "\n" + to_text(sizes_table(view));
  for (const std::string& line : conclusions(view)) {
    text += "\n";
    for (const std::string& part : wrap(line, kTextWidth)) text += part + "\n";
  }
  return text;
}

std::string to_json(const ReliabilityView& view) {
  Json json{{"title", view.title}, {"run", json_of(view.run)}};
  json["sizes"] = Json::array();
  for (const SizePoint& point : view.sizes) {
    json["sizes"].push_back(point_json(point, view.run.chips));
  }
  json["largest_useful"] = view.largest ? point_json(*view.largest, view.run.chips) : Json();
  json["against"] = Json();
  if (view.against) {
    const AgainstView& other = *view.against;
    Json sizes = Json::array();
    for (const SizePoint& point : other.sizes) sizes.push_back(point_json(point, other.chips));
    json["against"] = {
        {"name", other.name},
        {"chips", other.chips},
        {"mtbf_s", finite(other.mtbf.value())},
        {"advantage", other.advantage},
        {"sizes", std::move(sizes)},
        {"gone_at_chips", other.break_even ? Json(view.run.chips * *other.break_even) : Json()},
        {"gone_at_their_chips", other.break_even ? Json(other.chips * *other.break_even) : Json()}};
  }
  return json.dump(2) + "\n";
}

std::string to_csv(const ReliabilityView& view) {
  std::string text = csv_record({"chips", "mtbf (s)", "interval (s)", "goodput", "useful_chips",
                                 "their_chips", "their_goodput"});
  for (std::size_t i = 0; i < view.sizes.size(); ++i) {
    const SizePoint& point = view.sizes[i];
    const SizePoint* theirs = view.against ? &view.against->sizes[i] : nullptr;
    text += csv_record({exact_text(view.run.chips * point.times), exact_text(point.mtbf.value()),
                        point.goodput > 0 ? exact_text(point.interval.value()) : "",
                        exact_text(point.goodput), exact_text(view.run.chips * point.useful),
                        theirs ? exact_text(view.against->chips * theirs->times) : "",
                        theirs ? exact_text(theirs->goodput) : ""});
  }
  return text;
}

}  // namespace fivefold
