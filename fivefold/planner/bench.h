// What estimates of one model on one machine need, put together: machine, stack, kernels and the
// model of serving or of training. Each part points to the one before, to the system and the model.
#pragma once

#include <memory>
#include <optional>

#include "fivefold/serving/engine.h"
#include "fivefold/training/training.h"

namespace fivefold {

struct ServingBench {
  std::unique_ptr<const Stack> stack;
  std::unique_ptr<const Machine> machine;
  std::unique_ptr<const KernelModel> kernels;
  const Model* model = nullptr;
  std::unique_ptr<const ServingModel> serving;
  EnginePolicy policy;
};
// `stack` with its engine (with_engine); formats by serving_precision unless stated.
Result<ServingBench> serving_bench(const System& system, int chips, const Model& model, Stack stack,
                                   std::optional<Precision> precision = {});

struct TrainingBench {
  std::unique_ptr<const Stack> stack;
  std::unique_ptr<const Machine> machine;
  std::unique_ptr<const KernelModel> kernels;
  const Model* model = nullptr;
  TrainingModel training;
};
// `stack` with its framework (training_stack).
Result<TrainingBench> training_bench(const System& system, int chips, const Model& model,
                                     Stack stack);

}  // namespace fivefold
