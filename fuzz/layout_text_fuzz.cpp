// Any bytes as a layout: an error in words, or a layout that prints as it is read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fivefold/training/layout_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fivefold;
  const auto layout = parse_layout({reinterpret_cast<const char*>(data), size});
  if (!layout) {
    if (to_text(layout.error()).empty()) std::abort();
    return 0;
  }
  const auto again = parse_layout(to_text(*layout));
  if (!again || to_text(*again) != to_text(*layout)) std::abort();
  return 0;
}
