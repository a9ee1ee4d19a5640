#include "fivefold/fabric/import.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "fivefold/fabric/import_forms.h"

namespace fivefold {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == ',' || c == ';';
}

bool has_key(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    const bool starts = at == 0 || text[at - 1] == '\n';
    const std::string_view rest = text.substr(at + key.size());
    if (starts && rest.starts_with(':')) return true;
  }
  return false;
}

bool is_yaml(std::string_view text) {
  return has_key(text, "levels") || has_key(text, "links") || has_key(text, "topology") ||
         has_key(text, "npus_count") || has_key(text, "fabric");
}

bool is_number(std::string_view word) {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Five numbers and the name of a chip.
bool is_simai(std::string_view text) {
  const auto lines = words_by_line(text);
  if (lines.empty() || lines.front().size() != 6) return false;
  return std::all_of(lines.front().begin(), lines.front().begin() + 5,
                     [](const Word& word) { return is_number(word.text); });
}

Result<Topology> read_yaml(std::string_view text, const std::string& file, bool separate_planes) {
  std::vector<Problem> problems;
  const yaml::Node root = yaml::parse(text, file, problems);
  if (!problems.empty()) return fail(Error{std::move(problems)});
  if (!root.is_map()) {
    return fail("a fabric is a mapping (key: value)", "it has levels: or links:", {file, 1, 1});
  }
  if (root.find("topology") != nullptr || root.find("npus_count") != nullptr) {
    return read_astra(root, file, separate_planes);
  }
  if (root.find("levels") != nullptr) return read_levels(root, file, separate_planes);
  if (root.find("links") != nullptr) return read_links(root, file);
  return fail("a fabric without levels: and without links:",
              "docs/fabrics.md shows both forms, and ASTRA-sim's topology: is read as well",
              {file, std::max(1, root.line), std::max(1, root.column)});
}

}  // namespace

std::vector<std::vector<Word>> words_by_line(std::string_view text) {
  std::vector<std::vector<Word>> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    std::vector<Word>& words = lines.emplace_back();
    std::size_t at = 0;
    while (at < line.size()) {
      while (at < line.size() && is_blank(line[at])) ++at;
      const std::size_t start = at;
      while (at < line.size() && !is_blank(line[at])) ++at;
      if (at > start) words.push_back({line.substr(start, at - start), int(start) + 1});
    }
  }
  return lines;
}

int NamedGraph::add_device(std::string name) {
  devices_.push_back(int(all_.size()));
  all_.push_back({std::move(name), NodeKind::kDevice});
  return devices_.back();
}

int NamedGraph::add_node(std::string name, NodeKind kind) {
  all_.push_back({std::move(name), kind});
  return int(all_.size()) - 1;
}

void NamedGraph::add_cable(int a, int b, BytesPerSecond bandwidth, Seconds latency, int level) {
  cables_.push_back({a, b, level, bandwidth, latency});
}

Result<Graph> NamedGraph::finish(const std::string& file) const {
  Graph graph;
  graph.devices = devices();
  graph.nodes = int(all_.size());
  std::vector<int> number(all_.size());
  int next_device = 0, next_other = graph.devices;
  graph.kinds.resize(all_.size());
  graph.names.resize(all_.size());
  for (std::size_t i = 0; i < all_.size(); ++i) {
    number[i] = all_[i].kind == NodeKind::kDevice ? next_device++ : next_other++;
    graph.kinds[number[i]] = all_[i].kind;
    graph.names[number[i]] = all_[i].name;
  }
  for (const Link& cable : cables_) {
    const int a = number[cable.from], b = number[cable.to];
    graph.links.push_back({a, b, cable.level, cable.bandwidth, cable.latency});
    graph.links.push_back({b, a, cable.level, cable.bandwidth, cable.latency});
  }
  if (graph.devices == 0) return fail("no devices", "a fabric joins devices", {file, 0, 0});
  const std::vector<std::int32_t> joined = joined_with(graph);
  for (int d = 1; d < graph.devices; ++d) {
    if (joined[d] == joined[0]) continue;
    return fail(fmt::format("{} and {} are not joined: no links lead from one to the other",
                            node_name(graph, 0), node_name(graph, d)),
                "add a link between their parts", {file, 0, 0});
  }
  return graph;
}

Result<Topology> read_topology(std::string_view text, const std::string& file,
                               bool separate_planes) {
  const std::size_t start = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (start == std::string_view::npos) {
    return fail("the file is empty", "docs/fabrics.md shows the forms", {file, 1, 1});
  }
  if (text[start] == '<') return read_nccl(text, file);
  if (is_yaml(text)) return read_yaml(text, file, separate_planes);
  return is_simai(text) ? read_simai(text, file) : read_edges(text, file);
}

Result<Topology> load_topology(const std::string& path, bool separate_planes) {
  std::error_code problem;
  if (std::filesystem::is_directory(path, problem)) {
    return fail("is a folder", "name one file of a topology", {path, 0, 0});
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return fail("cannot read the file (does it exist?)", {}, {path, 0, 0});
  std::ostringstream text;
  text << stream.rdbuf();
  auto topology = read_topology(text.str(), path, separate_planes);
  if (topology && topology->name.empty()) {
    topology->name = std::filesystem::path(path).filename().string();
  }
  return topology;
}

}  // namespace fivefold
