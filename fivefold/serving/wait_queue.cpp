#include "fivefold/serving/wait_queue.h"

#include <algorithm>

namespace fivefold::serving {

void WaitQueue::push(std::uint32_t request) {
  const Request& r = load_->requests[request];
  ++size_;
  if (order_ != QueueOrder::kFair) {
    line_.push({order_ == QueueOrder::kPriority ? r.priority : 0, request});
    return;
  }
  const auto [place, is_new] = tenants_.try_emplace(r.tenant);
  Tenant& tenant = place->second;
  if (tenant.line.empty()) {
    // Who was away saves up no service: it starts level with the least served that waits.
    double least = -1;
    for (const auto& [id, other] : tenants_) {
      if (!other.line.empty() && (least < 0 || other.service < least)) least = other.service;
    }
    if (least >= 0) tenant.service = std::max(tenant.service, least);
  }
  tenant.line.push({0, request});
}

WaitQueue::Tenant& WaitQueue::next_tenant() {
  Tenant* best = nullptr;
  for (auto& [id, tenant] : tenants_) {
    if (!tenant.line.empty() && (best == nullptr || tenant.service < best->service)) best = &tenant;
  }
  return *best;
}

std::uint32_t WaitQueue::front() const {
  return order_ == QueueOrder::kFair ? next_tenant().line.top().request : line_.top().request;
}

void WaitQueue::pop() {
  --size_;
  if (order_ == QueueOrder::kFair) {
    next_tenant().line.pop();
  } else {
    line_.pop();
  }
}

void WaitQueue::served(std::uint32_t request, double tokens) {
  if (order_ == QueueOrder::kFair) tenants_[load_->requests[request].tenant].service += tokens;
}

}  // namespace fivefold::serving
