#include "fivefold/report/serving_front.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/report/svg.h"
#include "fivefold/report/table.h"
#include "fivefold/serving/text.h"

namespace fivefold {
namespace {

using FrontJson = nlohmann::ordered_json;

constexpr double kGiga = 1e9;

ServingWorkload workload_of(const ServingFront& front, const ServingPlan& plan) {
  ServingWorkload workload = front.goal.workload;
  workload.draft_tokens = plan.drafts;
  return workload;
}

// What the search says of the plan, and what power, money and memory say besides.
struct PlanNumbers {
  ServingCost cost;
  double requests_per_second = 0;
  std::optional<double> joules;         // a token
  std::optional<double> usd_a_million;  // output tokens
};

PlanNumbers numbers_of(const ServingFront& front, const ServingPlan& plan) {
  PlanNumbers numbers;
  const double rate = plan.loop.tokens_per_second;
  const Load load = load_of(front.space, front.goal.workload, plan);
  numbers.cost = cost_of(*front.space.catalog, front.space.machine, load);
  numbers.requests_per_second = rate / front.goal.workload.output;
  if (numbers.cost.power) numbers.joules = energy_per_token(*numbers.cost.power, rate).value();
  if (numbers.cost.usd) {
    numbers.usd_a_million = cost_per_million_tokens(*numbers.cost.usd, rate).value();
  }
  return numbers;
}

std::string shown_time(Seconds time) {
  return time < Seconds(1) ? fmt::format("{:.1f} ms", time.value() * 1e3)
                           : fmt::format("{:.2f} s", time.value());
}

std::string asked_text(const ServingFront& front) {
  const ServingWorkload& w = front.goal.workload;
  const Machine& machine = front.space.machine;
  const std::string limits = to_text(front.goal.slo);
  return fmt::format(
      "{} on {} x {} ({} devices), {:.0f} tokens in, {:.0f} out\n"
      "objective {}, limits: {}\n\n",
      front.space.model.name, machine.chips, machine.system->chip->name, machine.devices, w.input,
      w.output, name(front.goal.objective), limits.empty() ? "none" : limits);
}

std::string pool_text(double count, const ServingLayout& layout) {
  return fmt::format("{:.0f} x {} ({} devices)", count, to_text(layout),
                     int(count) * layout.devices());
}

std::string side_memory_text(const ServingFront& front, const ServingLayout& layout,
                             const ServingPlan& plan, double sequences) {
  const ServingWorkload workload = workload_of(front, plan);
  const auto capacity = capacity_for(front.space, workload, layout, sequences);
  if (!capacity) return "unknown";
  const double cache =
      sequences * (capacity->per_token.value() * (workload.input + workload.output) +
                   capacity->per_sequence.value());
  const double others = (capacity->weights + capacity->activations + capacity->runtime).value();
  const double allowed = front.space.policy.memory_share * capacity->visible.value();
  return fmt::format(
      "weights {:.1f} GB, cache {:.1f}, activations {:.1f}, runtime {:.1f}: {:.1f} of {:.1f} GB",
      capacity->weights.value() / kGiga, cache / kGiga, capacity->activations.value() / kGiga,
      capacity->runtime.value() / kGiga, (others + cache) / kGiga, allowed / kGiga);
}

std::string best_text(const ServingFront& front) {
  const ServingPlan& plan = front.search.best;
  const PlanNumbers numbers = numbers_of(front, plan);
  const int idle = front.space.machine.devices - plan.devices();
  std::string text;
  const auto line = [&](std::string_view label, const std::string& what) {
    text += fmt::format("  {:<14}{}\n", label, what);
  };
  text += plan.apart ? "best: pools that prefill and pools that decode\n"
                     : "best: instances that prefill and decode\n";
  const ServingPools& pools = plan.pools;
  if (plan.apart) {
    line("prefill", pool_text(pools.prefill_instances, pools.prefill) +
                        fmt::format(", busy {:.0f}%", 100 * plan.loop.prefill_share));
    line("decode", pool_text(pools.decode_instances, pools.decode));
  } else {
    line("instances", pool_text(pools.decode_instances, pools.decode));
    line("prefill", fmt::format("{:.0f}% of the time", 100 * plan.loop.prefill_share));
  }
  if (idle > 0) line("idle", fmt::format("{} devices", idle));
  if (plan.drafts > 0) line("drafts", fmt::format("{} tokens a step", plan.drafts));
  line("requests", fmt::format("{:.0f} at once, {:.0f} for an attention group that decodes",
                               plan.concurrency, plan.sequences));
  line("step budget", fmt::format("{} tokens an attention group", plan.step_tokens));
  line("TTFT", shown_time(plan.loop.ttft));
  line("TPOT", shown_time(plan.loop.tpot));
  line("tokens/s", fmt::format("{:.1f} a chip, {:.1f} a user, {:.0f} in all", plan.per_chip,
                               plan.per_user(), plan.loop.tokens_per_second));
  line("requests/s", fmt::format("{:.4g}", numbers.requests_per_second));
  if (plan.apart) line("memory", "prefill: " + side_memory_text(front, pools.prefill, plan, 1));
  line(plan.apart ? "" : "memory", (plan.apart ? "decode: " : "") +
                                       side_memory_text(front, pools.decode, plan, plan.sequences));
  line("power", numbers.cost.power ? fmt::format("{:.4g} kW, {:.3g} J a token, PUE not counted",
                                                 numbers.cost.power->value() / 1e3, *numbers.joules)
                                   : "not known: " + numbers.cost.no_power);
  line("cost", numbers.usd_a_million
                   ? fmt::format("{:.3g} USD a million output tokens{}", *numbers.usd_a_million,
                                 numbers.cost.rented ? ", rented" : "")
                   : "not known: " + numbers.cost.no_usd);
  line("bound by", front.search.bound);
  return text;
}

bool is_best(const ServingFront& front, const ServingPlan& plan) {
  const ServingPlan& best = front.search.best;
  return plan.value == best.value && plan.loop.tpot == best.loop.tpot;
}

std::string side_text(double count, const ServingLayout& layout) {
  return count > 0 ? fmt::format("{:.0f} x {}", count, to_text(layout)) : std::string();
}

// The column of an objective that the others do not show.
std::optional<Column> value_column(ServingObjective objective) {
  if (objective == ServingObjective::kTokensPerKilowatt) {
    return Column{"per kW", Align::kRight, "tokens_per_second_per_kw", "tokens/s"};
  }
  if (objective == ServingObjective::kTokensPerDollar) {
    return Column{"per USD", Align::kRight, "tokens_per_usd", "tokens"};
  }
  return std::nullopt;
}

Table front_table(const ServingFront& front, std::string title,
                  const std::vector<ServingPlan>& plans) {
  const auto value = value_column(front.goal.objective);
  const bool drafts = front.goal.workload.draft_tokens > 0;
  Table table;
  table.title = std::move(title);
  table.columns = {{"per user", Align::kRight, "tokens_per_second_per_user", "tokens/s"},
                   {"per chip", Align::kRight, "tokens_per_second_per_chip", "tokens/s"}};
  if (value) table.columns.push_back(*value);
  table.columns.insert(table.columns.end(), {{"TTFT", Align::kRight, "ttft", "s"},
                                             {"TPOT", Align::kRight, "tpot", "s"},
                                             {"requests", Align::kRight, "concurrency"}});
  if (drafts) table.columns.push_back({"drafts", Align::kRight});
  table.columns.insert(
      table.columns.end(),
      {{"", Align::kLeft, "best"}, {"prefill"}, {"decode, or both", {}, "decode"}});
  for (const ServingPlan& plan : plans) {
    std::vector<TableCell> cells = {{plan.per_user(), fmt::format("{:.1f}", plan.per_user())},
                                    {plan.per_chip, fmt::format("{:.1f}", plan.per_chip)}};
    if (value) cells.emplace_back(plan.value, fmt::format("{:.4g}", plan.value));
    cells.emplace_back(plan.loop.ttft.value(), shown_time(plan.loop.ttft));
    cells.emplace_back(plan.loop.tpot.value(), shown_time(plan.loop.tpot));
    cells.push_back(count_cell(long(plan.concurrency)));
    if (drafts) cells.push_back(count_cell(plan.drafts));
    cells.emplace_back(is_best(front, plan) ? "*" : "");
    cells.emplace_back(side_text(plan.pools.prefill_instances, plan.pools.prefill));
    cells.emplace_back(side_text(plan.pools.decode_instances, plan.pools.decode));
    table.add(std::move(cells));
  }
  return table;
}

std::string counted_text(const SearchReport& report) {
  return fmt::format("{} plans were estimated; {} do not fit\n", report.evaluated, report.refused);
}

FrontJson serving_layout_json(const ServingLayout& l) {
  return {{"tp", l.tp}, {"dp", l.dp}, {"ep", l.ep}, {"pp", l.pp}};
}

FrontJson serving_plan_json(const ServingFront& front, const ServingPlan& plan) {
  FrontJson json;
  json["text"] = to_text(plan.pools);
  json["disaggregated"] = plan.apart;
  if (plan.apart) {
    json["prefill"] = {{"instances", int(plan.pools.prefill_instances)},
                       {"layout", serving_layout_json(plan.pools.prefill)}};
  }
  json["decode"] = {{"instances", int(plan.pools.decode_instances)},
                    {"layout", serving_layout_json(plan.pools.decode)}};
  json["idle_devices"] = front.space.machine.devices - plan.devices();
  json["draft_tokens"] = plan.drafts;
  json["concurrency"] = plan.concurrency;
  json["sequences_per_group"] = plan.sequences;
  json["step_tokens_per_group"] = plan.step_tokens;
  json["ttft_s"] = plan.loop.ttft.value();
  json["tpot_s"] = plan.loop.tpot.value();
  json["prefill_share"] = plan.loop.prefill_share;
  json["tokens_per_second"] = plan.loop.tokens_per_second;
  json["tokens_per_second_per_chip"] = plan.per_chip;
  json["tokens_per_second_per_user"] = plan.per_user();
  const PlanNumbers numbers = numbers_of(front, plan);
  json["requests_per_second"] = numbers.requests_per_second;
  const auto set = [&](const char* key, const std::optional<double>& known) {
    json[key] = known ? FrontJson(*known) : FrontJson(nullptr);
  };
  set("power_w", numbers.cost.power ? std::optional(numbers.cost.power->value()) : std::nullopt);
  set("joules_per_token", numbers.joules);
  set("usd_per_million_tokens", numbers.usd_a_million);
  return json;
}

FrontJson plans_json(const ServingFront& front, const std::vector<ServingPlan>& plans) {
  FrontJson json = FrontJson::array();
  for (const ServingPlan& plan : plans) json.push_back(serving_plan_json(front, plan));
  return json;
}

constexpr std::string_view kFrontStyle =
    "svg{background:#fff;font-family:system-ui,sans-serif}"
    ".tick{stroke:#dde1e4}.axis{fill:#56616b;font-size:13px}"
    ".front{fill:none;stroke-width:2;opacity:.65}"
    ".fill-left{fill:#1263a8}.stroke-left{stroke:#1263a8}"
    ".fill-right{fill:#b14d08}.stroke-right{stroke:#b14d08}";

}  // namespace

std::string front_text(const ServingFront& front) {
  return asked_text(front) + best_text(front) + "\n" +
         to_text(
             front_table(front, "Throughput against speed, output tokens/s", front.search.front)) +
         "\n" +
         to_text(front_table(front, "The best of other layouts too, output tokens/s",
                             front.search.top)) +
         "\n" + counted_text(front.search.report);
}

std::string front_json(const ServingFront& front) {
  const ServingWorkload& w = front.goal.workload;
  FrontJson json;
  json["system"] = front.space.machine.system->id;
  json["model"] = front.space.model.id;
  json["chips"] = front.space.machine.chips;
  json["devices"] = front.space.machine.devices;
  json["input"] = w.input;
  json["output"] = w.output;
  json["objective"] = name(front.goal.objective);
  json["limits_s"] = {{"ttft", front.goal.slo.ttft.value()},
                      {"tpot", front.goal.slo.tpot.value()},
                      {"e2e", front.goal.slo.e2e.value()}};
  json["best"] = serving_plan_json(front, front.search.best);
  json["bound_by"] = front.search.bound;
  json["front"] = plans_json(front, front.search.front);
  json["top"] = plans_json(front, front.search.top);
  json["estimated"] = front.search.report.evaluated;
  json["refused"] = front.search.report.refused;
  return json.dump(2) + "\n";
}

std::string front_csv(const ServingFront& front) {
  return to_csv(front_table(front, "", front.search.front));
}

std::string front_svg(const ServingFront& front) {
  Scatter scatter;
  scatter.title = fmt::format("{} on {} x {}", front.space.model.name, front.space.machine.chips,
                              front.space.machine.system->chip->name);
  scatter.x_label = "output tokens/s a user";
  scatter.y_label = "output tokens/s a chip";
  const auto point = [](const ServingPlan& plan) {
    return Scatter::Point{
        plan.per_user(), plan.per_chip,
        fmt::format("{}: {:.0f} requests, TTFT {}, TPOT {}", to_text(plan.pools), plan.concurrency,
                    shown_time(plan.loop.ttft), shown_time(plan.loop.tpot))};
  };
  scatter.series = {{"front", "left", {}}, {"best", "right", {point(front.search.best)}}};
  for (const ServingPlan& plan : front.search.front) {
    scatter.series.front().points.push_back(point(plan));
  }
  std::string svg = to_svg(scatter);
  const std::size_t open = svg.find('>');
  svg.insert(open + 1, fmt::format("<style>{}</style>", kFrontStyle));
  svg.insert(4, " xmlns=\"http://www.w3.org/2000/svg\"");
  return svg + "\n";
}

}  // namespace fivefold
