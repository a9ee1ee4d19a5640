// Any bytes as a topology of NCCL: a graph that routes, or an error.
#include "fuzz/topology_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fivefold;
  if (size > 4096) return 0;  // large graphs are slow, not new
  const std::string text(data, data + size);
  check_topology(read_nccl(text, "fuzz"));
  return 0;
}
