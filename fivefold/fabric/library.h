// What a communication library reaches on one fabric: the parameters that stacks state as data.
//
// A stack's entry applies to a level if its `family` is the traffic's name or "*", and its
// `architecture` is, from the most to the least specific: "<system id>/<kind>", "<chip id>/<kind>",
// "<architecture>/<kind>" (the fabric key), the kind alone ("switch", "scale_out"), or "*". Each
// parameter is looked up by itself, so that an entry states only what differs from a more general
// one; of equal entries the later wins.
//
// The form is the one that NCCL's own tuning model uses (src/graph/tuning.cc of NCCL 2.2x): an
// operation takes base + steps x step + bytes / (nominal bandwidth x efficiency x share), for each
// protocol, and the library takes the fastest. Parameters (seconds and fractions):
//   efficiency                 payload over nominal bandwidth of a large message
//   base, step                 of the bandwidth protocol ("Simple"): once an operation, and each
//   step ll_share, ll_base, ll_step             of the latency protocol (flags beside the data)
//   ll128_share, ll128_base, ll128_step    of the protocol in between
//   half_size                  bytes per port at which pipelining reaches half of the efficiency
//   tree_share                 tree bandwidth over ring bandwidth; 0: the library has no tree
//   direct_share, direct_base, direct_step  one-shot and two-shot kernels over peer memory; share
//   0: none in_network_efficiency, in_network_base  reduction in the switch (NVLS); efficiency 0:
//   none forwards                   MoE: 1 if a copy that came in over this level is passed on
//   inside (DeepEP) token_latency              MoE: time a device spends on each copy beside the
//   wire
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fivefold/catalog/stack.h"
#include "fivefold/catalog/system.h"

namespace fivefold {

enum class Traffic : std::uint8_t {
  kAllReduce,
  kAllGather,
  kReduceScatter,
  kAllToAll,
  kBroadcast,
  kSendRecv,
  kMoeDispatch,
  kMoeCombine,
};
inline constexpr int kTrafficCount = 8;
std::string_view name(Traffic traffic);

struct Protocol {
  double share = 0;  // of the link's efficiency; 0: the library does not have it
  Seconds base;
  Seconds step;
};
inline constexpr int kProtocolCount = 3;

struct LinkParameters {
  double efficiency = 1;
  std::array<Protocol, kProtocolCount> protocols;  // Simple, LL, LL128
  Bytes half_size;
  double tree_share = 0;
  Protocol direct;
  double in_network_efficiency = 0;
  Seconds in_network_base;
  bool forwards = false;
  Seconds token_latency;
};

struct LinkTable {
  std::array<LinkParameters, kTrafficCount> of;
  const LinkParameters& operator[](Traffic traffic) const {
    return of[static_cast<std::size_t>(traffic)];
  }
};

std::string_view name(LevelKind kind);  // "switch", "full_mesh", ...

// The key by which stacks know a level: "hopper/switch", "ascend_a3/direct", and for the network
// between systems "hopper/scale_out". NVLink generations, UB and xGMI each go with one
// architecture.
std::string fabric_key(const Chip& chip, std::string_view kind);

// The parameters of every kind of traffic on the level with this fabric key.
LinkTable link_table(const Stack& stack, const System& system, const std::string& fabric,
                     Seconds latency);

// One parameter of the entries for all traffic ("latency" of a scale-out network).
std::optional<double> link_parameter(const Stack& stack, const System& system,
                                     const std::string& fabric, std::string_view parameter);

}  // namespace fivefold
