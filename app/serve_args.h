// What `serve` and `plan serve` ask alike: a model, a machine, an engine and what requests are
// like.
#pragma once

#include <string>

#include "fivefold/catalog/catalog.h"
#include "fivefold/planner/bench.h"

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

struct ServeBench : ServingBench {
  ServingWorkload workload;
};
Result<ServeBench> serve_bench(const Catalog& catalog, const ServeArgs& args);
// The same question on another system ("SYSTEM[:N]").
Result<ServeBench> serve_bench(const Catalog& catalog, ServeArgs args, const std::string& system);

}  // namespace fivefold::app
