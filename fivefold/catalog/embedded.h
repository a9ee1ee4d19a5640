// The shipped catalog, compiled into the program.
#pragma once

#include <string_view>
#include <vector>

namespace fivefold {

struct EmbeddedFile {
  std::string_view path;  // below catalog/: "chips/nvidia.yaml"
  std::string_view text;
};
const std::vector<EmbeddedFile>& embedded_catalog();

}  // namespace fivefold
