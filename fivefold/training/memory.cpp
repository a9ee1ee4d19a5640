#include "fivefold/training/memory.h"

#include "fivefold/training/data_parallel.h"
#include "fivefold/training/pipeline.h"

namespace fivefold {

TrainingMemory rank_memory(const Step& step, int rank) {
  const TrainingLayout& l = step.layout;
  const StageParameters local = rank_parameters(step, rank);
  const double all = local.all();
  const double shard = own_share(l, local);
  const LayerCost& layer = step.cost.layer;
  const double layer_parameters = layer.dense_parameters + layer.expert_parameters;
  TrainingMemory m;
  m.weights = Bytes(kWeightBytes * (l.zero >= 3 ? shard : all));
  if (!step.job.frozen_base) {
    m.gradients = Bytes(step.job.gradient_bytes * (l.zero >= 2 ? shard : all));
    m.optimizer = Bytes(kOptimizerBytes * (l.zero >= 1 ? shard : all));
  }
  for (int chunk = 0; chunk < chunks(l); ++chunk) {
    const StageShare share = stage_share(step.on.model, l, model_stage(l, rank, chunk));
    const double held = in_flight(l, rank, chunk, step.micro_batches());
    m.activations += held * share.lead * step.cost.lead.activations.of(l.recompute);
    m.activations += held * share.layers * layer.activations.of(l.recompute);
    if (share.embedding) m.activations += held * step.cost.embedding.activations.kept;
    if (share.head) m.activations += step.cost.head.activations.kept;
    if (share.head) m.activations += held * step.cost.prediction.activations.of(l.recompute);
  }
  // While a layer is computed again, all of it is there.
  m.buffers += layer.activations.kept - layer.activations.of(l.recompute);
  // Two layers of gathered weights, and of the gradient of one that waits to be scattered.
  if (l.zero >= 3) m.buffers += Bytes(2 * kWeightBytes * layer_parameters);
  if (l.zero >= 2 && !step.job.frozen_base)
    m.buffers += Bytes(step.job.gradient_bytes * layer_parameters);
  m.total = m.weights + m.gradients + m.optimizer + m.activations + m.buffers;
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
