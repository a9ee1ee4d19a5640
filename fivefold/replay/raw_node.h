// Inside the room: a node as a file states it, before it is checked and its dependencies are found.
#pragma once

#include <map>

#include "fivefold/replay/trace.h"

namespace fivefold {

struct RawNode {
  std::string where;  // "byte 411" or "node 3 of workload_graph"
  std::int64_t type = 0;
  TraceNode node;
  std::vector<std::uint64_t> data_deps, ctrl_deps;
  std::map<std::string, double> numbers;  // attributes, by name
  std::map<std::string, std::string> texts;
  std::string inputs;  // values
};

struct RawTrace {
  std::string version;
  std::vector<RawNode> nodes;
};

// Checks all of it; `problems` are those of the file so far.
Result<Trace> check_trace(RawTrace raw, const std::string& file, std::vector<Problem> problems);

}  // namespace fivefold
