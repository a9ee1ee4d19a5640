// Shortest ways by hops in any graph, searched from the destination.
//
// Only nodes that pass traffic on are searched: switches, and devices with direct links. A device
// that hangs on switches is reached over the tables of those switches, so that a thousand devices
// of one switch share one table. Links outside the innermost level that joins both ends are left
// out, unless there is no other way; so are devices that would pass on what came from a switch.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "fivefold/fabric/routing.h"

namespace fivefold {

class RouteTables {
 public:
  explicit RouteTables(const Graph& graph);
  bool route(int from, int to, std::uint64_t hash, Routing routing, std::vector<Hop>& out);

 private:
  // For each node that passes on: hops to the target, and how many shortest ways there are.
  struct Table {
    std::vector<std::int32_t> hops;
    std::vector<double> ways;
  };
  struct Step {
    std::int32_t link = 0;
    double ways = 0;
  };
  struct Place {
    std::int32_t node = 0;
    double share = 0;
  };

  bool is_device(int node) const { return node < graph_->devices; }
  bool passes_on(int node) const { return slot_[node] >= 0; }
  int level_joining(int from, int to) const;
  const Table& table(int target, int level);
  // Shortest distance to `to` from a node that may pass on, and the number of ways.
  std::pair<std::int32_t, double> distance(int node, int to, int level);
  void next_steps(int node, int to, int level, std::vector<Step>& steps);
  bool route_within(int from, int to, int level, std::uint64_t hash, Routing routing,
                    std::vector<Hop>& out);
  void spread(int from, int to, int level, std::vector<Hop>& out);
  void single(int from, int to, int level, std::uint64_t hash, Routing routing,
              std::vector<Hop>& out);
  bool detours(int from, int to, int level, std::vector<Hop>& out);

  const Graph* graph_;
  LinksByNode from_, into_;
  std::vector<std::int32_t> slot_;     // by node: its row in tables, or -1
  std::vector<std::int32_t> passing_;  // nodes by row
  std::unordered_map<std::uint64_t, Table> tables_;
  std::vector<Step> steps_;
};

}  // namespace fivefold
