#include "fivefold/report/fabric_view.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/report/table.h"

namespace fivefold {
namespace {

using Json = nlohmann::ordered_json;

double ports_of(const PlanLevel& level, bool carried) {
  if (carried) return 0;
  if (!level.circuits.empty()) {
    return 2.0 * double(level.circuits.size()) / std::max(1.0, double(level.size));
  }
  if (level.wiring != Wiring::kMesh && level.wiring != Wiring::kTorus) return level.planes;
  return std::round(level.bandwidth / level.link_bandwidth);
}

std::string share_text(BytesPerSecond bisection, int devices) {
  return devices < 2 ? std::string() : bandwidth_text(bisection / (devices / 2));
}

double oversubscription_of(const PlanLevel& level) {
  return level.clos.leaf > 0 ? level.clos.oversubscription : level.oversubscription;
}

// "2.81 M (1.39 to 4.42)": the range in the unit of the value.
std::string range_text(const Range& range, std::string_view unit) {
  if (!(range.high > 0)) return "-";
  const double scale = range.value >= 1e6 ? 1e6 : range.value >= 1e3 ? 1e3 : 1;
  const std::string_view prefix = scale > 1e3 ? "M" : scale > 1 ? "k" : "";
  const auto digits = [scale](double value) {
    value /= scale;
    return value >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
  };
  return fmt::format("{} {}{} ({} to {})", digits(range.value), prefix, unit, digits(range.low),
                     digits(range.high));
}

std::string count_text(double count) {
  return count > 0 ? fmt::format("{:.0f}", count) : std::string("-");
}

Table levels_table(const FabricView& view) {
  Table table;
  table.title = "Levels, from the inside out; bandwidth of one device, per direction, nominal";
  table.columns = {{"level"},
                   {"wiring"},
                   {"devices", Align::kRight},
                   {"ports", Align::kRight},
                   {"bandwidth", Align::kRight},
                   {"latency", Align::kRight},
                   {"oversub.", Align::kRight},
                   {"bisection", Align::kRight},
                   {"each", Align::kRight}};
  for (std::size_t i = 0; i < view.levels.size(); ++i) {
    const PlanLevel& level = view.plan->levels[i];
    const LevelView& seen = view.levels[i];
    const int size = std::min(level.size, view.graph.devices);
    table.add({level.name, wiring_text(level), fmt::format("{}", size),
               seen.ports > 0 ? fmt::format("{:g}", seen.ports) : std::string("inner"),
               bandwidth_text(level.bandwidth), latency_text(level.latency),
               fmt::format("{:g}", oversubscription_of(level)), bandwidth_text(seen.bisection),
               share_text(seen.bisection, size)});
  }
  return table;
}

Table parts_table(const FabricView& view) {
  Table table;
  table.title = "Links, switches and optics; price in USD";
  table.columns = {{"level"},
                   {"medium"},
                   {"cables", Align::kRight},
                   {"switches", Align::kRight},
                   {"transceivers", Align::kRight},
                   {"price", Align::kRight},
                   {"power", Align::kRight}};
  const auto add = [&table](const std::string& name, const LevelInventory& level,
                            const std::string& medium) {
    table.add({name, medium, count_text(level.cables), count_text(level.switches),
               count_text(level.transceivers), range_text(level.price, ""),
               range_text(level.power, "W")});
  };
  for (std::size_t i = 0; i < view.inventory->levels.size(); ++i) {
    const LevelInventory& level = view.inventory->levels[i];
    add(view.plan->levels[i].name, level,
        fmt::format("{}{}", name(level.medium), level.assumed_medium ? " *" : ""));
  }
  add("in all", view.inventory->total, "");
  return table;
}

std::vector<std::string> assumptions(const FabricView& view) {
  std::vector<std::string> all = view.graph.assumed;
  if (!view.inventory) return all;
  for (const LevelInventory& level : view.inventory->levels) {
    if (!level.assumed_medium) continue;
    all.emplace_back(
        "media marked * are not published: a box of up to 16 devices is taken as wired "
        "on boards, a rack in copper, the rest in fibre");
    break;
  }
  all.emplace_back(
      "network cards, links on boards and the chips' own interfaces are in neither "
      "price nor power; `fivefold catalog show net.switch.price` and its likes say "
      "where prices are from");
  return all;
}

struct KindCount {
  std::string_view name;
  NodeKind kind;
};
constexpr std::array<KindCount, 5> kKinds = {{{"devices", NodeKind::kDevice},
                                              {"ports", NodeKind::kPort},
                                              {"switches", NodeKind::kSwitch},
                                              {"PCIe switches", NodeKind::kPcieSwitch},
                                              {"sockets", NodeKind::kHost}}};

long count_kind(const Graph& graph, NodeKind kind) {
  return std::count(graph.kinds.begin(), graph.kinds.end(), kind);
}

// Links of a graph without levels, by their bandwidth.
Table links_table(const Graph& graph) {
  std::vector<std::pair<double, long>> kinds;
  for (std::size_t i = 0; i < graph.links.size(); i += 2) {
    const double bandwidth = graph.links[i].bandwidth.value();
    const auto found = std::find_if(kinds.begin(), kinds.end(), [bandwidth](const auto& kind) {
      return kind.first == bandwidth;
    });
    if (found == kinds.end()) {
      kinds.emplace_back(bandwidth, 1);
    } else {
      ++found->second;
    }
  }
  std::sort(kinds.rbegin(), kinds.rend());
  Table table;
  table.title = "Links, bandwidth per direction";
  table.columns = {{"bandwidth", Align::kRight}, {"cables", Align::kRight}};
  for (const auto& [bandwidth, count] : kinds) {
    table.add({bandwidth_text(BytesPerSecond(bandwidth)), fmt::format("{}", count)});
  }
  return table;
}

std::string summary(const FabricView& view) {
  const int devices = view.graph.devices;
  std::string text = fmt::format("Bisection  {}", bandwidth_text(view.bisection));
  if (devices > 1) {
    text += fmt::format(", {} for each device of a half", share_text(view.bisection, devices));
  }
  text += fmt::format("\nDiameter   {} hops, {}{}\n", view.across.hops,
                      latency_text(view.across.latency), view.across.exact ? "" : " or more");
  return text;
}

Json range_json(const Range& range) {
  return {{"value", range.value}, {"low", range.low}, {"high", range.high}};
}

Json inventory_json(const LevelInventory& level) {
  return {{"cables", level.cables},
          {"switches", level.switches},
          {"transceivers", level.transceivers},
          {"capacity_Bps", level.capacity.value()},
          {"price_usd", range_json(level.price)},
          {"power_w", range_json(level.power)}};
}

Json level_json(const FabricView& view, std::size_t i) {
  const PlanLevel& level = view.plan->levels[i];
  Json json{{"name", level.name},
            {"wiring", wiring_text(level)},
            {"devices", std::min(level.size, view.graph.devices)},
            {"ports", view.levels[i].ports},
            {"bandwidth_Bps", level.bandwidth.value()},
            {"link_Bps", level.link_bandwidth.value()},
            {"latency_s", level.latency.value()},
            {"oversubscription", oversubscription_of(level)},
            {"planes", level.planes},
            {"bisection_Bps", view.levels[i].bisection.value()}};
  if (view.inventory) {
    json["medium"] = name(view.inventory->levels[i].medium);
    json["medium_assumed"] = view.inventory->levels[i].assumed_medium;
    json.update(inventory_json(view.inventory->levels[i]));
  }
  return json;
}

}  // namespace

std::string bandwidth_text(BytesPerSecond bandwidth) {
  const double value = bandwidth.value();
  if (value >= 999.5e12) return fmt::format("{:.4g} PB/s", value / 1e15);
  if (value >= 999.5e9) return fmt::format("{:.4g} TB/s", value / 1e12);
  return fmt::format("{:.4g} GB/s", value / 1e9);
}

std::string latency_text(Seconds latency) {
  return fmt::format("{:.4g} us", latency.value() * 1e6);
}

std::string wiring_text(const PlanLevel& level) {
  if (!level.circuits.empty()) return fmt::format("{} circuits", level.circuits.size());
  switch (level.wiring) {
    case Wiring::kMesh:
      if (level.dims.empty()) return "full mesh";
      return fmt::format("full mesh {}", fmt::join(level.dims, " x "));
    case Wiring::kTorus:
      return fmt::format("torus {}", fmt::join(level.dims, " x "));
    case Wiring::kPcie:
      return level.peer_to_peer ? "PCIe switch" : "PCIe, no peer-to-peer";
    case Wiring::kHost:
      return "host";
    case Wiring::kDragonfly:
      return fmt::format("dragonfly p {}, a {}, h {}", level.dragonfly.p, level.dragonfly.a,
                         level.dragonfly.h);
    case Wiring::kSwitch:
      break;
  }
  const Clos& clos = level.clos;
  if (clos.leaf > 0) {
    return fmt::format("{} of {} a leaf{}", clos.rails ? "rails" : "Clos", clos.leaf,
                       clos.pod > 0 ? fmt::format(", pods of {}", clos.pod) : std::string());
  }
  return level.planes > 1 ? fmt::format("switch, {} planes", level.planes) : "switch";
}

Result<FabricView> view_fabric(const Catalog& catalog, Topology topology) {
  FabricView view;
  view.title = std::move(topology.name);
  view.form = std::move(topology.form);
  view.plan = std::move(topology.plan);
  view.graph = std::move(topology.graph);
  const int count = view.plan ? int(view.plan->levels.size()) : 0;
  for (int i = 0; i < count; ++i) {
    const bool carried = i > 0 && view.plan->levels[i - 1].carries_outer;
    view.levels.push_back({ports_of(view.plan->levels[i], carried), bisection(view.graph, i)});
  }
  view.bisection = count > 0 ? view.levels.back().bisection : bisection(view.graph, -1);
  view.across = diameter(view.graph);
  if (view.plan) {
    auto inventory = take_inventory(catalog, *view.plan);
    if (!inventory) return fail(std::move(inventory.error()));
    view.inventory = *std::move(inventory);
  }
  return view;
}

std::string to_text(const FabricView& view) {
  std::string text = fmt::format(
      "{}: {} devices{}\n", view.title, view.graph.devices,
      view.form.empty() ? std::string() : fmt::format(" (file of form: {})", view.form));
  if (view.plan && !view.levels.empty()) {
    text += "\n" + to_text(levels_table(view)) + "\n" + summary(view) + "\n" +
            to_text(parts_table(view));
  } else {
    for (const KindCount& kind : kKinds) {
      const long count = count_kind(view.graph, kind.kind);
      if (count > 0) text += fmt::format("{:<15}{}\n", kind.name, count);
    }
    if (!view.graph.links.empty()) text += "\n" + to_text(links_table(view.graph));
    text += "\n" + summary(view);
  }
  const std::vector<std::string> assumed = assumptions(view);
  if (!assumed.empty()) text += "\nAssumed\n";
  for (const std::string& line : assumed) {
    bool first = true;
    for (const std::string& part : wrap(line, kTextWidth - 4)) {
      text += fmt::format("  {} {}\n", first ? '-' : ' ', part);
      first = false;
    }
  }
  return text;
}

std::string to_json(const FabricView& view) {
  Json levels = Json::array();
  for (std::size_t i = 0; i < view.levels.size(); ++i) levels.push_back(level_json(view, i));
  Json json{{"name", view.title}, {"devices", view.graph.devices}};
  if (!view.form.empty()) json["form"] = view.form;
  json["nodes"] = view.graph.nodes;
  json["links"] = view.graph.links.size();
  json["levels"] = std::move(levels);
  json["bisection_Bps"] = view.bisection.value();
  json["diameter"] = {{"hops", view.across.hops},
                      {"latency_s", view.across.latency.value()},
                      {"exact", view.across.exact}};
  if (view.inventory) {
    json["in_all"] = inventory_json(view.inventory->total);
    Json facts = Json::array();
    for (const Fact* fact : view.inventory->facts) facts.push_back(fact->path);
    json["prices_and_powers"] = std::move(facts);
  }
  json["assumed"] = assumptions(view);
  return json.dump(2) + "\n";
}

std::string to_csv(const FabricView& view) {
  std::string text = csv_record(
      {"level", "wiring", "devices", "ports", "bandwidth (B/s)", "latency (s)", "oversubscription",
       "planes", "bisection (B/s)", "medium", "cables", "switches", "transceivers", "price (USD)",
       "price_low (USD)", "price_high (USD)", "power (W)", "power_low (W)", "power_high (W)"});
  for (std::size_t i = 0; i < view.levels.size(); ++i) {
    const PlanLevel& level = view.plan->levels[i];
    const LevelInventory& parts = view.inventory->levels[i];
    text += csv_record(
        {level.name, wiring_text(level), std::to_string(std::min(level.size, view.graph.devices)),
         exact_text(view.levels[i].ports), exact_text(level.bandwidth.value()),
         exact_text(level.latency.value()), exact_text(oversubscription_of(level)),
         std::to_string(level.planes), exact_text(view.levels[i].bisection.value()),
         std::string(name(parts.medium)), exact_text(parts.cables), exact_text(parts.switches),
         exact_text(parts.transceivers), exact_text(parts.price.value), exact_text(parts.price.low),
         exact_text(parts.price.high), exact_text(parts.power.value), exact_text(parts.power.low),
         exact_text(parts.power.high)});
  }
  return text;
}

namespace {

std::string level_name(const Graph& graph, const Link& link) {
  const bool known = link.level >= 0 && std::size_t(link.level) < graph.levels.size();
  return known ? graph.levels[link.level].name : std::string("-");
}

}  // namespace

std::string to_text(const Graph& graph, const RouteView& route) {
  const PathLength length = path_length(graph, route.from, route.to, route.hops);
  Table table;
  table.title = fmt::format("From device {} to device {}, {}: {} hops, {}", route.from, route.to,
                            name(route.routing), length.hops, latency_text(length.latency));
  table.columns = {{"from"},
                   {"to"},
                   {"level"},
                   {"share", Align::kRight},
                   {"bandwidth", Align::kRight},
                   {"latency", Align::kRight}};
  for (const Hop& hop : route.hops) {
    const Link& link = graph.links[hop.link];
    table.add({node_name(graph, link.from), node_name(graph, link.to), level_name(graph, link),
               fmt::format("{:.4g}", hop.share), bandwidth_text(link.bandwidth),
               latency_text(link.latency)});
  }
  return to_text(table);
}

std::string to_json(const Graph& graph, const RouteView& route) {
  const PathLength length = path_length(graph, route.from, route.to, route.hops);
  Json hops = Json::array();
  for (const Hop& hop : route.hops) {
    const Link& link = graph.links[hop.link];
    hops.push_back({{"from", node_name(graph, link.from)},
                    {"to", node_name(graph, link.to)},
                    {"level", level_name(graph, link)},
                    {"share", hop.share},
                    {"bandwidth_Bps", link.bandwidth.value()},
                    {"latency_s", link.latency.value()}});
  }
  const Json json{{"from", route.from},
                  {"to", route.to},
                  {"routing", std::string(name(route.routing))},
                  {"hops", length.hops},
                  {"latency_s", length.latency.value()},
                  {"links", std::move(hops)}};
  return json.dump(2) + "\n";
}

std::string to_csv(const Graph& graph, const RouteView& route) {
  std::string text = csv_record({"from", "to", "level", "share", "bandwidth (B/s)", "latency (s)"});
  for (const Hop& hop : route.hops) {
    const Link& link = graph.links[hop.link];
    text += csv_record({node_name(graph, link.from), node_name(graph, link.to),
                        level_name(graph, link), exact_text(double(hop.share)),
                        exact_text(link.bandwidth.value()), exact_text(link.latency.value())});
  }
  return text;
}

}  // namespace fivefold
