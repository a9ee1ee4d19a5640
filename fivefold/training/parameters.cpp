#include "fivefold/training/parameters.h"

namespace fivefold {

namespace {

void set(TrainingParameters& p, const Fact& fact) {
  if (fact.path == "sustained") p.sustained = fact.number;
  if (fact.path == "attention") p.attention = fact.number;
  if (fact.path == "attention_backward") p.attention_backward = fact.number;
  if (fact.path == "pointwise") p.pointwise = fact.number;
  if (fact.path == "grouped") p.grouped = fact.number;
  if (fact.path == "host_time") p.host_time = Seconds(fact.number);
  if (fact.path == "expert_host_time") p.expert_host_time = Seconds(fact.number);
  if (fact.path == "exchange") p.exchange = fact.number;
  if (fact.path == "exchange_overlap") p.exchange_overlap = fact.number;
  if (fact.path == "fragmentation") p.fragmentation = fact.number;
  if (fact.path == "communication_cores") p.communication_cores = fact.number;
}

}  // namespace

TrainingParameters training_parameters(const Stack& stack, const Device& device, Format format) {
  TrainingParameters parameters;
  for (const StackEntry& entry : stack.entries) {
    if (entry.family != "training" || !concerns(entry, device) || !concerns(entry, format))
      continue;
    for (const Fact& fact : entry.parameters->all) set(parameters, fact);
  }
  return parameters;
}

Stack training_stack(const Catalog& catalog, const Chip& chip, std::string_view framework) {
  for (const Stack* stack : catalog.stacks()) {
    if (stack->id.starts_with("train/") && stack->vendor == chip.vendor) {
      return with_framework(catalog, *stack, framework);
    }
  }
  return with_framework(catalog, catalog.default_stack(chip), framework);
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
