// The JSON form that Chakra's feeder reads: {"workload_graph": [{"Id": 1, "NodeType": 4, ...}]}.
// Keys are known without regard to case and '_': files in use write Id, ctrlDeps and data_deps.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/replay/raw_node.h"

namespace fivefold {
namespace {

using nlohmann::json;

std::string plain(std::string_view key) {
  std::string result;
  for (const char c : key) {
    if (c != '_') result += char(std::tolower(std::uint8_t(c)));
  }
  return result;
}

// Attributes, by their plain key.
const std::map<std::string, std::string>& known_attributes() {
  static const std::map<std::string, std::string> known = [] {
    std::map<std::string, std::string> keys;
    for (const char* key : {"is_cpu_op", "comm_type", "comm_size", "comm_src", "comm_dst",
                            "comm_tag", "num_ops", "tensor_size", "pg_name"}) {
      keys[plain(key)] = key;
    }
    return keys;
  }();
  return known;
}

class JsonReader {
 public:
  explicit JsonReader(const std::string& file) : file_(file) {}

  Result<Trace> read(const json& root) {
    const json* graph = nullptr;
    RawTrace raw;
    if (root.is_object()) {
      for (const auto& [key, value] : root.items()) {
        if (plain(key) == "workloadgraph") graph = &value;
        if (plain(key) == "schema" && value.is_string()) raw.version = value.get<std::string>();
      }
    }
    if (graph == nullptr || !graph->is_array()) {
      return fail("no list workload_graph", "Chakra's JSON: {\"workload_graph\": [nodes]}",
                  {file_, 0, 0});
    }
    for (std::size_t i = 0; i < graph->size(); ++i) raw.nodes.push_back(node((*graph)[i], i));
    return check_trace(std::move(raw), file_, std::move(problems_));
  }

 private:
  void problem(const RawNode& raw, std::string_view key, const char* needed) {
    if (problems_.size() >= kMostProblems) return;
    Problem one;
    one.place.file = file_;
    one.what = fmt::format("{}: {}", raw.where, key);
    one.hint = needed;
    problems_.push_back(std::move(one));
  }

  RawNode node(const json& from, std::size_t index) {
    RawNode raw;
    raw.where = fmt::format("node {} of workload_graph", index);
    if (!from.is_object()) {
      problem(raw, "no object", "{\"Id\": 1, \"Name\": ..., \"NodeType\": 4}");
      return raw;
    }
    bool has_id = false;
    for (const auto& [key, value] : from.items()) {
      const std::string known = plain(key);
      if (known == "id") {
        has_id = true;
        raw.node.id = id(raw, key, value);
      } else if (known == "name") {
        if (value.is_string()) raw.node.name = value.get<std::string>();
      } else if (known == "nodetype" || known == "type") {
        raw.type = std::int64_t(number(raw, key, value));
      } else if (known == "ctrldeps") {
        ids(raw, key, value, raw.ctrl_deps);
      } else if (known == "datadeps") {
        ids(raw, key, value, raw.data_deps);
      } else if (known == "runtime" || known == "durationmicros") {
        raw.node.micros = number(raw, key, value);
      } else if (known == "involveddim") {
        for (const json& dim : value)
          raw.node.involved.push_back(dim == json(true) || dim == json(1));
      } else if (const auto found = known_attributes().find(known);
                 found != known_attributes().end()) {
        if (value.is_string()) {
          raw.texts[found->second] = value.get<std::string>();
        } else {
          raw.numbers[found->second] = number(raw, key, value);
        }
      }
    }
    if (!has_id) problem(raw, "no Id", "each node has an id of its own");
    return raw;
  }

  double number(const RawNode& raw, std::string_view key, const json& value) {
    if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
    if (value.is_number() && std::abs(value.get<double>()) < 1e18) return value.get<double>();
    problem(raw, key, "a number is needed");
    return 0;
  }

  std::uint64_t id(const RawNode& raw, std::string_view key, const json& value) {
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    problem(raw, key, "the whole number of a node is needed");
    return 0;
  }

  void ids(const RawNode& raw, std::string_view key, const json& value,
           std::vector<std::uint64_t>& out) {
    if (!value.is_array()) return problem(raw, key, "a list of ids is needed");
    for (const json& one : value) out.push_back(id(raw, key, one));
  }

  const std::string& file_;
  std::vector<Problem> problems_;
};

}  // namespace

Result<Trace> read_json_trace(std::string_view text, const std::string& file) {
  json root;
  try {
    root = json::parse(text);
  } catch (const json::exception& error) {
    return fail(fmt::format("no JSON: {}", error.what()), {}, {file, 0, 0});
  }
  return JsonReader(file).read(root);
}

Result<RankGroups> read_groups(std::string_view text, const std::string& file) {
  const json root = json::parse(text, nullptr, false);
  const char* form = "groups of ranks by name: {\"0\": [0, 1, 2, 3]}";
  if (!root.is_object()) return fail("no object of groups", form, {file, 0, 0});
  RankGroups groups;
  for (const auto& [key, value] : root.items()) {
    if (!value.is_array() || value.empty()) {
      return fail(fmt::format("group '{}' is no list of ranks", key), form, {file, 0, 0});
    }
    for (const json& rank : value) {
      if (!rank.is_number_unsigned() || rank.get<std::uint64_t>() > 100'000'000) {
        return fail(fmt::format("group '{}' has the rank {}", key, rank.dump()), form,
                    {file, 0, 0});
      }
      groups[key].push_back(rank.get<int>());
    }
  }
  return groups;
}

}  // namespace fivefold
