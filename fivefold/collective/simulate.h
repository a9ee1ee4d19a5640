// A collective operation on the links of a machine: its rounds as flows that share links, with what
// the library reaches on each level. Where nothing is shared this is the closed form's time
// (collective.h); the difference is what contention, placement, routing and broken links cost.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fivefold/collective/assemble.h"
#include "fivefold/collective/moe_traffic.h"
#include "fivefold/collective/plan.h"
#include "fivefold/fabric/routing.h"
#include "fivefold/network/simulate.h"

namespace fivefold {

struct FlowOptions {
  CollectiveOptions choice;
  Routing routing = Routing::kAdaptive;
  double tolerance = 2e-3;
  // Symmetric blocks are simulated once, identical rounds until their times repeat. Both exactly:
  // switching them off changes speed, not times. A timeline then has no gaps.
  bool fold = true;
  std::vector<std::int32_t> watched = {};     // links whose use over time the timeline records
  std::function<void(double)> progress = {};  // told the share that is done
};

// Of a level's links, over the whole operation.
struct LevelUse {
  double bytes = 0;    // on all its links
  double busiest = 0;  // share of the time that its busiest link was in use
};

struct SimulatedCollective {
  CollectiveTime time;  // as the closed form gives it
  CollectivePlan plan;
  std::size_t flows = 0;  // of the operation; those simulated are the tasks of the schedule
  int folded_to = 0;      // devices that stand for all; 0: each is simulated
  std::vector<LevelUse> levels;
  std::int32_t busiest_link = -1;
  // Over all repetitions; a link without traffic may be missing at the end. Of folded links one
  // stands for its images. The timeline's own hold only what was simulated.
  std::vector<double> link_bytes;
  FlowSchedule schedule;
  Timeline timeline;
  std::vector<std::int32_t> senders;  // of each task, the sending device; -1: a rank's wait
};

// `groups`: at least one, each of two ranks or more, all of one size; `shape` is their form on the
// machine's levels (make_group), which the library's choice is made for. Fails if a rank is no
// device of the graph or is named twice in a group, if the graph does not join two ranks, or if an
// algorithm is forced that is not there.
Result<SimulatedCollective> simulate_collective(const Machine& machine, const Graph& graph,
                                                Collective collective, const Group& shape,
                                                const std::vector<Ranks>& groups, Bytes bytes,
                                                const FlowOptions& options = {});

// A MoE dispatch or combine with tokens drawn to experts (moe_traffic.h): what its unevenness costs
// beside moe_exchange_time(), whose `imbalance` it does not read.
Result<SimulatedCollective> simulate_moe_exchange(const Machine& machine, const Graph& graph,
                                                  const Group& shape, const Ranks& ranks,
                                                  const MoeExchange& exchange,
                                                  const MoeRouting& routing,
                                                  const FlowOptions& options = {});

// Ranks first, first + stride, ... (`size` of them).
Ranks strided_ranks(int first, int size, int stride);

}  // namespace fivefold
