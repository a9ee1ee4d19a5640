#include "fivefold/catalog/yaml_simple.h"

#include <algorithm>

namespace fivefold::yaml {
namespace {

constexpr int kDeepest = 16;
constexpr std::size_t kLongestKey = 200;

// Thrown where the text leaves the plain part; it never leaves this file.
struct NotSimple {};

[[noreturn]] void give_up() {
  throw NotSimple{};
}
void require(bool condition) {
  if (!condition) give_up();
}

// Printable ASCII, newlines and well-formed UTF-8 without surrogates.
bool is_plain_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n' || (byte >= 0x20 && byte < 0x7f)) {
      ++i;
      continue;
    }
    // Lead bytes whose sequences need no look at the second byte's range.
    const std::size_t length = byte >= 0xc3 && byte <= 0xdf                   ? 2
                               : byte >= 0xe1 && byte <= 0xee && byte != 0xed ? 3
                               : byte >= 0xf1 && byte <= 0xf3                 ? 4
                                                                              : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

class SimpleParser {
 public:
  explicit SimpleParser(std::string_view text) : text_(text) {}

  Node document() {
    next_line();
    require(!at_end());
    Node root = block(0);
    require(at_end());
    return root;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n';
  }
  int column() const { return static_cast<int>(at_ - line_start_); }
  bool at_dash() const { return peek() == '-' && is_one_of(peek(1), " \n"); }

  Node node_here(Node::Kind kind) const {
    Node node;
    node.kind = kind;
    node.line = line_;
    node.column = column() + 1;
    return node;
  }

  void skip_spaces() {
    while (!at_end() && text_[at_] == ' ') ++at_;
  }

  void skip_to_line_end() {
    while (!at_end() && text_[at_] != '\n') ++at_;
  }

  void step_over_newline() {
    ++at_;
    ++line_;
    line_start_ = at_;
    // Marks of a document or a directive, and what might be one.
    require(peek() != '%' && !text_.substr(at_).starts_with("---") &&
            !text_.substr(at_).starts_with("..."));
  }

  // From the start of a line to the first character of the next line with content.
  void next_line() {
    if (at_ == 0) require(peek() != '%' && !text_.starts_with("---") && !text_.starts_with("..."));
    while (!at_end()) {
      skip_spaces();
      if (at_end()) return;
      if (peek() == '#') skip_to_line_end();
      if (at_end()) return;
      if (peek() != '\n') return;
      step_over_newline();
    }
  }

  // After a value: nothing but a comment may follow on the line.
  void finish_line() {
    const std::size_t before = at_;
    skip_spaces();
    if (!at_end() && peek() == '#') {
      require(at_ > before);
      skip_to_line_end();
    }
    require(at_end() || peek() == '\n');
    if (!at_end()) step_over_newline();
    next_line();
  }

  // A plain word of a key, followed by ':' and a blank: its length, or zero if this is no key.
  std::size_t key_length() const {
    if (!starts_plain()) return 0;
    for (std::size_t n = 0; n < kLongestKey; ++n) {
      const char c = peek(n);
      if (c == '\n' || (c == ' ' && peek(n + 1) == '#')) return 0;
      if (c == ':' && is_one_of(peek(n + 1), " \n")) return n;
    }
    give_up();
  }

  bool starts_plain() const {
    const char c = peek();
    if (is_one_of(c, ",[]{}#&*!|>'\"%@`?: \n")) return false;
    return c != '-' || !is_one_of(peek(1), " \n,[]{}");
  }

  static std::string trimmed(std::string_view text) {
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return std::string(text);
  }

  void add_key(Node& map, std::size_t length) {
    std::string key = trimmed(text_.substr(at_, length));
    require(std::find(map.keys.begin(), map.keys.end(), key) == map.keys.end());
    require(key != "null" && key != "Null" && key != "NULL" && key != "~");
    map.keys.push_back(std::move(key));
    map.key_places.emplace_back(line_, column() + 1);
    at_ += length + 1;
  }

  Node block(int depth) {
    require(depth < kDeepest);
    if (at_dash()) return block_list(depth);
    if (key_length() > 0) return block_map(depth);
    Node node = value(depth);  // on the line after its key
    finish_line();
    return node;
  }

  Node block_map(int depth) {
    Node map = node_here(Node::Kind::kMap);
    const int indent = column();
    while (true) {
      const std::size_t length = key_length();
      require(length > 0);
      add_key(map, length);
      skip_spaces();
      const bool empty = at_end() || peek() == '\n' || peek() == '#';
      if (empty) {
        require(peek() != '#' || text_[at_ - 1] == ' ');
        finish_line();
        // A list may stand at the column of its key; an empty value is left to yaml-cpp.
        require(!at_end() && (column() > indent || (column() == indent && at_dash())));
        map.items.push_back(block(depth + 1));
      } else {
        map.items.push_back(value(depth + 1));
        finish_line();
      }
      if (at_end() || column() < indent) return map;
      require(column() == indent && !at_dash());
    }
  }

  Node block_list(int depth) {
    Node list = node_here(Node::Kind::kList);
    const int indent = column();
    while (true) {
      ++at_;
      require(peek() == ' ');
      skip_spaces();
      require(!at_end() && peek() != '\n' && peek() != '#');
      if (starts_plain() && key_length() > 0) {
        require(depth + 1 < kDeepest);
        list.items.push_back(block_map(depth + 1));
      } else {
        list.items.push_back(value(depth + 1));
        finish_line();
      }
      if (at_end() || column() < indent) return list;
      require(column() == indent);
      if (!at_dash()) return list;
    }
  }

  // A flow collection, a quoted text or a plain scalar in a block.
  Node value(int depth) {
    const char c = peek();
    if (c == '{' || c == '[') return flow(depth);
    if (c == '\'' || c == '"') return quoted();
    require(starts_plain());
    Node node = node_here(Node::Kind::kScalar);
    const std::size_t start = at_;
    for (; !at_end() && peek() != '\n'; ++at_) {
      if (peek() == ' ' && peek(1) == '#') break;
      require(peek() != ':' || !is_one_of(peek(1), " \n"));
    }
    return finish_plain(std::move(node), start);
  }

  Node finish_plain(Node node, std::size_t start) const {
    node.scalar = trimmed(text_.substr(start, at_ - start));
    if (node.scalar == "null" || node.scalar == "~" || node.scalar == "Null" ||
        node.scalar == "NULL") {
      node.kind = Node::Kind::kNull;
      node.scalar.clear();
    }
    return node;
  }

  Node quoted() {
    Node node = node_here(Node::Kind::kScalar);
    node.quoted = true;
    const char quote = peek();
    for (++at_;; ++at_) {
      require(!at_end() && peek() != '\n');
      if (quote == '"') require(peek() != '\\');
      if (peek() == quote) {
        if (quote == '"' || peek(1) != '\'') break;
        ++at_;
      }
      node.scalar += peek();
    }
    ++at_;
    return node;
  }

  void skip_in_flow() {
    while (true) {
      const std::size_t before = at_;
      skip_spaces();
      require(!at_end());
      if (peek() == '#') {
        require(at_ > before || column() == 0);
        skip_to_line_end();
        require(!at_end());
      }
      if (peek() != '\n') return;
      step_over_newline();
    }
  }

  Node flow(int depth) {
    require(depth < kDeepest);
    const bool is_map = peek() == '{';
    const char close = is_map ? '}' : ']';
    Node node = node_here(is_map ? Node::Kind::kMap : Node::Kind::kList);
    ++at_;
    skip_in_flow();
    if (peek() == close) {
      ++at_;
      return node;
    }
    while (true) {
      if (is_map) flow_key(node);
      node.items.push_back(flow_value(depth + 1));
      skip_in_flow();
      const char next = peek();
      require(next == ',' || next == close);
      ++at_;
      if (next == close) return node;
      skip_in_flow();
    }
  }

  void flow_key(Node& map) {
    const std::size_t length = key_length();
    require(length > 0);
    for (std::size_t n = 0; n < length; ++n) require(!is_one_of(peek(n), ",[]{}?:"));
    add_key(map, length);
    skip_in_flow();
  }

  Node flow_value(int depth) {
    const char c = peek();
    if (c == '{' || c == '[') return flow(depth);
    if (c == '\'' || c == '"') return quoted();
    require(starts_plain());
    Node node = node_here(Node::Kind::kScalar);
    const std::size_t start = at_;
    for (; !at_end() && !is_one_of(peek(), "\n,[]{}"); ++at_) {
      if (peek() == ' ' && peek(1) == '#') break;
      require(peek() != '?' && (peek() != ':' || !is_one_of(peek(1), " \n,[]{}")));
    }
    return finish_plain(std::move(node), start);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

}  // namespace

std::optional<Node> parse_simple(std::string_view text) {
  if (!is_plain_text(text)) return std::nullopt;
  try {
    return SimpleParser(text).document();
  } catch (const NotSimple&) {
    return std::nullopt;
  }
}

}  // namespace fivefold::yaml
