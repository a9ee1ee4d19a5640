#include "fivefold/catalog/yaml_tree.h"

#include <algorithm>
#include <istream>
#include <streambuf>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "fivefold/catalog/yaml_simple.h"

namespace fivefold::yaml {
namespace {

constexpr std::size_t kDeepest = 32;

struct Refusal {
  YAML::Mark mark;
  std::string what;
  std::string hint;
};

bool is_null_text(const std::string& text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

// Builds the tree from the parser's events: the library's own tree costs four times as much and
// hides duplicate keys.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, std::vector<Problem>& problems)
      : file_(file), problems_(problems) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add(make(Node::Kind::kNull, mark), mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refusal{mark, "an alias (*name) is not read here", "write the value out"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    const bool quoted = tag == "!";
    Node node =
        make(!quoted && is_null_text(value) ? Node::Kind::kNull : Node::Kind::kScalar, mark);
    node.quoted = quoted;
    node.scalar = value;
    add(std::move(node), mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::kList, mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::kMap, mark);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    bool has_key = false;  // of a map: the next node is the value of the last key
  };

  static Node make(Node::Kind kind, const YAML::Mark& mark) {
    Node node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  bool awaits_key() const {
    return !open_.empty() && open_.back().node.is_map() && !open_.back().has_key;
  }

  void open(Node::Kind kind, const YAML::Mark& mark) {
    if (awaits_key()) throw Refusal{mark, "a key must be a plain word", {}};
    if (open_.size() >= kDeepest) {
      throw Refusal{mark, fmt::format("more than {} levels of nesting", kDeepest), {}};
    }
    open_.push_back({make(kind, mark)});
  }

  void close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    place(std::move(node));
  }

  void add(Node node, const YAML::Mark& mark) {
    if (awaits_key()) {
      if (!node.is_scalar()) throw Refusal{mark, "a key must be a plain word", {}};
      add_key(std::move(node));
    } else {
      place(std::move(node));
    }
  }

  void add_key(Node key) {
    Node& map = open_.back().node;
    const auto known = std::find(map.keys.begin(), map.keys.end(), key.scalar);
    if (known != map.keys.end()) {
      const auto first = map.key_places[static_cast<std::size_t>(known - map.keys.begin())];
      problems_.push_back(
          {{file_, key.line, key.column},
           fmt::format("'{}' stands here twice (first in line {})", key.scalar, first.first),
           "keep one of the two"});
    }
    map.keys.push_back(std::move(key.scalar));
    map.key_places.emplace_back(key.line, key.column);
    open_.back().has_key = true;
  }

  void place(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    open_.back().has_key = false;
    open_.back().node.items.push_back(std::move(node));
  }

  const std::string& file_;
  std::vector<Problem>& problems_;
  std::vector<Open> open_;
  Node root_;
};

// Reads from memory without a copy.
struct MemoryBuffer : std::streambuf {
  explicit MemoryBuffer(std::string_view text) {
    char* first = const_cast<char*>(text.data());  // the get area is only read
    setg(first, first, first + text.size());
  }
};

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == key) return &items[i];
  }
  return nullptr;
}

Node parse(std::string_view text, const std::string& file, std::vector<Problem>& problems) {
  if (auto simple = parse_simple(text)) return std::move(*simple);
  return parse_fully(text, file, problems);
}

Node parse_fully(std::string_view text, const std::string& file, std::vector<Problem>& problems) {
  const auto refuse = [&](const YAML::Mark& mark, std::string what, std::string hint) {
    const bool placed = !mark.is_null();
    problems.push_back({{file, placed ? mark.line + 1 : 0, placed ? mark.column + 1 : 0},
                        std::move(what),
                        std::move(hint)});
    return Node{};
  };
  try {
    MemoryBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    TreeBuilder builder(file, problems);
    if (!parser.HandleNextDocument(builder)) return {};
    Node root = builder.take();
    TreeBuilder second(file, problems);
    if (parser.HandleNextDocument(second)) {
      Problem problem{Place{file}, "a second document ('---') follows the first", "split the file"};
      problems.push_back(std::move(problem));
    }
    return root;
  } catch (const Refusal& refusal) {
    return refuse(refusal.mark, refusal.what, refusal.hint);
  } catch (const YAML::Exception& error) {
    return refuse(error.mark, "this is not YAML: " + error.msg, {});
  }
}

}  // namespace fivefold::yaml
