#include "fivefold/serving/prefix_cache.h"

#include <cassert>

namespace fivefold::serving {

std::size_t PrefixCache::match(Ids blocks) const {
  std::size_t found = 0;
  while (found < blocks.size() && entries_.contains(blocks[found])) ++found;
  return found;
}

void PrefixCache::use(Ids blocks) {
  for (const std::uint32_t id : blocks) {
    Entry& entry = entries_.at(id);
    if (entry.users++ == 0) leave_idle(entry);
  }
}

std::size_t PrefixCache::add(Ids blocks) {
  std::size_t fresh = 0;
  for (const std::uint32_t id : blocks) {
    const auto [place, is_new] = entries_.try_emplace(id);
    if (!is_new && place->second.users == 0) leave_idle(place->second);
    ++place->second.users;
    fresh += is_new;
  }
  return fresh;
}

void PrefixCache::release(Ids blocks) {
  for (auto id = blocks.rbegin(); id != blocks.rend(); ++id) {
    Entry& entry = entries_.at(*id);
    assert(entry.users > 0);
    if (--entry.users == 0) join_idle(*id, entry);
  }
}

void PrefixCache::evict(std::size_t blocks) {
  for (; blocks > 0 && oldest_ != kNone; --blocks) {
    const std::uint32_t id = oldest_;
    leave_idle(entries_.at(id));
    entries_.erase(id);
  }
}

void PrefixCache::leave_idle(Entry& entry) {
  (entry.before == kNone ? oldest_ : entries_.at(entry.before).after) = entry.after;
  (entry.after == kNone ? newest_ : entries_.at(entry.after).before) = entry.before;
  entry.before = entry.after = kNone;
  --idle_;
}

void PrefixCache::join_idle(std::uint32_t id, Entry& entry) {
  entry.before = newest_;
  (newest_ == kNone ? oldest_ : entries_.at(newest_).after) = id;
  newest_ = id;
  ++idle_;
}

}  // namespace fivefold::serving
