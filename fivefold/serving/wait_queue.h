// Inside the serving room: requests that wait for a place, in the order in which they will get one.
#pragma once

#include <cstdint>
#include <map>
#include <queue>
#include <vector>

#include "fivefold/serving/engine.h"
#include "fivefold/traffic/requests.h"

namespace fivefold::serving {

class WaitQueue {
 public:
  WaitQueue(QueueOrder order, const RequestLoad& load) : order_(order), load_(&load) {}
  // A request that lost its place comes back to the front of its kind: its index is lower.
  void push(std::uint32_t request);
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::uint32_t front() const;
  void pop();
  // Fairness: the tenant of this request was given so much service.
  void served(std::uint32_t request, double tokens);

 private:
  struct Key {
    std::int32_t priority;
    std::uint32_t request;
    bool operator>(const Key& other) const {
      return priority != other.priority ? priority > other.priority : request > other.request;
    }
  };
  using Line = std::priority_queue<Key, std::vector<Key>, std::greater<>>;
  struct Tenant {
    Line line;
    double service = 0;
  };
  Tenant& next_tenant();
  const Tenant& next_tenant() const { return const_cast<WaitQueue*>(this)->next_tenant(); }

  QueueOrder order_;
  const RequestLoad* load_;
  Line line_;  // all, unless tenants take turns
  std::map<std::int32_t, Tenant> tenants_;
  std::size_t size_ = 0;
};

}  // namespace fivefold::serving
