// A queue of events for a simulation: the earliest first, of equal times the one pushed first.
//
// A radix heap (Ahuja, Mehlhorn, Orlin, Tarjan 1990, J. ACM 37(2)): an event lies in the bucket of
// the highest bit in which its time differs from the time last popped. It needs that time never
// goes back, which holds in a simulation, and then beats every comparison heap: each event moves at
// most 64 times, in practice twice. Of equal times all lie in one bucket in the order in which they
// came, and moving keeps that order, so that ties need no sequence number.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <vector>

namespace fivefold {

// Simulated time in picoseconds: 2^63 of them are 106 days.
using Picoseconds = std::uint64_t;

template <class Payload>
class EventQueue {
 public:
  struct Event {
    Picoseconds time;
    Payload payload;
  };

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // The time reached: nothing may be pushed before it.
  Picoseconds now() const { return now_; }

  void push(Picoseconds time, const Payload& payload) {
    assert(time >= now_);
    put(bucket_of(time), {time, payload});
    ++size_;
  }

  // Whether another event of the present time waits.
  bool more_now() const { return first_ < buckets_[0].size(); }
  // Makes the time of the earliest event the present one. Not for an empty queue.
  Picoseconds advance() {
    if (!more_now()) open_next_bucket();
    return now_;
  }

  // Removes the earliest event. Not for an empty queue.
  Event pop() {
    advance();
    --size_;
    return buckets_[0][first_++];
  }

 private:
  // Bucket 0: times equal to now; bucket b: times whose highest bit that differs from now is b - 1.
  std::size_t bucket_of(Picoseconds time) const { return std::size_t(std::bit_width(time ^ now_)); }

  void put(std::size_t bucket, const Event& event) {
    buckets_[bucket].push_back(event);
    if (bucket > 0) filled_ |= std::uint64_t(1) << (bucket - 1);
  }

  // Makes the earliest time of the lowest filled bucket the present and spreads that bucket.
  void open_next_bucket() {
    assert(size_ > 0);
    buckets_[0].clear();
    first_ = 0;
    const std::size_t lowest = std::size_t(std::countr_zero(filled_)) + 1;
    filled_ &= filled_ - 1;
    std::vector<Event>& events = buckets_[lowest];
    if (events.size() == 1) {
      now_ = events.front().time;
      buckets_[0].push_back(events.front());
      events.clear();
      return;
    }
    Picoseconds earliest = events.front().time;
    for (const Event& event : events) earliest = event.time < earliest ? event.time : earliest;
    now_ = earliest;
    for (const Event& event : events) put(bucket_of(event.time), event);
    events.clear();
  }

  std::array<std::vector<Event>, 65> buckets_;
  std::uint64_t filled_ = 0;  // bit b - 1: bucket b holds events
  std::size_t first_ = 0;     // in bucket 0, the next to pop
  std::size_t size_ = 0;
  Picoseconds now_ = 0;
};

}  // namespace fivefold
