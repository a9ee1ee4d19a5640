// Inside the serving room: prompts whose cache outlives their request, by blocks of content.
//
// Blocks in use are counted by who uses them; a block that nobody uses stays until its room is
// needed, the longest unused first, and of one prompt the end before the beginning (as vLLM frees
// blocks in reverse).
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace fivefold::serving {

class PrefixCache {
 public:
  using Ids = std::span<const std::uint32_t>;
  // Leading blocks that are there.
  std::size_t match(Ids blocks) const;
  // The leading blocks are used by one more. All must be there.
  void use(Ids blocks);
  // These blocks now exist and are used by one more; how many of them are new.
  std::size_t add(Ids blocks);
  // One user less of each; blocks without a user become idle.
  void release(Ids blocks);
  // So many idle blocks go.
  void evict(std::size_t blocks);

  std::size_t used() const { return entries_.size() - idle_; }
  std::size_t idle() const { return idle_; }

 private:
  struct Entry {
    std::uint32_t users = 0;
    std::uint32_t before = kNone, after = kNone;  // neighbours among the idle, by id
  };
  static constexpr std::uint32_t kNone = 0xffffffff;
  void leave_idle(Entry& entry);
  void join_idle(std::uint32_t id, Entry& entry);

  std::unordered_map<std::uint32_t, Entry> entries_;
  std::uint32_t oldest_ = kNone, newest_ = kNone;
  std::size_t idle_ = 0;
};

}  // namespace fivefold::serving
