#include "fivefold/planner/training_search.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include <fmt/format.h>

#include "fivefold/base/parallel.h"
#include "fivefold/training/layout.h"
#include "fivefold/training/parts.h"

namespace fivefold {
namespace {

constexpr int kLeastTokens = 2048;  // of a sequence on one cp rank
constexpr int kMostMicroBatch = 64;

std::vector<int> divisors(int number, int limit) {
  std::vector<int> found;
  for (int d = 1; d <= std::min(number, limit); ++d) {
    if (number % d == 0) found.push_back(d);
  }
  return found;
}

struct Search {
  const TrainingModel& training;
  const Machine& machine;
  const Model& model;
  const TrainingJob& job;
  std::size_t wanted = 10;
  Bytes capacity;
};

// How the model is cut and fed: what the cost of its layers depends on.
struct Cut {
  TrainingLayout layout;
  bool likely = true;  // looked at first, so that the others have a bar to pass
};

void add_expert_cuts(const Model& model, TrainingLayout layout, std::vector<TrainingLayout>& cuts) {
  const int experts = most_experts(model);
  const int ranks = layout.tp * layout.cp * layout.dp;
  if (experts == 0) return cuts.push_back(layout);
  for (const int etp : layout.tp == 1 ? std::vector<int>{1} : std::vector<int>{1, layout.tp}) {
    for (const int ep : divisors(experts, ranks / etp)) {
      if (ranks % (ep * etp) != 0) continue;
      layout.ep = ep;
      layout.etp = etp;
      cuts.push_back(layout);
    }
  }
}

// With every micro batch.
std::vector<Cut> cuts_of(const Search& s) {
  std::vector<Cut> cuts;
  for (TrainingLayout layout : training_cuts(s.machine, s.model, s.job)) {
    for (const int micro_batch : divisors(s.job.global_batch / layout.dp, kMostMicroBatch)) {
      layout.micro_batch = micro_batch;
      const bool power_of_two = (micro_batch & (micro_batch - 1)) == 0;
      cuts.push_back({layout, power_of_two && layout.cp == 1 && layout.etp == 1});
    }
  }
  return cuts;
}

// Pipelines of a cut: each schedule that it can run.
std::vector<TrainingLayout> pipelines_of(const Search& s, const TrainingLayout& cut) {
  std::vector<TrainingLayout> all;
  const auto add = [&](Schedule schedule, int vpp) {
    TrainingLayout layout = cut;
    layout.schedule = schedule;
    layout.vpp = vpp;
    if (check_layout(s.machine, s.model, s.job, layout)) all.push_back(layout);
  };
  add(Schedule::k1F1B, 1);
  if (cut.pp == 1) return all;
  for (const Schedule schedule : {Schedule::kZbH1, Schedule::kZbV, Schedule::kDualPipe}) {
    add(schedule, 1);
  }
  for (int vpp = 2; cut.pp * vpp <= s.model.layer_count() + 2; ++vpp) {
    // Chunks of unequal size only lengthen the pipeline.
    const int layers = s.model.layer_count();
    if (layers % (cut.pp * vpp) == 0 || (layers + 2) % (cut.pp * vpp) == 0)
      add(Schedule::kInterleaved, vpp);
  }
  return all;
}

bool faster(const TrainingPlan& a, const TrainingPlan& b) {
  return a.estimate.step < b.estimate.step;
}

bool same_cut(const TrainingLayout& a, const TrainingLayout& b) {
  return std::tuple(a.tp, a.pp, a.cp, a.ep, a.etp) == std::tuple(b.tp, b.pp, b.cp, b.ep, b.etp);
}

// Keeps the fastest of each cut, `wanted` of them.
void keep_best(std::vector<TrainingPlan>& best, const TrainingPlan& plan, std::size_t wanted) {
  const auto same = std::find_if(best.begin(), best.end(), [&](const TrainingPlan& other) {
    return same_cut(other.layout, plan.layout);
  });
  if (same != best.end()) {
    if (!faster(plan, *same)) return;
    best.erase(same);
  }
  best.insert(std::upper_bound(best.begin(), best.end(), plan, faster), plan);
  if (best.size() > wanted) best.pop_back();
}

// Keeps what nothing beats in both time and memory, least memory first.
void keep_front(std::vector<TrainingPlan>& front, const TrainingPlan& plan) {
  const auto beats = [](const TrainingPlan& a, const TrainingPlan& b) {
    return a.estimate.step <= b.estimate.step && a.estimate.memory.total <= b.estimate.memory.total;
  };
  for (const TrainingPlan& other : front) {
    if (beats(other, plan)) return;
  }
  std::erase_if(front, [&](const TrainingPlan& other) { return beats(plan, other); });
  const auto less_memory = [](const TrainingPlan& a, const TrainingPlan& b) {
    return a.estimate.memory.total < b.estimate.memory.total;
  };
  front.insert(std::upper_bound(front.begin(), front.end(), plan, less_memory), plan);
}

struct Found {
  TrainingSearch search;
  Bytes least{std::numeric_limits<double>::infinity()};
  Error nearest;
};

// Whether a layout fits; of those that do not, the one that needs the least is remembered.
bool fits(const Search& s, const TrainingLayout& layout, Found& found) {
  ++found.search.layouts;
  const Bytes memory = s.training.memory(s.job, layout).total;
  if (memory <= s.capacity) return true;
  ++found.search.too_large;
  if (memory < found.least) {
    found.least = memory;
    found.nearest = s.training.estimate(s.job, layout).error();
  }
  return false;
}

void keep(const Search& s, const TrainingLayout& layout, Found& found) {
  const auto estimate = s.training.estimate(s.job, layout, false);
  if (!estimate) return;
  const TrainingPlan plan{layout, *estimate};
  keep_best(found.search.best, plan, s.wanted);
  keep_front(found.search.pareto, plan);
}

// Modules that hold much and are soon done again (Megatron-Core's advice, and DeepSeek-V3's choice,
// arXiv 2412.19437 section 3.2.3).
Modules cheap_modules(const Model& model) {
  Modules modules = Modules{}.with(Module::kNorms);
  for (const LayerGroup& layer : model.layers) {
    if (std::holds_alternative<MlaAttention>(layer.attention)) {
      modules = modules.with(Module::kMlaUp);
    }
    if (moe(layer) != nullptr) modules = modules.with(Module::kExpertActivation);
  }
  return modules;
}

// Full recomputation of as few layers of each part as fit, at most of all.
void try_full(const Search& s, TrainingLayout layout, Found& found) {
  layout.recompute = Recompute::kFull;
  layout.recompute_modules = {};
  layout.recompute_layers = 0;
  if (!fits(s, layout, found)) return;
  const int parts = std::max(1, layout.pp * layout.vpp);
  int low = 0, high = (s.model.layer_count() + parts - 1) / parts;  // low does not fit, high does
  while (high - low > 1) {
    layout.recompute_layers = low + (high - low) / 2;
    const bool enough = s.training.memory(s.job, layout).total <= s.capacity;
    (enough ? high : low) = layout.recompute_layers;
  }
  layout.recompute_layers = high * parts >= s.model.layer_count() ? 0 : high;
  keep(s, layout, found);
}

// The least recomputation that fits: more only adds time.
void try_recompute(const Search& s, TrainingLayout layout, Found& found) {
  // A fused attention kernel computes scores again in any case.
  layout.recompute = s.job.fused_attention ? Recompute::kNone : Recompute::kSelective;
  layout.recompute_modules = {};
  if (fits(s, layout, found)) return keep(s, layout, found);
  layout.recompute = Recompute::kSelective;
  layout.recompute_modules = cheap_modules(s.model);
  if (fits(s, layout, found)) keep(s, layout, found);
  try_full(s, layout, found);
}

// `bar`: the step of the last of the best so far.
Found look_at(const Search& s, const Cut& cut, Seconds bar) {
  Found found;
  const auto pipelines = pipelines_of(s, cut.layout);
  if (pipelines.empty()) return found;
  const bool slow = bar > Seconds(0) && s.training.least_step(s.job, cut.layout) > bar;
  for (TrainingLayout layout : pipelines) {
    for (const int zero : {1, 0, 2, 3}) {
      layout.zero = zero;
      if (slow) {
        ++found.search.layouts;
        ++found.search.too_slow;
      } else {
        try_recompute(s, layout, found);
      }
    }
  }
  return found;
}

void join(Found& all, const Found& part, std::size_t wanted) {
  for (const TrainingPlan& plan : part.search.best) keep_best(all.search.best, plan, wanted);
  for (const TrainingPlan& plan : part.search.pareto) keep_front(all.search.pareto, plan);
  all.search.layouts += part.search.layouts;
  all.search.too_large += part.search.too_large;
  all.search.too_slow += part.search.too_slow;
  if (part.least < all.least) {
    all.least = part.least;
    all.nearest = part.nearest;
  }
}

void look_at_all(const Search& s, const std::vector<Cut>& cuts, bool likely, Found& all) {
  const auto& best = all.search.best;
  const Seconds bar = best.size() < s.wanted ? Seconds(0) : best.back().estimate.step;
  std::vector<Found> parts(cuts.size());
  parallel_for(cuts.size(), [&](std::size_t i) {
    if (cuts[i].likely == likely) parts[i] = look_at(s, cuts[i], bar);
  });
  for (const Found& part : parts) join(all, part, s.wanted);
}

int cut_changes(const TrainingLayout& a, const TrainingLayout& b) {
  return (a.tp != b.tp) + (a.pp != b.pp) + (a.cp != b.cp) + (a.ep != b.ep) + (a.etp != b.etp) +
         (a.micro_batch != b.micro_batch);
}

int other_changes(const TrainingLayout& a, const TrainingLayout& b) {
  return (a.vpp != b.vpp || a.schedule != b.schedule) + (a.zero != b.zero) +
         (a.recompute != b.recompute);
}

}  // namespace

std::vector<TrainingLayout> training_cuts(const Machine& machine, const Model& model,
                                          const TrainingJob& job) {
  std::vector<TrainingLayout> cuts;
  const int devices = machine.devices;
  const int heads = std::max(1, most_heads(model));
  for (const int tp : divisors(devices, heads)) {
    if (heads % tp != 0) continue;
    for (const int cp : divisors(devices / tp, std::max(1, job.seq_len / kLeastTokens))) {
      if (job.seq_len % cp != 0) continue;
      for (const int pp : divisors(devices / tp / cp, model.layer_count())) {
        TrainingLayout layout{.tp = tp, .pp = pp, .dp = devices / tp / cp / pp, .cp = cp};
        if (job.global_batch % layout.dp != 0) continue;
        layout.sequence_parallel = tp > 1;
        add_expert_cuts(model, layout, cuts);
      }
    }
  }
  return cuts;
}

Result<TrainingSearch> search_training(const TrainingModel& training, const Machine& machine,
                                       const Model& model, const TrainingJob& job, int wanted) {
  const Search s{
      training, machine, model, job, std::size_t(wanted), machine.device.memory_capacity};
  const std::vector<Cut> cuts = cuts_of(s);
  Found all;
  look_at_all(s, cuts, true, all);
  look_at_all(s, cuts, false, all);
  if (!all.search.best.empty()) return std::move(all.search);
  const auto what =
      fmt::format("no training layout of {} fits {} devices", model.id, machine.devices);
  if (all.nearest.problems.empty()) {
    return fail(what, fmt::format("none divides {} devices and a batch of {}", machine.devices,
                                  job.global_batch));
  }
  return fail(what, all.nearest.problems.front().what);
}

std::optional<TrainingPlan> nearest_fit(const TrainingModel& training, const Machine& machine,
                                        const Model& model, const TrainingJob& job,
                                        const TrainingLayout& layout) {
  const Search s{training, machine, model, job, 1, machine.device.memory_capacity};
  std::optional<TrainingPlan> nearest;
  int fewest = std::numeric_limits<int>::max();
  for (const Cut& cut : cuts_of(s)) {
    const int cut_changed = cut_changes(cut.layout, layout);
    if (cut_changed > fewest) continue;
    for (TrainingLayout candidate : pipelines_of(s, cut.layout)) {
      for (int zero = 0; zero <= 3; ++zero) {
        candidate.zero = zero;
        for (const Recompute recompute :
             {Recompute::kNone, Recompute::kSelective, Recompute::kFull}) {
          candidate.recompute = recompute;
          const int changed = cut_changed + other_changes(candidate, layout);
          if (changed > fewest || training.memory(job, candidate).total > s.capacity) continue;
          const auto estimate = training.estimate(job, candidate, false);
          if (!estimate) continue;
          if (changed == fewest && nearest->estimate.step <= estimate->step) continue;
          fewest = changed;
          nearest = TrainingPlan{candidate, *estimate};
        }
      }
    }
  }
  return nearest;
}

std::string why_slower(const TrainingEstimate& plan, const TrainingEstimate& best) {
  std::vector<StepPart> longer;
  const auto of_best = step_parts(best);
  for (std::size_t i = 0; i < of_best.size(); ++i) {
    StepPart part = step_parts(plan)[i];
    part.time -= of_best[i].time;
    if (part.time > 0.1 * (plan.step - best.step)) longer.push_back(part);
  }
  std::stable_sort(longer.begin(), longer.end(),
                   [](const StepPart& a, const StepPart& b) { return a.time > b.time; });
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(2, longer.size()); ++i) {
    text +=
        fmt::format("{}{} +{:.3g} s", i == 0 ? "" : ", ", longer[i].name, longer[i].time.value());
  }
  return text;
}

}  // namespace fivefold
