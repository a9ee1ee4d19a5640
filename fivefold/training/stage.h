// What each device of the pipeline holds, and what one micro batch costs it.
#pragma once

#include "fivefold/training/model_cost.h"

namespace fivefold {

// A step and all that it depends on.
struct Step {
  Subject on;
  const TrainingJob& job;
  const TrainingLayout& layout;
  const ModelCost& cost;
  int micro_batches() const { return job.global_batch / (layout.dp * layout.micro_batch); }
  // Of them, those that pass each chunk of a rank: DualPipe sends half of them either way.
  double passes() const {
    return micro_batches() / (layout.schedule == Schedule::kDualPipe ? 2.0 : 1.0);
  }
};

// A part of the model: so many of its leading dense layers, of the others, and what lies around
// them.
struct StageShare {
  int lead = 0, layers = 0;
  bool embedding = false, head = false;
  int all_layers() const { return lead + layers; }
  bool operator==(const StageShare&) const = default;
};

// Model chunks that a device holds: vpp of them interleaved, two in a V (ZB-V) and in DualPipe,
// where the second belongs to the pipeline that runs the other way.
int chunks(const TrainingLayout& layout);
// Parts that the model is cut into, first to last in the order of its layers.
int model_stages(const TrainingLayout& layout);
// Which of them is chunk `chunk` of pipeline rank `rank`.
int model_stage(const TrainingLayout& layout, int rank, int chunk);

// What does not divide goes to the middle stages first, since the first and the last one hold the
// embedding and the head; `first_layers` and `last_layers` of the layout say otherwise.
StageShare stage_share(const Model& model, const TrainingLayout& layout, int stage);
StageShare stage_share(const Step& step,
                       int stage);  // the same, without counting the model's layers

// Layers of a part that the policy of recomputation holds for: all, or the first so many.
int full_layers(const TrainingLayout& layout, const StageShare& share);

// One micro batch in one part of the model, on one device. A pass takes its compute and what
// communication leaves exposed, or as long as the host needs to issue it.
struct StageWork {
  Seconds forward, backward, recompute;  // compute; backward: of the input and of the weights
  Seconds weight_gradient;               // of backward
  Seconds tp_forward, tp_backward, cp_forward, cp_backward, ep_forward, ep_backward;
  Seconds issue_forward, issue_backward;
  Seconds wait_forward, wait_backward;  // model_cost.h

  Seconds forward_device() const { return forward + tp_forward + cp_forward + ep_forward; }
  Seconds backward_device() const {
    return backward + recompute + tp_backward + cp_backward + ep_backward;
  }
  Seconds forward_pass() const { return std::max(forward_device(), issue_forward); }
  Seconds backward_pass() const { return std::max(backward_device(), issue_backward); }
  Seconds host() const {
    return forward_pass() + backward_pass() - forward_device() - backward_device();
  }
  StageWork& operator+=(const StageWork& other);
};
StageWork stage_work(const Step& step, const StageShare& share);

// Parameters on one device, of layers and embeddings that all replicas hold and of experts.
struct StageParameters {
  double dense = 0, expert = 0;
  double all() const { return dense + expert; }
};
StageParameters rank_parameters(const Step& step, int rank);
int rank_layers(const Step& step, int rank);

// From one pipeline stage to the next: one micro batch in one direction.
Seconds hop_time(const Step& step);

}  // namespace fivefold
