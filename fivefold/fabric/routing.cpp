#include "fivefold/fabric/routing.h"

#include <algorithm>
#include <array>
#include <bit>

#include "fivefold/fabric/route_table.h"

namespace fivefold {
namespace {

// Dimensions that differ on one way; a flow that differs in more goes by dimension order.
constexpr int kMostSpreadDims = 8;

std::uint64_t mixed(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

// One flow over the arithmetic parts of a graph.
struct Flow {
  const Graph& graph;
  Routing routing;
  std::uint64_t hash;
  std::vector<Hop>& out;
};

void add(Flow& flow, std::int64_t link, float share) {
  flow.out.push_back({std::int32_t(link), share});
}

// A line of a dimension, and where its cables begin.
struct Line {
  const MeshDim& dim;
  std::int64_t first = 0;
};

Line line_of(const MeshDim& dim, int device) {
  const std::int64_t n = dim.extent;
  const std::int64_t line =
      std::int64_t(device) / (std::int64_t(dim.stride) * n) * dim.stride + device % dim.stride;
  const std::int64_t cables = dim.form == MeshDim::Form::kFull   ? n * (n - 1) / 2
                              : dim.form == MeshDim::Form::kLine ? n - 1
                                                                 : n;
  return {dim, dim.first_cable + line * cables};
}

std::int64_t full_link(const Line& line, int x, int y) {
  const std::int64_t low = std::min(x, y), high = std::max(x, y), n = line.dim.extent;
  return 2 * (line.first + low * (2 * n - low - 1) / 2 + (high - low - 1)) + (x > y);
}

void cross_full(Flow& flow, const Line& line, int x, int y, float share) {
  const int n = line.dim.extent;
  if (flow.routing != Routing::kAllPath || n <= 2) {
    return add(flow, full_link(line, x, y), share);
  }
  share /= float(n - 1);
  add(flow, full_link(line, x, y), share);
  for (int via = 0; via < n; ++via) {
    if (via == x || via == y) continue;
    add(flow, full_link(line, x, via), share);
    add(flow, full_link(line, via, y), share);
  }
}

void walk_up(Flow& flow, const Line& line, int x, int steps, float share) {
  for (int i = 0; i < steps; ++i) {
    add(flow, 2 * (line.first + (x + i) % line.dim.extent), share);
  }
}

void walk_down(Flow& flow, const Line& line, int x, int steps, float share) {
  const int n = line.dim.extent;
  for (int i = 0; i < steps; ++i) {
    add(flow, 2 * (line.first + (x - i - 1 + n) % n) + 1, share);
  }
}

// From coordinate x to y of the device's line.
void cross(Flow& flow, const MeshDim& dim, int device, int x, int y, float share) {
  const Line line = line_of(dim, device);
  if (dim.form == MeshDim::Form::kFull) return cross_full(flow, line, x, y, share);
  if (dim.form == MeshDim::Form::kLine) {
    return x < y ? walk_up(flow, line, x, y - x, share) : walk_down(flow, line, x, x - y, share);
  }
  const int up = (y - x + dim.extent) % dim.extent;
  const int down = dim.extent - up;
  if (up == down) {
    const bool spreads = flow.routing == Routing::kAdaptive || flow.routing == Routing::kAllPath;
    if (spreads) {
      walk_up(flow, line, x, up, share / 2);
      return walk_down(flow, line, x, down, share / 2);
    }
    const bool turn = flow.routing == Routing::kEcmp && (mixed(flow.hash + dim.stride) & 1) != 0;
    return turn ? walk_down(flow, line, x, down, share) : walk_up(flow, line, x, up, share);
  }
  up < down ? walk_up(flow, line, x, up, share) : walk_down(flow, line, x, down, share);
}

struct Turn {
  const MeshDim* dim = nullptr;
  int x = 0, y = 0;
  int step() const { return (y - x) * dim->stride; }
};

struct Turns {
  std::array<Turn, 32> all;
  int count = 0;
};

Turns turns_of(const Part& part, int from, int to) {
  Turns turns;
  for (const MeshDim& dim : part.dims) {
    const int x = from / dim.stride % dim.extent, y = to / dim.stride % dim.extent;
    if (x != y && turns.count < int(turns.all.size())) turns.all[turns.count++] = {&dim, x, y};
  }
  return turns;
}

// Each order of the dimensions carries an equal share: what has turned in a set of s of n
// dimensions and turns in one more is s! (n-s-1)! / n! of the flow.
void cross_all_orders(Flow& flow, const Turns& turns, int from) {
  const int n = turns.count;
  std::array<double, kMostSpreadDims + 1> factorial{1};
  for (int i = 1; i <= n; ++i) factorial[i] = factorial[i - 1] * i;
  for (unsigned done = 0; done < (1U << n); ++done) {
    const int turned = std::popcount(done);
    if (turned == n) break;
    const double share = factorial[turned] * factorial[n - turned - 1] / factorial[n];
    int device = from;
    for (int i = 0; i < n; ++i) {
      if ((done >> i & 1) != 0) device += turns.all[i].step();
    }
    for (int i = 0; i < n; ++i) {
      if ((done >> i & 1) != 0) continue;
      const Turn& turn = turns.all[i];
      cross(flow, *turn.dim, device, turn.x, turn.y, float(share));
    }
  }
}

// Returns where the flow has come to: `to`'s place in this mesh, `from`'s place in what is inside.
int cross_mesh(Flow& flow, const Part& part, int from, int to) {
  Turns turns = turns_of(part, from, to);
  int end = from;
  for (int i = 0; i < turns.count; ++i) end += turns.all[i].step();
  const bool spreads = flow.routing == Routing::kAdaptive || flow.routing == Routing::kAllPath;
  if (spreads && turns.count > 1 && turns.count <= kMostSpreadDims) {
    cross_all_orders(flow, turns, from);
    return end;
  }
  if (flow.routing == Routing::kEcmp) {
    for (int i = turns.count - 1; i > 0; --i) {
      std::swap(turns.all[i], turns.all[mixed(flow.hash + i) % std::uint64_t(i + 1)]);
    }
  }
  int device = from;
  for (int i = 0; i < turns.count; ++i) {
    const Turn& turn = turns.all[i];
    cross(flow, *turn.dim, device, turn.x, turn.y, 1);
    device += turn.step();
  }
  return end;
}

// Up from one end to the stage `top`, by all parallel switches; `way` 0 up, 1 down.
void climb_all(Flow& flow, const Part& part, int device, std::size_t top, int way) {
  std::int64_t below = device;  // first of the switches (or the device) below
  int switches = 1;
  for (std::size_t i = 0; i <= top; ++i) {
    const Tier& tier = part.tiers[i];
    const std::int64_t first = tier.first_cable + below * tier.width;
    const std::int64_t cables = std::int64_t(switches) * tier.width;
    const float share = 1.0F / float(cables);
    for (std::int64_t k = 0; k < cables; ++k) add(flow, 2 * (first + k) + way, share);
    below = std::int64_t(tier.group_of(device)) * tier.switches;
    switches = tier.switches;
  }
}

// By one chain of switches; of parallel ones the choice-th modulo their number.
void climb_one(Flow& flow, const Part& part, int device, std::size_t top, int way,
               std::uint64_t choice, bool hashed) {
  std::int64_t below = device;
  std::int64_t path = 0;
  for (std::size_t i = 0; i <= top; ++i) {
    const Tier& tier = part.tiers[i];
    std::int64_t chosen = 0;
    if (tier.width > 1) {
      chosen = std::int64_t((hashed ? mixed(choice + i) : choice) % std::uint64_t(tier.width));
      if (!hashed) choice /= std::uint64_t(tier.width);
    }
    add(flow, 2 * (tier.first_cable + below * tier.width + chosen) + way, 1);
    path = path * tier.width + chosen;
    below = std::int64_t(tier.group_of(device)) * tier.switches + path;
  }
}

void cross_tree(Flow& flow, const Part& part, int from, int to) {
  std::size_t top = 0;
  while (
      top + 1 < part.tiers.size() &&
      (!part.tiers[top].turns || part.tiers[top].group_of(from) != part.tiers[top].group_of(to))) {
    ++top;
  }
  if (flow.routing == Routing::kAdaptive || flow.routing == Routing::kAllPath) {
    climb_all(flow, part, from, top, 0);
    const std::size_t middle = flow.out.size();
    climb_all(flow, part, to, top, 1);
    std::reverse(flow.out.begin() + std::ptrdiff_t(middle), flow.out.end());
    return;
  }
  const bool hashed = flow.routing == Routing::kEcmp;
  const std::uint64_t choice = hashed ? flow.hash : std::uint64_t(to);
  climb_one(flow, part, from, top, 0, choice, hashed);
  const std::size_t middle = flow.out.size();
  climb_one(flow, part, to, top, 1, choice, hashed);
  std::reverse(flow.out.begin() + std::ptrdiff_t(middle), flow.out.end());
}

}  // namespace

std::string_view name(Routing routing) {
  switch (routing) {
    case Routing::kAdaptive:
      return "adaptive";
    case Routing::kDeterministic:
      return "deterministic";
    case Routing::kEcmp:
      return "ecmp";
    case Routing::kAllPath:
      return "all-path";
  }
  return "";
}

Router::Router(const Graph& graph, Routing routing) : graph_(&graph), routing_(routing) {
  if (graph.parts.empty()) tables_ = std::make_unique<RouteTables>(graph);
}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

bool Router::route(int from, int to, std::uint64_t label, std::vector<Hop>& out) {
  const int devices = graph_->devices;
  if (from < 0 || to < 0 || from >= devices || to >= devices) return false;
  if (from == to) return true;
  const std::uint64_t hash =
      routing_ == Routing::kEcmp
          ? mixed((std::uint64_t(from) << 32 | std::uint64_t(to)) ^ mixed(label + 1))
          : 0;
  if (tables_ != nullptr) return tables_->route(from, to, hash, routing_, out);
  Flow flow{*graph_, routing_, hash, out};
  while (from != to) {
    const Part* part = &graph_->parts.back();
    for (const Part& inner : graph_->parts) {
      if (from / inner.size == to / inner.size) {
        part = &inner;
        break;
      }
    }
    if (!part->tiers.empty()) {
      cross_tree(flow, *part, from, to);
      return true;
    }
    const int next = cross_mesh(flow, *part, from, to);
    if (next == from) return false;  // a part that does not tell them apart: not built so
    from = next;
  }
  return true;
}

PathLength path_length(const Graph& graph, int from, int to, const std::vector<Hop>& hops) {
  // Longest way from `from` along the hops' links; they form no cycle, so that as many rounds as
  // there are hops suffice.
  struct Reached {
    std::int32_t node;
    PathLength length;
  };
  std::vector<Reached> reached{{from, {}}};
  const auto find = [&reached](std::int32_t node) {
    return std::find_if(reached.begin(), reached.end(),
                        [node](const Reached& item) { return item.node == node; });
  };
  bool changed = true;
  for (std::size_t round = 0; changed && round <= hops.size(); ++round) {
    changed = false;
    for (const Hop& hop : hops) {
      const Link& link = graph.links[hop.link];
      const auto start = find(link.from);
      if (start == reached.end() || link.to == from) continue;
      const PathLength next{start->length.hops + 1, start->length.latency + link.latency};
      const auto end = find(link.to);
      if (end == reached.end()) {
        reached.push_back({link.to, next});
        changed = true;
      } else if (next.latency > end->length.latency || next.hops > end->length.hops) {
        end->length = {std::max(next.hops, end->length.hops),
                       std::max(next.latency, end->length.latency)};
        changed = true;
      }
    }
  }
  const auto end = find(to);
  return end == reached.end() ? PathLength{} : end->length;
}

}  // namespace fivefold
