#include "fivefold/training/mixed.h"

#include <algorithm>

#include <fmt/format.h>

#include "fivefold/training/data_parallel.h"
#include "fivefold/training/memory.h"
#include "fivefold/training/pipeline.h"
#include "fivefold/training/task_times.h"

namespace fivefold {
namespace {

constexpr Seconds kLinkLatency{10e-6};

double tokens_of(const TrainingJob& job) {
  return double(job.global_batch) * job.seq_len;
}

// What of a transfer the last backward pass does not hide, and a bucket of a layer in any case.
Seconds seen_exchange(Seconds transfer, Seconds backward, int layers, bool overlapped) {
  if (!overlapped) return transfer;
  return std::max(transfer / std::max(1, layers), transfer - backward);
}

Error differs(const char* what) {
  return make_error(fmt::format("{} of the two islands differ", what),
                    "one pipeline passes through both");
}

// One pipeline rank on its island.
struct Rank {
  Seconds forward, backward;
  StageWork work;
};

Rank rank_of(const Step& step, int rank) {
  const StageWork work = stage_work(step, stage_share(step, rank));
  return {work.forward_pass(), work.backward_pass(), work};
}

Result<void> check_stages(const std::array<Island, 2>& islands, const Model& model,
                          const std::array<TrainingLayout, 2>& layouts) {
  const TrainingLayout &a = layouts[0], &b = layouts[1];
  if (a.dp != b.dp) return fail(differs("dp"));
  if (a.micro_batch != b.micro_batch) return fail(differs("micro batches"));
  if (a.pp != b.pp || a.front_stages != b.front_stages || a.front_layers != b.front_layers) {
    return fail(differs("stages"));
  }
  const std::array<int, 2> stages = {a.front_stages, a.pp - a.front_stages};
  const std::array<int, 2> layers = {a.front_layers, model.layer_count() - a.front_layers};
  for (int i = 0; i < 2; ++i) {
    const TrainingLayout& l = layouts[std::size_t(i)];
    if (stages[std::size_t(i)] < 1 || layers[std::size_t(i)] < stages[std::size_t(i)]) {
      return fail(fmt::format("{} layers on {} stages of island {}", layers[std::size_t(i)],
                              stages[std::size_t(i)], i + 1),
                  "each stage holds at least one layer");
    }
    const int devices = l.tp * l.cp * l.dp * stages[std::size_t(i)];
    const int there = islands[std::size_t(i)].machine->devices;
    if (devices != there) {
      return fail(fmt::format("tp x cp x dp x stages = {} is not the {} devices of island {}",
                              devices, there, i + 1));
    }
  }
  return {};
}

}  // namespace

IslandLink default_link(const Island& a, const Island& b) {
  const auto port = [](const Island& island) { return island.machine->levels.back().bandwidth; };
  return {std::min(port(a), port(b)), kLinkLatency};
}

MixedEstimate join_replicas(const std::array<Island, 2>& islands, const Model& model,
                            const std::array<TrainingEstimate, 2>& steps,
                            const std::array<int, 2>& micro_batches, const IslandLink& link) {
  MixedEstimate e;
  const int devices = std::min(islands[0].machine->devices, islands[1].machine->devices);
  const Bytes gradients(islands[0].job.gradient_bytes * count_parameters(model).total);
  const Seconds transfer = gradients / (double(devices) * link.per_device) + link.latency;
  Seconds hidden{1e30};
  for (std::size_t i = 0; i < 2; ++i) {
    e.alone[i] = steps[i].step;
    e.memory[i] = steps[i].memory;
    hidden = std::min(hidden, steps[i].backward / micro_batches[i]);
  }
  e.exchange =
      seen_exchange(transfer, hidden, model.layer_count(), islands[0].job.overlap_grad_reduce);
  e.step = std::max(e.alone[0], e.alone[1]) + e.exchange;
  e.tokens_per_second = tokens_of(islands[0].job) / e.step.value();
  return e;
}

Result<MixedEstimate> estimate_stages(const std::array<Island, 2>& islands, const Model& model,
                                      const std::array<TrainingLayout, 2>& layouts,
                                      const IslandLink& link) {
  if (auto possible = check_stages(islands, model, layouts); !possible) {
    return fail(possible.error());
  }
  const TrainingLayout& shared = layouts[0];
  const std::array<Step, 2> steps = {islands[0].training->step(islands[0].job, layouts[0]),
                                     islands[1].training->step(islands[1].job, layouts[1])};
  const auto island_of = [&](int rank) { return std::size_t(rank < shared.front_stages ? 0 : 1); };
  MixedEstimate e;
  std::vector<Rank> ranks;
  for (int rank = 0; rank < shared.pp; ++rank) {
    const std::size_t i = island_of(rank);
    ranks.push_back(rank_of(steps[i], rank));
    const TrainingMemory memory = rank_memory(steps[i], rank);
    if (memory.total > islands[i].machine->device.memory_capacity) {
      return fail(fmt::format("stage {} needs {:.1f} GB of {:.1f} GB on island {}", rank,
                              memory.total.value() / 1e9,
                              islands[i].machine->device.memory_capacity.value() / 1e9, i + 1));
    }
    if (memory.total > e.memory[i].total) e.memory[i] = memory;
    e.alone[i] = std::max(e.alone[i], double(steps[i].micro_batches()) *
                                          (ranks.back().forward + ranks.back().backward));
  }
  // All devices of the stage with fewer of them send at once.
  const Bytes boundary = std::max(steps[0].cost.boundary, steps[1].cost.boundary);
  const Seconds crossing = boundary / link.per_device + link.latency;
  const Seconds hop = std::max(hop_time(steps[0]), hop_time(steps[1]));
  e.exchange = std::max(Seconds(), crossing - hop);
  ranks[std::size_t(shared.front_stages - 1)].forward += e.exchange;
  ranks[std::size_t(shared.front_stages)].backward += e.exchange;

  TrainingLayout pipeline = shared;
  pipeline.schedule = Schedule::k1F1B;
  pipeline.vpp = 1;
  const int m = steps[0].micro_batches();
  const auto recurrence = kept_recurrence(pipeline, m);
  RecurrenceTimes times;
  const auto duration = [&](std::size_t task) {
    const RecurrenceTask& t = recurrence->tasks[task];
    const auto kind = TaskTime(std::size_t(t.time) % kTaskTimes);
    const bool forward = kind == TaskTime::kForward || kind == TaskTime::kPairedForward;
    const Rank& rank = ranks[std::size_t(t.rank)];
    return (forward ? rank.forward : rank.backward).value();
  };
  run(*recurrence, duration, hop.value(), true, times);
  Seconds passes, optimizer;
  for (int rank = 0; rank < shared.pp; ++rank) {
    const Step& step = steps[island_of(rank)];
    const Seconds end(times.rank_end[std::size_t(rank)]);
    passes = std::max(passes, end + data_parallel_time(step, ranks[std::size_t(rank)].work, rank));
    optimizer = std::max(optimizer, optimizer_time(step, rank));
  }
  e.exchange = 2.0 * m * e.exchange;
  e.step = passes + optimizer;
  e.tokens_per_second = tokens_of(islands[0].job) / e.step.value();
  return e;
}

}  // namespace fivefold
