// Writes Chakra traces for tests, byte by byte, so that what reads them is not what wrote them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace fivefold {

inline std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += char(value | 0x80);
  return bytes + char(value);
}
inline std::string number_field(int field, std::uint64_t value) {
  return varint(std::uint64_t(field) << 3) + varint(value);
}
inline std::string bytes_field(int field, const std::string& bytes) {
  return varint(std::uint64_t(field) << 3 | 2) + varint(bytes.size()) + bytes;
}
inline std::string list_field(int field, const std::vector<std::uint64_t>& values, bool packed) {
  std::string bytes;
  for (const std::uint64_t value : values) {
    bytes += packed ? varint(value) : number_field(field, value);
  }
  return packed && !bytes.empty() ? bytes_field(field, bytes) : bytes;
}

// Fields of AttributeProto: 9 int64, 13 uint64, 7 int32, 27 bool, 29 string.
inline std::string attribute(const std::string& name, std::uint64_t value, int field = 9) {
  return bytes_field(10, bytes_field(1, name) + number_field(field, value));
}
inline std::string text_attribute(const std::string& name, const std::string& value) {
  return bytes_field(10, bytes_field(1, name) + bytes_field(29, value));
}

struct WrittenNode {
  std::uint64_t id = 0;
  int type = 4;
  std::vector<std::uint64_t> data_deps = {}, ctrl_deps = {};
  std::uint64_t micros = 0;
  std::string attributes = {};
  std::string name = "n" + std::to_string(id);
};

inline WrittenNode compute_node(std::uint64_t id, std::uint64_t micros,
                                std::vector<std::uint64_t> data_deps = {}) {
  return {.id = id, .type = 4, .data_deps = std::move(data_deps), .micros = micros};
}
// `kind`: 0 all_reduce, 2 all_gather, 6 all_to_all, 7 reduce_scatter, 9 barrier.
inline WrittenNode collective_node(std::uint64_t id, int kind, std::uint64_t bytes,
                                   std::vector<std::uint64_t> data_deps = {},
                                   const std::string& group = {}) {
  WrittenNode node{.id = id, .type = 7, .data_deps = std::move(data_deps)};
  node.attributes = attribute("is_cpu_op", 0, 27) + attribute("comm_type", std::uint64_t(kind)) +
                    attribute("comm_size", bytes);
  if (!group.empty()) node.attributes += text_attribute("pg_name", group);
  return node;
}
inline WrittenNode message_node(std::uint64_t id, bool sends, int peer, std::uint64_t bytes,
                                std::vector<std::uint64_t> data_deps = {}, int tag = 0) {
  WrittenNode node{.id = id, .type = sends ? 5 : 6, .data_deps = std::move(data_deps)};
  node.attributes = attribute("comm_size", bytes) +
                    attribute(sends ? "comm_dst" : "comm_src", std::uint64_t(peer), 7) +
                    attribute("comm_tag", std::uint64_t(tag), 7);
  return node;
}

inline std::string message(const std::string& body) {
  return varint(body.size()) + body;
}

inline std::string written_node(const WrittenNode& node, bool packed = true) {
  std::string body;
  if (node.id != 0) body += number_field(1, node.id);
  body += bytes_field(2, node.name);
  if (node.type != 0) body += number_field(3, std::uint64_t(node.type));
  body += list_field(4, node.ctrl_deps, packed) + list_field(5, node.data_deps, packed);
  if (node.micros != 0) body += number_field(7, node.micros);
  return message(body + node.attributes);
}

inline std::string written_trace(const std::vector<WrittenNode>& nodes, bool packed = true) {
  std::string bytes = message(bytes_field(1, "0.0.4"));
  for (const WrittenNode& node : nodes) bytes += written_node(node, packed);
  return bytes;
}

// A folder that is gone with the test.
class TraceFolder {
 public:
  explicit TraceFolder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() / ("fivefold_" + name)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TraceFolder() { std::filesystem::remove_all(path_); }
  TraceFolder(const TraceFolder&) = delete;
  TraceFolder& operator=(const TraceFolder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  void put(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace fivefold
