#include "fivefold/planner/bench.h"

#include <utility>

namespace fivefold {
namespace {

struct Parts {
  std::unique_ptr<const Stack> stack;
  std::unique_ptr<const Machine> machine;
  std::unique_ptr<const KernelModel> kernels;
};

Result<Parts> parts_of(const System& system, int chips, Stack chosen) {
  Parts parts;
  parts.stack = std::make_unique<const Stack>(std::move(chosen));
  auto built = build_machine(system, chips, *parts.stack);
  if (!built) return fail(built.error());
  parts.machine = std::make_unique<const Machine>(*std::move(built));
  auto made = KernelModel::make(parts.machine->device, *parts.stack);
  if (!made) return fail(made.error());
  parts.kernels = std::make_unique<const KernelModel>(*std::move(made));
  return parts;
}

}  // namespace

Result<ServingBench> serving_bench(const System& system, int chips, const Model& model, Stack stack,
                                   std::optional<Precision> precision) {
  auto parts = parts_of(system, chips, std::move(stack));
  if (!parts) return fail(parts.error());
  const Device& device = parts->machine->device;
  auto serving = std::make_unique<const ServingModel>(
      *parts->machine, model, *parts->kernels,
      precision ? *precision : serving_precision(model, device));
  const EnginePolicy policy = engine_policy(*parts->stack, device);
  return ServingBench{std::move(parts->stack),   std::move(parts->machine),
                      std::move(parts->kernels), &model,
                      std::move(serving),        policy};
}

Result<TrainingBench> training_bench(const System& system, int chips, const Model& model,
                                     Stack stack) {
  auto parts = parts_of(system, chips, std::move(stack));
  if (!parts) return fail(parts.error());
  TrainingModel training(*parts->machine, model, *parts->kernels);
  return TrainingBench{std::move(parts->stack), std::move(parts->machine),
                       std::move(parts->kernels), &model, std::move(training)};
}

}  // namespace fivefold
