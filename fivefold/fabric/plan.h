// What is to be built as a graph: levels of wiring from the inside out, and what is broken.
//
// A machine of the catalog gives such a plan (`plan_of`), a user's file another (import.h). Rules:
// - A mesh level gives each device its own links to the devices that differ in one coordinate.
// - A switched level gives each device its own port, unless the level inside carries its traffic:
//   then the inner switches are joined, each group of devices by devices x bandwidth.
// - One switch stands for the parallel planes or spines of a stage, with their bandwidth in sum:
// that is
//   what traffic sprayed over all of them reaches. `separate_planes` builds each one, for routing
//   that keeps a flow on one way.
// - The latency of a level is end to end; a mesh pays it at each hop, a tree once.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fivefold/fabric/graph.h"
#include "fivefold/fabric/machine.h"

namespace fivefold {

enum class Wiring : std::uint8_t {
  kMesh,      // each with each in every dimension: direct links, full mesh, nD full mesh
  kTorus,     // rings in every dimension
  kSwitch,    // a port of each device to one stage of parallel planes, or to a Clos
  kPcie,      // a switch of a PCIe tree
  kHost,      // the root of a PCIe tree: sockets
  kDragonfly  // routers in groups, each with each in the group, one cable for a pair of groups
};
std::string_view name(Wiring wiring);

// What the cables are: traces of a board or package, copper, or fibre between transceivers.
enum class Medium : std::uint8_t { kUnknown, kBoard, kCopper, kOptical };
std::string_view name(Medium medium);
std::optional<Medium> medium_named(std::string_view text);

// Stages above the first of a switched level.
struct Clos {
  int leaf = 0;                 // devices under one leaf; 0: one stage joins all
  bool rails = false;           // a leaf takes the devices of one place in their nodes
  int pod = 0;                  // devices below one group of spines; 0: two stages
  double oversubscription = 1;  // at the leaf: what comes from below over what goes up
  double pod_oversubscription = 1;
  int spines = 1;  // parallel: of a pod, and cores for each spine
  int cores = 1;
};

// Devices, routers and groups as in Kim et al. (ISCA 2008): a x h + 1 groups at most.
struct Dragonfly {
  int p = 1;              // devices of a router
  int a = 1;              // routers of a group
  int h = 1;              // global links of a router
  BytesPerSecond local;   // one link between routers of a group; 0: the bandwidth of p devices
  BytesPerSecond global;  // one link between groups; 0: as local
};

struct PlanLevel {
  std::string name;
  Wiring wiring = Wiring::kSwitch;
  int size = 1;              // devices joined, inner levels included
  BytesPerSecond bandwidth;  // of one device, per direction: its port, or its share of an uplink
  Seconds latency;
  std::vector<int> dims;          // meshes and tori; empty: one
  BytesPerSecond link_bandwidth;  // meshes and tori
  double oversubscription = 1;    // already taken off the bandwidth; a Clos states its own
  bool carries_outer = false;     // the level outside has no ports of its own
  int planes = 1;                 // parallel switches of one group; uplinks: for each one below
  int devices_per_port = 1;       // which share a port of that many times the bandwidth
  bool peer_to_peer = true;       // PCIe: the switch turns traffic between its devices
  Clos clos;
  Dragonfly dragonfly;
  Medium medium = Medium::kUnknown;
  double optical_share = 1;  // of the cables of an optical level
  BytesPerSecond module;     // that one transceiver carries; 0: as large as the cable, 800G at most
  // Optical circuit switches set up other than as a mesh or torus: pairs of blocks, joined by one
  // circuit for each device of a block. Replaces the wiring.
  std::vector<std::pair<int, int>> circuits;
};

// A cable between two nodes, or what one device has on a level, or planes of a level.
struct Fault {
  int from = -1, to = -1;
  int device = -1;
  int level = -1;
  int planes = 0;   // of `level`: so many are gone
  double left = 0;  // of the bandwidth of what is named
};

struct FabricPlan {
  std::string name;
  int devices = 0;
  std::vector<PlanLevel> levels;
  std::vector<Fault> faults;
  std::vector<std::string> assumed;
};

struct GraphOptions {
  bool separate_planes = false;
  std::optional<bool> peer_to_peer;  // overrides every PCIe level
  std::optional<Clos> scale_out;     // of the machine's last level, if it is a Clos
  std::vector<Fault> faults;
};

FabricPlan plan_of(const Machine& machine, const GraphOptions& options = {});

// Fails if sizes do not nest, a bandwidth is missing, devices are not joined, or the graph would
// be too large to be meant (kMostLinks).
inline constexpr double kMostLinks = 4e7;
Result<Graph> build_graph(const FabricPlan& plan, bool separate_planes = false);
Result<Graph> build_graph(const Machine& machine, const GraphOptions& options = {});

}  // namespace fivefold
