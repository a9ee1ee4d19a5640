// For tests: a machine that serves a model under its vendor's engine.
#pragma once

#include "fivefold/planner/serving_plan.h"

namespace fivefold {

inline const Catalog& serving_catalog() {
  static const Catalog catalog = *Catalog::load();
  return catalog;
}

// A machine with its engine; members point to each other.
struct ServingPlace {
  ServingPlace(const char* system_id, int chips, const char* model_id)
      : system(**serving_catalog().system(system_id)),
        stack(with_engine(serving_catalog(), serving_catalog().default_stack(*system.chip),
                          *system.chip)),
        machine(*build_machine(system, chips, stack)),
        kernels(*KernelModel::make(machine.device, stack)),
        model(**serving_catalog().model(model_id)),
        serving(machine, model, kernels, serving_precision(model, machine.device)),
        policy(engine_policy(stack, machine.device)),
        space{serving, machine, model, policy, &serving_catalog()} {}
  ServingPlace(const ServingPlace&) = delete;

  const System& system;
  Stack stack;
  Machine machine;
  KernelModel kernels;
  const Model& model;
  ServingModel serving;
  EnginePolicy policy;
  ServingSpace space;
};

}  // namespace fivefold
