// What `fivefold fabric show` says of a fabric: its levels, what passes its middle, how far it is
// across, what it is made of and what that costs; as text, JSON, CSV and as a picture.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fivefold/fabric/import.h"
#include "fivefold/fabric/inventory.h"
#include "fivefold/fabric/measure.h"
#include "fivefold/fabric/routing.h"

namespace fivefold {

struct LevelView {
  double ports = 0;          // of one device on this level; 0: it uses those of the level inside
  BytesPerSecond bisection;  // of one block
};

struct FabricView {
  std::string title;
  std::string form;                // of a user's file; empty: a system of the catalog
  std::optional<FabricPlan> plan;  // absent where a file gives links only
  Graph graph;
  std::vector<LevelView> levels;  // as the plan's
  BytesPerSecond bisection;       // of the whole
  Diameter across;
  std::optional<Inventory> inventory;  // where levels are known
};

Result<FabricView> view_fabric(const Catalog& catalog, Topology topology);

std::string to_text(const FabricView& view);
std::string to_json(const FabricView& view);
std::string to_csv(const FabricView& view);
// A file of its own, with its style.
std::string to_svg(const FabricView& view);

// The way of one flow: its links in order, with shares.
struct RouteView {
  int from = 0, to = 0;
  Routing routing = Routing::kAdaptive;
  std::vector<Hop> hops;
};
std::string to_text(const Graph& graph, const RouteView& route);
std::string to_json(const Graph& graph, const RouteView& route);
std::string to_csv(const Graph& graph, const RouteView& route);

// "196 GB/s", "5.38 TB/s".
std::string bandwidth_text(BytesPerSecond bandwidth);
// "0.929 us".
std::string latency_text(Seconds latency);
// "full mesh 8 x 8", "7 planes", "Clos": how a level is wired, in words.
std::string wiring_text(const PlanLevel& level);

}  // namespace fivefold
