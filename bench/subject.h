// What benchmarks estimate: a model on a part of a system, under the default stack.
#pragma once

#include "fivefold/catalog/catalog.h"
#include "fivefold/fabric/machine.h"
#include "fivefold/kernel/kernel.h"

namespace fivefold {

struct Subject {
  Catalog catalog;
  Machine machine;
  KernelModel kernels;
  const Model* model;
};

inline Subject subject(const char* system_name, int chips, const char* model_name) {
  Catalog catalog = *Catalog::load();
  const System& system = **catalog.system(system_name);
  const Stack& stack = catalog.default_stack(*system.chip);
  Machine machine = *build_machine(system, chips, stack);
  KernelModel kernels = *KernelModel::make(machine.device, stack);
  const Model* model = *catalog.model(model_name);
  return {catalog, machine, kernels, model};
}

}  // namespace fivefold
