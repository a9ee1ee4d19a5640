#include "fivefold/training/parameters.h"

namespace fivefold {

void set_parameter(TrainingParameters& p, std::string_view name, double value) {
  if (name == "sustained") p.sustained = value;
  if (name == "spread") p.spread = value;
  if (name == "attention") p.attention = value;
  if (name == "attention_backward") p.attention_backward = value;
  if (name == "pointwise") p.pointwise = value;
  if (name == "grouped") p.grouped = value;
  if (name == "linear") p.linear = value;
  if (name == "odd") p.odd = value;
  if (name == "host_time") p.host_time = Seconds(value);
  if (name == "expert_host_time") p.expert_host_time = Seconds(value);
  if (name == "exchange") p.exchange = value;
  if (name == "exchange_overlap") p.exchange_overlap = value;
  if (name == "fragmentation") p.fragmentation = value;
  if (name == "communication_cores") p.communication_cores = value;
  if (name == "fragmentation") p.fragmentation = value;
}

TrainingParameters training_parameters(const Stack& stack, const Device& device, Format format) {
  TrainingParameters parameters;
  for (const StackEntry& entry : stack.entries) {
    if (entry.family != "training" || !concerns(entry, device) || !concerns(entry, format))
      continue;
    for (const Fact& fact : entry.parameters->all) {
      set_parameter(parameters, fact.path, fact.number);
    }
  }
  return parameters;
}

std::string_view default_framework(const Chip& chip) {
  return chip.vendor == "Google" ? "train/maxtext" : "train/megatron-core";
}

Stack training_stack(const Catalog& catalog, const Chip& chip, std::string_view framework) {
  for (const Stack* stack : catalog.stacks()) {
    if (stack->id.starts_with("train/") && stack->vendor == chip.vendor) {
      return with_framework(catalog, *stack, framework);
    }
  }
  const Stack kernels = with_framework(catalog, catalog.default_stack(chip), "train/other");
  return with_framework(catalog, kernels, framework);
}

Stack with_framework(const Catalog& catalog, const Stack& stack, std::string_view framework) {
  Stack joined = stack;
  if (const auto found = catalog.stack(framework)) {
    const Stack& other = **found;
    joined.entries.insert(joined.entries.end(), other.entries.begin(), other.entries.end());
    joined.calibration.insert(joined.calibration.end(), other.calibration.begin(),
                              other.calibration.end());
  }
  return joined;
}

}  // namespace fivefold
