// Any bytes as a config.json: a model with finite positive counts, or an error with problems.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fivefold/catalog/model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto model = fivefold::parse_hf_config(text, "config.json");
  if (!model) {
    if (model.error().problems.empty()) std::abort();
    return 0;
  }
  const double total = fivefold::count_parameters(*model).total;
  if (!std::isfinite(total) || total <= 0) std::abort();
  return 0;
}
