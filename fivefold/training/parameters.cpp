#include "fivefold/training/parameters.h"

namespace fivefold {

TrainingParameters training_parameters(const Stack& stack, const Device& device) {
  TrainingParameters parameters;
  for (const StackEntry& entry : stack.entries) {
    if (entry.family != "training" || !concerns(entry, device)) continue;
    for (const Fact& fact : entry.parameters->all) {
      if (fact.path == "sustained") parameters.sustained = fact.number;
      if (fact.path == "host_time") parameters.host_time = Seconds(fact.number);
      if (fact.path == "fragmentation") parameters.fragmentation = fact.number;
      if (fact.path == "communication_cores") parameters.communication_cores = fact.number;
    }
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
