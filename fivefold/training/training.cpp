#include "fivefold/training/training.h"

#include <algorithm>
#include <compare>
#include <map>
#include <mutex>
#include <shared_mutex>

#include <fmt/format.h>

#include "fivefold/training/layout.h"
#include "fivefold/training/memory.h"
#include "fivefold/training/model_cost.h"
#include "fivefold/training/pipeline.h"
#include "fivefold/training/simulate.h"

namespace fivefold {
namespace {

Ops model_ops(const Model& model, const TrainingJob& job) {
  const double context = (job.seq_len + 1) / 2.0;
  const double tokens = double(job.global_batch) * job.seq_len;
  return (job.frozen_base ? 2 : 3) * tokens * forward_ops_per_token(model, context);
}

OpsPerSecond peak_of(const KernelModel& kernels, Format format) {
  return kernels.device().peak_for(kernels.compute_format(format, format));
}

std::string gigabytes(Bytes bytes) {
  return fmt::format("{:.1f} GB", bytes.value() / 1e9);
}

Error too_large(const Step& step, const TrainingMemory& m, Bytes capacity) {
  int rank = 0;
  while (rank_memory(step, rank).total != m.total) ++rank;
  const std::pair<const char*, Bytes> kinds[] = {
      {"weights", m.weights},
      {"gradients", m.gradients},
      {"optimizer", m.optimizer},
      {"activations", m.activations},
      {"loss and buffers", m.loss + m.buffers + m.fragmentation}};
  const auto* most = std::max_element(std::begin(kinds), std::end(kinds),
                                      [](auto& a, auto& b) { return a.second < b.second; });
  return make_error(
      fmt::format("does not fit: {} needed of {} a device: {} too much, most of it {}{}",
                  gigabytes(m.total), gigabytes(capacity), gigabytes(m.total - capacity),
                  most->first,
                  step.layout.pp > 1 ? fmt::format(", on pipeline rank {}", rank) : ""),
      fmt::format("weights {}, gradients {}, optimizer {}, activations {}, loss and buffers {}",
                  gigabytes(m.weights), gigabytes(m.gradients), gigabytes(m.optimizer),
                  gigabytes(m.activations), gigabytes(m.loss + m.buffers + m.fragmentation)));
}

Result<TrainingMemory> memory_of(const Step& step, bool check) {
  const TrainingMemory memory = most_memory(step);
  const Bytes capacity = step.on.machine.device.memory_capacity;
  if (check && memory.total > capacity) return fail(too_large(step, memory, capacity));
  return memory;
}

// What follows from the time of the step.
void write_rates(const Step& step, TrainingEstimate& e) {
  const TrainingJob& job = step.job;
  e.model_ops = model_ops(step.on.model, job);
  const OpsPerSecond peak = peak_of(step.on.kernels, job.format) * double(step.layout.world());
  e.mfu = e.model_ops / e.step / peak;
  e.tokens_per_second = double(job.global_batch) * job.seq_len / e.step.value();
}

}  // namespace

TrainingJob as_megatron_core(TrainingJob job) {
  job.overlap_grad_reduce = job.overlap_param_gather = job.overlap_pp = true;
  job.overlap_tp = job.overlap_ep = true;
  job.narrow_saved = true;
  return job;
}

struct TrainingModel::Memo {
  // All that a ModelCost depends on.
  struct CostKey {
    int tp, ep, etp, cp, micro_batch, seq_len;
    int apart;  // stages between the replicas that share experts; 0: none
    bool sequence_parallel;
    Format format;
    bool overlap_tp, fused_attention, dropout, mtp, frozen_base, eager, narrow_saved,
        narrow_activations;
    double logit_bytes, expert_load;
    bool by_operator;
    Modules modules;
    auto operator<=>(const CostKey&) const = default;
  };
  static CostKey key_of(const TrainingJob& job, const TrainingLayout& l) {
    const bool apart = l.order == RankOrder::kTpCpPpDp && l.ep * l.etp > l.tp * l.cp;
    return {l.tp,
            l.ep,
            l.etp,
            l.cp,
            l.micro_batch,
            job.seq_len,
            apart ? l.pp : 0,
            l.sequence_parallel,
            job.format,
            job.overlap_tp,
            job.fused_attention,
            job.dropout,
            job.mtp,
            job.frozen_base,
            job.eager,
            job.narrow_saved,
            job.narrow_activations,
            job.logit_bytes,
            job.expert_load(),
            l.recompute == Recompute::kOps,
            l.recompute == Recompute::kSelective ? l.recompute_modules : Modules{}};
  }

  std::shared_mutex lock;
  std::map<CostKey, ModelCost> costs;
};

TrainingModel::TrainingModel(const Machine& machine, const Model& model, const KernelModel& kernels)
    : machine_(&machine), model_(&model), kernels_(&kernels), memo_(std::make_shared<Memo>()) {
  for (const Format format : kAllFormats) {
    parameters_[std::size_t(format)] =
        training_parameters(kernels.stack(), kernels.device(), format);
  }
}

TrainingModel::TrainingModel(const Machine& machine, const Model& model, const KernelModel& kernels,
                             const TrainingParameters& parameters)
    : machine_(&machine), model_(&model), kernels_(&kernels), memo_(std::make_shared<Memo>()) {
  parameters_.fill(parameters);
}

const ModelCost& TrainingModel::cost(const TrainingJob& job, const TrainingLayout& layout) const {
  const Memo::CostKey key = Memo::key_of(job, layout);
  {
    const std::shared_lock reading(memo_->lock);
    const auto found = memo_->costs.find(key);
    if (found != memo_->costs.end()) return found->second;
  }
  const ModelCost computed = model_cost(
      {*machine_, *model_, *kernels_, parameters_[std::size_t(job.format)]}, job, layout);
  const std::unique_lock writing(memo_->lock);
  return memo_->costs.emplace(key, computed).first->second;
}

Step TrainingModel::step(const TrainingJob& job, const TrainingLayout& layout) const {
  return {{*machine_, *model_, *kernels_, parameters_[std::size_t(job.format)]},
          job,
          layout,
          cost(job, layout)};
}

TrainingMemory TrainingModel::memory(const TrainingJob& job, const TrainingLayout& layout) const {
  return most_memory(step(job, layout));
}

Seconds TrainingModel::least_step(const TrainingJob& job, const TrainingLayout& layout) const {
  const ModelCost& c = cost(job, layout);
  const int lead = lead_layers(*model_);
  const auto passes = [](const LayerCost& part) { return part.forward + part.backward; };
  const Seconds micro_batch = lead * passes(c.lead) +
                              (model_->layer_count() - lead) * passes(c.layer) +
                              passes(c.embedding) + passes(c.head);
  return double(job.global_batch) / layout.micro_batch / (layout.pp * layout.dp) * micro_batch;
}

Result<TrainingEstimate> TrainingModel::estimate(const TrainingJob& job,
                                                 const TrainingLayout& layout,
                                                 bool check_memory) const {
  if (auto possible = check_layout(*machine_, *model_, job, layout); !possible) {
    return fail(std::move(possible.error()));
  }
  const Step step = this->step(job, layout);
  const auto memory = memory_of(step, check_memory);
  if (!memory) return fail(memory.error());
  TrainingEstimate e;
  e.memory = *memory;
  pipeline_time(step, e);
  write_rates(step, e);
  return e;
}

Result<TrainingSimulation> TrainingModel::simulate(const TrainingJob& job,
                                                   const TrainingLayout& layout,
                                                   const SimulateOptions& options,
                                                   bool check_memory) const {
  if (auto possible = check_layout(*machine_, *model_, job, layout); !possible) {
    return fail(std::move(possible.error()));
  }
  const Step step = this->step(job, layout);
  const auto memory = memory_of(step, check_memory);
  if (!memory) return fail(memory.error());
  auto simulation = simulate_step(step, options);
  if (!simulation) return simulation;
  simulation->totals.memory = *memory;
  write_rates(step, simulation->totals);
  return simulation;
}

}  // namespace fivefold
