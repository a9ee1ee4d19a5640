#include "fivefold/serving/group.h"

#include <algorithm>
#include <cmath>

namespace fivefold::serving {
namespace {

constexpr double kOutputWeight = 2;  // of an output token against a prompt token (VTC, section 3)

}  // namespace

PrefixCache::Ids Group::prompt_blocks(std::uint32_t r) const {
  if (!set_->policy.prefix_cache || set_->load->block_tokens <= 0) return {};
  // Whole blocks only; a token that is not cached must remain, since it asks for the first answer.
  const auto blocks = set_->load->blocks_of(request_of(r));
  const auto whole = std::size_t((request_of(r).input - 1) / set_->load->block_tokens);
  return blocks.first(std::min(blocks.size(), whole));
}

// Tokens of whole pages: the last page of a sequence is half empty on average.
double Group::used() const {
  const double holders = double(decoding_.size() + prefilling_.size() + kept_.size());
  const double torn = holders * (set_->policy.page_tokens - 1) / 2.0;
  return own_tokens_ + torn + holders * set_->sequence_tokens +
         double(cache_.used()) * block_tokens();
}

// Idle blocks give way to what is in use.
void Group::trim_idle() {
  if (cache_.idle() == 0) return;
  const double room = std::max(0.0, set_->capacity - used());
  const auto most = std::size_t(room / block_tokens());
  if (cache_.idle() > most) cache_.evict(cache_.idle() - most);
}

// Nothing: it has to wait.
std::optional<Group::Start> Group::start_of(std::uint32_t r, std::int32_t budget) const {
  if (int(running()) >= set_->policy.max_sequences) return std::nullopt;
  const Progress& p = (*progress_)[r];
  Start start;
  if (!p.loaded) {
    start.found = cache_.match(prompt_blocks(r));
    start.chunk = std::min(p.target - std::int32_t(double(start.found) * block_tokens()), budget);
    if (start.chunk <= 0) return std::nullopt;
  }
  const EnginePolicy& policy = set_->policy;
  // Blocks that are found may be idle: then they take room as well.
  const double begin = double(start.chunk) + double(start.found) * block_tokens();
  const double now = policy.reserve > 0 || p.loaded ? p.target : begin;
  double need = now + set_->sequence_tokens;
  if (running() > 0) {
    const double future = request_of(r).output - p.generated;
    need += policy.page_tokens + policy.reserve * (future + remaining_) +
            policy.watermark * set_->capacity;
  }
  if (!fits(need)) return std::nullopt;
  return start;
}

void Group::admit(std::uint32_t r, const Start& start, double now) {
  Progress& p = (*progress_)[r];
  RequestTimes& times = (*times_)[r];
  if (times.preemptions == 0 && p.generated == 0) times.scheduled = now;
  waiting_.pop();
  waiting_.served(r, p.loaded ? 0 : p.target);
  remaining_ += request_of(r).output - p.generated;
  const std::uint32_t order = admissions_++;
  if (p.loaded) {
    own_tokens_ += p.target;
    p.context = p.target;
    p.loaded = false;
    if (times.preemptions > 0) {
      swap_seconds_ += p.target * set_->swap_seconds_per_token;
    } else {
      times.first_token = p.last_token = now;  // it came from a prefill instance
    }
    join_decoding(r, order, p.last_token);
    return;
  }
  cache_.use(prompt_blocks(r).first(start.found));
  p.shared = std::int32_t(start.found);
  p.context = std::int32_t(double(start.found) * block_tokens());
  if (times.preemptions == 0) times.cached = p.context;
  own_tokens_ += start.chunk;
  prefilling_.push_back({r, order, start.chunk});
}

bool Group::wants_prompts() const {
  const std::int32_t budget = set_->policy.max_step_tokens;
  for (const Prefilling& f : prefilling_) {
    const Progress& p = (*progress_)[f.request];
    if (decoding_.empty() || fits(std::min(budget, p.target - p.context))) return true;
  }
  return !waiting_.empty() && start_of(waiting_.front(), budget).has_value();
}

StepLoad Group::plan(Work work, double now) {
  StepLoad load;
  std::int32_t budget = set_->policy.max_step_tokens;
  const std::uint64_t lost = preemptions_;
  const bool decodes = work != Work::kPrompts;
  if (decodes) {
    make_room_for_decodes();
    budget -= std::int32_t(decoding_.size()) * (1 + set_->drafts);
    own_tokens_ += set_->growth * double(decoding_.size());
  }
  if (work != Work::kDecodes) {
    continue_prompts(budget);
    // Who just gave way does not come back in the same step.
    while (lost == preemptions_ && !waiting_.empty()) {
      const std::uint32_t r = waiting_.front();
      const auto start = start_of(r, budget);
      if (!start) break;
      const bool loaded = (*progress_)[r].loaded;
      admit(r, *start, now);
      if (loaded) {  // its cache is there: it decodes
        if (decodes) own_tokens_ += set_->growth;
        continue;
      }
      load.images += request_of(r).images;
      budget -= start->chunk;
    }
    for (const Prefilling& f : prefilling_) {
      if (f.chunk == 0) continue;
      const Progress& p = (*progress_)[f.request];
      load.prompts += 1;
      load.prompt_tokens += f.chunk;
      load.prompt_context += p.context;
      load.finishing += p.context + f.chunk >= p.target;
    }
  } else {
    for (Prefilling& f : prefilling_) f.chunk = 0;
  }
  decodes_planned_ = decodes && !decoding_.empty();
  if (decodes_planned_) {
    load.decodes = double(decoding_.size());
    load.context = context_;
  }
  trim_idle();
  return load;
}

// The next chunk of each prompt under way, as far as the budget and the cache allow.
void Group::continue_prompts(std::int32_t& budget) {
  bool any = !decoding_.empty();
  for (Prefilling& f : prefilling_) {
    const Progress& p = (*progress_)[f.request];
    f.chunk = std::max(0, std::min(budget, p.target - p.context));
    if (!fits(f.chunk)) f.chunk = 0;
    own_tokens_ += f.chunk;
    budget -= f.chunk;
    any = any || f.chunk > 0;
  }
  // Prompts that only wait for each other: the last to come gives its place up.
  if (any || prefilling_.size() < 2) return;
  const std::uint32_t r = prefilling_.back().request;
  prefilling_.pop_back();
  give_back(r);
  continue_prompts(budget);
}

// Each decoding sequence grows; who came last gives its place up where that does not fit.
void Group::make_room_for_decodes() {
  while (!decoding_.empty() && !fits(set_->growth * double(decoding_.size()))) {
    if (!preempt_newest()) break;
  }
}

bool Group::preempt_newest() {
  const auto worse = [&](std::uint32_t a, std::uint32_t a_order, std::uint32_t b,
                         std::uint32_t b_order) {
    if (set_->policy.order == QueueOrder::kPriority &&
        request_of(a).priority != request_of(b).priority) {
      return request_of(a).priority > request_of(b).priority;
    }
    return a_order > b_order;
  };
  const Decoding* victim = nullptr;
  for (const Decoding& d : decoding_) {
    if (victim == nullptr || worse(d.request, d.admitted, victim->request, victim->admitted)) {
      victim = &d;
    }
  }
  const Prefilling* prompt = prefilling_.empty() ? nullptr : &prefilling_.back();
  if (prompt != nullptr && (victim == nullptr || worse(prompt->request, prompt->admitted,
                                                       victim->request, victim->admitted))) {
    const std::uint32_t r = prompt->request;
    prefilling_.pop_back();
    give_back(r);
    return true;
  }
  if (victim == nullptr || running() <= 1) return false;
  const Decoding lost = *victim;
  Progress& p = (*progress_)[lost.request];
  const std::int32_t made = made_so_far(lost);
  const double grown = set_->growth * double(step_ - lost.begin);
  context_ -= p.context + grown;
  own_tokens_ -= grown;
  // Who joined and has not stepped yet is still on the list of those that did.
  if (step_ > lost.begin) {
    p.last_token = last_decode_end_;
  } else {
    const auto it = std::find(joined_.begin(), joined_.end(), p.last_token);
    if (it != joined_.end()) joined_.erase(it);
  }
  p.generated += made;
  remaining_ += grown - made;
  decoding_.erase(decoding_.begin() + (victim - decoding_.data()));
  std::make_heap(decoding_.begin(), decoding_.end());
  give_back(lost.request);
  return true;
}

// A running request waits again; its cache is lost, or with the host.
void Group::give_back(std::uint32_t r) {
  Progress& p = (*progress_)[r];
  const bool decoded = p.context >= p.target;
  drop(r);
  remaining_ -= request_of(r).output - p.generated;
  p.target = request_of(r).input + p.generated;
  p.loaded = decoded && set_->policy.swaps;
  ++(*times_)[r].preemptions;
  ++preemptions_;
  waiting_.push(r);
}

// What a request holds of the cache, apart from what it generated.
void Group::drop(std::uint32_t r) {
  Progress& p = (*progress_)[r];
  own_tokens_ -= p.context - p.shared * block_tokens();
  cache_.release(prompt_blocks(r).first(std::size_t(p.shared)));
  p.shared = 0;
  p.context = 0;
}

// The finished prompt is there for others: its blocks are shared from now on.
void Group::share_prompt(std::uint32_t r) {
  const auto blocks = prompt_blocks(r);
  Progress& p = (*progress_)[r];
  if (std::size_t(p.shared) >= blocks.size()) return;
  own_tokens_ -= double(blocks.size() - std::size_t(p.shared)) * block_tokens();
  cache_.add(blocks.subspan(std::size_t(p.shared)));
  p.shared = std::int32_t(blocks.size());
}

// Steps until so many tokens are made: one each, and those of its drafts that are accepted before
// the first that is not.
std::int64_t Group::steps_for(std::uint32_t r, std::int32_t tokens) const {
  if (set_->drafts == 0) return tokens;
  Random random(set_->seed, "accepted drafts", (std::uint64_t(r) << 20) + std::uint64_t(tokens));
  std::int64_t steps = 0;
  while (tokens > 0) {
    int made = 1;
    while (made <= set_->drafts && random.uniform() < set_->acceptance) ++made;
    tokens -= made;
    ++steps;
  }
  return steps;
}

std::int32_t Group::made_so_far(const Decoding& d) const {
  const std::int32_t wanted = request_of(d.request).output - (*progress_)[d.request].generated;
  const double share = double(step_ - d.begin) / double(d.end - d.begin);
  return std::min(wanted - 1, std::int32_t(share * wanted));
}

void Group::join_decoding(std::uint32_t r, std::uint32_t admitted, double last_token) {
  Progress& p = (*progress_)[r];
  p.last_token = last_token;
  const std::int64_t steps = steps_for(r, request_of(r).output - p.generated);
  decoding_.push_back({step_ + steps, step_, r, admitted});
  std::push_heap(decoding_.begin(), decoding_.end());
  context_ += p.context;
  joined_.push_back(last_token);
}

void Group::finish(double end, StepEvents& events, Histogram& itl) {
  if (decodes_planned_) {
    const std::size_t stepping = decoding_.size();
    const std::size_t old = stepping - joined_.size();
    itl.add(end - last_decode_end_, old);
    for (const double last : joined_) itl.add(end - last);
    joined_.clear();
    ++step_;
    last_decode_end_ = end;
    context_ += set_->growth * double(stepping);
    remaining_ -= set_->growth * double(stepping);
    while (!decoding_.empty() && decoding_.front().end <= step_) {
      const Decoding done = decoding_.front();
      std::pop_heap(decoding_.begin(), decoding_.end());
      decoding_.pop_back();
      Progress& p = (*progress_)[done.request];
      const double grown = set_->growth * double(done.end - done.begin);
      context_ -= p.context + grown;
      own_tokens_ -= grown;
      // What the mean growth says and what it made differ where drafts are drawn.
      remaining_ += grown - (request_of(done.request).output - p.generated);
      p.generated = request_of(done.request).output;
      drop(done.request);
      waiting_.served(done.request, kOutputWeight * request_of(done.request).output);
      events.finished.push_back(done.request);
    }
  }
  swap_seconds_ = 0;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < prefilling_.size(); ++i) {
    const Prefilling f = prefilling_[i];
    Progress& p = (*progress_)[f.request];
    p.context += f.chunk;
    if (p.context < p.target) {
      prefilling_[kept++] = {f.request, f.admitted, 0};
      continue;
    }
    share_prompt(f.request);
    const bool first = p.generated == 0;
    if (!first) itl.add(end - p.last_token);
    ++p.generated;
    remaining_ -= 1;
    if (first) events.first_tokens.push_back(f.request);
    if (set_->prompts_only) {
      remaining_ -= request_of(f.request).output - p.generated;
      kept_.push_back(f.request);
    } else if (p.generated >= request_of(f.request).output) {
      drop(f.request);
      events.finished.push_back(f.request);
    } else {
      join_decoding(f.request, f.admitted, end);
    }
  }
  prefilling_.resize(kept);
}

void Group::release(std::uint32_t r) {
  kept_.erase(std::find(kept_.begin(), kept_.end(), r));
  drop(r);
}

}  // namespace fivefold::serving
