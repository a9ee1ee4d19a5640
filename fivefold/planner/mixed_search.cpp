#include "fivefold/planner/mixed_search.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <fmt/format.h>

namespace fivefold {
namespace {

using Islands = std::array<Island, 2>;
using Progress = std::function<void(double)>;

void keep_faster(std::optional<MixedPlan>& best, const MixedPlan& plan) {
  if (!best || plan.estimate.step < best->estimate.step) best = plan;
}

// The fastest layout of one island for its share of the batch.
std::optional<TrainingPlan> share_plan(const Island& island, const Model& model, int batch) {
  TrainingJob job = island.job;
  job.global_batch = batch;
  auto found = search_training(*island.training, *island.machine, model, job, 1);
  if (!found) return std::nullopt;
  return std::move(found->best.front());
}

// Shares of the first island near the one that lets both end together: multiples of large powers of
// two, since a batch has to divide among replicas.
std::set<int> shares_near(double share, int batch) {
  std::set<int> shares;
  for (int grain = 1; grain < batch; grain *= 2) {
    const double multiple = share * batch / grain;
    for (const double whole : {std::floor(multiple), std::ceil(multiple)}) {
      const int first = int(whole) * grain;
      const bool near = std::abs(first - share * batch) <= batch / 16.0;
      if (near && first > 0 && first < batch) shares.insert(first);
    }
  }
  return shares;
}

// Replicas of the plans end together where each takes a share in proportion to its rate.
void search_replicas(const Islands& islands, const Model& model, const IslandLink& link,
                     const Progress& progress, MixedSearch& search) {
  if (!search.alone[0] || !search.alone[1]) {
    search.replicas_refusal =
        fmt::format("the model does not fit island {} by itself", search.alone[0] ? 2 : 1);
    return;
  }
  const double a = search.alone[0]->estimate.tokens_per_second;
  const double b = search.alone[1]->estimate.tokens_per_second;
  const int batch = islands[0].job.global_batch;
  const std::set<int> near = shares_near(a / (a + b), batch);
  double done = 0;
  for (const int first : near) {
    if (progress) progress(0.5 * done++ / double(near.size()));
    const std::array<int, 2> shares = {first, batch - first};
    std::array<TrainingEstimate, 2> steps;
    MixedPlan plan{.kind = MixedPlan::Kind::kReplicas, .batch = shares};
    std::array<int, 2> micro_batches{};
    bool fits = true;
    for (std::size_t i = 0; i < 2 && fits; ++i) {
      const auto own = share_plan(islands[i], model, shares[i]);
      fits = own.has_value();
      if (!fits) continue;
      plan.layouts[i] = own->layout;
      steps[i] = own->estimate;
      micro_batches[i] = shares[i] / (own->layout.dp * own->layout.micro_batch);
    }
    if (!fits) continue;
    plan.estimate = join_replicas(islands, model, steps, micro_batches, link);
    keep_faster(search.replicas, plan);
  }
  if (!search.replicas) search.replicas_refusal = "no share of the batch divides on both islands";
}

// How one island can stand in a pipeline of `dp` replicas.
std::vector<TrainingLayout> island_cuts(const Island& island, const Model& model, int dp) {
  std::vector<TrainingLayout> cuts;
  for (const TrainingLayout& cut : training_cuts(*island.machine, model, island.job)) {
    if (cut.dp == dp && cut.cp == 1 && cut.etp == 1) cuts.push_back(cut);
  }
  return cuts;
}

// Layers of the first island so that stages of both take equally long.
std::set<int> layer_splits(const Islands& islands, const std::array<TrainingLayout, 2>& cuts,
                           int layers) {
  // Rate of a stage: devices of the stage do so many layers in a unit of time.
  const auto rate = [&](std::size_t i) {
    TrainingLayout one = cuts[i];
    one.pp = 1;
    return cuts[i].pp / islands[i].training->least_step(islands[i].job, one).value();
  };
  const double share = rate(0) / (rate(0) + rate(1));
  std::set<int> splits;
  for (const int near :
       {int(std::floor(share * layers)), int(std::ceil(share * layers)),
        int(std::lround(share * layers / cuts[0].pp)) * cuts[0].pp,
        layers - int(std::lround((1 - share) * layers / cuts[1].pp)) * cuts[1].pp}) {
    if (near >= cuts[0].pp && layers - near >= cuts[1].pp) splits.insert(near);
  }
  return splits;
}

void try_stages(const Islands& islands, const Model& model, const IslandLink& link,
                std::array<TrainingLayout, 2> cuts, MixedSearch& search) {
  const std::array<int, 2> own = {cuts[0].pp, cuts[1].pp};
  for (const int first : layer_splits(islands, cuts, model.layer_count())) {
    for (const Recompute recompute : {Recompute::kNone, Recompute::kSelective, Recompute::kFull}) {
      std::array<TrainingLayout, 2> layouts = cuts;
      for (TrainingLayout& l : layouts) {
        l.pp = own[0] + own[1];
        l.front_stages = own[0];
        l.front_layers = first;
        l.recompute = recompute;
      }
      const auto estimate = estimate_stages(islands, model, layouts, link);
      if (!estimate) {
        search.stages_refusal = to_text(estimate.error());
        continue;
      }
      keep_faster(search.stages, MixedPlan{.kind = MixedPlan::Kind::kStages,
                                           .layouts = layouts,
                                           .layers = {first, model.layer_count() - first},
                                           .estimate = *estimate});
      break;
    }
  }
}

void search_stages(const Islands& islands, const Model& model, const IslandLink& link,
                   const Progress& progress, MixedSearch& search) {
  const int common = std::gcd(islands[0].machine->devices, islands[1].machine->devices);
  search.stages_refusal = "no number of replicas divides both islands and the batch";
  for (int dp = 1; dp <= common; ++dp) {
    if (common % dp != 0 || islands[0].job.global_batch % dp != 0) continue;
    if (progress) progress(0.5 + 0.5 * std::log2(double(dp)) / std::log2(common + 1.0));
    const auto first = island_cuts(islands[0], model, dp),
               second = island_cuts(islands[1], model, dp);
    for (const TrainingLayout& a : first) {
      for (const TrainingLayout& b : second) {
        if (a.pp + b.pp > model.layer_count()) continue;
        for (const int micro_batch : {1, 2, 4}) {
          if (islands[0].job.global_batch % (dp * micro_batch) != 0) continue;
          std::array<TrainingLayout, 2> cuts = {a, b};
          cuts[0].micro_batch = cuts[1].micro_batch = micro_batch;
          try_stages(islands, model, link, cuts, search);
        }
      }
    }
  }
}

}  // namespace

const MixedPlan* MixedSearch::best() const {
  if (!replicas) return stages ? &*stages : nullptr;
  if (!stages) return &*replicas;
  return stages->estimate.step < replicas->estimate.step ? &*stages : &*replicas;
}

MixedSearch search_mixed(const Islands& islands, const Model& model, const IslandLink& link,
                         const Progress& progress) {
  MixedSearch search;
  for (std::size_t i = 0; i < 2; ++i) {
    search.alone[i] = share_plan(islands[i], model, islands[i].job.global_batch);
  }
  search_replicas(islands, model, link, progress, search);
  search_stages(islands, model, link, progress, search);
  if (progress) progress(1);
  return search;
}

}  // namespace fivefold
