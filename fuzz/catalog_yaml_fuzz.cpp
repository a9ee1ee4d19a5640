// Any bytes as a catalog file: parts with finite figures, or an error whose problems name the file.
// And what the fast YAML reader takes must be the tree that yaml-cpp reads.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fivefold/catalog/catalog_data.h"
#include "fivefold/catalog/yaml_simple.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fivefold;
  const std::string text(data, data + size);
  if (const auto simple = yaml::parse_simple(text)) {
    std::vector<Problem> problems;
    const yaml::Node full = yaml::parse_fully(text, "fuzz.yaml", problems);
    if (!problems.empty() || !(full == *simple)) std::abort();
  }
  const auto parts = read_catalog({{"fuzz.yaml", text, 0}});
  if (!parts) {
    if (parts.error().problems.empty() || to_text(parts.error()).empty()) std::abort();
    for (const Problem& problem : parts.error().problems) {
      if (problem.place.file != "fuzz.yaml") std::abort();
    }
    return 0;
  }
  for (const Chip& chip : parts->chips) {
    for (const OpsPerSecond peak : chip.device.peak) {
      if (!std::isfinite(peak.value()) || peak.value() < 0) std::abort();
    }
    if (chip.devices_per_chip < 1 || chip.id.empty()) std::abort();
  }
  for (const System& system : parts->systems) {
    if (system.devices() < 1) std::abort();
    for (const SystemLevel& level : system.levels) {
      if (level.size < 1 || !std::isfinite(level.bandwidth.value())) std::abort();
    }
  }
  return 0;
}
