#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/replay/raw_node.h"

namespace fivefold {

std::string_view name(TraceType type) {
  switch (type) {
    case TraceType::kMetadata:
      return "metadata";
    case TraceType::kMemLoad:
      return "memory load";
    case TraceType::kMemStore:
      return "memory store";
    case TraceType::kCompute:
      return "compute";
    case TraceType::kSend:
      return "send";
    case TraceType::kReceive:
      return "receive";
    case TraceType::kCollective:
      return "collective";
  }
  return "";
}

std::string describe(const TraceNode& node) {
  // Names of kernels hold whole template arguments.
  constexpr std::size_t kShown = 60;
  std::string shown;
  for (const char c : std::string_view(node.name).substr(0, kShown)) {
    shown += std::uint8_t(c) < 0x20 || std::uint8_t(c) >= 0x7F ? '?' : c;
  }
  if (node.name.size() > kShown) shown += "...";
  return fmt::format("node {} '{}'", node.id, shown);
}

namespace {

class Check {
 public:
  Check(RawTrace raw, const std::string& file, std::vector<Problem> problems)
      : raw_(std::move(raw)), file_(file), problems_(std::move(problems)) {}

  Result<Trace> run() {
    for (RawNode& raw : raw_.nodes) {
      if (full()) break;
      take_fields(raw);
    }
    if (!full()) find_ids();
    if (problems_.empty()) find_needs();
    if (problems_.empty()) order();
    if (!problems_.empty()) return fail(Error{std::move(problems_)});
    trace_.file = file_;
    trace_.version = std::move(raw_.version);
    return std::move(trace_);
  }

 private:
  bool full() const { return problems_.size() >= kMostProblems; }

  void problem(const RawNode& raw, const std::string& what, const std::string& hint) {
    if (full()) return;
    Problem one;
    one.place.file = file_;
    one.what = fmt::format("{}: {} {}", raw.where, describe(raw.node), what);
    one.hint = hint;
    problems_.push_back(std::move(one));
  }

  std::optional<double> amount(const RawNode& raw, const std::string& key) {
    const auto found = raw.numbers.find(key);
    if (found == raw.numbers.end()) return std::nullopt;
    if (found->second >= 0 && found->second < 1e18) return found->second;
    problem(raw, fmt::format("has {} {}", key, found->second), "an amount that is not negative");
    return std::nullopt;
  }

  // A number of a rank, a tag or a kind.
  std::optional<std::int64_t> whole(const RawNode& raw, const std::string& key,
                                    std::int64_t least) {
    const auto found = raw.numbers.find(key);
    if (found == raw.numbers.end()) return std::nullopt;
    const double value = found->second;
    if (value == std::floor(value) && value >= double(least) && value < 2147483648.0) {
      return std::int64_t(value);
    }
    problem(raw, fmt::format("has {} {}", key, value),
            fmt::format("a whole number from {} on", least));
    return std::nullopt;
  }

  void take_fields(RawNode& raw) {
    TraceNode& node = raw.node;
    if (raw.type < int(TraceType::kMetadata) || raw.type > int(TraceType::kCollective)) {
      return problem(raw, fmt::format("has the unknown type {}", raw.type),
                     "1 metadata, 2 memory load, 3 memory store, 4 compute, 5 send, 6 receive, "
                     "7 collective");
    }
    node.type = TraceType(raw.type);
    if (!(node.micros >= 0 && node.micros < 9e12)) {
      problem(raw, fmt::format("lasts {} us", node.micros), "at most 100 days");
    }
    const auto host = raw.numbers.find("is_cpu_op");
    node.host = host != raw.numbers.end() && host->second != 0;
    node.ops = amount(raw, "num_ops");
    node.bytes = amount(raw, "tensor_size");
    if (node.type == TraceType::kMetadata) return take_groups(raw);
    if (node.type < TraceType::kSend) return;
    node.comm_size = amount(raw, "comm_size");
    node.comm_type = whole(raw, "comm_type", 0);
    node.tag = whole(raw, "comm_tag", -2147483648LL).value_or(0);
    take_group_name(raw);
    if (node.type == TraceType::kCollective) {
      // PyTorch's call of a collective, on the host: the kernel that it starts is a node of its
      // own.
      if (node.host && !node.comm_type && !node.comm_size) node.type = TraceType::kCompute;
      return;
    }
    take_peer(raw);
  }

  void take_peer(RawNode& raw) {
    TraceNode& node = raw.node;
    const char* key = node.type == TraceType::kSend ? "comm_dst" : "comm_src";
    const auto peer = whole(raw, key, 0);
    if (peer) node.peer = int(*peer);
    if (!raw.numbers.contains(key)) {
      problem(raw, fmt::format("is a {} without {}", name(node.type), key),
              fmt::format("{}: the rank at the other end", key));
    }
    if (!raw.numbers.contains("comm_size")) {
      problem(raw, fmt::format("is a {} without comm_size", name(node.type)), "its bytes");
    }
  }

  static void take_group_name(RawNode& raw) {
    if (const auto text = raw.texts.find("pg_name"); text != raw.texts.end()) {
      raw.node.group = text->second;
    } else if (const auto number = raw.numbers.find("pg_name"); number != raw.numbers.end()) {
      raw.node.group = fmt::format("{:.0f}", number->second);
    }
  }

  // PyTorch lists its process groups in the text of one node: [{"pg_name": "0", "ranks": [0, 1]}].
  void take_groups(const RawNode& raw) {
    if (raw.node.name.find("process_group:init") == std::string::npos) return;
    std::string text = raw.inputs;
    const std::size_t from = text.find("[{"), to = text.rfind("}]");
    if (from == std::string::npos || to == std::string::npos || to < from) return;
    text = text.substr(from, to + 2 - from);
    text.erase(std::remove(text.begin(), text.end(), '\\'), text.end());
    const auto list = nlohmann::json::parse(text, nullptr, false);
    if (!list.is_array()) {
      return problem(raw, "lists process groups that cannot be read", "a JSON list of groups");
    }
    for (const auto& group : list) {
      const auto group_name = group.is_object() ? group.find("pg_name") : group.end();
      const auto ranks = group.is_object() ? group.find("ranks") : group.end();
      if (group_name == group.end() || ranks == group.end() || !ranks->is_array()) continue;
      std::vector<int> members;
      for (const auto& rank : *ranks) {
        if (rank.is_number_integer()) members.push_back(rank.get<int>());
      }
      const std::string key =
          group_name->is_string() ? group_name->get<std::string>() : group_name->dump();
      // An empty list stands for all ranks, as no name does.
      if (!members.empty()) trace_.groups[key] = std::move(members);
    }
  }

  void find_ids() {
    place_.reserve(raw_.nodes.size());
    for (std::size_t i = 0; i < raw_.nodes.size(); ++i) {
      const auto [first, fresh] = place_.try_emplace(raw_.nodes[i].node.id, std::int32_t(i));
      if (fresh) continue;
      problem(raw_.nodes[i],
              fmt::format("has the id of {} at {}",
                          describe(raw_.nodes[std::size_t(first->second)].node),
                          raw_.nodes[std::size_t(first->second)].where),
              "each node has an id of its own");
    }
  }

  static bool is_of_pytorch(const RawNode& raw) {
    return raw.numbers.contains("rf_id") || raw.node.name.starts_with("aten::") ||
           raw.node.name.starts_with("c10d::");
  }

  void find_needs() {
    trace_.call_tree = std::any_of(raw_.nodes.begin(), raw_.nodes.end(), is_of_pytorch);
    std::unordered_set<std::uint64_t> dropped;
    for (RawNode& raw : raw_.nodes) {
      std::vector<std::int32_t>& needs = raw.node.needs;
      for (const std::uint64_t id : raw.data_deps) add_need(raw, "data_deps", id);
      for (const std::uint64_t id : raw.ctrl_deps) {
        if (!trace_.call_tree) {
          add_need(raw, "ctrl_deps", id);
        } else if (!place_.contains(id)) {
          dropped.insert(id);
        }
      }
      std::sort(needs.begin(), needs.end());
      needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
    }
    trace_.dropped_parents = dropped.size();
  }

  void add_need(RawNode& raw, const char* list, std::uint64_t id) {
    const auto found = place_.find(id);
    if (found != place_.end()) return raw.node.needs.push_back(found->second);
    problem(raw, fmt::format("needs node {}, which is not in the trace", id),
            fmt::format("{} name nodes of the same file", list));
  }

  // Nodes in the order of their ids as far as what they need lets them: as Chakra's feeder hands
  // them out.
  void order() {
    const std::size_t count = raw_.nodes.size();
    std::vector<std::int32_t> missing(count, 0), at(count, -1);
    std::vector<std::vector<std::int32_t>> followers(count);
    using Ready = std::pair<std::uint64_t, std::int32_t>;
    std::priority_queue<Ready, std::vector<Ready>, std::greater<>> ready;
    for (std::size_t i = 0; i < count; ++i) {
      const TraceNode& node = raw_.nodes[i].node;
      missing[i] = std::int32_t(node.needs.size());
      for (const std::int32_t need : node.needs) {
        followers[std::size_t(need)].push_back(std::int32_t(i));
      }
      if (node.needs.empty()) ready.emplace(node.id, std::int32_t(i));
    }
    std::int32_t next = 0;
    std::vector<std::int32_t> sorted;
    sorted.reserve(count);
    while (!ready.empty()) {
      const auto i = std::size_t(ready.top().second);
      ready.pop();
      at[i] = next++;
      sorted.push_back(std::int32_t(i));
      for (const std::int32_t follower : followers[i]) {
        if (--missing[std::size_t(follower)] > 0) continue;
        ready.emplace(raw_.nodes[std::size_t(follower)].node.id, follower);
      }
    }
    if (sorted.size() < count) return report_circle(missing);
    trace_.nodes.reserve(count);
    for (const std::int32_t i : sorted) {
      TraceNode& node = raw_.nodes[std::size_t(i)].node;
      for (std::int32_t& need : node.needs) need = at[std::size_t(need)];
      std::sort(node.needs.begin(), node.needs.end());
      trace_.nodes.push_back(std::move(node));
    }
  }

  // Of the nodes that wait for ever each needs another such: following them comes back.
  void report_circle(const std::vector<std::int32_t>& missing) {
    const auto stuck = [&](std::int32_t i) { return missing[std::size_t(i)] > 0; };
    std::int32_t at = 0;
    while (!stuck(at)) ++at;
    const auto needed_by = [&](std::int32_t i) {
      const auto& needs = raw_.nodes[std::size_t(i)].node.needs;
      return *std::find_if(needs.begin(), needs.end(), stuck);
    };
    std::vector<bool> seen(missing.size(), false);
    for (; !seen[std::size_t(at)]; at = needed_by(at)) seen[std::size_t(at)] = true;
    std::string text;
    int length = 0;
    std::int32_t next = at;
    do {
      next = needed_by(next);
      if (++length <= 6) {
        text += fmt::format("{}{}", length == 1 ? "needs " : ", which needs ",
                            describe(raw_.nodes[std::size_t(next)].node));
      }
    } while (next != at);
    if (length > 6) text += fmt::format(" and so on ({} nodes)", length);
    problem(raw_.nodes[std::size_t(at)], text + ": a circle", "dependencies must have an order");
  }

  RawTrace raw_;
  const std::string& file_;
  std::vector<Problem> problems_;
  Trace trace_;
  std::unordered_map<std::uint64_t, std::int32_t> place_;
};

}  // namespace

Result<Trace> check_trace(RawTrace raw, const std::string& file, std::vector<Problem> problems) {
  return Check(std::move(raw), file, std::move(problems)).run();
}

}  // namespace fivefold
