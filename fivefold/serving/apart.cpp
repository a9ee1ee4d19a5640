#include "fivefold/serving/apart.h"

#include <algorithm>

#include <fmt/format.h>

#include "fivefold/serving/passes.h"

namespace fivefold {
namespace {

using serving::Instance;
using serving::Pass;

Seconds time_of(const StepParts& parts) {
  return parts.compute() + parts.tensor;
}

// Weights of a side alone: the other's layers are elsewhere.
Bytes weights_of(const Instance& in, const std::vector<LayerGroup>& halves) {
  Bytes weights{0};
  for (const LayerGroup& half : halves) {
    weights += half.count * layer_weights(in.model, half, in.shard, in.precision);
  }
  return weights;
}

}  // namespace

Result<ApartEstimate> decode_apart(const ServingModel& attention, const ServingModel& experts,
                                   const ServingWorkload& workload, const ApartLayout& layout,
                                   double batch) {
  if (layout.micro_batches < 1) return fail("micro-batches must be 1 or more");
  if (auto valid = serving::check_workload(attention.setting().model, workload); !valid) {
    return fail(std::move(valid.error()));
  }
  const auto a = serving::make_instance(attention.setting(), {.tp = layout.tp, .dp = layout.dp});
  if (!a) return fail(a.error());
  const auto e = serving::make_instance(experts.setting(),
                                        {.tp = 1, .dp = layout.experts, .ep = layout.experts});
  if (!e) return fail(e.error());
  const double m = layout.micro_batches;
  const Pass pass{.sequences = batch / m,
                  .q_len = 1.0 + workload.draft_tokens,
                  .context = workload.input + workload.output / 2,
                  .decode = true,
                  .expert_imbalance = workload.expert_imbalance};
  Pass joint = pass;  // the tokens of all groups, spread over the experts' devices
  joint.sequences *= double(layout.dp) / layout.experts;
  const serving::Sides at_attention = serving::sides_time(*a, pass);
  const serving::Sides at_experts = serving::sides_time(*e, joint);

  ApartEstimate estimate;
  estimate.batch = batch;
  estimate.attention = time_of(at_attention.attention);
  estimate.experts = time_of(at_experts.ffn);
  // Dispatch and combine are the two ways.
  estimate.transfer = at_experts.ffn.exchange / 2;
  const Seconds way = estimate.attention + estimate.experts + 2 * estimate.transfer;
  const Seconds slower = std::max({estimate.attention, estimate.experts, estimate.transfer});
  const Seconds layers = std::max(m * slower, way);
  Pass whole = pass;
  whole.sequences = batch;
  estimate.step = layers + serving::head_and_logits_time(*a, whole) +
                  serving::draft_time(*a, whole, workload.draft_tokens) + a->engine.step_overhead;
  estimate.attention_busy = m * estimate.attention / estimate.step;
  estimate.experts_busy = m * estimate.experts / estimate.step;
  estimate.tpot = estimate.step / tokens_per_step(workload.draft_tokens, workload.acceptance);
  estimate.tokens_per_second = batch * layout.dp / estimate.tpot.value();

  ServingMemory& memory = estimate.attention_memory;
  memory = serving::memory_of(*a, workload);
  memory.weights =
      weights_of(*a, a->setting.layers.attention) + head_weights(a->model, a->shard, a->precision);
  const Bytes room = a->machine.device.memory_capacity - memory.reserve - memory.weights;
  memory.max_sequences = memory.cache > Bytes(0) ? room / memory.cache : 1e9;
  if (batch > memory.max_sequences) {
    return fail(
        fmt::format("does not fit: the cache of {:g} sequences needs {:.1f} GB on each "
                    "device of attention, {:.1f} GB are free",
                    batch, batch * memory.cache.value() / 1e9, room.value() / 1e9));
  }
  memory.cache = batch * memory.cache;
  memory.total = memory.weights + memory.cache + memory.reserve;
  estimate.expert_weights = weights_of(*e, e->setting.layers.ffn);
  const Bytes held = e->machine.device.memory_capacity * (1 - workload.memory_reserve);
  if (estimate.expert_weights > held) {
    return fail(
        fmt::format("does not fit: experts need {:.1f} GB on each of {} devices, {:.1f} GB "
                    "too much",
                    estimate.expert_weights.value() / 1e9, layout.experts,
                    (estimate.expert_weights - held).value() / 1e9));
  }
  return estimate;
}

}  // namespace fivefold
