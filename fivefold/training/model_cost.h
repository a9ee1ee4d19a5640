// What one micro batch costs in one layer, in the embedding and in the head, on one device: all of
// a training step that depends neither on pp nor on the schedule.
#pragma once

#include "fivefold/training/activations.h"
#include "fivefold/training/training.h"

namespace fivefold {

// What is trained on what.
struct Subject {
  const Machine& machine;
  const Model& model;
  const KernelModel& kernels;
  TrainingParameters parameters;
};

struct LayerCost {
  Seconds forward, backward;
  Seconds weight_gradient;  // of backward: what no other stage waits for
  Seconds selective;        // recomputation by a policy between none and all
  // Communication that no compute hides.
  Seconds tp_forward, tp_backward;
  Seconds cp_forward, cp_backward;
  // Exchange of tokens with experts, whether another micro batch hides it or not (task_times.h).
  Seconds ep_forward, ep_backward;
  // The host issues the operators in this time, beside the device.
  Seconds issue_forward, issue_backward;
  // What the device waits where the host issues each operator only when the one before begins.
  Seconds wait_forward, wait_backward;
  // Parameters on the device, which data-parallel replicas reduce: over dp x cp, and experts over
  // what ep leaves of it.
  double dense_parameters = 0;
  double expert_parameters = 0;
  Activations activations;
};

struct ModelCost {
  int layers = 0, leading = 0;  // of the model; dense ones before the first with experts
  LayerCost lead;               // a dense layer before those with experts
  LayerCost layer;              // the mean of the others
  LayerCost embedding;
  LayerCost head;
  LayerCost prediction;  // all layers that predict further tokens, with their heads
  double table = 0;      // parameters of the embedding table on the device
  Bytes boundary;        // one micro batch between two pipeline stages, one device
  Bytes loss;            // transient values of one micro batch (loss_buffers)
};

// Dense layers before the first one with experts (DeepSeek: 3). Layers that alternate count by
// their mean.
int lead_layers(const Model& model);

ModelCost model_cost(const Subject& subject, const TrainingJob& job, const TrainingLayout& layout);

}  // namespace fivefold
