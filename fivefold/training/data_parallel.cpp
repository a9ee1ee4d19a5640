#include "fivefold/training/data_parallel.h"

#include <algorithm>

#include "fivefold/training/groups.h"

namespace fivefold {

int dense_replicas(const TrainingLayout& l) {
  return l.dp * l.cp;
}

int expert_replicas(const TrainingLayout& l) {
  return l.tp * l.cp * l.dp / (l.ep * l.etp);
}

int shards(const TrainingLayout& l, int replicas) {
  return l.shard > 0 ? std::min(l.shard, replicas) : replicas;
}

double own_share(const TrainingLayout& l, const StageParameters& local) {
  return local.dense / shards(l, dense_replicas(l)) + local.expert / shards(l, expert_replicas(l));
}

namespace {

// Replicas of one kind of parameter: how many, and how far apart.
struct Replicas {
  double parameters = 0;
  int size = 1, stride = 1;
};

Seconds time_among(const Step& step, Collective collective, int size, int stride, Bytes bytes) {
  const Group group = stage_group(step.on.machine, step.layout, size, stride);
  return collective_time(step.on.machine, collective, group, bytes).time;
}

// Gradients reduced to shards, or all of them where nothing is sharded.
Seconds reduce_time(const Step& step, const Replicas& r) {
  const Bytes bytes(step.job.gradient_bytes * r.parameters);
  const bool sharded = step.layout.zero > 0;
  const int size = sharded ? shards(step.layout, r.size) : r.size;
  return time_among(step, sharded ? Collective::kReduceScatter : Collective::kAllReduce, size,
                    r.stride, bytes);
}

// Copies of a shard (HSDP) then agree by an all-reduce.
Seconds copies_time(const Step& step, const Replicas& r) {
  if (step.layout.zero == 0) return Seconds();
  const int shard = shards(step.layout, r.size);
  const Bytes bytes(step.job.gradient_bytes * r.parameters / shard);
  return time_among(step, Collective::kAllReduce, r.size / shard, r.stride * shard, bytes);
}

Seconds gather_time(const Step& step, const Replicas& r) {
  const Group group =
      stage_group(step.on.machine, step.layout, shards(step.layout, r.size), r.stride);
  return collective_time(step.on.machine, Collective::kAllGather, group,
                         Bytes(kWeightBytes * r.parameters))
      .time;
}

struct WholeTime {
  Seconds reduce, copies, gather;
};

WholeTime whole_time(const Step& step, const StageParameters& parameters) {
  const TrainingLayout& l = step.layout;
  const Replicas dense{parameters.dense, dense_replicas(l), l.tp};
  WholeTime time{reduce_time(step, dense), copies_time(step, dense), gather_time(step, dense)};
  if (parameters.expert > 0) {
    const Replicas expert{parameters.expert, expert_replicas(l), l.ep * l.etp};
    time.reduce += reduce_time(step, expert);
    time.copies += copies_time(step, expert);
    time.gather += gather_time(step, expert);
  }
  return time;
}

// Of a transfer, what compute does not hide, and `least` of it in any case. What is hidden takes
// cores from the compute beside it.
Seconds exposed(const Step& step, Seconds transfer, Seconds compute, Seconds least) {
  const Seconds seen = std::max(least, transfer - compute);
  const int cores = step.on.kernels.device().cores;
  const double taken = cores > 0 ? step.on.parameters.communication_cores / cores : 0;
  return seen + taken * (transfer - seen);
}

}  // namespace

ReplicaTime replica_time(const Step& step, const StageWork& work, int rank) {
  const TrainingLayout& l = step.layout;
  const bool replicated = dense_replicas(l) > 1 || expert_replicas(l) > 1;
  if (!replicated || step.job.frozen_base) return {};
  const int layers = rank_layers(step, rank);
  auto [reduce, copies, gather] = whole_time(step, rank_parameters(step, rank));
  // Among copies of shards a scan over layers reduces once, behind the last micro batch (XLA).
  Seconds after;
  if (l.zero == 3 && !step.job.overlap_grad_reduce) {
    after = copies;
  } else {
    reduce += copies;
  }
  // A bucket is a layer: the last one reduced and the first one gathered are always seen.
  const Seconds last = reduce / std::max(1, layers), first = gather / std::max(1, layers);
  ReplicaTime time{.reduce = reduce, .gather = gather};
  if (l.zero == 3) {
    // Every micro batch gathers each layer before its forward and its backward pass and scatters
    // its gradient.
    const Seconds pass = exposed(step, gather, work.forward_pass(), Seconds()) +
                         exposed(step, gather + reduce, work.backward_pass(), Seconds());
    time.reduce_seen = last + after;
    time.gather_seen = step.passes() * pass + first;
    return time;
  }
  time.reduce_seen =
      step.job.overlap_grad_reduce ? exposed(step, reduce, work.backward_pass(), last) : reduce;
  // Gradients that stay sharded are reduced behind every micro batch.
  if (l.zero == 2) {
    const Seconds pass =
        step.job.overlap_grad_reduce ? exposed(step, reduce, work.backward_pass(), {}) : reduce;
    time.reduce_seen += (step.passes() - 1) * pass;
  }
  if (l.zero == 0) return time;
  time.gather_seen =
      step.job.overlap_param_gather ? exposed(step, gather, work.forward_pass(), first) : gather;
  return time;
}

Seconds data_parallel_time(const Step& step, const StageWork& work, int rank) {
  return replica_time(step, work, rank).seen();
}

// Adam reads gradient, master weight and moments and writes all but the gradient, and the weight;
// the norm of the gradients reads them once more, and they are set to zero for the next step.
Seconds optimizer_time(const Step& step, int rank) {
  if (step.job.frozen_base) return Seconds();
  const StageParameters local = rank_parameters(step, rank);
  const bool sharded = step.layout.zero >= 1;
  const double all = local.dense + local.expert;
  const double own = sharded ? own_share(step.layout, local) : all;
  const double gradient = step.job.gradient_bytes;
  // Gradients go to the host, which updates while the last ones arrive, and weights come back.
  if (step.job.offload_optimizer) {
    return Bytes(own * (gradient + kWeightBytes)) / step.job.host_link;
  }
  const OptimizerState& optimizer = step.job.optimizer;
  const double state = optimizer.state_bytes(), weight = optimizer.weight_bytes();
  const double master = optimizer.master == MasterWeights::kIsWeight ? weight : 0;
  const Streaming update{
      .read = Bytes(own * (2 * gradient + state + master)),
      .written = Bytes(own * (state + weight) + (step.layout.zero >= 2 ? own : all) * gradient),
      .ops = Ops(own * 12)};
  return step.on.kernels.time(Family::kMemoryBound, update).time;
}

}  // namespace fivefold
