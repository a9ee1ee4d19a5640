#include "fivefold/serving/simulate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <queue>

#include <fmt/format.h>

#include "fivefold/serving/group.h"
#include "fivefold/serving/passes.h"

namespace fivefold {
namespace {

using serving::Group;
using serving::GroupSetting;
using serving::Instance;
using serving::Progress;
using serving::StepEvents;
using serving::StepLoad;
using serving::StepTable;
using serving::StepTime;

constexpr std::array<std::pair<std::string_view, RequestRouter>, 3> kRouters = {
    {{"in-turn", RequestRouter::kInTurn},
     {"least", RequestRouter::kLeastLoaded},
     {"prefix", RequestRouter::kPrefix}}};
constexpr std::size_t kSamples = 400;  // of queues over the span of the load

// A pool's machine, resolved: its instances step by the same table.
struct Pool {
  const ServingPool* setup;
  Instance instance;
  CacheCapacity capacity;
  GroupSetting setting;
  std::unique_ptr<StepTable> table;
  std::vector<Group> groups;                       // an instance's side by side
  std::vector<char> busy;                          // by instance
  std::vector<std::vector<std::uint32_t>> active;  // its groups that have work
  std::vector<char> listed;                        // by group: it is among those
  std::size_t in_turn = 0;
  PoolUse use;
  double decoding = 0;       // sequences of all decode steps, of an attention group
  double cache_seconds = 0;  // share of the cache in use times time, summed over groups

  std::size_t each() const { return std::size_t(setup->layout.dp); }
};

Result<Pool> make_pool(const ServingPool& setup, const SimulationSetup& all,
                       const RequestLoad& load, bool prompts_only) {
  if (setup.instances < 1) return fail("a pool needs an instance");
  ServingWorkload options = all.options;
  if (prompts_only) options.draft_tokens = 0;
  options.input = options.output = 1;
  const serving::Setting& model = setup.model->setting();
  if (auto valid = serving::check_workload(model.model, options); !valid) {
    return fail(std::move(valid.error()));
  }
  const auto instance = serving::make_instance(model, setup.layout);
  if (!instance) return fail(instance.error());
  const auto capacity =
      cache_capacity(*setup.model, setup.layout, setup.engine, options.draft_tokens);
  if (!capacity) return fail(capacity.error());

  GroupSetting setting{.policy = setup.engine, .load = &load};
  setting.capacity = capacity->tokens;
  setting.sequence_tokens =
      capacity->per_token > Bytes(0) ? capacity->per_sequence / capacity->per_token : 0;
  setting.growth = tokens_per_step(options.draft_tokens, options.acceptance);
  setting.drafts = options.draft_tokens;
  setting.acceptance = options.acceptance;
  setting.seed = all.seed;
  setting.prompts_only = prompts_only;
  if (prompts_only) setting.policy.reserve = 0;
  setting.swap_seconds_per_token = (capacity->per_token / setup.engine.swap_rate).value();

  double longest = 1;
  for (const Request& r : load.requests) longest = std::max(longest, double(r.input) + r.output);
  const StepTable::Range range{
      .sequences = std::min(double(setup.engine.max_sequences), double(load.requests.size()) + 1),
      .tokens = double(setup.engine.max_step_tokens),
      .context = longest};
  Pool pool{&setup, *instance, *capacity, setting, nullptr, {}, {}, {}, {}};
  pool.table = std::make_unique<StepTable>(*instance, options, range);
  pool.busy.assign(std::size_t(setup.instances), 0);
  pool.active.resize(std::size_t(setup.instances));
  pool.listed.assign(std::size_t(setup.instances * setup.layout.dp), 0);
  pool.use.capacity = *capacity;
  return pool;
}

// No wait makes room for a request that is larger than the cache or the model's context.
Result<void> check_lengths(const Pool& pool, const RequestLoad& load) {
  const int context = pool.instance.model.max_context;
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    const Request& r = load.requests[i];
    const double tokens = double(r.input) + (pool.setting.prompts_only ? 0 : r.output);
    const double needed = tokens + pool.setting.policy.page_tokens * 2 + pool.setting.growth +
                          pool.setting.sequence_tokens;
    const double longest = context > 0 ? context : tokens;
    if (tokens <= longest && needed <= pool.setting.capacity) continue;
    const std::string limit =
        tokens > longest
            ? fmt::format("the context of {} is {}", pool.instance.model.id, context)
            : fmt::format("the cache of an attention group holds {:.0f}", pool.setting.capacity);
    return fail(fmt::format("request {} of {} has {} + {} tokens, {}", i + 1, load.name, r.input,
                            r.output, limit),
                "leave such requests out with --skip-too-long");
  }
  return {};
}

struct Event {
  enum class Kind : std::uint8_t { kStep, kEnter, kTransferred };
  double time;
  std::uint64_t order;  // equal times go in the order in which they were made
  std::uint32_t what;   // an instance, or a request
  Kind kind;
  std::uint8_t pool;
  bool operator>(const Event& other) const {
    return time != other.time ? time > other.time : order > other.order;
  }
};

class Simulation {
 public:
  Simulation(const SimulationSetup& setup, const RequestLoad& load, std::vector<Pool> pools)
      : setup_(setup),
        load_(load),
        pools_(std::move(pools)),
        engine_(pools_.front().instance.engine) {
    result_.requests.resize(load.requests.size());
    progress_.resize(load.requests.size());
    for (Pool& pool : pools_) {
      const std::size_t count = std::size_t(pool.setup->instances) * pool.each();
      pool.groups.reserve(count);
      for (std::size_t i = 0; i < count; ++i) {
        pool.groups.emplace_back(pool.setting, progress_, result_.requests);
      }
    }
    if (setup.router == RequestRouter::kPrefix) {
      std::uint32_t blocks = 0;
      for (const std::uint32_t id : load.block_ids) blocks = std::max(blocks, id + 1);
      home_.assign(blocks, -1);
    }
    sample_every_ = load.span() > 0 ? load.span() / double(kSamples) : 1;
  }

  SimulationResult run() {
    const std::size_t count = load_.requests.size();
    const bool closed = setup_.concurrency > 0;
    std::size_t next = 0;
    const auto release_next = [&](double now) {
      if (next < count) arrive(std::uint32_t(next++), now);
    };
    for (int i = 0; closed && i < setup_.concurrency; ++i) release_next(0);
    while (!events_.empty() || (!closed && next < count)) {
      if (!closed && next < count &&
          (events_.empty() || load_.requests[next].arrival < events_.top().time)) {
        release_next(load_.requests[next].arrival);
        continue;
      }
      const Event event = events_.top();
      events_.pop();
      now_ = event.time;
      sample();
      switch (event.kind) {
        case Event::Kind::kStep:
          end_step(event.pool, event.what);
          break;
        case Event::Kind::kEnter:
          progress_[event.what].target = load_.requests[event.what].input;
          submit(0, event.what);
          break;
        case Event::Kind::kTransferred:
          transferred(event.what);
          break;
      }
      for (; closed && ended_ > 0; --ended_) release_next(now_);
    }
    return finished();
  }

 private:
  void schedule(double time, Event::Kind kind, std::uint32_t what, std::size_t pool = 0) {
    events_.push({time, order_++, what, kind, std::uint8_t(pool)});
  }

  void arrive(std::uint32_t r, double now) {
    result_.requests[r].arrival = now;
    const Seconds delay =
        engine_.request_overhead + load_.requests[r].input * engine_.request_token;
    schedule(now + delay.value(), Event::Kind::kEnter, r);
  }

  std::size_t choose(Pool& pool, std::uint32_t r) {
    const std::size_t count = pool.groups.size();
    if (count == 1) return 0;
    if (setup_.router == RequestRouter::kInTurn) return pool.in_turn++ % count;
    // Waiting ones count four times. Of equals the next in turn.
    const auto load = [&](std::size_t i) {
      return 4 * pool.groups[i].waiting() + pool.groups[i].running();
    };
    std::size_t best = pool.in_turn++ % count;
    for (std::size_t i = 0; i < count; ++i) {
      if (load(i) < load(best)) best = i;
    }
    if (home_.empty() || &pool != &pools_.front()) return best;
    const auto blocks = load_.blocks_of(load_.requests[r]);
    std::int32_t home = -1;
    std::size_t found = 0;
    for (; found < blocks.size() && home_[blocks[found]] >= 0; ++found) {
      home = home_[blocks[found]];
    }
    // Half of the prompt must be there (SGLang's cache_threshold), and no more than two more wait.
    constexpr std::size_t kBusier = 8;
    const bool near = 2 * found > blocks.size() && load(std::size_t(home)) <= load(best) + kBusier;
    const std::size_t chosen = near ? std::size_t(home) : best;
    for (const std::uint32_t id : blocks) home_[id] = std::int32_t(chosen);
    return chosen;
  }

  void submit(std::size_t p, std::uint32_t r) {
    Pool& pool = pools_[p];
    const std::size_t group = choose(pool, r);
    result_.requests[r].group = std::int32_t(group);
    pool.groups[group].submit(r);
    const std::size_t instance = group / pool.each();
    if (pool.listed[group] == 0) {
      pool.listed[group] = 1;
      pool.active[instance].push_back(std::uint32_t(group));
    }
    if (!pool.busy[instance]) begin_step(p, instance);
  }

  // What the groups of an instance put into a step together.
  struct InstanceStep {
    double decodes = 0, prompts = 0, swap = 0, cache = 0;
    StepLoad slowest;
  };

  InstanceStep plan_step(Pool& pool, std::size_t instance, Group::Work work) {
    InstanceStep step;
    double longest = -1;
    for (const std::uint32_t g : pool.active[instance]) {
      Group& group = pool.groups[g];
      const StepLoad load = group.plan(work, now_);
      step.decodes += load.decodes;
      step.prompts += load.prompt_tokens;
      step.swap = std::max(step.swap, group.swap_seconds());
      step.cache = std::max(step.cache, group.cache_share());
      const double attention =
          pool.active[instance].size() > 1 ? pool.table->attention_time(load) : 0;
      if (attention > longest) {
        longest = attention;
        step.slowest = load;
      }
    }
    return step;
  }

  void begin_step(std::size_t p, std::size_t instance) {
    Pool& pool = pools_[p];
    InstanceStep step;
    if (pool.setting.policy.mixes) {
      step = plan_step(pool, instance, Group::Work::kAll);
    } else {
      // Where one kind finds nothing to do, places have changed and the other has.
      for (int turn = 0; turn < 3 && step.decodes + step.prompts <= 0; ++turn) {
        const auto& active = pool.active[instance];
        const bool prompts = std::any_of(active.begin(), active.end(), [&](std::uint32_t g) {
          return pool.groups[g].wants_prompts();
        });
        step = plan_step(pool, instance, prompts ? Group::Work::kPrompts : Group::Work::kDecodes);
      }
    }
    pool.use.cache_peak = std::max(pool.use.cache_peak, step.cache);
    if (step.decodes + step.prompts <= 0) return;  // all wait for something else
    const double each = double(pool.each());
    const StepTime time = pool.table->time(step.slowest, step.decodes / each, step.prompts / each);
    const double seconds = time.time + step.swap;
    pool.use.busy += seconds;
    pool.use.arithmetic += time.arithmetic;
    pool.use.traffic += time.traffic;
    pool.use.steps += 1;
    pool.use.decode_steps += step.decodes > 0;
    pool.decoding += step.decodes / each;
    pool.cache_seconds += step.cache * seconds;
    pool.busy[instance] = 1;
    schedule(now_ + seconds, Event::Kind::kStep, std::uint32_t(instance), p);
    if (result_.steps.size() < setup_.record_steps) {
      result_.steps.push_back({int(p), int(instance), now_, now_ + seconds, int(step.decodes),
                               int(step.prompts), step.cache});
    }
  }

  void end_step(std::size_t p, std::size_t instance) {
    Pool& pool = pools_[p];
    pool.busy[instance] = 0;
    events_of_step_.first_tokens.clear();
    events_of_step_.finished.clear();
    std::erase_if(pool.active[instance], [&](std::uint32_t g) {
      pool.groups[g].finish(now_, events_of_step_, result_.itl);
      const bool idle = !pool.groups[g].has_work();
      if (idle) pool.listed[g] = 0;
      return idle;
    });
    for (const std::uint32_t r : events_of_step_.first_tokens) first_token(pool, r);
    for (const std::uint32_t r : events_of_step_.finished) end_request(r);
    begin_step(p, instance);
  }

  void first_token(Pool& pool, std::uint32_t r) {
    RequestTimes& times = result_.requests[r];
    times.first_token = now_;
    result_.prompt_tokens += std::uint64_t(load_.requests[r].input);
    result_.cached_tokens += std::uint64_t(times.cached);
    if (!pool.setting.prompts_only) return;
    if (load_.requests[r].output == 1) {
      pool.groups[std::size_t(times.group)].release(r);
      end_request(r);
      return;
    }
    // The sender's port carries one cache after the other.
    const double tokens = load_.requests[r].input;
    const double seconds = serving::cache_transfer_time(pool.instance, tokens).value();
    double& free = port_free_[std::size_t(times.group)];
    free = std::max(free, now_) + seconds;
    schedule(free, Event::Kind::kTransferred, r);
  }

  void transferred(std::uint32_t r) {
    Pool& sender = pools_.front();
    const auto group = std::size_t(result_.requests[r].group);
    sender.groups[group].release(r);
    Progress& p = progress_[r];
    p = {.target = load_.requests[r].input, .generated = 1, .last_token = now_, .loaded = true};
    submit(1, r);
    const std::size_t instance = group / sender.each();
    if (!sender.busy[instance]) begin_step(0, instance);
  }

  void end_request(std::uint32_t r) {
    result_.requests[r].finish = now_;
    result_.output_tokens += std::uint64_t(load_.requests[r].output);
    ++ended_;
  }

  void sample() {
    if (now_ < sample_at_) return;
    LoadSample s{.time = now_};
    double cache = 0;
    std::size_t groups = 0;
    for (const Pool& pool : pools_) {
      for (const Group& g : pool.groups) {
        s.waiting += std::uint32_t(g.waiting());
        s.running += std::uint32_t(g.running());
        cache += g.cache_share();
        ++groups;
      }
    }
    s.cache = cache / double(groups);
    result_.samples.push_back(s);
    sample_at_ = now_ + sample_every_;
  }

  SimulationResult finished() {
    for (Pool& pool : pools_) {
      if (pool.use.decode_steps > 0) {
        pool.use.decoding = pool.decoding / double(pool.use.decode_steps);
      }
      if (pool.use.busy > 0) pool.use.cache_mean = pool.cache_seconds / pool.use.busy;
      for (const Group& g : pool.groups) result_.preemptions += g.preemptions();
      result_.pools.push_back(pool.use);
    }
    double first = 0, last = 0;
    for (const RequestTimes& t : result_.requests) last = std::max(last, t.finish);
    if (!result_.requests.empty()) first = result_.requests.front().arrival;
    result_.makespan = last - first;
    return std::move(result_);
  }

  const SimulationSetup& setup_;
  const RequestLoad& load_;
  std::vector<Pool> pools_;
  const EngineParameters engine_;  // of the pool that requests come to
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t order_ = 0;
  double now_ = 0;
  std::vector<Progress> progress_;
  SimulationResult result_;
  StepEvents events_of_step_;
  std::vector<std::int32_t> home_;  // of a block: the group that had it last
  std::map<std::size_t, double> port_free_;
  std::size_t ended_ = 0;  // since requests were released last
  double sample_at_ = 0, sample_every_ = 1;
};

}  // namespace

std::string_view name(RequestRouter router) {
  for (const auto& [text, known] : kRouters) {
    if (known == router) return text;
  }
  return "";
}

Result<RequestRouter> router_named(std::string_view text) {
  for (const auto& [known, router] : kRouters) {
    if (known == text) return router;
  }
  return fail(fmt::format("router '{}' is unknown", text), "in-turn, least or prefix");
}

Result<SimulationResult> simulate(const SimulationSetup& setup, const RequestLoad& load) {
  if (load.requests.empty()) return fail("no requests");
  std::vector<Pool> pools;
  if (setup.prefill) {
    auto pool = make_pool(*setup.prefill, setup, load, true);
    if (!pool) return fail(std::move(pool.error()));
    pools.push_back(*std::move(pool));
  }
  auto pool = make_pool(setup.pool, setup, load, false);
  if (!pool) return fail(std::move(pool.error()));
  pools.push_back(*std::move(pool));
  for (const Pool& p : pools) {
    if (auto valid = check_lengths(p, load); !valid) return fail(std::move(valid.error()));
  }
  return Simulation(setup, load, std::move(pools)).run();
}

}  // namespace fivefold
