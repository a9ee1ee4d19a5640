// Ways through a graph.
//
// On a graph with parts a way is arithmetic: the innermost level that joins both ends carries the
// flow; dimensions of a mesh are crossed first, then what remains inside. Elsewhere (broken links,
// user's links, dragonflies) ways are shortest by hops, from tables that are made per destination
// switch when first asked for.
//   kAdaptive       spread evenly: over all parallel switches; on meshes over all orders of the
//                   dimensions (on nD full meshes and in tables these are all shortest ways), on
//                   both halves of a ring where they are equally long
//   kDeterministic  parallel switches by destination modulo their number; dimension order
//   kEcmp           one of the shortest ways, by a hash of (from, to, label)
//   kAllPath        as adaptive, and in a full mesh every detour over one other member as well
//                   (UB-Mesh's all-path routing, arXiv 2503.20377): each way takes an equal share
// The shares of the hops that leave `from`, and of those that enter `to`, are 1 in sum.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "fivefold/fabric/graph.h"

namespace fivefold {

enum class Routing : std::uint8_t { kAdaptive, kDeterministic, kEcmp, kAllPath };
std::string_view name(Routing routing);

class RouteTables;

// Holds tables, so that each thread needs its own. The graph must outlive it.
class Router {
 public:
  explicit Router(const Graph& graph, Routing routing = Routing::kAdaptive);
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  // Appends the hops of a flow; nothing if both ends are one. False, and nothing appended, if there
  // is no way or an end is no device of the graph.
  [[nodiscard]] bool route(int from, int to, std::uint64_t label, std::vector<Hop>& out);

  const Graph& graph() const { return *graph_; }
  Routing routing() const { return routing_; }

 private:
  const Graph* graph_;
  Routing routing_;
  std::unique_ptr<RouteTables> tables_;
};

// The slowest way among those that the hops spread over, and its length. Hops as `route` gives
// them.
struct PathLength {
  int hops = 0;
  Seconds latency;
};
PathLength path_length(const Graph& graph, int from, int to, const std::vector<Hop>& hops);

}  // namespace fivefold
