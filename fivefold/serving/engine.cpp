#include "fivefold/serving/engine.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/serving/step.h"

namespace fivefold {
namespace {

constexpr double kWithoutCache = 1e12;  // tokens: a model that keeps none
constexpr std::array<std::pair<std::string_view, QueueOrder>, 3> kOrders = {
    {{"arrival", QueueOrder::kArrival},
     {"priority", QueueOrder::kPriority},
     {"fair", QueueOrder::kFair}}};

// The most that lies in memory at once while a step of `tokens` passes: the residual stream twice,
// and the widest of a layer's intermediate tensors with its input; then, when layers are done, the
// logits of the sequences in FP32 with the copy that sampling sorts.
Bytes activation_peak(const serving::Instance& in, const EnginePolicy& policy) {
  const Model& model = in.model;
  const double tokens = policy.max_step_tokens;
  const Bytes each = stored(1, in.precision.activations);
  double widest = 0;
  for (const LayerGroup& layer : model.layers) {
    double width = 0;
    if (const auto* dense = std::get_if<DenseFfn>(&layer.ffn)) {
      width = (dense->gated ? 3.0 : 2.0) * dense->width / in.layout.tp;
    } else if (const MoeFfn* experts = moe(layer)) {
      // Gate and up, their product, and the outputs of each of a token's experts on this device.
      const double chosen = experts->active * double(in.layout.dp) / in.layout.ep;
      width = chosen * (3.0 * experts->width / in.shard.etp + model.hidden);
    }
    widest = std::max(widest, width);
  }
  const Bytes layers = tokens * (2.0 * model.hidden + widest) * each;
  const double fp32_copies = 2 * 4;
  const Bytes logits(model.lm_head ? policy.max_sequences * fp32_copies * model.vocabulary : 0);
  return std::max(layers, tokens * 2.0 * model.hidden * each + logits);
}

}  // namespace

std::string_view name(QueueOrder order) {
  for (const auto& [text, known] : kOrders) {
    if (known == order) return text;
  }
  return "";
}

Result<QueueOrder> queue_order_named(std::string_view text) {
  for (const auto& [known, order] : kOrders) {
    if (known == text) return order;
  }
  return fail(fmt::format("order '{}' is unknown", text), "arrival, priority or fair");
}

EnginePolicy engine_policy(const Stack& stack, const Device& device) {
  EnginePolicy policy;
  for (const StackEntry& entry : stack.entries) {
    if (entry.family != "scheduler" || !concerns(entry, device)) continue;
    const auto take = [&](std::string_view path, auto set) {
      const Fact* fact = entry.parameters->find(path);
      if (fact != nullptr && fact->is_number()) set(fact->number);
    };
    take("max_sequences", [&](double n) { policy.max_sequences = int(n); });
    take("max_step_tokens", [&](double n) { policy.max_step_tokens = int(n); });
    take("mixes", [&](double flag) { policy.mixes = flag > 0; });
    take("page_tokens", [&](double n) { policy.page_tokens = int(n); });
    take("prefix_cache", [&](double flag) { policy.prefix_cache = flag > 0; });
    take("reserve", [&](double share) { policy.reserve = share; });
    take("watermark", [&](double share) { policy.watermark = share; });
    take("swaps", [&](double flag) { policy.swaps = flag > 0; });
    take("swap_rate", [&](double rate) { policy.swap_rate = BytesPerSecond(rate); });
    take("memory_share", [&](double share) { policy.memory_share = share; });
    take("visible_share", [&](double share) { policy.visible_share = share; });
    take("runtime", [&](double bytes) { policy.runtime = Bytes(bytes); });
  }
  return policy;
}

FittedRange fitted_range(const Stack& stack, const Device& device) {
  FittedRange range;
  range.chip =
      std::any_of(stack.calibration.begin(), stack.calibration.end(), [&](const Calibration& used) {
        return used.form == "serving" && used.family == "tpot" && used.chip == device.chip;
      });
  for (const StackEntry& entry : stack.entries) {
    if (entry.family != "fitted" || !concerns(entry, device)) continue;
    const auto number = [&](std::string_view path, auto use) {
      const Fact* fact = entry.parameters->find(path);
      if (fact != nullptr && fact->is_number()) use(*fact);
    };
    number("input", [&](const Fact& f) {
      range.input_low = f.lowest();
      range.input_high = f.highest();
    });
    number("output", [&](const Fact& f) {
      range.output_low = f.lowest();
      range.output_high = f.highest();
    });
    number("band", [&](const Fact& f) { range.band = f.number; });
    number("band_outside", [&](const Fact& f) { range.band_outside = f.number; });
  }
  return range;
}

Result<CacheCapacity> cache_capacity(const ServingModel& serving, const ServingLayout& layout,
                                     const EnginePolicy& policy, int draft_tokens) {
  const auto in = serving::make_instance(serving.setting(), layout);
  if (!in) return fail(in.error());
  // Memory is built in powers of two and sold by the same number with a smaller unit.
  constexpr double kGibiPerGiga = 1.073741824;
  const serving::Holdings holdings = serving::holdings_of(*in, draft_tokens);
  CacheCapacity capacity;
  capacity.visible = kGibiPerGiga * policy.visible_share * in->machine.device.memory_capacity;
  capacity.weights = holdings.weights;
  capacity.per_token = holdings.per_token;
  capacity.per_sequence = holdings.per_sequence;
  capacity.activations = activation_peak(*in, policy);
  capacity.runtime = policy.runtime;
  const Bytes allowed = policy.memory_share * capacity.visible;
  capacity.cache = allowed - capacity.weights - capacity.activations - capacity.runtime;
  if (!(capacity.cache > Bytes(0))) {
    return fail(fmt::format(
        "does not fit: weights of {:.1f} GB, activations of {:.1f} GB and the runtime's {:.1f} GB "
        "leave no cache in {:.1f} GB of a device: {:.1f} GB too much",
        capacity.weights.value() / 1e9, capacity.activations.value() / 1e9,
        capacity.runtime.value() / 1e9, allowed.value() / 1e9, -capacity.cache.value() / 1e9));
  }
  capacity.tokens = kWithoutCache;
  if (capacity.per_token > Bytes(0)) {
    const double pages = std::floor(capacity.cache / capacity.per_token / policy.page_tokens);
    capacity.tokens = pages * policy.page_tokens;
  }
  return capacity;
}

}  // namespace fivefold
