// The readers behind import.h, one for each form.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/catalog/yaml_tree.h"
#include "fivefold/fabric/import.h"

namespace fivefold {

// A graph whose nodes come in any order, with names: devices are numbered as they are added,
// switches after them.
class NamedGraph {
 public:
  int add_device(std::string name);  // numbers that only this class knows
  int add_node(std::string name, NodeKind kind);
  void add_cable(int a, int b, BytesPerSecond bandwidth, Seconds latency, int level = -1);
  int devices() const { return int(devices_.size()); }
  // Devices first; fails if not all are joined.
  Result<Graph> finish(const std::string& file) const;

 private:
  struct Node {
    std::string name;
    NodeKind kind = NodeKind::kDevice;
  };
  std::vector<Node> all_;
  std::vector<int> devices_;
  std::vector<Link> cables_;
};

// The words of a line without its remark, each with its column.
struct Word {
  std::string_view text;
  int column = 0;
};
std::vector<std::vector<Word>> words_by_line(std::string_view text);

Result<Topology> read_levels(const yaml::Node& root, const std::string& file, bool separate_planes);
Result<Topology> read_links(const yaml::Node& root, const std::string& file);
Result<Topology> read_astra(const yaml::Node& root, const std::string& file, bool separate_planes);
Result<Topology> read_nccl(std::string_view text, const std::string& file);
Result<Topology> read_simai(std::string_view text, const std::string& file);
Result<Topology> read_edges(std::string_view text, const std::string& file);

inline constexpr int kMostDevices = 4'000'000;
inline constexpr std::size_t kMostProblems = 20;  // of one file; the rest says the same

}  // namespace fivefold
