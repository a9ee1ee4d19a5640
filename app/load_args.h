// Arguments that say which requests come, how they are scheduled, and what is written of it.
#pragma once

#include <string>

#include "fivefold/serving/simulate.h"
#include "fivefold/traffic/named.h"

namespace CLI {
class App;
}

namespace fivefold::app {

struct LoadArgs {
  std::string trace;         // a file, or a known trace
  double rate = 0;           // requests a second, drawn; with a trace: instead of its own
  double cv = 1;             // of gaps between drawn arrivals
  int concurrency = 0;       // closed loop
  std::size_t requests = 0;  // 0: all of a trace, else 1000
  double scale = 1;          // times the trace's arrivals
  int repeat = 1;
  std::string lengths = "fixed";
  bool skip_too_long = false;
  bool sort = false;
  std::uint64_t seed = 1;
  bool any() const { return !trace.empty() || rate > 0 || concurrency > 0; }
};
void add_load_args(CLI::App& command, LoadArgs& args);

// The load, and what a reader should know of it.
struct ChosenLoad {
  RequestLoad load;
  bool timed = true;
  std::vector<std::string> notes;
};
Result<ChosenLoad> choose_load(const LoadArgs& args, double isl, double osl);
Result<void> leave_out_longer(ChosenLoad& chosen, double most_tokens);

// Settings of the engine over those of the catalog.
struct PolicyArgs {
  int max_sequences = 0, max_step_tokens = 0, page_tokens = 0;
  double memory_share = 0;
  std::string order, router;
  bool no_prefix_cache = false, swap = false;
};
void add_policy_args(CLI::App& command, PolicyArgs& args);
Result<EnginePolicy> apply(const PolicyArgs& args, EnginePolicy policy);

}  // namespace fivefold::app
