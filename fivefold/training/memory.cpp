#include "fivefold/training/memory.h"

#include <algorithm>

#include "fivefold/training/data_parallel.h"
#include "fivefold/training/pipeline.h"

namespace fivefold {
namespace {

// Kept of so many layers of one kind by the policy of recomputation, of `again` of them.
Bytes layers_kept(const Step& step, const Activations& layer, int count, int again) {
  const TrainingLayout& l = step.layout;
  const Bytes policy = layer.of(l.recompute, l.recompute_modules);
  return again * policy + (count - again) * layer.of(Recompute::kNone);
}

// Inputs that wait in the host's memory leave two layers here, one that comes and one that is used.
Bytes share_kept(const Step& step, const StageShare& share) {
  const int again = full_layers(step.layout, share), lead = std::min(again, share.lead);
  const Activations& layer = step.cost.layer.activations;
  if (step.job.offload_activations && step.layout.recompute == Recompute::kFull) {
    const int kept = share.all_layers() - again;
    return std::min(2, again) * layer.input + kept * layer.of(Recompute::kNone);
  }
  return layers_kept(step, step.cost.lead.activations, share.lead, lead) +
         layers_kept(step, layer, share.layers, again - lead);
}

// What one micro batch needs while a layer is at work: all of a layer that is computed again, and
// the gradient of one that waits to be scattered.
Bytes at_work(const Step& step, double layer_parameters) {
  const TrainingLayout& l = step.layout;
  const Activations& layer = step.cost.layer.activations;
  Bytes bytes = layer.of(Recompute::kNone) - layer.of(l.recompute, l.recompute_modules);
  if (l.zero >= 2 && !step.job.frozen_base)
    bytes += Bytes(step.job.gradient_bytes * layer_parameters);
  return bytes;
}

}  // namespace

TrainingMemory rank_memory(const Step& step, int rank) {
  const TrainingLayout& l = step.layout;
  const OptimizerState& state = step.job.optimizer;
  const StageParameters local = rank_parameters(step, rank);
  const double all = local.all();
  const double shard = own_share(l, local);
  const LayerCost& layer = step.cost.layer;
  const double layer_parameters = layer.dense_parameters + layer.expert_parameters;
  const bool trained = !step.job.frozen_base;
  TrainingMemory m;
  // Frozen weights are kept as products take them.
  const double weight = trained ? state.weight_bytes() : bytes_per_value(step.job.format);
  m.weights = Bytes(weight * (l.zero >= 3 ? shard : all));
  if (trained) {
    m.gradients = Bytes(step.job.gradient_bytes * (l.zero >= 2 ? shard : all));
    if (!step.job.offload_optimizer)
      m.optimizer = Bytes(state.state_bytes() * (l.zero >= 1 ? shard : all));
  }
  Bytes loss;
  double around = 0;  // parameters of embedding and head
  for (int chunk = 0; chunk < chunks(l); ++chunk) {
    const StageShare share = stage_share(step, model_stage(l, rank, chunk));
    const double held = in_flight(l, rank, chunk, step.micro_batches());
    m.activations += held * share_kept(step, share);
    if (share.embedding) m.activations += held * step.cost.embedding.activations.kept;
    if (share.head) m.activations += step.cost.head.activations.kept;
    if (share.head)
      m.activations += held * step.cost.prediction.activations.of(l.recompute, l.recompute_modules);
    if (share.head) loss = step.cost.loss;
    if (share.embedding) around += step.cost.embedding.dense_parameters;
    if (share.head) around += step.cost.head.dense_parameters;
  }
  const Bytes work = at_work(step, layer_parameters);
  m.buffers = work;
  // Two layers of gathered weights; embedding and head stay gathered through the step.
  if (l.zero >= 3) m.buffers += Bytes(kWeightBytes * (2 * layer_parameters + around));
  // The loss is over before layers are at work again.
  m.loss = std::max(Bytes(), loss - work);
  m.fragmentation = step.on.parameters.fragmentation * (m.activations + m.loss + m.buffers);
  m.total =
      m.weights + m.gradients + m.optimizer + m.activations + m.loss + m.buffers + m.fragmentation;
  return m;
}

TrainingMemory most_memory(const Step& step) {
  TrainingMemory most;
  for (int rank = 0; rank < step.layout.pp; ++rank) {
    const TrainingMemory memory = rank_memory(step, rank);
    if (memory.total > most.total) most = memory;
  }
  return most;
}

}  // namespace fivefold
