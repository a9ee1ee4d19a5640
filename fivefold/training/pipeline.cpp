#include "fivefold/training/pipeline.h"

#include <algorithm>

#include "fivefold/training/layout.h"

namespace fivefold {
namespace {

constexpr double kWeightBytes = 2;
// FP32 master weight and the two moments of Adam, of each parameter (ZeRO, arXiv 1910.02054,
// section 3.1).
constexpr double kOptimizerBytes = 12;

// One micro batch on one stage.
struct StageTime {
  Seconds forward, backward, recompute, tp, cp, ep;
  Seconds issue;  // the host's, beside all of it
  Seconds device() const { return forward + backward + recompute + tp + cp + ep; }
  Seconds total() const { return std::max(device(), issue); }
  // What a gradient or weight on its way can hide behind.
  Seconds forward_all, backward_all;
};

void add_part(StageTime& time, const LayerCost& cost, double count, Recompute recompute) {
  const bool full = recompute == Recompute::kFull;
  const double passes = full ? 2 : 1;
  const Seconds again = full                                 ? cost.forward
                        : recompute == Recompute::kSelective ? cost.selective
                                                             : Seconds();
  time.forward += count * cost.forward;
  time.backward += count * cost.backward;
  time.recompute += count * again;
  time.issue += count * (passes * cost.issue_forward + cost.issue_backward);
  time.tp += count * (passes * cost.tp_forward + cost.tp_backward);
  time.cp += count * (passes * cost.cp_forward + cost.cp_backward);
  time.ep += count * (passes * cost.ep_forward + cost.ep_backward);
  const Seconds forward = cost.forward + cost.tp_forward + cost.cp_forward + cost.ep_forward;
  time.forward_all += count * forward;
  time.backward_all +=
      count * (cost.backward + again + cost.tp_backward + cost.cp_backward + cost.ep_backward);
}

StageTime stage_time(const Pipeline& p, int stage) {
  StageTime time;
  add_part(time, p.cost.layer, stage_layers(p.on.model.layer_count(), p.layout.pp, stage),
           p.layout.recompute);
  // Neither the embedding nor the head is computed again.
  if (stage == 0) add_part(time, p.cost.embedding, 1, Recompute::kNone);
  if (stage == p.layout.pp - 1) add_part(time, p.cost.head, 1, Recompute::kNone);
  return time;
}

struct StageParameters {
  double dense = 0, expert = 0;
};

StageParameters stage_parameters(const Pipeline& p, int stage) {
  const double layers = stage_layers(p.on.model.layer_count(), p.layout.pp, stage);
  const bool first = stage == 0, last = stage == p.layout.pp - 1;
  StageParameters sum{layers * p.cost.layer.dense_parameters,
                      layers * p.cost.layer.expert_parameters};
  if (first) sum.dense += p.cost.embedding.dense_parameters;
  if (last) sum.dense += p.cost.head.dense_parameters;
  // A tied head on another stage than the embedding keeps its own copy.
  if (last && !first && p.on.model.lm_head && p.on.model.tied_embeddings) sum.dense += p.cost.table;
  return sum;
}

int dense_replicas(const TrainingLayout& l) {
  return l.dp * l.cp;
}
int expert_replicas(const TrainingLayout& l) {
  return l.tp * l.cp * l.dp / (l.ep * l.etp);
}
// Replicas that ZeRO spreads over, of so many.
int shards(const TrainingLayout& l, int replicas) {
  return l.shard > 0 ? std::min(l.shard, replicas) : replicas;
}

// Replicas of one kind of parameter: how many, and how far apart.
struct Replicas {
  double parameters = 0;
  int size = 1, stride = 1;
};

// Gradients reduced to shards, or all of them where nothing is sharded; copies of a shard (HSDP)
// then agree by an all-reduce.
Seconds reduce_time(const Pipeline& p, const Replicas& r) {
  const Bytes bytes(p.job.gradient_bytes * r.parameters);
  const auto time = [&](Collective collective, int size, int stride, Bytes of) {
    return collective_time(p.on.machine, collective, make_group(p.on.machine, size, stride), of)
        .time;
  };
  if (p.layout.zero == 0) return time(Collective::kAllReduce, r.size, r.stride, bytes);
  const int shard = shards(p.layout, r.size);
  return time(Collective::kReduceScatter, shard, r.stride, bytes) +
         time(Collective::kAllReduce, r.size / shard, r.stride * shard, bytes / shard);
}

Seconds gather_time(const Pipeline& p, const Replicas& r) {
  const Group group = make_group(p.on.machine, shards(p.layout, r.size), r.stride);
  return collective_time(p.on.machine, Collective::kAllGather, group,
                         Bytes(kWeightBytes * r.parameters))
      .time;
}

struct ReplicaTime {
  Seconds reduce, gather;
};

ReplicaTime replica_time(const Pipeline& p, const StageParameters& parameters) {
  const TrainingLayout& l = p.layout;
  const Replicas dense{parameters.dense, dense_replicas(l), l.tp};
  ReplicaTime time{reduce_time(p, dense), gather_time(p, dense)};
  if (parameters.expert > 0) {
    const Replicas expert{parameters.expert, expert_replicas(l), l.ep * l.etp};
    time.reduce += reduce_time(p, expert);
    time.gather += gather_time(p, expert);
  }
  return time;
}

// Of a transfer, what compute does not hide, and `least` of it in any case. What is hidden takes
// cores from the compute beside it.
Seconds exposed(const Pipeline& p, Seconds transfer, Seconds compute, Seconds least) {
  const Seconds seen = std::max(least, transfer - compute);
  const int cores = p.on.kernels.device().cores;
  const double taken = cores > 0 ? p.on.parameters.communication_cores / cores : 0;
  return seen + taken * (transfer - seen);
}

Seconds data_parallel_time(const Pipeline& p, const StageTime& time, int stage) {
  const TrainingLayout& l = p.layout;
  const bool replicated = dense_replicas(l) > 1 || expert_replicas(l) > 1;
  if (!replicated || p.job.frozen_base) return Seconds();
  const int layers = stage_layers(p.on.model.layer_count(), l.pp, stage);
  const StageParameters parameters = stage_parameters(p, stage);
  const auto [reduce, gather] = replica_time(p, parameters);
  // A bucket is a layer: the last one reduced and the first one gathered are always seen.
  const Seconds last = reduce / std::max(1, layers), first = gather / std::max(1, layers);
  const Seconds reduced =
      p.job.overlap_grad_reduce ? exposed(p, reduce, time.backward_all, last) : reduce;
  if (l.zero == 0) return reduced;
  if (l.zero == 3) {
    // Every micro batch gathers each layer before its forward and its backward pass and scatters
    // its gradient.
    const Seconds pass = exposed(p, gather, time.forward_all, Seconds()) +
                         exposed(p, gather + reduce, time.backward_all, Seconds());
    return double(p.micro_batches()) * pass + first + last;
  }
  return reduced +
         (p.job.overlap_param_gather ? exposed(p, gather, time.forward_all, first) : gather);
}

// Parameters of a stage that one rank owns where ZeRO shards them.
double own_share(const TrainingLayout& l, const StageParameters& local) {
  return local.dense / shards(l, dense_replicas(l)) + local.expert / shards(l, expert_replicas(l));
}

// Adam reads gradient, master weight and moments and writes all but the gradient, and the weight;
// the norm of the gradients reads them once more, and they are set to zero for the next step.
Seconds optimizer_time(const Pipeline& p, int stage) {
  if (p.job.frozen_base) return Seconds();
  const StageParameters local = stage_parameters(p, stage);
  const bool sharded = p.layout.zero >= 1;
  const double all = local.dense + local.expert;
  const double own = sharded ? own_share(p.layout, local) : all;
  const double gradient = p.job.gradient_bytes;
  const Streaming update{.read = Bytes(own * (2 * gradient + kOptimizerBytes)),
                         .written = Bytes(own * (kOptimizerBytes + kWeightBytes) +
                                          (p.layout.zero >= 2 ? own : all) * gradient),
                         .ops = Ops(own * 12)};
  return p.on.kernels.time(Family::kMemoryBound, update).time;
}

// One micro batch to the next stage. What every tp rank holds alike is sent in parts and gathered
// there (Narayanan 2021, section 4.1).
Seconds hop_time(const Pipeline& p, const Group& stages) {
  const auto send = [&](Bytes bytes) {
    return collective_time(p.on.machine, Collective::kSendRecv, stages, bytes).time;
  };
  const Seconds whole = send(p.cost.boundary);
  if (p.layout.tp == 1 || p.layout.sequence_parallel) return whole;
  const Group slices = make_group(p.on.machine, p.layout.tp, 1);
  const Seconds gather =
      collective_time(p.on.machine, Collective::kAllGather, slices, p.cost.boundary).time;
  return std::min(whole, send(p.cost.boundary / p.layout.tp) + gather);
}

// Between stages: a micro batch passes forward and backward, and v times that if interleaved, where
// the library sends beside the compute of another chunk. Filling and draining are always seen.
Seconds pipeline_communication(const Pipeline& p, Seconds compute) {
  const TrainingLayout& l = p.layout;
  if (l.pp == 1) return Seconds();
  const Group stages = make_group(p.on.machine, l.pp, l.tp * l.cp * l.dp);
  const Seconds hop = hop_time(p, stages);
  const Seconds fill = 2.0 * (l.pp - 1) * hop;
  const Seconds steady = 2.0 * l.vpp * p.micro_batches() * hop;
  const bool hidden = l.schedule == Schedule::kInterleaved && p.job.overlap_pp;
  return fill + (hidden ? std::max(Seconds(), steady - compute) : steady);
}

Seconds longer(Seconds a, Seconds b) {
  return std::max(a, b);
}

}  // namespace

double in_flight(const TrainingLayout& l, int stage, int micro_batches) {
  if (l.schedule == Schedule::kGpipe) return micro_batches;
  if (l.vpp == 1) return std::min(micro_batches, l.pp - stage);
  const double chunks = 2.0 * (l.pp - stage - 1) + (l.vpp - 1.0) * l.pp + 1;
  return std::min(double(micro_batches), chunks / l.vpp);
}

void pipeline_time(const Pipeline& p, TrainingEstimate& e) {
  const TrainingLayout& l = p.layout;
  const double m = p.micro_batches();
  int busiest = 0;
  StageTime slowest;
  Seconds sum;
  for (int stage = 0; stage < l.pp; ++stage) {
    const StageTime time = stage_time(p, stage);
    sum += time.total();
    if (stage == 0 || time.total() > slowest.total()) {
      slowest = time;
      busiest = stage;
    }
  }
  e.forward = m * slowest.forward;
  e.backward = m * slowest.backward;
  e.recompute = m * slowest.recompute;
  e.tp_exposed = m * slowest.tp;
  e.cp_exposed = m * slowest.cp;
  e.ep_exposed = m * slowest.ep;
  e.host = m * (slowest.total() - slowest.device());
  e.bubble = (sum - slowest.total()) / l.vpp;
  e.pp_exposed = pipeline_communication(p, m * slowest.total());
  // The first stage ends last; the busiest holds as much or more.
  e.dp_exposed = longer(data_parallel_time(p, slowest, busiest), data_parallel_time(p, slowest, 0));
  e.optimizer = longer(optimizer_time(p, busiest), optimizer_time(p, 0));
  e.step = e.forward + e.backward + e.recompute + e.tp_exposed + e.cp_exposed + e.ep_exposed +
           e.pp_exposed + e.bubble + e.dp_exposed + e.optimizer + e.host;
}

namespace {

TrainingMemory stage_memory(const Pipeline& p, int stage) {
  const TrainingLayout& l = p.layout;
  const StageParameters local = stage_parameters(p, stage);
  const double all = local.dense + local.expert;
  const double shard = own_share(l, local);
  const LayerCost& layer = p.cost.layer;
  const double layer_parameters = layer.dense_parameters + layer.expert_parameters;
  TrainingMemory m;
  m.weights = Bytes(kWeightBytes * (l.zero >= 3 ? shard : all));
  if (!p.job.frozen_base) {
    m.gradients = Bytes(p.job.gradient_bytes * (l.zero >= 2 ? shard : all));
    m.optimizer = Bytes(kOptimizerBytes * (l.zero >= 1 ? shard : all));
  }
  const double held = in_flight(l, stage, p.micro_batches());
  const int layers = stage_layers(p.on.model.layer_count(), l.pp, stage);
  m.activations = held * layers * layer.activations.of(l.recompute);
  if (stage == 0) m.activations += held * p.cost.embedding.activations.kept;
  if (stage == l.pp - 1) m.activations += p.cost.head.activations.kept;
  // While a layer is computed again, all of it is there.
  m.buffers += layer.activations.kept - layer.activations.of(l.recompute);
  // Two layers of gathered weights, and of the gradient of one that waits to be scattered.
  if (l.zero >= 3) m.buffers += Bytes(2 * kWeightBytes * layer_parameters);
  if (l.zero >= 2 && !p.job.frozen_base)
    m.buffers += Bytes(p.job.gradient_bytes * layer_parameters);
  m.total = m.weights + m.gradients + m.optimizer + m.activations + m.buffers;
  return m;
}

}  // namespace

TrainingMemory pipeline_memory(const Pipeline& p) {
  TrainingMemory most;
  for (int stage = 0; stage < p.layout.pp; ++stage) {
    const TrainingMemory memory = stage_memory(p, stage);
    if (memory.total > most.total) most = memory;
  }
  return most;
}

}  // namespace fivefold
