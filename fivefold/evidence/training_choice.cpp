#include "fivefold/evidence/training_choice.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "fivefold/planner/training_search.h"

namespace fivefold {
namespace {

constexpr int kLargestMicroBatch = 32;

struct Candidate {
  TrainingJob job;
  TrainingLayout layout;
};

bool keeps(int printed, int value) {
  return printed == 0 || printed == value;
}

std::vector<Candidate> layouts(const Machine& machine, const TrainingCase& c) {
  if (!c.open.layout) return {{c.job, c.layout}};
  std::vector<Candidate> list;
  for (TrainingLayout cut : training_cuts(machine, c.model, c.job)) {
    if (!keeps(c.tp, cut.tp) || !keeps(c.pp, cut.pp) || !keeps(c.ep, cut.ep)) continue;
    if (!keeps(c.cp, cut.cp)) continue;
    cut.zero = c.layout.zero;
    list.push_back({c.job, cut});
  }
  return list;
}

// Numbers of chunks that a stage's layers divide into, embedding and head counted as layers where
// nothing else divides (Llama 3 405B: 126 layers in 16 x 8).
std::vector<int> chunk_counts(const Model& model, int pp) {
  for (const int layers : {model.layer_count(), model.layer_count() + 2}) {
    std::vector<int> counts;
    for (int vpp = 2; vpp * pp <= layers; ++vpp) {
      if (layers % (vpp * pp) == 0) counts.push_back(vpp);
    }
    if (!counts.empty()) return counts;
  }
  return {};
}

std::vector<Candidate> with_chunks(const TrainingCase& c, const std::vector<Candidate>& given) {
  const bool any = c.open.schedule || c.open.layout;
  if (!c.open.virtual_stages && !any) return given;
  std::vector<Candidate> list;
  for (Candidate candidate : given) {
    if (any) list.push_back(candidate);
    candidate.layout.schedule = Schedule::kInterleaved;
    for (const int vpp : chunk_counts(c.model, candidate.layout.pp)) {
      candidate.layout.vpp = vpp;
      list.push_back(candidate);
    }
  }
  return list;
}

std::vector<Candidate> with_batches(const TrainingCase& c, const std::vector<Candidate>& given) {
  if (!c.open.micro_batch && !c.open.batch) return given;
  std::vector<Candidate> list;
  for (Candidate candidate : given) {
    for (int micro_batch = 1; micro_batch <= kLargestMicroBatch; micro_batch *= 2) {
      const int together = candidate.layout.dp * micro_batch;
      if (c.open.batch) candidate.job.global_batch = together;
      if (candidate.job.global_batch % together != 0) continue;
      candidate.layout.micro_batch = micro_batch;
      list.push_back(candidate);
    }
  }
  return list;
}

// Between keeping all and keeping layer inputs alone: as large a share of the layers is computed
// again as memory asks for. Recipes get as far by modules, by layers of some stages and by offload;
// whole layers of every chunk (recompute_num_layers) would be all or nothing where chunks are
// short.
TrainingEstimate blend(const TrainingEstimate& kept, const TrainingEstimate& again,
                       Bytes capacity) {
  const Bytes saved = kept.memory.total - again.memory.total;
  const double share =
      saved > Bytes() ? std::clamp((kept.memory.total - capacity) / saved, 0.0, 1.0) : 1;
  const auto between = [&](auto from, auto to) { return from + share * (to - from); };
  TrainingEstimate e = kept;
  e.step = between(kept.step, again.step);
  e.recompute = between(kept.recompute, again.recompute);
  e.tokens_per_second = kept.tokens_per_second * (kept.step / e.step);
  e.mfu = kept.mfu * (kept.step / e.step);
  e.memory.activations = between(kept.memory.activations, again.memory.activations);
  e.memory.buffers = between(kept.memory.buffers, again.memory.buffers);
  e.memory.fragmentation = between(kept.memory.fragmentation, again.memory.fragmentation);
  e.memory.total = between(kept.memory.total, again.memory.total);
  return e;
}

// Where the recomputation is not published, the least that fits.
Result<TrainingChoice> least_recompute(const Machine& machine, const TrainingModel& training,
                                       const TrainingCase& c, Candidate candidate, bool must_fit) {
  const auto estimate = [&](bool check) -> Result<TrainingChoice> {
    auto found = training.estimate(candidate.job, candidate.layout, check);
    if (!found) return fail(std::move(found.error()));
    return TrainingChoice{candidate.job, candidate.layout, *found};
  };
  if (!c.open.recompute) return estimate(must_fit);
  candidate.layout.recompute = Recompute::kNone;
  const auto kept = estimate(false);
  const Bytes capacity = machine.device.memory_capacity;
  if (!kept || kept->estimate.memory.total <= capacity) return kept;
  candidate.layout.recompute = Recompute::kFull;
  auto all = estimate(must_fit);
  if (all) all->estimate = blend(kept->estimate, all->estimate, capacity);
  return all;
}

}  // namespace

Result<TrainingChoice> choose(const Machine& machine, const TrainingModel& training,
                              const TrainingCase& c) {
  const auto candidates = with_batches(c, with_chunks(c, layouts(machine, c)));
  if (candidates.size() == 1) {
    return least_recompute(machine, training, c, candidates.front(), false);
  }
  std::optional<TrainingChoice> best;
  for (const Candidate& candidate : candidates) {
    auto found = least_recompute(machine, training, c, candidate, true);
    if (found && (!best || found->estimate.tokens_per_second > best->estimate.tokens_per_second)) {
      best = std::move(*found);
    }
  }
  if (best) return *best;
  // What ran, fitted: where nothing does by this memory, the smallest cut is taken as it is.
  if (!c.open.layout && !candidates.empty()) {
    return least_recompute(machine, training, c, candidates.front(), false);
  }
  return fail("no layout divides the job and fits the memory");
}

}  // namespace fivefold
