// A user's own fabric, from a file of any known form:
//   levels        our YAML, `levels:` from the inside out, with `fail:` (docs/fabrics.md)
//   links         our YAML, `links:` between devices and switches
//   ASTRA-sim     network YAML: topology, npus_count, bandwidth (GB/s), latency (ns) per dimension
//   NCCL          topology XML of NCCL or RCCL: gpu, nvlink, xgmi, pci, cpu, net
//   SimAI         topology text
//   edges         text, one cable a line: FROM TO BANDWIDTH LATENCY
// The form is recognised by the content. All problems of a file are reported at once, with their
// lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fivefold/fabric/plan.h"

namespace fivefold {

struct Topology {
  std::string name;
  std::string form;                // "levels", "links", "ASTRA-sim", ...
  std::optional<FabricPlan> plan;  // of the forms that state levels
  Graph graph;
};

Result<Topology> load_topology(const std::string& path, bool separate_planes = false);
// The same for text at hand; `file` names it in messages.
Result<Topology> read_topology(std::string_view text, const std::string& file,
                               bool separate_planes = false);

}  // namespace fivefold
