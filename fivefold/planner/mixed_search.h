// How to train on two islands of unlike chips: whole replicas on each, with a share of the batch
// that lets both end together, or one pipeline through both, with layers split likewise.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "fivefold/planner/training_search.h"
#include "fivefold/training/mixed.h"

namespace fivefold {

struct MixedPlan {
  enum class Kind { kReplicas, kStages } kind = Kind::kReplicas;
  std::array<TrainingLayout, 2> layouts;
  std::array<int, 2> batch{};   // sequences of a step that each island computes (replicas)
  std::array<int, 2> layers{};  // that each island holds (stages)
  MixedEstimate estimate;
};

struct MixedSearch {
  std::optional<MixedPlan> replicas, stages;  // the fastest of each kind; null: none fits
  std::string replicas_refusal, stages_refusal;
  std::array<std::optional<TrainingPlan>, 2> alone;  // each island by itself with the whole batch
  const MixedPlan* best() const;                     // null: none
};

// `progress` hears the share that is done.
MixedSearch search_mixed(const std::array<Island, 2>& islands, const Model& model,
                         const IslandLink& link, const std::function<void(double)>& progress = {});

}  // namespace fivefold
