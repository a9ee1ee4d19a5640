// A run in words and numbers: what fails, how long it takes, where the time goes, what it costs,
// and how far a machine can grow before failures take what more chips add.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fivefold/reliability/run.h"
#include "fivefold/reliability/scaling.h"

namespace fivefold {

// Energy at the plug, without the site's cooling; money with all that its formula says.
struct RunCost {
  Joules energy;
  Usd usd;
  bool rented = false;
  std::string formula;
  std::vector<const Fact*> facts;
};

struct RunView {
  double chips = 0;
  PartCounts parts;
  Bytes state;        // of a checkpoint
  double tokens = 0;  // 0: not counted
  RunPlan plan;
  RunEstimate expected;
  std::optional<RunEstimate> simulated;
  int spares_for_little_waiting = 0;  // that keep waiting below a thousandth of the time
  std::optional<RunCost> cost;
  std::string no_cost;             // why there is none
  std::vector<const Fact*> facts;  // assumed of runs
};

// A second machine, which has as much throughput less `advantage`, at the same multiples.
struct AgainstView {
  std::string name;
  double chips = 0;
  Seconds mtbf;
  double advantage = 1;
  std::vector<SizePoint> sizes;
  std::optional<double> break_even;  // times both machines
};

struct ReliabilityView {
  std::string title;
  RunView run;
  std::vector<SizePoint> sizes;
  std::optional<SizePoint> largest;
  std::optional<AgainstView> against;
};

// The section of a run, as other commands append it.
std::string to_text(const RunView& view);
std::string to_json(const RunView& view);  // one object, with a newline at the end
std::string to_csv(const RunView& view);   // quantity, unit, expected, simulated

std::string to_text(const ReliabilityView& view);
std::string to_json(const ReliabilityView& view);
std::string to_csv(const ReliabilityView& view);

}  // namespace fivefold
