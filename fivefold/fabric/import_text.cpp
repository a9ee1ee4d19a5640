// Plain edge lists and SimAI's topology text.
#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "fivefold/base/unit_text.h"
#include "fivefold/fabric/import_forms.h"

namespace fivefold {
namespace {

using Line = std::vector<Word>;

std::optional<int> whole(std::string_view text) {
  int value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// Collects problems of a text file, no more than one would read.
class Problems {
 public:
  explicit Problems(const std::string& file) : file_(file) {}
  void add(std::size_t line, int column, std::string what, std::string hint = {}) {
    if (error_.problems.size() < kMostProblems) {
      error_.problems.push_back({{file_, int(line) + 1, column}, std::move(what), std::move(hint)});
    }
  }
  bool none() const { return error_.problems.empty(); }
  tl::unexpected<Error> refuse() { return fail(std::move(error_)); }

 private:
  const std::string& file_;
  Error error_;
};

// Takes the next quantity of a line, written as one word ("50GB/s") or two ("50 GB/s").
template <class Q>
std::optional<Q> take_quantity(const Line& line, std::size_t& at, std::size_t number,
                               std::string_view what, Problems& problems) {
  if (at >= line.size()) {
    problems.add(number, 1, fmt::format("the {} is missing", what),
                 "a line is FROM TO BANDWIDTH LATENCY, for example: 0 1 50GB/s 1us");
    return std::nullopt;
  }
  const Word& word = line[at++];
  std::string text(word.text);
  const bool bare = text.find_first_not_of("0123456789.eE+-") == std::string::npos;
  if (bare && at < line.size()) text += fmt::format(" {}", line[at++].text);
  const auto value = parse_quantity_as<Q>(text);
  if (!value) {
    problems.add(number, word.column,
                 fmt::format("{}: {}", what, value.error().problems.front().what));
    return std::nullopt;
  }
  return *value;
}

std::optional<BytesPerSecond> take_bandwidth(const Line& line, std::size_t& at, std::size_t number,
                                             Problems& problems) {
  const int column = at < line.size() ? line[at].column : 1;
  const auto bandwidth = take_quantity<BytesPerSecond>(line, at, number, "bandwidth", problems);
  if (bandwidth && !(bandwidth->value() > 0)) {
    problems.add(number, column, "a link of no bandwidth", "leave the line out, or give it some");
    return std::nullopt;
  }
  return bandwidth;
}

struct Edge {
  std::string from, to;
  BytesPerSecond bandwidth;
  Seconds latency;
};

std::optional<Edge> read_edge(const Line& line, std::size_t number, Problems& problems) {
  if (line.size() < 2) {
    problems.add(number, line.front().column, fmt::format("'{}' alone is no link", line[0].text),
                 "a line is FROM TO BANDWIDTH LATENCY, for example: 0 1 50GB/s 1us");
    return std::nullopt;
  }
  if (line[0].text == line[1].text) {
    problems.add(number, line[1].column, fmt::format("a link from {0} to {0}", line[0].text));
    return std::nullopt;
  }
  std::size_t at = 2;
  const auto bandwidth = take_bandwidth(line, at, number, problems);
  if (!bandwidth) return std::nullopt;
  const auto latency = take_quantity<Seconds>(line, at, number, "latency", problems);
  if (!latency) return std::nullopt;
  if (at < line.size()) {
    problems.add(number, line[at].column, fmt::format("'{}' after the latency", line[at].text),
                 "a line is FROM TO BANDWIDTH LATENCY");
    return std::nullopt;
  }
  return Edge{std::string(line[0].text), std::string(line[1].text), *bandwidth, *latency};
}

// Nodes that are numbers are devices; they count from 0 without a gap.
std::optional<int> count_devices(const std::vector<Edge>& edges) {
  std::vector<int> numbers;
  for (const Edge& edge : edges) {
    for (const std::string& end : {edge.from, edge.to}) {
      if (const auto number = whole(end)) numbers.push_back(*number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  if (numbers.empty() || numbers.back() + 1 != int(numbers.size())) return std::nullopt;
  return int(numbers.size());
}

// The header of SimAI: nodes, devices of a server, NVSwitches, other switches, links, chip.
struct SimaiHeader {
  int nodes = 0, of_server = 0, nvswitches = 0, others = 0, links = 0;
};

std::optional<SimaiHeader> read_header(const Line& line, Problems& problems) {
  SimaiHeader header;
  int* const fields[] = {&header.nodes, &header.of_server, &header.nvswitches, &header.others,
                         &header.links};
  for (std::size_t i = 0; i < 5; ++i) {
    const auto value = whole(line[i].text);
    if (!value) {
      problems.add(0, line[i].column, fmt::format("'{}' is no count", line[i].text));
      return std::nullopt;
    }
    *fields[i] = *value;
  }
  const std::int64_t switches = std::int64_t(header.nvswitches) + header.others;
  if (header.nodes < 1 || header.nodes > kMostDevices || switches >= header.nodes) {
    problems.add(0, 1, fmt::format("{} nodes, of them {} switches", header.nodes, switches),
                 "the header is: nodes, GPUs of a server, NVSwitches, other switches, links, GPU");
    return std::nullopt;
  }
  return header;
}

std::vector<int> simai_nodes(const SimaiHeader& header, const Line& switches, NamedGraph& graph,
                             Problems& problems) {
  std::vector<char> is_switch(header.nodes, 0);
  for (const Word& word : switches) {
    const auto number = whole(word.text);
    if (!number || *number >= header.nodes) {
      problems.add(1, word.column,
                   fmt::format("switch '{}' is none of the {} nodes", word.text, header.nodes));
      continue;
    }
    is_switch[*number] = 1;
  }
  std::vector<int> node(header.nodes);
  for (int i = 0; i < header.nodes; ++i) {
    node[i] = is_switch[i] != 0 ? graph.add_node(fmt::format("switch {}", i), NodeKind::kSwitch)
                                : graph.add_device(fmt::format("device {}", i));
  }
  return node;
}

void simai_link(const Line& line, std::size_t number, const std::vector<int>& node,
                NamedGraph& graph, Problems& problems) {
  if (line.size() < 4 || line.size() > 5) {
    return problems.add(number, 1, fmt::format("{} words", line.size()),
                        "a link is: from, to, bandwidth, latency, error rate");
  }
  const auto from = whole(line[0].text), to = whole(line[1].text);
  const int nodes = int(node.size());
  if (!from || !to || *from >= nodes || *to >= nodes || *from == *to) {
    return problems.add(number, 1,
                        fmt::format("a link from '{}' to '{}'", line[0].text, line[1].text),
                        fmt::format("two different nodes of 0 to {}", nodes - 1));
  }
  std::size_t at = 2;
  const auto bandwidth = take_bandwidth(line, at, number, problems);
  if (!bandwidth) return;
  const auto latency = take_quantity<Seconds>(line, at, number, "latency", problems);
  if (latency) graph.add_cable(node[*from], node[*to], *bandwidth, *latency);
}

}  // namespace

Result<Topology> read_edges(std::string_view text, const std::string& file) {
  Problems problems(file);
  std::vector<Edge> edges;
  const auto lines = words_by_line(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    if (auto edge = read_edge(lines[i], i, problems)) edges.push_back(*std::move(edge));
  }
  if (!problems.none()) return problems.refuse();
  if (edges.empty())
    return fail("no links in the file", "one a line: 0 1 50GB/s 1us", {file, 1, 1});
  const auto devices = count_devices(edges);
  if (!devices) {
    return fail("devices are numbered 0, 1, 2, ... without a gap",
                "nodes that are not numbers are switches", {file, 0, 0});
  }
  NamedGraph graph;
  std::map<std::string, int, std::less<>> nodes;
  for (int i = 0; i < *devices; ++i) {
    nodes[std::to_string(i)] = graph.add_device(fmt::format("device {}", i));
  }
  const auto node = [&](const std::string& name) {
    // "007" is device 7.
    if (const auto number = whole(name)) return nodes.at(std::to_string(*number));
    const auto [entry, fresh] = nodes.try_emplace(name, 0);
    if (fresh) entry->second = graph.add_node(name, NodeKind::kSwitch);
    return entry->second;
  };
  for (const Edge& edge : edges) {
    const int from = node(edge.from), to = node(edge.to);
    graph.add_cable(from, to, edge.bandwidth, edge.latency);
  }
  auto built = graph.finish(file);
  if (!built) return fail(std::move(built.error()));
  return Topology{{}, "edges", std::nullopt, *std::move(built)};
}

Result<Topology> read_simai(std::string_view text, const std::string& file) {
  Problems problems(file);
  const auto lines = words_by_line(text);
  const auto header = read_header(lines.front(), problems);
  if (!header) return problems.refuse();
  NamedGraph graph;
  static const Line kNone;
  const std::vector<int> node =
      simai_nodes(*header, lines.size() > 1 ? lines[1] : kNone, graph, problems);
  const int switches = header->nodes - graph.devices();
  if (problems.none() && switches != header->nvswitches + header->others) {
    problems.add(1, 1,
                 fmt::format("{} switches are named, {} announced", switches,
                             header->nvswitches + header->others),
                 "the second line numbers every switch once");
  }
  int links = 0;
  for (std::size_t i = 2; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    simai_link(lines[i], i, node, graph, problems);
    ++links;
  }
  if (problems.none() && links != header->links) {
    problems.add(0, 1, fmt::format("{} links announced, {} follow", header->links, links),
                 "is the file cut short?");
  }
  if (!problems.none()) return problems.refuse();
  auto built = graph.finish(file);
  if (!built) return fail(std::move(built.error()));
  return Topology{{}, "SimAI", std::nullopt, *std::move(built)};
}

}  // namespace fivefold
