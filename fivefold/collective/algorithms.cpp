// The closed forms: what each algorithm asks of each level. Bounds and sources: kAlgorithms.
#include "fivefold/collective/operation.h"

namespace fivefold {
namespace {

constexpr AlgorithmInfo kAlgorithms[] = {
    {Algorithm::kRing, "all_reduce, all_gather, reduce_scatter, broadcast, reduce",
     "2(n-1)/n b and 2(n-1) steps; one pass (n-1)/n b and n-1 steps; broadcast b",
     "Patarasuk and Yuan 2009, J. Parallel Distrib. Comput. 69, section 3: bandwidth-optimal"},
    {Algorithm::kHierarchical, "all_reduce, all_gather, reduce_scatter",
     "2(n-1)/n b in all, (f-1)/f of the shard at each level, 2 log2 f steps (full mesh: 2)",
     "Thakur, Rabenseifner and Gropp 2005, IJHPCA 19; Cho et al. 2019 (BlueConnect), section 3"},
    {Algorithm::kHalvingDoubling, "all_reduce, all_gather, reduce_scatter",
     "2(n-1)/n b and 2 log2 n steps; n no power of two: 2 b and 2 steps more",
     "Thakur, Rabenseifner and Gropp 2005, IJHPCA 19, sections 4.2 and 4.4"},
    {Algorithm::kDoubleTree, "all_reduce, broadcast, reduce",
     "2 b and 2 log2 n steps, one way half of both",
     "Sanders, Speck and Traff 2009, Parallel Computing 35, section 3"},
    {Algorithm::kTree, "all_reduce, broadcast, reduce",
     "3 b (an inner node has two children) and 2 log2 n steps; broadcast 2 b",
     "Sanders, Speck and Traff 2009, Parallel Computing 35, section 2"},
    {Algorithm::kOneShot, "all_reduce", "(n-1) b and one step",
     "vLLM csrc/custom_all_reduce.cuh, cross_device_reduce_1stage"},
    {Algorithm::kTwoShot, "all_reduce", "2(n-1)/n b and two steps",
     "vLLM csrc/custom_all_reduce.cuh, cross_device_reduce_2stage"},
    {Algorithm::kInNetwork, "all_reduce", "(n+1)/n b inside; (f-1)/f of the parts by trees outside",
     "Klenk et al. 2020, ISCA (in-network reduction over shared memory), section 4"},
    {Algorithm::kPairwise, "all_to_all", "(n-1)/n b and n-1 steps",
     "Thakur, Rabenseifner and Gropp 2005, IJHPCA 19, section 5"},
    {Algorithm::kRailAligned, "all_to_all",
     "outside as pairwise, one message a host; inside (f-1)/f b, since all passes the rail's "
     "device",
     "NCCL 2.12 (PXN): developer.nvidia.com/blog, doubling all2all performance"},
    {Algorithm::kAllPath, "all_to_all, send_recv",
     "a full mesh's port instead of the link between two; 2 hops for what takes a detour",
     "UB-Mesh, arXiv 2503.20377, section 4.1 (all-path routing)"},
    {Algorithm::kDirect, "send_recv", "b and one step", "one message"},
};

bool is_reduction(Collective collective) {
  return collective == Collective::kAllReduce || collective == Collective::kAllGather ||
         collective == Collective::kReduceScatter;
}

double passes_of(Collective collective) {
  return collective == Collective::kAllReduce ? 2 : 1;
}

bool is_rooted(Collective collective) {
  return collective == Collective::kBroadcast || collective == Collective::kReduce;
}

// One ring through all ranks, `passes` times around. Of a block with m members, 1/m of what moves
// leaves the block. A broadcast passes the whole buffer on, piece by piece.
Refusal ring(const Operation& op, Loads& loads) {
  if (!is_reduction(op.collective) && !is_rooted(op.collective))
    return "a ring is no all-to-all and no pair";
  const double passes = passes_of(op.collective), n = op.ranks();
  const double sent = is_rooted(op.collective) ? op.bytes : passes * (n - 1) / n * op.bytes;
  double inside = 1;
  for (int i = 0; i < op.levels(); ++i) {
    const double f = op.fanout(i);
    const bool outermost = i == op.outermost();
    loads.level[std::size_t(i)] = {
        .bytes = is_rooted(op.collective)
                     ? (f > 1 ? sent / inside : 0)
                     : sent * (1 / inside - (outermost ? 0 : 1 / (inside * f))),
        .steps = passes * (f - 1) * n / (inside * f)};
    inside *= f;
  }
  loads.piece = op.bytes / n;
  return {};
}

// Steps of one bandwidth-optimal pass over one level: recursive halving or doubling through a
// switch, every peer at once in a full mesh, dimension by dimension in a mesh or torus (half way
// around each ring in both directions).
double rounds_of(const Level& level, int members) {
  switch (level.kind) {
    case LevelKind::kDirect:
    case LevelKind::kFullMesh:
      return 1;
    case LevelKind::kNdFullMesh:
    case LevelKind::kTorus: {
      double steps = 0;
      int left = members;
      for (const int dim : level.dims) {
        const int used = std::min(dim, left);
        if (used <= 1) break;
        left = (left + used - 1) / used;
        steps += level.kind == LevelKind::kTorus ? std::ceil((used - 1) / 2.0) : 1;
      }
      return steps;
    }
    default:
      return rounds(members);
  }
}

// In a mesh a message to one partner passes the link to it, however many the port has. On a torus
// it passes several, which the flows show and this does not.
Pattern partner(const Level& level) {
  return is_mesh(level.kind) ? Pattern::kPair : Pattern::kReduction;
}

// Level by level, each on the shard that the inner ones leave: reduce-scatter inside, all-reduce
// across, all-gather inside.
Refusal level_by_level(const Operation& op, bool halving, Loads& loads) {
  if (!is_reduction(op.collective)) return "only reductions and gathers go level by level";
  if (!op.governing().hierarchical) return "the library does not go level by level on this fabric";
  const double passes = passes_of(op.collective);
  double shard = op.bytes;
  for (int i = 0; i < op.levels(); ++i) {
    const double f = op.fanout(i);
    if (f <= 1) continue;
    const bool whole = std::exp2(rounds(f)) == f;
    const double steps =
        halving ? rounds(f) + (whole ? 0 : 1) : rounds_of(op.level(i), op.fanout(i));
    // Ranks beyond a power of two first hand their part to one below, then stand aside.
    const double low = halving ? std::exp2(std::floor(std::log2(f))) : f;
    const double handed = whole || !halving ? 0 : 1;
    loads.level[std::size_t(i)] = {.bytes = passes * ((low - 1) / low + handed) * shard,
                                   .steps = passes * steps,
                                   .pattern = halving ? partner(op.level(i)) : Pattern::kReduction};
    shard /= f;
  }
  loads.pipelined = false;
  loads.piece = shard;
  return {};
}

// NCCL's model (tuning.cc) gives a tree under LL 1/3.8 of the bandwidth where a ring has 1/2.
constexpr double kTreeUnderLl = 2 / 3.8;

// Up and down a tree over hosts, with a chain through the ranks of a host: an inner node of one
// tree feeds two children, of two trees one each on average.
Refusal tree(const Operation& op, bool twice, Loads& loads) {
  if (op.collective != Collective::kAllReduce && !is_rooted(op.collective))
    return "a tree reduces or broadcasts a whole buffer";
  const LinkParameters& link = op.governing();
  if (link.tree_share <= 0) return "the library has no tree on this fabric";
  const double passes = passes_of(op.collective);
  const double through = twice ? passes : passes + 1;
  double inside = 1;
  const int innermost = op.innermost();
  for (int i = 0; i < op.levels(); ++i) {
    const double f = op.fanout(i);
    if (f <= 1) continue;
    const double chain = i == innermost ? std::min(f, op.link(i).chain) : 1;
    loads.level[std::size_t(i)] = {
        .bytes = i == innermost ? through * op.bytes : through * (f - 1) / f * op.bytes / inside,
        .steps = passes * (chain - 1 + rounds(f / chain))};
    inside *= f;
  }
  loads.inner_share = {link.tree_share, link.tree_share * kTreeUnderLl, link.tree_share};
  loads.piece = op.bytes / op.ranks();
  return {};
}

// Each rank sends 1/n of its buffer to each other; what goes to a destination in the same block of
// a level but not of the level inside crosses that level.
Refusal pairwise(const Operation& op, Loads& loads) {
  if (op.collective != Collective::kAllToAll) return "pairwise exchange is an all-to-all";
  double inside = 1;
  for (int i = 0; i < op.levels(); ++i) {
    const double members = inside * op.fanout(i);
    loads.level[std::size_t(i)] = {.bytes = (members - inside) / op.ranks() * op.bytes * op.busiest,
                                   .steps = members - inside,
                                   .pattern = Pattern::kExchange};
    inside = members;
  }
  loads.piece = op.bytes / op.ranks();
  return {};
}

// What leaves a block goes to the block's device on the destination's rail first, and from there as
// one message to each other block.
Refusal rail_aligned(const Operation& op, Loads& loads) {
  const int outermost = op.outermost();
  if (outermost == op.innermost()) return "rails join several hosts, and the group has one";
  if (const Refusal refused = pairwise(op, loads); !refused.empty()) return refused;
  double host = 1, inside = 1;
  for (int i = 0; i < outermost; ++i) host *= op.fanout(i);
  for (int i = 0; i < outermost; ++i) {
    const double members = inside * op.fanout(i);
    loads.level[std::size_t(i)].bytes = (members - inside) / host * op.bytes * op.busiest;
    inside = members;
  }
  loads.level[std::size_t(outermost)].steps = op.fanout(outermost) - 1;
  return {};
}

// One message over the outermost level of the group.
Refusal one_message(const Operation& op, Loads& loads) {
  if (op.collective != Collective::kSendRecv) return "one message is a send and a receive";
  loads.level[std::size_t(op.outermost())] = {
      .bytes = op.bytes, .steps = 1, .pattern = Pattern::kPair};
  loads.piece = op.bytes;
  return {};
}

// Over every link of a mesh's port, the pair's own and those through its neighbours.
Refusal all_path(const Operation& op, Loads& loads) {
  const int outermost = op.outermost();
  const LevelKind kind = op.level(outermost).kind;
  if (kind != LevelKind::kFullMesh && kind != LevelKind::kNdFullMesh)
    return "detours need a full mesh";
  const Refusal refused =
      op.collective == Collective::kAllToAll ? pairwise(op, loads) : one_message(op, loads);
  if (!refused.empty()) return "all paths at once serve a pair or an all-to-all";
  Load& load = loads.level[std::size_t(outermost)];
  load.pattern = Pattern::kReduction;
  load.steps *= 2;
  // Of m members a message takes one direct way and m-2 of two hops. One message has all links to
  // itself; where everyone sends, each port carries others' second hops as well.
  const double m = op.fanout(outermost);
  if (op.collective == Collective::kAllToAll) load.bytes *= 1 + (m - 2) / (m - 1);
  return {};
}

}  // namespace

std::span<const AlgorithmInfo> all_algorithms() {
  return kAlgorithms;
}

bool has_protocols(Algorithm algorithm) {
  return algorithm != Algorithm::kOneShot && algorithm != Algorithm::kTwoShot &&
         algorithm != Algorithm::kInNetwork;
}

Refusal load(const Operation& op, Algorithm algorithm, Loads& loads) {
  loads.algorithm = algorithm;
  switch (algorithm) {
    case Algorithm::kRing:
      return ring(op, loads);
    case Algorithm::kTree:
      return tree(op, false, loads);
    case Algorithm::kDoubleTree:
      return tree(op, true, loads);
    case Algorithm::kHalvingDoubling:
      return level_by_level(op, true, loads);
    case Algorithm::kHierarchical:
      return level_by_level(op, false, loads);
    case Algorithm::kPairwise:
      return pairwise(op, loads);
    case Algorithm::kRailAligned:
      return rail_aligned(op, loads);
    case Algorithm::kAllPath:
      return all_path(op, loads);
    case Algorithm::kDirect:
      return one_message(op, loads);
    case Algorithm::kOneShot:
    case Algorithm::kTwoShot:
    case Algorithm::kInNetwork:
      break;
  }
  return "it has no protocols";
}

std::string_view name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kRing:
      return "ring";
    case Algorithm::kTree:
      return "tree";
    case Algorithm::kDoubleTree:
      return "double_tree";
    case Algorithm::kHalvingDoubling:
      return "halving_doubling";
    case Algorithm::kHierarchical:
      return "hierarchical";
    case Algorithm::kOneShot:
      return "one_shot";
    case Algorithm::kTwoShot:
      return "two_shot";
    case Algorithm::kInNetwork:
      return "in_network";
    case Algorithm::kPairwise:
      return "pairwise";
    case Algorithm::kRailAligned:
      return "rail_aligned";
    case Algorithm::kAllPath:
      return "all_path";
    case Algorithm::kDirect:
      return "direct";
  }
  return "";
}

}  // namespace fivefold
