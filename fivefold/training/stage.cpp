#include "fivefold/training/stage.h"

#include <algorithm>

#include "fivefold/training/groups.h"

namespace fivefold {
namespace {

void add_part(StageWork& work, const LayerCost& cost, int count, Recompute recompute) {
  if (count == 0) return;
  const bool full = recompute == Recompute::kFull;
  const Seconds again = full                            ? cost.forward
                        : recompute == Recompute::kNone ? Seconds()
                                                        : cost.selective;
  // A layer that is computed again communicates and is issued again.
  const double second = full ? 1 : 0;
  work.forward += count * cost.forward;
  work.backward += count * cost.backward;
  work.weight_gradient += count * cost.weight_gradient;
  work.recompute += count * again;
  work.tp_forward += count * cost.tp_forward;
  work.cp_forward += count * cost.cp_forward;
  work.ep_forward += count * cost.ep_forward;
  work.tp_backward += count * (cost.tp_backward + second * cost.tp_forward);
  work.cp_backward += count * (cost.cp_backward + second * cost.cp_forward);
  work.ep_backward += count * (cost.ep_backward + second * cost.ep_forward);
  work.issue_forward += count * cost.issue_forward;
  work.issue_backward += count * (cost.issue_backward + second * cost.issue_forward);
  work.wait_forward += count * cost.wait_forward;
  work.wait_backward += count * (cost.wait_backward + second * cost.wait_forward);
}

}  // namespace

StageWork& StageWork::operator+=(const StageWork& o) {
  forward += o.forward;
  backward += o.backward;
  recompute += o.recompute;
  weight_gradient += o.weight_gradient;
  tp_forward += o.tp_forward;
  tp_backward += o.tp_backward;
  cp_forward += o.cp_forward;
  cp_backward += o.cp_backward;
  ep_forward += o.ep_forward;
  ep_backward += o.ep_backward;
  issue_forward += o.issue_forward;
  issue_backward += o.issue_backward;
  wait_forward += o.wait_forward;
  wait_backward += o.wait_backward;
  return *this;
}

int chunks(const TrainingLayout& l) {
  const bool two = l.schedule == Schedule::kZbV || l.schedule == Schedule::kDualPipe;
  return two ? 2 : l.vpp;
}

int model_stages(const TrainingLayout& l) {
  return l.schedule == Schedule::kDualPipe ? l.pp : l.pp * chunks(l);
}

int model_stage(const TrainingLayout& l, int rank, int chunk) {
  switch (l.schedule) {
    case Schedule::kDualPipe:
      return chunk == 0 ? rank : l.pp - 1 - rank;
    case Schedule::kZbV:
      return chunk == 0 ? rank : 2 * l.pp - 1 - rank;
    default:
      return chunk * l.pp + rank;
  }
}

namespace {

// Layers before `stage` where they are spread as evenly as they go: middle stages first, then the
// first, last the last.
int even_share(int layers, int stages, int stage) {
  const int whole = layers / stages, left = layers % stages;
  const int turn = stage == stages - 1 ? stages - 1
                   : stage == 0        ? std::max(0, stages - 2)
                                       : stage - 1;
  return whole + (turn < left ? 1 : 0);
}

int stage_layers(int layers, const TrainingLayout& l, int stage) {
  const int stages = model_stages(l);
  if (l.front_stages > 0) {
    return stage < l.front_stages ? even_share(l.front_layers, l.front_stages, stage)
                                  : even_share(layers - l.front_layers, stages - l.front_stages,
                                               stage - l.front_stages);
  }
  if (stage == 0 && l.first_layers > 0) return l.first_layers;
  if (stage == stages - 1 && l.last_layers > 0) return l.last_layers;
  if (l.first_layers == 0 && l.last_layers == 0) return even_share(layers, stages, stage);
  const int ends = (l.first_layers > 0 ? 1 : 0) + (l.last_layers > 0 ? 1 : 0);
  const int middle = layers - l.first_layers - l.last_layers;
  const int at = stage - (l.first_layers > 0 ? 1 : 0);
  const int whole = middle / (stages - ends), left = middle % (stages - ends);
  return whole + (at < left ? 1 : 0);
}

StageShare share_of(int all, int lead, const TrainingLayout& l, int stage) {
  const int layers = stage_layers(all, l, stage);
  StageShare share{0, layers, stage == 0, stage == model_stages(l) - 1};
  int before = 0;
  for (int s = 0; s < stage && before < lead; ++s) before += stage_layers(all, l, s);
  share.lead = std::clamp(lead - before, 0, layers);
  share.layers -= share.lead;
  return share;
}

}  // namespace

StageShare stage_share(const Model& model, const TrainingLayout& l, int stage) {
  return share_of(model.layer_count(), lead_layers(model), l, stage);
}

StageShare stage_share(const Step& step, int stage) {
  return share_of(step.cost.layers, step.cost.leading, step.layout, stage);
}

int full_layers(const TrainingLayout& l, const StageShare& share) {
  const bool some = l.recompute == Recompute::kFull && l.recompute_layers > 0;
  return some ? std::min(l.recompute_layers, share.all_layers()) : share.all_layers();
}

// Operators that the host issues to receive and send one micro batch.
constexpr double kHopOperators = 4;

// A library that overlaps nothing keeps no lead over the device either: every operator that is
// shorter than its issue is waited for, however long the others are.
void add_waits(const Step& step, StageWork& work) {
  if (step.job.overlap_pp || step.job.overlap_grad_reduce) return;
  work.issue_forward = std::max(work.issue_forward, work.forward_device() + work.wait_forward);
  work.issue_backward = std::max(work.issue_backward, work.backward_device() + work.wait_backward);
}

StageWork stage_work(const Step& step, const StageShare& share) {
  StageWork work;
  if (step.layout.pp > 1) {
    work.issue_forward = work.issue_backward = kHopOperators * step.on.parameters.host_time;
  }
  const Recompute recompute = step.layout.recompute;
  const int again = full_layers(step.layout, share);
  const int lead = std::min(again, share.lead), rest = again - lead;
  add_part(work, step.cost.lead, lead, recompute);
  add_part(work, step.cost.layer, rest, recompute);
  // Of full recomputation of some layers, the others keep all.
  add_part(work, step.cost.lead, share.lead - lead, Recompute::kNone);
  add_part(work, step.cost.layer, share.layers - rest, Recompute::kNone);
  // Neither the embedding nor the head is computed again.
  add_part(work, step.cost.embedding, share.embedding ? 1 : 0, Recompute::kNone);
  add_part(work, step.cost.head, share.head ? 1 : 0, Recompute::kNone);
  add_part(work, step.cost.prediction, share.head ? 1 : 0, recompute);
  add_waits(step, work);
  return work;
}

StageParameters rank_parameters(const Step& step, int rank) {
  StageParameters sum;
  const ModelCost& cost = step.cost;
  bool embedding = false;
  for (int chunk = 0; chunk < chunks(step.layout); ++chunk) {
    const int stage = model_stage(step.layout, rank, chunk);
    const StageShare share = stage_share(step, stage);
    sum.dense +=
        share.lead * cost.lead.dense_parameters + share.layers * cost.layer.dense_parameters;
    sum.expert += share.layers * cost.layer.expert_parameters;
    if (share.embedding) sum.dense += cost.embedding.dense_parameters;
    embedding = embedding || share.embedding;
    if (!share.head) continue;
    sum.dense += cost.head.dense_parameters + cost.prediction.dense_parameters;
    sum.expert += cost.prediction.expert_parameters;
    // A tied head on another rank than the embedding keeps its own copy.
    if (!embedding && step.on.model.lm_head && step.on.model.tied_embeddings)
      sum.dense += cost.table;
  }
  return sum;
}

int rank_layers(const Step& step, int rank) {
  int layers = 0;
  for (int chunk = 0; chunk < chunks(step.layout); ++chunk) {
    const int stage = model_stage(step.layout, rank, chunk);
    layers += stage_share(step, stage).all_layers();
  }
  return layers;
}

// What every tp rank holds alike is sent in parts and gathered there (Narayanan 2021, section 4.1).
Seconds hop_time(const Step& step) {
  const TrainingLayout& l = step.layout;
  if (l.pp == 1) return Seconds();
  const Group stages = pipeline_group(step.on.machine, l);
  const auto send = [&](Bytes bytes) {
    return collective_time(step.on.machine, Collective::kSendRecv, stages, bytes).time;
  };
  const Seconds whole = send(step.cost.boundary);
  if (l.tp == 1 || l.sequence_parallel) return whole;
  const Group slices = tensor_group(step.on.machine, l);
  const Seconds gather =
      collective_time(step.on.machine, Collective::kAllGather, slices, step.cost.boundary).time;
  return std::min(whole, send(step.cost.boundary / l.tp) + gather);
}

}  // namespace fivefold
