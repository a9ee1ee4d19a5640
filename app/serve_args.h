// What `serve` and `plan serve` ask alike: a model, a machine, an engine and what requests are
// like.
#pragma once

#include <memory>
#include <string>

#include "fivefold/catalog/catalog.h"
#include "fivefold/serving/engine.h"

namespace CLI {
class App;
}

namespace fivefold::app {

struct ServeArgs {
  std::string system, model, stack, engine, format, cache;
  int chips = 0;  // 0: all of the systems
  // Lengths of requests, drafts, acceptance, imbalance of experts, shared prefix.
  ServingWorkload workload;
  bool no_overlap = false;
};
void add_serve_args(CLI::App& command, ServeArgs& args);

// Machine, kernels and engine of one system; each points to the one before and to the catalog.
struct ServeBench {
  std::unique_ptr<const Stack> stack;
  std::unique_ptr<const Machine> machine;
  std::unique_ptr<const KernelModel> kernels;
  const Model* model = nullptr;
  std::unique_ptr<const ServingModel> serving;
  EnginePolicy policy;
  ServingWorkload workload;
};
Result<ServeBench> serve_bench(const Catalog& catalog, const ServeArgs& args);
// The same question on another system ("SYSTEM[:N]").
Result<ServeBench> serve_bench(const Catalog& catalog, ServeArgs args, const std::string& system);

}  // namespace fivefold::app
