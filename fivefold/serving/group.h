// Inside the serving room: the scheduler and the cache of one attention group.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fivefold/base/random.h"
#include "fivefold/serving/prefix_cache.h"
#include "fivefold/serving/simulate.h"
#include "fivefold/serving/step_table.h"
#include "fivefold/serving/wait_queue.h"

namespace fivefold::serving {

// Where a request stands, whichever group has it.
struct Progress {
  std::int32_t context = 0;    // tokens of its own in the cache (shared blocks included)
  std::int32_t target = 0;     // tokens that must be there before it decodes
  std::int32_t generated = 0;  // tokens it has made
  std::int32_t shared = 0;     // leading blocks that it uses of the shared cache
  double last_token = 0;
  bool loaded = false;  // its cache comes from elsewhere: from a prefill instance, or the host
};

// What all groups of a pool have in common.
struct GroupSetting {
  EnginePolicy policy;
  const RequestLoad* load = nullptr;
  double capacity = 0;         // tokens of the cache
  double sequence_tokens = 0;  // a sequence's fixed state, as tokens
  double growth = 1;           // tokens that a step yields a sequence
  int drafts = 0;
  double acceptance = 0;
  std::uint64_t seed = 1;
  bool prompts_only = false;  // a prefill pool: the first token is the last
  double swap_seconds_per_token = 0;
};

// What one step brought about; the caller owns it and clears it.
struct StepEvents {
  std::vector<std::uint32_t> first_tokens;  // of these prompts, now in the cache
  std::vector<std::uint32_t> finished;
};

class Group {
 public:
  enum class Work : std::uint8_t { kAll, kPrompts, kDecodes };
  Group(const GroupSetting& setting, std::vector<Progress>& progress,
        std::vector<RequestTimes>& times)
      : set_(&setting),
        progress_(&progress),
        times_(&times),
        waiting_(setting.policy.order, *setting.load) {}

  void submit(std::uint32_t request) { waiting_.push(request); }
  bool has_work() const { return running() > 0 || !waiting_.empty(); }
  bool wants_prompts() const;
  // Chooses what the next step takes in, from time `now`.
  StepLoad plan(Work work, double now);
  // The step planned last has ended. Gaps between tokens go to `itl`.
  void finish(double end, StepEvents& events, Histogram& itl);
  // The place that a request had kept after its last token is free (prefill pools, after transfer).
  void release(std::uint32_t request);

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t running() const { return decoding_.size() + prefilling_.size(); }
  double cache_share() const { return used() / set_->capacity; }
  std::uint64_t preemptions() const { return preemptions_; }
  double swap_seconds() const { return swap_seconds_; }  // of caches brought back for the next step

 private:
  struct Decoding {
    std::int64_t end, begin;  // decode steps of this group
    std::uint32_t request;
    std::uint32_t admitted;
    bool operator<(const Decoding& other) const { return end > other.end; }  // a heap: first to end
  };
  struct Prefilling {
    std::uint32_t request;
    std::uint32_t admitted;
    std::int32_t chunk = 0;  // of the step under way
  };

  double used() const;
  bool fits(double tokens) const { return used() + tokens <= set_->capacity; }
  // How a waiting request would start: blocks of its prompt that are there, tokens of its first
  // chunk (none if its cache comes from elsewhere).
  struct Start {
    std::size_t found = 0;
    std::int32_t chunk = 0;
  };
  std::optional<Start> start_of(std::uint32_t request, std::int32_t budget) const;
  void admit(std::uint32_t request, const Start& start, double now);
  void make_room_for_decodes();
  bool preempt_newest();
  void give_back(std::uint32_t request);
  void continue_prompts(std::int32_t& budget);
  void drop(std::uint32_t request);
  void share_prompt(std::uint32_t request);
  void join_decoding(std::uint32_t request, std::uint32_t admitted, double now);
  std::int64_t steps_for(std::uint32_t request, std::int32_t tokens) const;
  std::int32_t made_so_far(const Decoding& d) const;
  void trim_idle();
  double block_tokens() const { return set_->load->block_tokens; }
  const Request& request_of(std::uint32_t r) const { return set_->load->requests[r]; }
  PrefixCache::Ids prompt_blocks(std::uint32_t r) const;

  const GroupSetting* set_;
  std::vector<Progress>* progress_;
  std::vector<RequestTimes>* times_;
  WaitQueue waiting_;
  PrefixCache cache_;
  std::vector<Decoding> decoding_;  // a heap by the step in which they end
  std::vector<Prefilling> prefilling_;
  std::vector<std::uint32_t> kept_;  // prompts whose cache waits for its transfer

  double own_tokens_ = 0;  // in the cache, apart from shared blocks
  double context_ = 0;     // of decoding sequences, shared blocks included
  double remaining_ = 0;   // tokens that running requests may still make
  std::int64_t step_ = 0;  // decode steps done
  double last_decode_end_ = 0;
  std::vector<double> joined_;  // last tokens of those that joined since
  bool decodes_planned_ = false;
  std::uint32_t admissions_ = 0;
  std::uint64_t preemptions_ = 0;
  double swap_seconds_ = 0;
};

}  // namespace fivefold::serving
