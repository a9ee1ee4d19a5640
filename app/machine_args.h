// Arguments that name a machine and its fabric, shared by the commands that take them.
#pragma once

#include <string>
#include <vector>

#include "fivefold/fabric/plan.h"
#include "fivefold/fabric/routing.h"

namespace CLI {
class App;
}

namespace fivefold {
class Catalog;
}

namespace fivefold::app {

// "SYSTEM" or "SYSTEM:N".
struct SystemCount {
  std::string system;
  int count = 0;  // 0: not stated
};
Result<SystemCount> parse_system(const std::string& text);

// The system that "SYSTEM[:N]" names and how many of its chips are used: `chips`, or all (0). Fails
// if they are more than it has.
struct ChosenSystem {
  const System* system = nullptr;
  int chips = 0;
};
Result<ChosenSystem> choose_system(const Catalog& catalog, const std::string& text, int chips);

// The communication library of the system's vendor.
std::string library_for(const Catalog& catalog, const System& system);

Result<Routing> routing_named(const std::string& text);

// How the graph is built where the catalog leaves it open, and what is broken.
struct FabricArgs {
  bool separate_planes = false;
  bool no_peers = false;
  Clos clos;
  std::vector<std::string> failed;       // "3-4"
  std::vector<std::string> lost_planes;  // "1:2"
  bool any() const { return no_peers || clos.leaf > 0 || !failed.empty() || !lost_planes.empty(); }
};
void add_fabric_args(CLI::App& command, FabricArgs& args);
Result<GraphOptions> graph_options(const FabricArgs& args);

}  // namespace fivefold::app
