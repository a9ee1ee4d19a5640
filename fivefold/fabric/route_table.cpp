#include "fivefold/fabric/route_table.h"

#include <algorithm>
#include <limits>

namespace fivefold {
namespace {

constexpr std::int32_t kFar = std::numeric_limits<std::int32_t>::max() / 2;
constexpr std::size_t kMostEntries = 16'000'000;  // in all tables: 200 MB
// A limit on levels, and whether devices with direct links may pass on what came from a switch.
constexpr int kAnyLevel = 0xffff;
constexpr int kRelay = 0x10000;

bool within(const Link& link, int limit) {
  return link.level <= (limit & kAnyLevel);
}

bool relays(int limit) {
  return (limit & kRelay) != 0;
}

}  // namespace

RouteTables::RouteTables(const Graph& graph)
    : graph_(&graph), from_(links_from(graph)), into_(links_into(graph)) {
  slot_.assign(graph.nodes, -1);
  for (int node = 0; node < graph.nodes; ++node) {
    bool passes = node >= graph.devices;
    for (std::int32_t i = from_.first[node]; !passes && i < from_.first[node + 1]; ++i) {
      passes = is_device(graph.links[from_.links[i]].to);
    }
    if (!passes) continue;
    slot_[node] = std::int32_t(passing_.size());
    passing_.push_back(node);
  }
}

int RouteTables::level_joining(int from, int to) const {
  for (std::size_t i = 0; i < graph_->levels.size(); ++i) {
    if (from / graph_->levels[i].size == to / graph_->levels[i].size) return int(i);
  }
  return kAnyLevel;
}

const RouteTables::Table& RouteTables::table(int target, int level) {
  const std::uint64_t key = std::uint64_t(target) << 32 | std::uint32_t(level);
  const auto [entry, fresh] = tables_.try_emplace(key);
  Table& table = entry->second;
  if (!fresh) return table;
  table.hops.assign(passing_.size(), kFar);
  table.ways.assign(passing_.size(), 0);
  std::vector<std::int32_t> queue{target};
  table.hops[slot_[target]] = 0;
  table.ways[slot_[target]] = 1;
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const std::int32_t node = queue[i];
    const std::int32_t hops = table.hops[slot_[node]];
    for (std::int32_t k = into_.first[node]; k < into_.first[node + 1]; ++k) {
      const Link& link = graph_->links[into_.links[k]];
      if (!within(link, level) || !passes_on(link.from)) continue;
      // A device passes on only what came from a device.
      const bool comes_from_switch = node != target && is_device(node) && !is_device(link.from);
      if (comes_from_switch && !relays(level)) continue;
      std::int32_t& known = table.hops[slot_[link.from]];
      if (known == kFar) {
        known = hops + 1;
        queue.push_back(link.from);
      }
      if (known == hops + 1) table.ways[slot_[link.from]] += table.ways[slot_[node]];
    }
  }
  return table;
}

std::pair<std::int32_t, double> RouteTables::distance(int node, int to, int level) {
  if (node == to) return {0, 1};
  if (!passes_on(node)) return {kFar, 0};
  if (passes_on(to)) {
    const Table& known = table(to, level);
    return {known.hops[slot_[node]], known.ways[slot_[node]]};
  }
  std::pair<std::int32_t, double> best{kFar, 0};
  for (std::int32_t k = into_.first[to]; k < into_.first[to + 1]; ++k) {
    const Link& link = graph_->links[into_.links[k]];
    if (!within(link, level) || !passes_on(link.from)) continue;
    const Table& known = table(link.from, level);
    const std::int32_t hops = known.hops[slot_[node]] + 1;
    if (hops > best.first || hops >= kFar) continue;
    if (hops < best.first) best = {hops, 0};
    best.second += known.ways[slot_[node]];
  }
  return best;
}

// The links that lead from `node` one hop nearer to `to`.
void RouteTables::next_steps(int node, int to, int level, std::vector<Step>& steps) {
  steps.clear();
  std::int32_t best = kFar;
  for (std::int32_t k = from_.first[node]; k < from_.first[node + 1]; ++k) {
    const std::int32_t number = from_.links[k];
    const Link& link = graph_->links[number];
    if (!within(link, level)) continue;
    const bool passes_device = link.to != to && is_device(link.to) && !is_device(node);
    if (passes_device && !relays(level)) continue;
    const auto [hops, ways] = distance(link.to, to, level);
    if (hops >= kFar || hops > best) continue;
    if (hops < best) steps.clear();
    best = hops;
    steps.push_back({number, ways});
  }
}

void RouteTables::spread(int from, int to, int level, std::vector<Hop>& out) {
  std::vector<Place> places{{from, 1.0}}, next;
  while (!(places.size() == 1 && places.front().node == to)) {
    next.clear();
    for (const Place& place : places) {
      next_steps(place.node, to, level, steps_);
      double ways = 0;
      for (const Step& step : steps_) ways += step.ways;
      for (const Step& step : steps_) {
        const double share = place.share * step.ways / ways;
        out.push_back({step.link, float(share)});
        next.push_back({graph_->links[step.link].to, share});
      }
    }
    std::sort(next.begin(), next.end(),
              [](const Place& a, const Place& b) { return a.node < b.node; });
    places.clear();
    for (const Place& place : next) {
      if (!places.empty() && places.back().node == place.node) {
        places.back().share += place.share;
      } else {
        places.push_back(place);
      }
    }
  }
}

void RouteTables::single(int from, int to, int level, std::uint64_t hash, Routing routing,
                         std::vector<Hop>& out) {
  int node = from;
  while (node != to) {
    next_steps(node, to, level, steps_);
    std::uint64_t choice = std::uint64_t(to);
    if (routing == Routing::kEcmp) {
      choice = (hash ^ std::uint64_t(node)) * 0x9e3779b97f4a7c15ULL >> 32;
    }
    const Step& step = steps_[choice % steps_.size()];
    out.push_back({step.link, 1});
    node = graph_->links[step.link].to;
  }
}

// Direct links, and ways over one other device by links of the same level.
bool RouteTables::detours(int from, int to, int level, std::vector<Hop>& out) {
  std::vector<std::int32_t> ways;  // pairs; the second is -1 for a direct link
  std::vector<std::int32_t> direct_levels;
  const auto each_link = [&](int node, const auto& visit) {
    for (std::int32_t k = from_.first[node]; k < from_.first[node + 1]; ++k) {
      const Link& link = graph_->links[from_.links[k]];
      if (within(link, level) && is_device(link.to)) visit(from_.links[k], link);
    }
  };
  each_link(from, [&](std::int32_t number, const Link& link) {
    if (link.to != to) return;
    ways.insert(ways.end(), {number, -1});
    direct_levels.push_back(link.level);
  });
  if (ways.empty()) return false;
  each_link(from, [&](std::int32_t first, const Link& out_link) {
    if (out_link.to == to) return;
    each_link(out_link.to, [&](std::int32_t second, const Link& link) {
      if (link.to == to && link.level == out_link.level &&
          std::find(direct_levels.begin(), direct_levels.end(), link.level) !=
              direct_levels.end()) {
        ways.insert(ways.end(), {first, second});
      }
    });
  });
  const float share = 2.0F / float(ways.size());
  for (const std::int32_t link : ways) {
    if (link >= 0) out.push_back({link, share});
  }
  return true;
}

bool RouteTables::route_within(int from, int to, int level, std::uint64_t hash, Routing routing,
                               std::vector<Hop>& out) {
  next_steps(from, to, level, steps_);
  if (steps_.empty()) return false;
  switch (routing) {
    case Routing::kAllPath:
      if (detours(from, to, level, out)) return true;
      [[fallthrough]];
    case Routing::kAdaptive:
      spread(from, to, level, out);
      return true;
    case Routing::kDeterministic:
    case Routing::kEcmp:
      break;
  }
  single(from, to, level, hash, routing, out);
  return true;
}

bool RouteTables::route(int from, int to, std::uint64_t hash, Routing routing,
                        std::vector<Hop>& out) {
  if (tables_.size() * passing_.size() > kMostEntries) tables_.clear();
  const int levels = int(graph_->levels.size());
  for (int level = level_joining(from, to); level < levels; ++level) {
    if (route_within(from, to, level, hash, routing, out)) return true;
  }
  if (route_within(from, to, kAnyLevel, hash, routing, out)) return true;
  return route_within(from, to, kAnyLevel | kRelay, hash, routing, out);
}

}  // namespace fivefold
