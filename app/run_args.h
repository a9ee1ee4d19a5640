// Options of a run (how it checkpoints, what fails, who pays), and the run that they ask for:
// shared by the commands that show one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "fivefold/economics/economics.h"
#include "fivefold/report/run_view.h"

namespace CLI {
class App;
}

namespace fivefold::app {

// Quantities as people write them; empty: as the catalog assumes.
struct RunArgs {
  std::string interval = "auto";
  bool synchronous = false;
  std::string storage;  // bandwidth of all of it
  std::string detect, restart, repair;
  std::string spares = "enough";
  std::string straggler;  // slowdown while a slow host is in
  std::string data;
  std::string failures = "catalog";
  std::string rent;  // empty: bought; "catalog"; or a price for each chip
  int simulate = 0;
  std::uint64_t seed = 1;
};
void add_run_args(CLI::App& command, RunArgs& args);

// "14.8T", "300B", "1e12": how many; suffixes K, M, B, T.
Result<double> parse_count(const std::string& text);

// What is run on what.
struct RunTask {
  const System* system = nullptr;
  int chips = 0;
  PartCounts parts;
  Seconds step;
  double steps = 0;
  double tokens_per_step = 0;  // 0: not counted
  Bytes state;                 // of a checkpoint
  Bytes state_per_device;
  Load load = {.compute = 1, .memory = 1};  // while it runs
};

// The parts of so many chips of a system. Cables, switches and optics are those of
// `fivefold fabric show`, without what is on boards; a network card for each chip; a host for
// `nodes` or `host.chips_per_host` of the catalog, else for eight chips. Larger machines than
// 8,192 devices are counted as so many times a smaller one.
Result<PartCounts> parts_of(const Catalog& catalog, const System& system, int chips);

Result<RunPlan> run_plan(const Catalog& catalog, const RunTask& task, const RunArgs& args);
// The same state on machines of other sizes: spread over their devices, and written to a storage
// that grows with them unless args state its bandwidth.
Result<PlanBySize> plan_by_size(const Catalog& catalog, const RunTask& task, const RunArgs& args);
// Estimated, simulated where asked for, and paid.
Result<RunView> view_run(const Catalog& catalog, const RunTask& task, const RunArgs& args);

}  // namespace fivefold::app
