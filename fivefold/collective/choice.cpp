// How NCCL chooses: not the fastest, but what its own model expects to be. src/graph/tuning.cc of
// NCCL 2.19 to 2.27 expects latency + bytes / bandwidth of each algorithm and protocol, with the
// latencies below for all chips, bandwidths from its search of the topology and limits by chip and
// host, which stacks state (library_* in fabric/library.h). The same choices made too early or too
// late are what measured tables show as steps.
#include "fivefold/collective/operation.h"

namespace fivefold {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// Microseconds under Simple, LL, LL128 (tuning.cc: baseLatencies, hwLatencies).
struct Latencies {
  std::array<double, kProtocolCount> base, nvlink, pcie, network;
};
constexpr Latencies kRing = {{8.4, 6.6, 14}, {3.4, 0.6, 1.9}, {5.7, 1.0, 2.5}, {14, 2.7, 4}};
constexpr Latencies kTree = {{8.4, 6.8, 14}, {4, 0.6, 1.25}, {4, 1.0, 1.9}, {14, 5, 8.5}};
// 25 in the source; with 28, groups of 4 keep to rings as in the tables of H100 and B200.
constexpr double kNvls = 28, kNvlsNetwork = 18, kNvlsTreeNetwork = 20.9;
// To post a message to a card; three of them under Simple.
constexpr double kNetOverhead = 1;
constexpr double kFound = 0.8;    // of a nominal bandwidth, where nobody says what the search finds
constexpr double kPlateau = 1.4;  // rings over several hosts wait longer once pieces fill up

// "Trees are not perfectly sticking to the model": by powers of two from 64 bytes on.
constexpr int kSizes = 23;
constexpr std::array<std::array<double, kSizes>, kProtocolCount> kTreeCorrection = {
    {{.9, .9, .9, .9, .9, .9, .9, .8, .7, .6, .6, .5, .5, .5, .5, .6, .7, .8, .7, .7, .8, .9, .9},
     {1, 1, 1, 1, .9, .8, .7, .7, .7, .7, .6, .5, .4, .4, .5, .6, .7, .8, .9, 1, 1, 1, 1},
     {1, 1, 1, 1, 1, .9, .8, .8, .8, .7, .6, .6, .6, .6, .6, .6, .8, .9, .9, .9, .9, 1, 1}}};

// The group as NCCL sees it.
struct View {
  double hosts = 1, per_host = 1;
  double bandwidth = 0;  // of all channels, bytes a microsecond and rank
  const Latencies* latencies = nullptr;
  const Expectation* limits = nullptr;
};

double found(const LinkParameters& link) {
  return (link.expected.bandwidth > 0 ? link.expected.bandwidth : kFound) * 1e-6;
}

View view_of(const Operation& op) {
  View view;
  view.limits = &op.governing().expected;
  const int innermost = op.innermost();
  const double inner =
      usable_bandwidth(op.level(innermost), op.fanout(innermost), Pattern::kReduction).value() *
      found(op.link(innermost));
  double network = kNever;
  for (int i = 0; i < op.levels(); ++i) {
    if (!op.link(i).expected.network) continue;
    view.hosts *= op.fanout(i);
    network = op.level(i).bandwidth.value() * found(op.link(i));
  }
  view.per_host = op.ranks() / view.hosts;
  view.bandwidth = view.hosts > 1
                       ? std::min(view.per_host > 1 ? inner : kNever, network * view.per_host)
                       : inner;
  return view;
}

bool is_pcie(const Operation& op) {
  const LevelKind kind = op.level(op.innermost()).kind;
  return kind == LevelKind::kPcieSwitch || kind == LevelKind::kHost;
}

double inside_latency(const Operation& op, const Latencies& latencies, std::size_t p) {
  return is_pcie(op) ? latencies.pcie[p] : latencies.nvlink[p];
}

double limit(BytesPerSecond rate) {
  return rate.value() > 0 ? rate.value() * 1e-6 : kNever;
}

double ll_limit(const View& view) {
  return limit(view.hosts > 2 ? view.limits->ll_far : view.limits->ll);
}

double ring(const Operation& op, const View& view, std::size_t p) {
  const double n = op.ranks();
  const double passes = op.collective == Collective::kAllReduce ? 2 : 1;
  const bool rooted =
      op.collective == Collective::kBroadcast || op.collective == Collective::kReduce;
  const double steps = rooted ? n : passes * (n - 1);
  double bandwidth = view.bandwidth;
  if (p == 1) bandwidth = std::min(bandwidth / 2, ll_limit(view));
  if (p == 2) bandwidth = std::min(bandwidth * 0.92, limit(view.limits->ll128));
  const double across = view.hosts > 1 ? passes * (view.hosts - 1) : 0;
  const double overhead = view.hosts > 1 ? (p == 0 ? 3 : 1) * kNetOverhead : 0;
  double latency = kRing.base[p] +
                   (steps - across) * std::max(inside_latency(op, kRing, p), overhead) +
                   across * (view.per_host > 1 ? kRing : kTree).network[p];
  if (p == 0 && view.hosts > 1 && op.collective == Collective::kAllReduce) latency *= kPlateau;
  return latency + op.bytes / (bandwidth * n / steps);
}

double tree(const Operation& op, const View& view, std::size_t p) {
  double bandwidth = view.bandwidth * 0.92;
  if (p == 1) bandwidth = std::min(bandwidth / 3.8, ll_limit(view));
  if (p == 2) bandwidth *= view.hosts > 1 ? 120.0 / 128 : 7.0 / 9;
  const int size = op.bytes >= 64 ? int(std::log2(op.bytes / 64)) : -1;
  if (size >= 0 && size < kSizes) bandwidth *= kTreeCorrection[p][std::size_t(size)];
  const double latency = kTree.base[p] + 2 * ((view.per_host - 1) * inside_latency(op, kTree, p) +
                                              std::floor(std::log2(view.hosts)) * kTree.network[p]);
  return latency + op.bytes / (bandwidth / 2);
}

double in_network(const Operation& op, const View& view) {
  const Expectation& inside = op.link(op.innermost()).expected;
  double bandwidth = limit(inside.in_network), latency = kNvls;
  if (view.hosts > 1) {
    const double network = view.bandwidth * 5 / 6;
    bandwidth = std::min(bandwidth, view.hosts > 2 ? network / 2 : network);
    latency +=
        view.hosts > 2 ? 2 * std::floor(std::log2(view.hosts)) * kNvlsTreeNetwork : kNvlsNetwork;
  }
  return latency + op.bytes / bandwidth;
}

// Sends and receives take LL up to a size for each peer.
double exchange(const Operation& op, std::size_t p) {
  const Bytes most = op.governing().expected.ll_most;
  const double each = op.collective == Collective::kAllToAll ? op.bytes / op.ranks() : op.bytes;
  return p == 2 ? kNever : (p == 1) == (each <= most.value()) ? 0 : 1;
}

}  // namespace

double expected_by_nccl(const Operation& op, Algorithm algorithm, int protocol) {
  const auto p = std::size_t(protocol);
  switch (algorithm) {
    case Algorithm::kRing:
      return ring(op, view_of(op), p);
    case Algorithm::kDoubleTree:
      return tree(op, view_of(op), p);
    case Algorithm::kInNetwork:
      return in_network(op, view_of(op));
    case Algorithm::kPairwise:
    case Algorithm::kDirect:
      return exchange(op, p);
    default:
      return kNever;
  }
}

}  // namespace fivefold
