// A fast reader for the plain part of YAML that catalog files are written in: block maps and lists,
// flow maps and lists, scalars on one line. It answers nothing where it meets anything else
// (anchors, tags, folded text, tabs, duplicate keys, an error): yaml-cpp then reads the file,
// twenty times slower, and words the messages. What it does read, it reads as yaml-cpp would,
// places included; a test holds the two together.
#pragma once

#include <optional>
#include <string_view>

#include "fivefold/catalog/yaml_tree.h"

namespace fivefold::yaml {

std::optional<Node> parse_simple(std::string_view text);

}  // namespace fivefold::yaml
