// Max-min fair rates of flows that share links, kept up to date while flows come and go.
//
// The rates are those of progressive filling (Bertsekas and Gallager, Data Networks, 2nd ed.,
// section 6.5.2): raise the rate of all flows together, each by its weight; when a link is full,
// its flows stop. Every flow then has a bottleneck: a full link on which no flow has more per
// weight, or its own cap. The filling level of its bottleneck is its rate per weight.
//
// Flows on one path are one *class*, with the sum of their weights; classes are what is solved. A
// change (a flow more or less) is passed on from link to link: a link whose flows changed finds its
// new level, flows that it bounds change, and the other links of those flows are looked at in turn.
// Whatever the order, this ends in the max-min rates, since a link's level never falls below its
// even share, so that the lowest link is right after its first turn, then the next lowest, and so
// on (Charny, Clark and Jain 1995, "Congestion control with explicit rate indication", section 3).
// A change of many links at once is solved anew by progressive filling.
//
// `tolerance` stops the passing on: a link takes notice once what its flows gained or lost adds up
// to that share of what it gives to the flows that it bounds. Rates are within about that share of
// the exact ones. At 1e-9 they are the exact ones, and random traffic on a thousand hosts takes
// tens of times longer, because each departure then moves every rate a little.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "fivefold/fabric/graph.h"

namespace fivefold {

class MaxMin {
 public:
  // Bytes per second of each link, above zero.
  explicit MaxMin(std::span<const double> capacities, double tolerance = 2e-3);

  // A class of flows with this path, without flows as yet. A path may be empty if the cap is
  // finite. `cap`: bytes per second of one unit of weight.
  std::int32_t add_class(std::span<const Hop> path, double cap);

  // Adds to (or takes from) the class's weight; a class with none holds no bandwidth.
  void add_weight(std::int32_t index, double weight);

  // What the last settle() changed, each once and in a fixed order; valid until the next call.
  struct Changes {
    std::span<const std::int32_t> levels;  // links that got another level
    std::span<const std::int32_t> moved;   // classes with flows that got another bottleneck, or new
  };
  // Brings all rates up to date.
  Changes settle();

  // The full link that bounds the class, or kOwnCap. Its level, or the class's cap, is the rate of
  // one unit of the class's weight.
  static constexpr std::int32_t kOwnCap = -1;
  std::int32_t bottleneck(std::int32_t index) const {
    return classes_[std::size_t(index)].bottleneck;
  }
  double cap(std::int32_t index) const { return caps_[std::size_t(index)]; }
  double rate(std::int32_t index) const;
  // Infinite for a link that is not full.
  double level(std::int32_t link) const { return levels_[std::size_t(link)]; }
  // Bytes per second through a link.
  double used(std::int32_t link) const { return loads_[std::size_t(link)].used; }

 private:
  // One cache line, with the hops of a short path: looking at a link reads the classes of all its
  // uses, which lie anywhere.
  static constexpr std::int32_t kShort = 4;
  struct alignas(64) Class {
    double rate = 0;  // as the links on its path know it: within the tolerance of the true one
    double weight = 0;
    std::int32_t bottleneck = kOwnCap;
    std::int32_t first_hop = 0;
    std::int32_t hops = 0;
    bool moved = false;
    bool rising = false;  // while filling: its rate is not found yet
    std::array<Hop, kShort> near = {};
  };
  // A class's use of a link, kept in the link.
  struct Use {
    double weight;       // the class's times the share of it that passes here
    std::int32_t index;  // class
    std::int32_t hop;    // in hops_, for the way back
  };
  struct Load {
    double capacity = 0;
    double used = 0;     // by all classes
    double pending = 0;  // change of `used` since the level was found
    double bounded = 0;  // of `used`, by the classes that the link bounds, when the level was found
    std::int32_t place = -1;  // in links_in_use_
    bool queued = false;
    bool changed = false;
  };
  struct Bound {
    double limit;   // rate that the rest of the path allows
    double weight;  // on this link
    std::int32_t bottleneck;
  };
  // What filling keeps of a link: what is not given away yet, and the weight and number of classes
  // that still rise.
  struct Filling {
    double left = 0;
    double rising_weight = 0;
    std::int32_t rising = 0;
  };

  std::span<const Hop> hops_of(const Class& flow) const {
    const Hop* first = flow.hops <= kShort ? flow.near.data() : hops_.data() + flow.first_hop;
    return {first, std::size_t(flow.hops)};
  }
  void attach(std::int32_t index);
  void detach(std::int32_t index);
  void remove_use(std::int32_t hop);
  void move(std::int32_t index, std::int32_t bottleneck);
  void set_level(std::int32_t link, double level);
  void queue(std::int32_t link);
  void use_more(std::int32_t link, double change);
  void set_rate(std::int32_t index, double rate, std::int32_t bottleneck);
  void admit(std::int32_t index);
  Bound bound_of(const Use& use, std::int32_t link) const;
  void find_level(std::int32_t link);
  bool pass_on();
  void fill();
  void start_filling();
  void stop_rising(std::int32_t index, double rate, std::int32_t bottleneck);
  void add_up(std::int32_t link);

  std::vector<double> levels_;
  std::vector<Load> loads_;
  std::vector<std::vector<Use>> uses_;
  std::vector<Class> classes_;
  std::vector<double> caps_;
  std::vector<Hop> hops_;
  std::vector<std::int32_t> places_;  // of each hop, its place in the link's uses
  std::vector<std::int32_t> links_in_use_;
  std::vector<std::int32_t> queue_;  // links to look at
  std::vector<std::int32_t> fresh_;  // classes that got their first flow
  std::vector<std::int32_t> changed_levels_, reported_levels_;
  std::vector<std::int32_t> moved_, reported_moved_;
  std::vector<Bound> bounds_;  // scratch of find_level
  std::vector<Filling> filling_;
  std::vector<std::pair<double, std::int32_t>> heap_, capped_;  // scratch of fill
  double tolerance_;
};

}  // namespace fivefold
