#include "fivefold/fabric/inventory.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fivefold {
namespace {

constexpr double kModule = 100e9;   // bytes per second of 800 Gbit/s
constexpr double kSwitch = 6.4e12;  // of 51.2 Tbit/s
constexpr int kOneBox = 16;         // devices whose links are on one board or backplane
constexpr int kOneRack = 144;

Range range_of(const Fact& fact, double times) {
  return {fact.number * times, fact.lowest() * times, fact.highest() * times};
}

// What nobody says: a box is wired on boards, a rack in copper, the rest in fibre.
Medium likely_medium(const PlanLevel& level) {
  if (level.wiring == Wiring::kPcie || level.wiring == Wiring::kHost) return Medium::kBoard;
  if (level.size <= kOneBox) return Medium::kBoard;
  return level.size <= kOneRack ? Medium::kCopper : Medium::kOptical;
}

struct Prices {
  const Fact* module_price = nullptr;
  const Fact* module_power = nullptr;
  const Fact* switch_price = nullptr;
  const Fact* switch_power = nullptr;
  const Fact* copper_price = nullptr;
  const Fact* copper_power = nullptr;
};

Result<Prices> find_prices(const Catalog& catalog, std::vector<const Fact*>& used) {
  Prices prices;
  const std::pair<const Fact**, std::string_view> wanted[] = {
      {&prices.module_price, "net.module.price"}, {&prices.module_power, "net.module.power"},
      {&prices.switch_price, "net.switch.price"}, {&prices.switch_power, "net.switch.power"},
      {&prices.copper_price, "net.copper.price"}, {&prices.copper_power, "net.copper.power"}};
  for (const auto& [into, id] : wanted) {
    const auto fact = catalog.economics(id);
    if (!fact) return fail(fact.error());
    if (!(*fact)->is_number()) return fail(fmt::format("'{}' is not a number", id));
    *into = *fact;
    used.push_back(*fact);
  }
  return prices;
}

void count_cables(const Graph& graph, std::vector<LevelInventory>& levels) {
  for (std::size_t i = 0; i < graph.links.size(); i += 2) {
    LevelInventory& level = levels[graph.links[i].level];
    level.cables += 1;
    level.capacity += graph.links[i].bandwidth;
  }
}

// Transceivers of a level: as many as carry its cables, or one at each end of each cable and more
// where a cable is wider than 800 Gbit/s.
void count_transceivers(const FabricPlan& plan, const Graph& graph,
                        std::vector<LevelInventory>& levels) {
  for (std::size_t i = 0; i < graph.links.size(); i += 2) {
    const Link& link = graph.links[i];
    const PlanLevel& from = plan.levels[link.level];
    LevelInventory& level = levels[link.level];
    if (level.medium != Medium::kOptical) continue;
    const double share = level.assumed_medium ? 1 : from.optical_share;
    const double each = from.module.value() > 0
                            ? link.bandwidth / from.module
                            : std::ceil(link.bandwidth.value() / kModule - 1e-9);
    level.transceivers += 2 * each * share;
  }
}

// A switch belongs to the innermost level of its links. Returns ports' bandwidth by level.
std::vector<double> count_switches(const Graph& graph, std::vector<LevelInventory>& levels) {
  std::vector<double> ports(graph.nodes, 0), by_level(levels.size(), 0);
  std::vector<std::int32_t> level_of(graph.nodes, std::int32_t(levels.size()));
  for (const Link& link : graph.links) {
    ports[link.from] += link.bandwidth.value();
    level_of[link.from] = std::min(level_of[link.from], link.level);
  }
  for (int node = graph.devices; node < graph.nodes; ++node) {
    const bool counts = graph.kinds[node] == NodeKind::kSwitch && ports[node] > 0;
    if (!counts) continue;
    levels[level_of[node]].switches += std::max(1.0, std::ceil(ports[node] / kSwitch - 1e-9));
    by_level[level_of[node]] += ports[node];
  }
  return by_level;
}

void add_prices(const Prices& prices, const PlanLevel& from, double switched,
                LevelInventory& level) {
  const double capacity = level.capacity.value() / kModule;
  const double optical =
      level.medium == Medium::kOptical ? (level.assumed_medium ? 1 : from.optical_share) : 0;
  if (optical > 0) {
    level.price += range_of(*prices.module_price, 2 * capacity * optical);
    level.power += range_of(*prices.module_power, 2 * capacity * optical);
  }
  if (level.medium == Medium::kCopper || (optical > 0 && optical < 1)) {
    level.price += range_of(*prices.copper_price, capacity * (1 - optical));
    level.power += range_of(*prices.copper_power, capacity * (1 - optical));
  }
  level.price += range_of(*prices.switch_price, switched / kSwitch);
  level.power += range_of(*prices.switch_power, switched / kSwitch);
}

}  // namespace

Range& Range::operator+=(const Range& other) {
  value += other.value;
  low += other.low;
  high += other.high;
  return *this;
}

Result<Inventory> take_inventory(const Catalog& catalog, const FabricPlan& plan) {
  Inventory inventory;
  const auto prices = find_prices(catalog, inventory.facts);
  if (!prices) return fail(prices.error());
  const auto graph = build_graph(plan, true);
  if (!graph) return fail(graph.error());
  std::vector<LevelInventory>& levels = inventory.levels;
  levels.resize(plan.levels.size());
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels[i].medium = plan.levels[i].medium;
    levels[i].assumed_medium = levels[i].medium == Medium::kUnknown;
    if (levels[i].assumed_medium) levels[i].medium = likely_medium(plan.levels[i]);
  }
  count_cables(*graph, levels);
  count_transceivers(plan, *graph, levels);
  const std::vector<double> switched = count_switches(*graph, levels);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    LevelInventory& level = levels[i];
    add_prices(*prices, plan.levels[i], switched[i], level);
    inventory.total.cables += level.cables;
    inventory.total.switches += level.switches;
    inventory.total.transceivers += level.transceivers;
    inventory.total.capacity += level.capacity;
    inventory.total.price += level.price;
    inventory.total.power += level.power;
  }
  return inventory;
}

}  // namespace fivefold
