#include "fivefold/collective/rounds.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "fivefold/collective/operation.h"

namespace fivefold {
namespace {

// The members of one level of a group: those ranks whose other coordinates are equal.
struct Ring {
  int inside = 1;  // ranks in a block of the levels inside
  int members = 1;
  int place_of(int rank) const { return rank / inside % members; }
  int at(int rank, int place) const { return rank + (place - place_of(rank)) * inside; }
};

struct Shape {
  std::vector<Ring> levels;  // by level of the machine
  int ranks = 1;

  explicit Shape(const Group& group) {
    for (const int fanout : group.fanout) {
      levels.push_back({ranks, fanout});
      ranks *= fanout;
    }
  }
  const Ring& of(const LevelPlan& level) const { return levels[std::size_t(level.level)]; }
};

// A dimension of a level's mesh, of those that the members use.
struct Dim {
  int extent = 1;
  int stride = 1;
  bool ring = false;
};

// Members fill a level's dimensions from the first on, as usable_bandwidth() has it. Empty if the
// level is no mesh or the members do not fill whole dimensions.
std::vector<Dim> dims_of(const Level& level, int members) {
  std::vector<Dim> dims;
  if (!is_mesh(level.kind)) return dims;
  const std::vector<int> extents = level.dims.empty() ? std::vector<int>{members} : level.dims;
  int stride = 1;
  for (const int extent : extents) {
    const int used = std::min(extent, members / stride);
    if (used <= 1) break;
    dims.push_back({used, stride, level.kind == LevelKind::kTorus && used > 2});
    stride *= used;
  }
  return stride == members ? dims : std::vector<Dim>{};
}

int moved(int place, const Dim& dim, int by) {
  const int at = place / dim.stride % dim.extent;
  return place + ((at + by + dim.extent) % dim.extent - at) * dim.stride;
}

// The places that a member reaches over links of its own.
std::vector<int> neighbours(int place, const std::vector<Dim>& dims) {
  std::vector<int> result;
  for (const Dim& dim : dims) {
    if (dim.ring) {
      result.push_back(moved(place, dim, 1));
      result.push_back(moved(place, dim, -1));
      continue;
    }
    for (int by = 1; by < dim.extent; ++by) result.push_back(moved(place, dim, by));
  }
  return result;
}

// Such that `rounds` rounds of delays and transfers take what the plan says of both.
Seconds delay_of(const LevelTime& time, double rounds) {
  return Seconds((time.total - time.transfer) / rounds);
}

Seconds delay_together(const CollectivePlan& plan, double rounds) {
  return delay_of(time_together(plan), rounds);
}

class Builder {
 public:
  Builder(const Machine& machine, Collective collective, const Group& group, Bytes bytes,
          const CollectivePlan& plan)
      : machine_(machine),
        collective_(collective),
        shape_(group),
        bytes_(bytes.value()),
        plan_(plan) {}

  std::vector<Round> build() {
    switch (plan_.algorithm) {
      case Algorithm::kRing:
        ring();
        break;
      case Algorithm::kTree:
      case Algorithm::kDoubleTree:
        trees();
        break;
      case Algorithm::kHalvingDoubling:
      case Algorithm::kHierarchical:
        level_by_level();
        break;
      case Algorithm::kOneShot:
        all_to_all(bytes_, 1);
        break;
      case Algorithm::kTwoShot:
        all_to_all(bytes_ / shape_.ranks, 2);
        break;
      case Algorithm::kInNetwork:
        in_network();
        break;
      case Algorithm::kPairwise:
        all_to_all(bytes_ / shape_.ranks, 1);
        break;
      case Algorithm::kRailAligned:
        rail_aligned();
        break;
      case Algorithm::kAllPath:
      case Algorithm::kDirect:
        if (collective_ == Collective::kAllToAll) {
          all_to_all(bytes_ / shape_.ranks, 1);
        } else {
          one_message();
        }
        break;
    }
    return std::move(rounds_);
  }

 private:
  const Level& level_of(const LevelPlan& level) const {
    return machine_.levels[std::size_t(level.level)];
  }

  // Moving all ranks by a block of the outermost level (in a mesh, by its last dimension) keeps
  // every other coordinate.
  int block_alike() const {
    const LevelPlan& outer = plan_.levels[plan_.levels.size() - 1];
    const Ring& ring = shape_.of(outer);
    const std::vector<Dim> dims = dims_of(level_of(outer), ring.members);
    return ring.inside * (dims.empty() ? 1 : dims.back().stride);
  }

  void ring() {
    double steps = 0;
    for (const LevelPlan& level : plan_.levels) steps += level.steps;
    const int count = std::max(1, int(std::lround(steps)));
    struct Part {
      Ring ring;
      std::vector<Dim> dims;
      double bytes;
    };
    std::vector<Part> parts;
    for (const LevelPlan& level : plan_.levels) {
      const Ring& ring = shape_.of(level);
      parts.push_back({ring, dims_of(level_of(level), ring.members), level.bytes / count});
    }
    rounds_.push_back({.repeat = count,
                       .delay = delay_together(plan_, count),
                       .messages =
                           [parts](int rank, std::vector<Message>& messages) {
                             for (const Part& part : parts) {
                               const int place = part.ring.place_of(rank);
                               std::vector<int> next = neighbours(place, part.dims);
                               if (next.empty()) next.push_back((place + 1) % part.ring.members);
                               for (const int peer : next) {
                                 messages.push_back({.to = part.ring.at(rank, peer),
                                                     .bytes = part.bytes / double(next.size())});
                               }
                             }
                           },
                       .alike = block_alike()});
  }

  // Reduce-scatter from the inside out, all-gather back; an all-gather alone goes outwards too,
  // which is the same traffic.
  void level_by_level() {
    double shard = bytes_;
    const int passes = collective_ == Collective::kAllReduce ? 2 : 1;
    for (const LevelPlan& level : plan_.levels) {
      const Ring& ring = shape_.of(level);
      const std::size_t first = rounds_.size();
      scatter(level, ring, shard);
      int count = 0;
      for (std::size_t i = first; i < rounds_.size(); ++i) count += rounds_[i].repeat;
      const Seconds delay = delay_of(time_of(level), passes * count);
      for (std::size_t i = first; i < rounds_.size(); ++i) rounds_[i].delay = delay;
      shard /= ring.members;
    }
    if (passes == 1) return;
    for (std::size_t i = rounds_.size(); i-- > 0;) rounds_.push_back(rounds_[i]);
  }

  void scatter(const LevelPlan& level, const Ring& ring, double shard) {
    if (plan_.algorithm == Algorithm::kHalvingDoubling) return halving(ring, shard);
    const std::vector<Dim> dims = dims_of(level_of(level), ring.members);
    if (dims.empty()) return doubling_distances(ring, shard);
    scatter_mesh(ring, dims, shard);
  }

  // Partners at halved distances; ranks beyond a power of two first hand their part to one below.
  void halving(const Ring& ring, double shard) {
    const int low = int(std::bit_floor(unsigned(ring.members)));
    const bool whole = low == ring.members;
    const int alike = whole && std::has_single_bit(unsigned(shape_.ranks)) ? ring.inside : 0;
    if (!whole) {
      rounds_.push_back({.messages =
                             [ring, low, shard](int rank, std::vector<Message>& messages) {
                               const int place = ring.place_of(rank);
                               if (place < low) return;
                               messages.push_back(
                                   {.to = ring.at(rank, place - low), .bytes = shard});
                             },
                         .alike = 0});
    }
    double part = shard / 2;
    for (int distance = low / 2; distance >= 1; distance /= 2, part /= 2) {
      rounds_.push_back({.messages =
                             [ring, low, distance, part](int rank, std::vector<Message>& messages) {
                               const int place = ring.place_of(rank);
                               if (place >= low) return;
                               messages.push_back(
                                   {.to = ring.at(rank, place ^ distance), .bytes = part});
                             },
                         .alike = alike == 0 ? 0 : 2 * distance * ring.inside});
    }
  }

  // Bruck et al. 1997, IEEE TPDS 8(11): the same bytes as halving, and any number of members.
  void doubling_distances(const Ring& ring, double shard) {
    for (int distance = 1; distance < ring.members; distance *= 2) {
      const double parts = std::min(distance, ring.members - distance);
      const double bytes = shard * parts / ring.members;
      rounds_.push_back({.messages =
                             [ring, distance, bytes](int rank, std::vector<Message>& messages) {
                               const int place = (ring.place_of(rank) + distance) % ring.members;
                               messages.push_back({.to = ring.at(rank, place), .bytes = bytes});
                             },
                         .alike = block_alike()});
    }
  }

  // Cho et al. 2019 (BlueConnect), section 3: the buffer in as many parts as dimensions, each part
  // along the dimensions in another order, so that all links work. Full dimensions take one round,
  // rings half of each part in either direction, step by step.
  void scatter_mesh(const Ring& ring, const std::vector<Dim>& dims, double shard) {
    const int count = int(dims.size());
    for (int turn = 0; turn < count; ++turn) {
      std::vector<double> part(std::size_t(count), 0.0);  // by dimension, what goes along it now
      int steps = 1;
      for (int first = 0; first < count; ++first) {
        double left = shard / count;
        for (int done = 0; done < turn; ++done)
          left /= dims[std::size_t((first + done) % count)].extent;
        const Dim& dim = dims[std::size_t((first + turn) % count)];
        part[std::size_t((first + turn) % count)] = left / dim.extent;
        if (dim.ring) steps = std::max(steps, dim.extent - 1);
      }
      rounds_.push_back({.repeat = steps,
                         .messages =
                             [ring, dims, part, steps](int rank, std::vector<Message>& messages) {
                               const int place = ring.place_of(rank);
                               for (std::size_t d = 0; d < dims.size(); ++d) {
                                 // Of a ring's part extent - 1 pieces pass, half of them each way.
                                 const double bytes =
                                     dims[d].ring ? part[d] * (dims[d].extent - 1) / 2.0 : part[d];
                                 for (const int peer : neighbours(place, {dims[d]})) {
                                   messages.push_back(
                                       {.to = ring.at(rank, peer), .bytes = bytes / steps});
                                 }
                               }
                             },
                         .alike = block_alike()});
    }
  }

  // Everyone to everyone, `times` one after the other.
  void all_to_all(double bytes, int times) {
    const int ranks = shape_.ranks;
    rounds_.push_back({.repeat = times,
                       .delay = delay_together(plan_, times),
                       .messages = [ranks, bytes](int rank, auto& messages) {
                         for (int by = 1; by < ranks; ++by) {
                           messages.push_back({.to = (rank + by) % ranks, .bytes = bytes});
                         }
                       }});
  }

  void rail_aligned() {
    const int ranks = shape_.ranks, host = shape_.of(plan_.levels[plan_.levels.size() - 1]).inside;
    const double bytes = bytes_ / ranks;
    rounds_.push_back({.delay = delay_together(plan_, 1),
                       .messages =
                           [ranks, host, bytes](int rank, auto& messages) {
                             for (int by = 1; by < ranks; ++by) {
                               const int to = (rank + by) % ranks;
                               const int rail = rank / host * host + to % host;
                               const bool direct = rail == rank || rail == to;
                               messages.push_back(
                                   {.to = to, .via = direct ? -1 : rail, .bytes = bytes});
                             }
                           },
                       .alike = host});
  }

  void one_message() {
    const int last = shape_.ranks - 1;
    const double bytes = bytes_;
    rounds_.push_back({.delay = delay_together(plan_, 1),
                       .messages =
                           [last, bytes](int rank, auto& messages) {
                             if (rank == 0) messages.push_back({.to = last, .bytes = bytes});
                           },
                       .alike = 0});
  }

  // NCCL's binary tree: a rank's parent differs in its lowest bit (src/graph/trees.cc).
  static int parent(int place, int members) {
    if (place == 0) return -1;
    const int bit = place & -place;
    const int up = (place ^ bit) | (bit << 1);
    return up < members ? up : place ^ bit;
  }
  static std::array<int, 2> children(int place, int members) {
    if (place == 0) return {members > 1 ? int(std::bit_ceil(unsigned(members)) / 2) : -1, -1};
    int low = (place & -place) / 2;
    const int before = low > 0 ? place - low : -1;
    while (low > 0 && place + low >= members) low /= 2;
    return {before, low > 0 ? place + low : -1};
  }
  // The second tree of the pair: mirrored, or shifted by one where the number is odd.
  static int twin(int place, int members) {
    return members % 2 == 0 ? members - 1 - place : (place + members - 1) % members;
  }
  static int from_twin(int place, int members) {
    if (place < 0) return -1;
    return members % 2 == 0 ? members - 1 - place : (place + 1) % members;
  }

  // Pieces stream up and down all edges at once: hosts in trees, each device of a host with its
  // part, and a chain through the devices of a host.
  struct Edges {
    Ring ring;
    bool chain = false;
    bool twice = false;  // two trees, half of the buffer each
    bool up = true, down = true;
    double bytes = 0;  // of the buffer that passes an edge, all trees
    void add(int rank, std::vector<Message>& messages) const {
      const int place = ring.place_of(rank);
      const auto send = [&](int to, double part) {
        if (to >= 0 && to < ring.members)
          messages.push_back({.to = ring.at(rank, to), .bytes = part});
      };
      if (chain) {
        if (up) send(place - 1, bytes);
        if (down) send(place + 1, bytes);
        return;
      }
      const int members = ring.members;
      const double part = twice ? bytes / 2 : bytes;
      if (up) send(parent(place, members), part);
      for (const int child : children(place, members)) {
        if (down) send(child, part);
      }
      if (!twice) return;
      const int mirrored = twin(place, members);
      if (up) send(from_twin(parent(mirrored, members), members), part);
      for (const int child : children(mirrored, members)) {
        if (down) send(from_twin(child, members), part);
      }
    }
  };

  void trees() {
    std::vector<Edges> edges;
    double inside = 1;
    for (const LevelPlan& level : plan_.levels) {
      const bool innermost = &level == &plan_.levels[0];
      edges.push_back({.ring = shape_.of(level),
                       .chain = innermost && plan_.levels.size() > 1,
                       .twice = plan_.algorithm != Algorithm::kTree,
                       .up = collective_ != Collective::kBroadcast,
                       .down = collective_ != Collective::kReduce,
                       .bytes = innermost ? bytes_ : bytes_ / inside});
      inside *= shape_.of(level).members;
    }
    add_edges(edges, delay_together(plan_, 1));
  }

  void add_edges(const std::vector<Edges>& edges, Seconds delay) {
    rounds_.push_back({.delay = delay,
                       .messages =
                           [edges](int rank, auto& messages) {
                             for (const Edges& level : edges) level.add(rank, messages);
                           },
                       .alike = 0});
  }

  // What the switch multicasts and sums passes each port once in either direction: as a ring of the
  // same bytes. Outside, trees of the parts.
  void in_network() {
    const LevelPlan& inner = plan_.levels[0];
    const Ring ring = shape_.of(inner);
    std::vector<Edges> edges;
    double inside = ring.members;
    for (std::size_t i = 1; i < plan_.levels.size(); ++i) {
      const Ring& outer = shape_.of(plan_.levels[i]);
      edges.push_back({.ring = outer, .twice = true, .bytes = bytes_ / inside});
      inside *= outer.members;
    }
    const double bytes = inner.bytes;
    rounds_.push_back({.delay = delay_together(plan_, 1),
                       .messages =
                           [ring, bytes, edges](int rank, std::vector<Message>& messages) {
                             const int next = (ring.place_of(rank) + 1) % ring.members;
                             messages.push_back({.to = ring.at(rank, next), .bytes = bytes});
                             for (const Edges& level : edges) level.add(rank, messages);
                           },
                       .alike = edges.empty() ? 1 : 0});
  }

  const Machine& machine_;
  Collective collective_;
  Shape shape_;
  double bytes_;
  const CollectivePlan& plan_;
  std::vector<Round> rounds_;
};

}  // namespace

std::vector<Round> rounds_of(const Machine& machine, Collective collective, const Group& group,
                             Bytes bytes, const CollectivePlan& plan) {
  return Builder(machine, collective, group, bytes, plan).build();
}

}  // namespace fivefold
