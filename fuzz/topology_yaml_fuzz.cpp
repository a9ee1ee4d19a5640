// Any bytes as a topology in YAML (levels, links, ASTRA-sim): a graph that routes, or an error.
#include "fuzz/topology_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fivefold;
  if (size > 4096) return 0;  // large graphs are slow, not new
  const std::string text(data, data + size);
  check_topology(read_topology("fabric: fuzz\n" + text, "fuzz"));
  return 0;
}
