// What a communication library reaches on one fabric: the parameters that stacks state as data.
//
// A stack's entry applies to a level if its `family` is the traffic's name or "*", and its
// `architecture` is, from the most to the least specific: "<system id>/<kind>", "<chip id>/<kind>",
// "<architecture>/<kind>" (the fabric key), the kind alone ("switch", "scale_out"), or "*". Each
// parameter is looked up by itself, so that an entry states only what differs from a more general
// one; of equal entries the later wins.
//
// The form is that of NCCL's own tuning model (src/graph/tuning.cc of NCCL 2.2x), with latency and
// transfer of a step behind each other (collective/plan.h). Seconds, bytes per second, fractions:
//   efficiency          payload over nominal bandwidth of a large message
//   copy_share          a device moves its own part (bytes / n) at nominal bandwidth x this; 0:
//   free base, step          of the bandwidth protocol ("Simple"): once an operation, and each step
//   fill, fill_bytes    base and step grow by this share until a rank's part of the buffer is as
//   large ll_share, ll_base, ll_step, ll_fill, ll_fill_bytes    of the latency protocol (flags
//   beside data) ll128_share, ll128_base, ll128_step   of the protocol in between; share 0: there
//   is none tree_share          tree bandwidth over ring bandwidth; 0: the library has no tree
//   chain               ranks of one host, which a tree passes one after the other
//   hierarchical        1: it can go level by level, each on the shard that the inner ones leave
//   all_path            1: it uses detours of a full mesh
//   one_shot_base, one_shot_step, one_shot_efficiency, two_shot_base, two_shot_efficiency
//                       kernels over peer memory; efficiency 0: there are none
//   direct_max, direct_ranks             the largest buffer and group that they are used for
//   in_network_base, in_network_efficiency, in_network_fill, in_network_fill_bytes
//   in_network_step     reduction in the switch (NVLS); efficiency 0: there is none. A step for
//   each
//                       further host, whose ranks take parts of their own
//   staging_rate        at which the buffer is copied to and from the library's own; 0: in place
//   host_time           the host needs so long to issue an operation
//   host_each           one process issues it to each rank of a host in turn, so long for each
//   choice              nccl: the library chooses by NCCL's model (collective/choice.cpp), which
//   takes
//                       these for true; else the fastest is taken
//   library_bandwidth   of all channels, over nominal
//   library_ll, library_ll_far, library_ll128, library_in_network   limits of these, bytes a
//   second;
//                       ll_far on more than two hosts
//   library_ll_most     bytes to one peer up to which an exchange uses the latency protocol
//   network             1: cards and cables between hosts
// MoE exchanges (families moe_dispatch, moe_combine, and the low-latency kernels moe_dispatch_ll,
// moe_combine_ll) take base, step (each peer), efficiency, and
//   fill_rate           bytes of one token over this: the first token through the pipeline
//   expert_base         time for each expert of the model (counters)
//   expert_rate         bytes per second that one receiving expert takes in
//   sms, sm_rate, sm_token   cores given to the exchange, what one moves, its time for each copy
//   forwards            1: a token crosses this level once per block and is passed on inside it
// What the catalog leaves open of a level may be assumed (family "*"): bandwidth, latency. `like`
// names a fabric whose parameters stand for those that this one lacks ("volta/switch" is like
// "ampere/switch").
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
  kMoeDispatchLl,
  kMoeCombineLl,
};
inline constexpr int kTrafficCount = 10;
std::string_view name(Traffic traffic);

struct Protocol {
  double share = 0;  // of the link's efficiency; 0: the library does not have it
  Seconds base;
  Seconds step;
  double fill = 0;   // latency grows by this share until a piece fills what moves at once,
  Bytes fill_bytes;  // which is so much
};
inline constexpr int kProtocolCount = 3;

// Kernels that read and write the peers' memory directly.
struct DirectKernels {
  double one_shot_efficiency = 0;  // of nominal bandwidth; 0: none
  Seconds one_shot_base;
  Seconds step;  // each peer
  double two_shot_efficiency = 0;
  Seconds two_shot_base;
  Bytes largest;
  double most_ranks = 0;
};

struct ExchangeParameters {
  BytesPerSecond fill_rate;  // 0: none
  Seconds expert_base;
  BytesPerSecond expert_rate;  // 0: no limit
  double sms = 0;
  BytesPerSecond sm_rate;  // 0: no limit
  Seconds sm_token;
  bool forwards = false;
};

// What the library's own tuning model takes for true when it chooses (collective/choice.cpp).
struct Expectation {
  bool nccl = false;                 // it chooses by NCCL's model; else the fastest is taken
  double bandwidth = 0;              // of nominal
  BytesPerSecond ll, ll_far, ll128;  // limits of protocols; ll_far: on more than two hosts
  BytesPerSecond in_network;         // of a reduction in the switches
  Bytes ll_most;                     // to one peer of an all-to-all under LL
  bool network = false;              // cards and cables between hosts
};

struct LinkParameters {
  double efficiency = 1;
  double copy_share = 0;                           // of nominal bandwidth; 0: free
  std::array<Protocol, kProtocolCount> protocols;  // Simple, LL, LL128
  double tree_share = 0;
  double chain = 1;
  bool hierarchical = true;
  DirectKernels direct;
  double in_network_efficiency = 0;
  Seconds in_network_base;
  Seconds in_network_step;
  double in_network_fill = 0;
  Bytes in_network_fill_bytes;
  BytesPerSecond staging_rate;  // 0: in place
  Seconds host_time, host_each;
  bool all_path = false;
  Expectation expected;
  ExchangeParameters exchange;
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
