// A machine with everything that a ServingModel points to, for the tests of this room.
#pragma once

#include <string>
#include <utility>

#include "fivefold/catalog/catalog.h"
#include "fivefold/serving/serving.h"

namespace fivefold {

inline Fact number(std::string path, double value) {
  Fact fact;
  fact.path = std::move(path);
  fact.kind = Fact::Kind::kNumber;
  fact.number = value;
  return fact;
}

// The same plain efficiencies for everything, so that a test is about serving and not about a fit.
inline Stack plain_stack() {
  Stack stack;
  stack.id = "plain";
  StackEntry entry{.family = "*", .architecture = "*", .format = "*", .parameters = {}};
  entry.parameters.own().all = {number("compute_fraction", 0.8),
                                number("memory_fraction", 0.85),
                                number("launch", 2e-6),
                                number("cores", 24),
                                number("clock", 1.8e9),
                                number("efficiency", 0.8),
                                number("base", 5e-6),
                                number("step", 1e-6),
                                number("latency", 4e-6)};
  stack.entries.push_back(entry);
  return stack;
}

inline const Catalog& catalog() {
  static const Catalog loaded = *Catalog::load();
  return loaded;
}

struct Rig {
  Stack stack = plain_stack();
  Machine machine;
  const Model* model;
  Precision precision;
  KernelModel kernels;

  Rig(const char* system, int chips, const char* model_name)
      : machine(*build_machine(**catalog().system(system), chips, stack)),
        model(*catalog().model(model_name)),
        precision(serving_precision(*model, machine.device)),
        kernels(*KernelModel::make(machine.device, stack)) {}
  Rig(const Rig&) = delete;

  // Prompts ride in decode steps, or are steps of their own.
  void set_mixes(bool mixes) {
    StackEntry entry{.family = "serving", .architecture = "*", .format = "*", .parameters = {}};
    entry.parameters.own().all = {number("mixes_steps", mixes ? 1 : 0)};
    stack.entries.push_back(entry);
    kernels = *KernelModel::make(machine.device, stack);
  }

  ServingModel serving() const { return ServingModel(machine, *model, kernels, precision); }
};

inline constexpr const char* kR1 = "deepseek-ai/DeepSeek-R1";
inline constexpr const char* kLlama = "meta-llama/Llama-3.1-70B";

}  // namespace fivefold
