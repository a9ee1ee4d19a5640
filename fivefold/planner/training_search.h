// Which layout of a training step is the fastest that fits: every cut of the model over the
// devices, with its schedules, micro batches, sharding and recomputation.
//
// The space: tp to the heads of attention; cp as long as a rank keeps 2,048 tokens of a sequence;
// pp to the layers, all schedules and all vpp; ep and etp that divide the experts; every micro
// batch that divides a replica's share; ZeRO 0 to 3; recomputation. A subtree falls where its
// compute alone takes longer than the last of the best. The same on any number of threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fivefold/training/training.h"

namespace fivefold {

struct TrainingPlan {
  TrainingLayout layout;
  TrainingEstimate estimate;
};

struct TrainingSearch {
  // The fastest of each cut (tp, pp, dp, cp, ep, etp), fastest first.
  std::vector<TrainingPlan> best;
  // Each is faster than all that need less memory; least memory first.
  std::vector<TrainingPlan> pareto;
  long layouts = 0;    // that divide machine, model and batch
  long too_large = 0;  // of them, need more memory than there is
  long too_slow = 0;   // of them, fell by their compute alone
};

// The cuts of a model over all devices: tp, pp, cp, dp, ep and etp that divide.
std::vector<TrainingLayout> training_cuts(const Machine& machine, const Model& model,
                                          const TrainingJob& job);

// `wanted` plans at most. Fails if nothing divides, or if nothing fits: then with what the layout
// that needs the least memory is short of.
Result<TrainingSearch> search_training(const TrainingModel& training, const Machine& machine,
                                       const Model& model, const TrainingJob& job, int wanted = 10);

// The layout that fits and differs from this one in the fewest settings; of those the fastest.
std::optional<TrainingPlan> nearest_fit(const TrainingModel& training, const Machine& machine,
                                        const Model& model, const TrainingJob& job,
                                        const TrainingLayout& layout);

// Why a plan is slower than the best: the parts of the step that take longer, largest first.
std::string why_slower(const TrainingEstimate& plan, const TrainingEstimate& best);

}  // namespace fivefold
