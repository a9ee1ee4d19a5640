#include "fivefold/network/max_min.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

namespace fivefold {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// A change that touches this share of the links in use is solved anew: one filling looks at each
// use of a link about once, passing on looks at some several times.
constexpr std::size_t kFewLinks = 32;
constexpr std::size_t kShareForFilling = 4;
// Looks at links per link in use after which passing on is given up for a filling: rounding may
// keep a few links of very unequal flows busy.
constexpr std::size_t kLooks = 64;

// The level at which classes with these limits and weights fill the link: the root of
// sum(weight x min(limit, level)) = capacity, concave and rising in level, by Newton's method,
// which comes from below after its first step and ends in the exact root. Infinite if they do not
// fill it.
template <class Bounds>
double level_for(const Bounds& bounds, double capacity, double guess) {
  double total = 0, weight = 0;
  for (const auto& bound : bounds) {
    total += bound.weight * bound.limit;
    weight += bound.weight;
  }
  if (total <= capacity) return kNever;
  const double even_share = capacity / weight;
  double level = std::isfinite(guess) ? std::max(guess, even_share) : even_share;
  double from_above = kNever;
  for (;;) {
    double given = 0, rest = 0;
    for (const auto& bound : bounds) {
      if (bound.limit < level) {
        given += bound.weight * bound.limit;
      } else {
        rest += bound.weight;
      }
    }
    // A guess above all limits says nothing: start from below.
    const double next = rest > 0 ? std::max((capacity - given) / rest, even_share) : even_share;
    if (next == level || (next < level && std::isfinite(from_above))) return next;
    if (next < level) from_above = level;
    level = next;
  }
}

}  // namespace

MaxMin::MaxMin(std::span<const double> capacities, double tolerance)
    : levels_(capacities.size(), kNever),
      loads_(capacities.size()),
      uses_(capacities.size()),
      filling_(capacities.size()),
      tolerance_(std::max(tolerance, 1e-9)) {
  for (std::size_t i = 0; i < capacities.size(); ++i) {
    assert(capacities[i] > 0);
    loads_[i].capacity = capacities[i];
  }
}

std::int32_t MaxMin::add_class(std::span<const Hop> path, double cap) {
  assert(cap > 0 && (std::isfinite(cap) || !path.empty()));
  const auto index = std::int32_t(classes_.size());
  classes_.push_back({.first_hop = std::int32_t(hops_.size()), .hops = std::int32_t(path.size())});
  if (path.size() <= std::size_t(kShort)) {
    std::copy(path.begin(), path.end(), classes_.back().near.begin());
  }
  caps_.push_back(cap);
  hops_.insert(hops_.end(), path.begin(), path.end());
  places_.resize(hops_.size());
  return index;
}

double MaxMin::rate(std::int32_t index) const {
  const std::int32_t link = bottleneck(index);
  return link == kOwnCap ? cap(index) : level(link);
}

void MaxMin::add_weight(std::int32_t index, double weight) {
  Class& flow = classes_[std::size_t(index)];
  if (flow.weight == 0) {
    flow.weight = weight;
    attach(index);
    return;
  }
  // What is left by rounding is no flow.
  if (flow.weight + weight <= 1e-9 * flow.weight) {
    detach(index);
    flow.weight = 0;
    return;
  }
  flow.weight += weight;
  for (std::int32_t i = flow.first_hop; i < flow.first_hop + flow.hops; ++i) {
    const Hop& hop = hops_[std::size_t(i)];
    uses_[std::size_t(hop.link)][std::size_t(places_[std::size_t(i)])].weight =
        flow.weight * double(hop.share);
    use_more(hop.link, weight * double(hop.share) * flow.rate);
  }
}

void MaxMin::attach(std::int32_t index) {
  Class& flow = classes_[std::size_t(index)];
  flow.rate = 0;
  flow.bottleneck = kOwnCap;
  for (std::int32_t i = flow.first_hop; i < flow.first_hop + flow.hops; ++i) {
    const Hop& hop = hops_[std::size_t(i)];
    std::vector<Use>& uses = uses_[std::size_t(hop.link)];
    if (uses.empty()) {
      loads_[std::size_t(hop.link)].place = std::int32_t(links_in_use_.size());
      links_in_use_.push_back(hop.link);
    }
    places_[std::size_t(i)] = std::int32_t(uses.size());
    uses.push_back({flow.weight * double(hop.share), index, i});
  }
  move(index, kOwnCap);
  fresh_.push_back(index);
}

void MaxMin::remove_use(std::int32_t hop) {
  std::vector<Use>& uses = uses_[std::size_t(hops_[std::size_t(hop)].link)];
  const std::int32_t place = places_[std::size_t(hop)];
  uses[std::size_t(place)] = uses.back();
  places_[std::size_t(uses[std::size_t(place)].hop)] = place;
  uses.pop_back();
}

void MaxMin::detach(std::int32_t index) {
  const Class& flow = classes_[std::size_t(index)];
  for (std::int32_t i = flow.first_hop; i < flow.first_hop + flow.hops; ++i) {
    const Hop& hop = hops_[std::size_t(i)];
    remove_use(i);
    if (!uses_[std::size_t(hop.link)].empty()) {
      use_more(hop.link, -flow.weight * double(hop.share) * flow.rate);
      continue;
    }
    Load& load = loads_[std::size_t(hop.link)];
    load.used = load.pending = load.bounded = 0;
    set_level(hop.link, kNever);
    const std::int32_t last = links_in_use_.back();
    links_in_use_[std::size_t(load.place)] = last;
    loads_[std::size_t(last)].place = load.place;
    links_in_use_.pop_back();
    load.place = -1;
  }
}

void MaxMin::move(std::int32_t index, std::int32_t bottleneck) {
  Class& flow = classes_[std::size_t(index)];
  flow.bottleneck = bottleneck;
  if (flow.moved) return;
  flow.moved = true;
  moved_.push_back(index);
}

void MaxMin::set_level(std::int32_t link, double level) {
  if (levels_[std::size_t(link)] == level) return;
  levels_[std::size_t(link)] = level;
  Load& load = loads_[std::size_t(link)];
  if (load.changed) return;
  load.changed = true;
  changed_levels_.push_back(link);
}

void MaxMin::queue(std::int32_t link) {
  Load& load = loads_[std::size_t(link)];
  if (load.queued) return;
  load.queued = true;
  queue_.push_back(link);
}

// The flows of a link use so much more of it: does it have to find its level again?
void MaxMin::use_more(std::int32_t link, double change) {
  Load& load = loads_[std::size_t(link)];
  load.used += change;
  load.pending += change;
  if (load.queued) return;
  const bool full = std::isfinite(levels_[std::size_t(link)]);
  if (full ? std::abs(load.pending) > tolerance_ * load.bounded
           : load.used > load.capacity * (1 + tolerance_)) {
    queue(link);
  }
}

void MaxMin::set_rate(std::int32_t index, double rate, std::int32_t bottleneck) {
  Class& flow = classes_[std::size_t(index)];
  if (flow.bottleneck != bottleneck) move(index, bottleneck);
  const double change = rate - flow.rate;
  if (std::abs(change) <= tolerance_ * flow.rate) return;
  flow.rate = rate;
  for (const Hop& hop : hops_of(flow)) {
    use_more(hop.link, flow.weight * double(hop.share) * change);
  }
}

// A new class starts with what the levels on its path allow.
void MaxMin::admit(std::int32_t index) {
  const Class& flow = classes_[std::size_t(index)];
  double rate = cap(index);
  std::int32_t bottleneck = kOwnCap;
  for (const Hop& hop : hops_of(flow)) {
    const double alone = loads_[std::size_t(hop.link)].capacity / (double(hop.share) * flow.weight);
    const double allowed = std::min(level(hop.link), alone);
    if (allowed < rate) {
      rate = allowed;
      bottleneck = hop.link;
    }
  }
  set_rate(index, rate, bottleneck);
  for (const Hop& hop : hops_of(flow)) {
    if (std::isfinite(level(hop.link)) || hop.link == bottleneck) queue(hop.link);
  }
}

MaxMin::Bound MaxMin::bound_of(const Use& use, std::int32_t link) const {
  const Class& flow = classes_[std::size_t(use.index)];
  if (flow.bottleneck != link) {
    const double limit = flow.bottleneck == kOwnCap ? flow.rate : level(flow.bottleneck);
    return {limit, use.weight, flow.bottleneck};
  }
  Bound bound{cap(use.index), use.weight, kOwnCap};
  for (const Hop& hop : hops_of(flow)) {
    if (hop.link == link || !(level(hop.link) < bound.limit)) continue;
    bound.limit = level(hop.link);
    bound.bottleneck = hop.link;
  }
  return bound;
}

void MaxMin::find_level(std::int32_t index) {
  const std::vector<Use>& uses = uses_[std::size_t(index)];
  Load& load = loads_[std::size_t(index)];
  bounds_.clear();
  for (std::size_t i = 0; i < uses.size(); ++i) {
    constexpr std::size_t kAhead = 8;
    if (i + kAhead < uses.size()) {
      __builtin_prefetch(&classes_[std::size_t(uses[i + kAhead].index)]);
    }
    bounds_.push_back(bound_of(uses[i], index));
  }
  const double found = level_for(bounds_, load.capacity, level(index));
  set_level(index, found);
  load.queued = true;  // its own changes do not queue it again
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const Bound& bound = bounds_[i];
    if (found < bound.limit) {
      set_rate(uses[i].index, found, index);
    } else {
      set_rate(uses[i].index, bound.limit, bound.bottleneck);
    }
  }
  load.queued = false;
  add_up(index);
}

// With the rates that the links know, not the true ones: then what a class adds, it takes away.
void MaxMin::add_up(std::int32_t link) {
  Load& load = loads_[std::size_t(link)];
  load.used = load.bounded = load.pending = 0;
  for (const Use& use : uses_[std::size_t(link)]) {
    const Class& flow = classes_[std::size_t(use.index)];
    load.used += use.weight * flow.rate;
    if (flow.bottleneck == link) load.bounded += use.weight * flow.rate;
  }
}

// Looks at queued links until none is left; false if that does not end.
bool MaxMin::pass_on() {
  const std::size_t most = kLooks * (links_in_use_.size() + kFewLinks);
  for (std::size_t next = 0; next < queue_.size(); ++next) {
    if (next > most) return false;
    const std::int32_t link = queue_[next];
    loads_[std::size_t(link)].queued = false;
    if (!uses_[std::size_t(link)].empty()) find_level(link);
  }
  queue_.clear();
  return true;
}

MaxMin::Changes MaxMin::settle() {
  std::erase_if(fresh_, [&](std::int32_t i) { return classes_[std::size_t(i)].weight == 0; });
  std::size_t touched = queue_.size();
  for (const std::int32_t index : fresh_) touched += std::size_t(classes_[std::size_t(index)].hops);
  const bool many = touched > kFewLinks && touched * kShareForFilling > links_in_use_.size();
  if (many) {
    fill();
  } else {
    for (const std::int32_t index : fresh_) admit(index);
    if (!pass_on()) fill();
  }
  fresh_.clear();
  for (const std::int32_t link : changed_levels_) loads_[std::size_t(link)].changed = false;
  reported_levels_.swap(changed_levels_);
  changed_levels_.clear();
  reported_moved_.clear();
  for (const std::int32_t index : moved_) {
    classes_[std::size_t(index)].moved = false;
    if (classes_[std::size_t(index)].weight > 0) reported_moved_.push_back(index);
  }
  moved_.clear();
  return {reported_levels_, reported_moved_};
}

void MaxMin::stop_rising(std::int32_t index, double rate, std::int32_t bottleneck) {
  Class& flow = classes_[std::size_t(index)];
  for (const Hop& hop : hops_of(flow)) {
    Filling& filling = filling_[std::size_t(hop.link)];
    const double weight = flow.weight * double(hop.share);
    filling.left -= weight * rate;
    filling.rising_weight -= weight;
    --filling.rising;
  }
  flow.rising = false;
  flow.rate = rate;
  if (flow.bottleneck != bottleneck) move(index, bottleneck);
}

void MaxMin::start_filling() {
  for (const std::int32_t link : queue_) loads_[std::size_t(link)].queued = false;
  queue_.clear();
  heap_.clear();
  capped_.clear();
  for (const std::int32_t link : links_in_use_) {
    Filling& filling = filling_[std::size_t(link)];
    filling = {.left = loads_[std::size_t(link)].capacity,
               .rising = std::int32_t(uses_[std::size_t(link)].size())};
    for (const Use& use : uses_[std::size_t(link)]) {
      Class& flow = classes_[std::size_t(use.index)];
      filling.rising_weight += use.weight;
      if (!flow.rising && std::isfinite(cap(use.index))) {
        capped_.emplace_back(cap(use.index), use.index);
      }
      flow.rising = true;
    }
    heap_.emplace_back(filling.left / filling.rising_weight, link);
  }
  std::sort(capped_.begin(), capped_.end());
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
}

// Progressive filling. Levels only rise while classes stop, so a link's level in the heap is a
// lower bound: one that has risen goes back.
void MaxMin::fill() {
  start_filling();
  const auto rising = [&](std::int32_t index) { return classes_[std::size_t(index)].rising; };
  std::size_t next_cap = 0;
  double reached = 0;
  while (!heap_.empty()) {
    const auto [level, link] = heap_.front();
    if (next_cap < capped_.size() && capped_[next_cap].first <= level) {
      const auto [cap, index] = capped_[next_cap++];
      if (rising(index)) stop_rising(index, cap, kOwnCap);
      reached = std::max(reached, cap);
      continue;
    }
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.pop_back();
    const Filling& filling = filling_[std::size_t(link)];
    if (filling.rising == 0) {
      set_level(link, kNever);
      continue;
    }
    const double risen = std::max(filling.left / filling.rising_weight, reached);
    if (risen > level) {
      heap_.emplace_back(risen, link);
      std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
      continue;
    }
    reached = level;
    set_level(link, level);
    for (const Use& use : uses_[std::size_t(link)]) {
      if (rising(use.index)) stop_rising(use.index, level, link);
    }
  }
  for (const std::int32_t link : links_in_use_) add_up(link);
}

}  // namespace fivefold
