// Chakra execution traces: what one rank did, as a graph of nodes.
//
// A set of traces is one file a rank, PREFIX.<rank>.et (protobuf messages behind their lengths),
// or .json as Chakra's feeder reads it, either also with .gz behind. Read are schema 0.0.4 and its
// relatives that call themselves 1.0.1 or 1.0.2-chakra.0.0.4. What a trace may leave open:
// - A number that is 0 is not in the file (protobuf 3): an id, a type of collective, a tag.
// - An integer attribute may be of any integer type.
// - A node starts when the nodes of its data_deps and ctrl_deps are done, and each of these must be
//   there. Traces converted from PyTorch are different: their ctrl_deps are the tree of calls, the
//   order that it means was written into data_deps, both together form circles, and parents that
//   were dropped are still named. There ctrl_deps are not waited for, and the missing are counted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/base/error.h"

namespace fivefold {

enum class TraceType : std::uint8_t {
  kMetadata = 1,
  kMemLoad = 2,
  kMemStore = 3,
  kCompute = 4,
  kSend = 5,
  kReceive = 6,
  kCollective = 7,
};
std::string_view name(TraceType type);

struct TraceNode {
  std::uint64_t id = 0;
  std::string name;
  TraceType type = TraceType::kCompute;
  bool host = false;                     // is_cpu_op: work of the host, not of the device
  std::vector<std::int32_t> needs = {};  // places in Trace::nodes, ascending, each once
  double micros = 0;                     // recorded duration
  std::optional<double> ops, bytes;      // num_ops, tensor_size of compute and memory nodes
  std::optional<std::int64_t> comm_type;
  std::optional<double> comm_size;  // bytes that one rank puts in
  std::optional<int> peer;          // comm_dst of a send, comm_src of a receive
  std::int64_t tag = 0;
  std::string group = {};           // pg_name; empty: none
  std::vector<bool> involved = {};  // involved_dim; empty: all
};

using RankGroups = std::map<std::string, std::vector<int>>;

struct Trace {
  std::string file;
  std::string version;
  std::vector<TraceNode> nodes;  // in an order in which they can run, lowest ids first
  bool call_tree = false;        // converted from PyTorch: ctrl_deps are the tree of calls
  RankGroups groups = {};        // that the trace itself lists (PyTorch's process_group:init)
  std::size_t dropped_parents = 0;
};

// All problems of a file are reported at once, up to kMostProblems. `file` names it in messages.
inline constexpr std::size_t kMostProblems = 20;
Result<Trace> read_trace(std::string_view bytes, const std::string& file);
Result<Trace> read_json_trace(std::string_view text, const std::string& file);
Result<Trace> load_trace(const std::string& path);

// PREFIX.0.et to PREFIX.<n-1>.et. Fails if one is missing, and if `ranks` is given, if there are
// not so many.
Result<std::vector<Trace>> load_traces(const std::string& prefix, int ranks = 0);

// {"name": [ranks], ...}, as ASTRA-sim takes the groups of a machine.
Result<RankGroups> read_groups(std::string_view text, const std::string& file);
Result<RankGroups> load_groups(const std::string& path);

// "node 17 'all_reduce'", with the file's name before it where an error needs it.
std::string describe(const TraceNode& node);

}  // namespace fivefold
