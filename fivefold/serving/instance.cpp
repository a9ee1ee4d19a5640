// Which layouts can be, what they must hold, and what an engine costs.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <sstream>

#include <fmt/format.h>

#include "fivefold/serving/step.h"

namespace fivefold {

EngineParameters engine_parameters(const Stack& stack, const Device& device) {
  EngineParameters engine;
  for (const StackEntry& entry : stack.entries) {
    if (entry.family != "serving" || !concerns(entry, device)) continue;
    const auto take = [&](std::string_view path, auto set) {
      const Fact* fact = entry.parameters->find(path);
      if (fact != nullptr && fact->is_number()) set(fact->number);
    };
    take("step_overhead", [&](double s) { engine.step_overhead = Seconds(s); });
    take("prefill_overhead", [&](double s) { engine.prefill_overhead = Seconds(s); });
    take("request_overhead", [&](double s) { engine.request_overhead = Seconds(s); });
    take("request_token", [&](double s) { engine.request_token = Seconds(s); });
    take("host_step", [&](double s) { engine.host_step = Seconds(s); });
    take("host_sequence", [&](double s) { engine.host_sequence = Seconds(s); });
    take("host_stream", [&](double s) { engine.host_stream = Seconds(s); });
    take("issue", [&](double s) { engine.issue = Seconds(s); });
    take("exchange_kernels", [&](double s) { engine.exchange_kernels = Seconds(s); });
    take("overlap_compute", [&](double share) { engine.overlap_compute = share; });
    take("batch_tokens", [&](double tokens) { engine.batch_tokens = tokens; });
    take("mixes_steps", [&](double flag) { engine.mixes_steps = flag > 0; });
    take("host_overlaps", [&](double flag) { engine.host_overlaps = flag > 0; });
    if (const Fact* fused = entry.parameters->find("fused_models"))
      engine.fused_models = fused->text;
  }
  return engine;
}

Stack with_engine(const Catalog& catalog, const Stack& stack, const Chip& chip,
                  std::string_view engine) {
  const auto is_engine = [](const StackEntry& entry) { return entry.family == "serving"; };
  Stack joined = stack;
  if (engine.empty() && std::any_of(stack.entries.begin(), stack.entries.end(), is_engine)) {
    return joined;
  }
  const Stack* chosen = nullptr;
  for (const Stack* candidate : catalog.stacks()) {
    if (!candidate->id.starts_with("engine/")) continue;
    const bool fits = engine.empty() ? candidate->vendor == chip.vendor || candidate->vendor == "*"
                                     : candidate->id == engine;
    if (fits && (chosen == nullptr || chosen->vendor == "*")) chosen = candidate;
  }
  if (chosen == nullptr) return joined;
  joined.entries.insert(joined.entries.end(), chosen->entries.begin(), chosen->entries.end());
  joined.calibration.insert(joined.calibration.end(), chosen->calibration.begin(),
                            chosen->calibration.end());
  return joined;
}

double routing_imbalance(double pairs, double devices) {
  if (devices <= 1 || pairs <= 0) return 1;
  const double mean = pairs / devices;
  return 1 + std::sqrt(2 * std::log(devices) / mean);
}

double tokens_per_step(int drafts, double acceptance) {
  double tokens = 1, reached = 1;
  for (int draft = 0; draft < drafts; ++draft) {
    reached *= acceptance;
    tokens += reached;
  }
  return tokens;
}

namespace serving {
namespace {

Result<void> check_layout(const Machine& machine, const Model& model, const ServingLayout& layout) {
  if (layout.tp < 1 || layout.dp < 1 || layout.ep < 1 || layout.pp < 1) {
    return fail("tp, dp, ep and pp must be 1 or more");
  }
  if (layout.devices() > machine.devices) {
    return fail(fmt::format("tp {} x dp {} x pp {} needs {} devices, the machine has {}", layout.tp,
                            layout.dp, layout.pp, layout.devices(), machine.devices));
  }
  if (const int heads = most_heads(model); heads > 0 && heads % layout.tp != 0) {
    return fail(fmt::format("tp {} does not divide the {} attention heads of {}", layout.tp, heads,
                            model.id));
  }
  if (layout.pp > std::max(1, model.layer_count())) {
    return fail(fmt::format("pp {} is more than the {} layers of {}", layout.pp,
                            model.layer_count(), model.id));
  }
  const int experts = most_experts(model);
  if (layout.ep > 1 && experts == 0) {
    return fail(fmt::format("ep {}: {} has no routed experts", layout.ep, model.id));
  }
  if (layout.tp * layout.dp % layout.ep != 0) {
    return fail(fmt::format("ep {} does not divide the {} devices of a stage (tp {} x dp {})",
                            layout.ep, layout.tp * layout.dp, layout.tp, layout.dp));
  }
  return {};
}

// Layers of the fullest stage over the mean.
double stage_share(const Instance& in) {
  const double layers = std::max(1, in.model.layer_count());
  return std::ceil(layers / in.layout.pp) / layers;
}

double gigabytes(Bytes bytes) {
  return bytes.value() / 1e9;
}

}  // namespace

LayerHalves halves_of(const std::vector<LayerGroup>& layers) {
  LayerHalves halves;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    LayerGroup attention = layers[i], ffn = layers[i];
    const bool has_both = !std::holds_alternative<std::monostate>(layers[i].attention) &&
                          !std::holds_alternative<std::monostate>(layers[i].ffn);
    attention.ffn = std::monostate{};
    ffn.attention = std::monostate{};
    // One norm stands before attention; further ones go with the FFN.
    if (has_both) {
      attention.norms = std::min(1, layers[i].norms);
      ffn.norms = layers[i].norms - attention.norms;
    }
    std::size_t alike = 0;
    while (alike < i && layers[alike].attention != layers[i].attention) ++alike;
    halves.attention.push_back(std::move(attention));
    halves.ffn.push_back(std::move(ffn));
    halves.first_alike.push_back(alike);
  }
  return halves;
}

namespace {

bool is_named(const std::string& model, const std::string& parts) {
  std::istringstream words(parts);
  for (std::string word; words >> word;) {
    if (model.find(word) != model.npos) return true;
  }
  return false;
}

}  // namespace

// Scales of blocks depend on the values, so that no kernel before can know them; static ones of
// tensors, and of NVFP4 the global one, are part of the checkpoint.
Setting make_setting(const Machine& machine, const Model& model, const KernelModel& kernels,
                     const Precision& precision, const EngineParameters& engine) {
  Precision stored = precision;
  const bool is_static = precision.gemm_a == Format::kFp8 || precision.gemm_a == Format::kNvFp4;
  stored.fused = is_static && is_named(model.id, engine.fused_models);
  return {machine, model, kernels, stored, engine, halves_of(model.layers), halves_of(model.mtp)};
}

Result<Instance> make_instance(const Setting& setting, const ServingLayout& layout) {
  const Machine& machine = setting.machine;
  const Model& model = setting.model;
  if (auto checked = check_layout(machine, model, layout); !checked) {
    return fail(std::move(checked.error()));
  }
  if (model.layers.empty() || !model.lm_head) {
    return fail(fmt::format("{} generates no tokens", model.id));
  }
  if (std::max(model.layers.size(), model.mtp.size()) > kMostGroups) {
    return fail(fmt::format("{} has more than {} kinds of layers", model.id, kMostGroups));
  }
  const int stage = layout.tp * layout.dp;
  const int experts = most_experts(model);
  Instance in{setting,
              machine,
              model,
              setting.kernels,
              setting.precision,
              setting.engine,
              layout,
              {},
              {},
              {},
              {},
              {},
              false};
  in.shard = {.tp = layout.tp, .ep = layout.ep, .etp = stage / layout.ep};
  // Each device holds a whole number of experts; where they do not divide, some are held twice, as
  // engines place redundant ones.
  if (experts > 0) {
    const int held = (experts + layout.ep - 1) / layout.ep;
    in.shard.ep = std::max(1, experts / held);
  }
  in.tensor = make_group(machine, layout.tp, 1);
  in.data = make_group(machine, layout.dp, layout.tp);
  in.experts = make_group(machine, stage, 1);
  in.stages = make_group(machine, std::min(2, layout.pp), stage);
  in.exchanges = experts > 0 && layout.dp > 1;
  return in;
}

Holdings holdings_of(const Instance& in, int draft_tokens) {
  const double share = stage_share(in);
  Holdings held;
  const auto add = [&](const LayerGroup& layer, double count) {
    held.weights += count * layer_weights(in.model, layer, in.shard, in.precision);
    held.per_token += count * cache_per_token(in.model, layer, in.shard, in.precision);
    held.per_sequence += count * cache_per_sequence(in.model, layer, in.shard, in.precision);
  };
  for (const LayerGroup& layer : in.model.layers) add(layer, layer.count * share);
  if (draft_tokens > 0) {
    for (const LayerGroup& layer : in.model.mtp) add(layer, layer.count);
  }
  // Embedding on the first stage, head on the last.
  held.weights += head_weights(in.model, in.shard, in.precision) / std::min(2, in.layout.pp);
  return held;
}

ServingMemory memory_of(const Instance& in, const ServingWorkload& workload) {
  const Holdings held = holdings_of(in, workload.draft_tokens);
  ServingMemory memory;
  memory.weights = held.weights;
  memory.reserve = workload.memory_reserve * in.machine.device.memory_capacity;
  const Bytes sequence = held.per_token * (workload.input + workload.output) + held.per_sequence;
  const Bytes free = in.machine.device.memory_capacity - memory.reserve - memory.weights;
  memory.max_sequences =
      sequence > Bytes(0) ? std::max(0.0, free / sequence) : 1e9;  // a model without cache
  memory.cache = sequence;
  memory.total = memory.weights + memory.cache + memory.reserve;
  return memory;
}

Result<void> check_weights(const Instance& in, const ServingMemory& memory) {
  const Bytes room = in.machine.device.memory_capacity - memory.reserve;
  if (memory.weights <= room) return {};
  return fail(fmt::format(
      "does not fit: weights {:.0f} GB over {} devices need {:.1f} GB of {:.1f} GB each: "
      "{:.1f} GB too much",
      gigabytes(total_weights(in.model, in.precision)), in.layout.devices(),
      gigabytes(memory.weights), gigabytes(room), gigabytes(memory.weights - room)));
}

Seconds cache_transfer_time(const Instance& in, double tokens) {
  Bytes per_token{0}, per_sequence{0};
  for (const LayerGroup& layer : in.model.layers) {
    per_token += layer.count * cache_per_token(in.model, layer, in.shard, in.precision);
    per_sequence += layer.count * cache_per_sequence(in.model, layer, in.shard, in.precision);
  }
  if (in.machine.levels.empty()) return Seconds(0);
  const std::size_t levels = in.machine.levels.size();
  const int stride = levels > 1 ? in.machine.levels[levels - 2].size : 1;
  return collective_time(in.machine, Collective::kSendRecv, make_group(in.machine, 2, stride),
                         (per_token * tokens + per_sequence) / in.layout.pp)
      .time;
}

}  // namespace serving
}  // namespace fivefold
