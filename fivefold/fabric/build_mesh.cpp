// Levels of direct links between devices, and dragonflies.
#include <algorithm>
#include <cmath>

#include "fivefold/fabric/build_parts.h"

namespace fivefold {
namespace {

void add_cable(Graph& graph, int a, int b, int level, BytesPerSecond bandwidth, Seconds latency) {
  graph.links.push_back({a, b, level, bandwidth, latency});
  graph.links.push_back({b, a, level, bandwidth, latency});
}

struct Extents {
  std::vector<MeshDim> dims;
  bool regular = true;
};

// A machine that uses a part of a mesh fills its dimensions from the first on; what is left of a
// ring is a line.
Extents extents_of(const PlanLevel& level, int number, int inner_size, int devices) {
  Extents result;
  const int joined = std::min(level.size, devices);
  int left = (joined + inner_size - 1) / inner_size;
  result.regular = joined % inner_size == 0 && devices % joined == 0;
  const std::vector<int> dims = level.dims.empty() ? std::vector<int>{left} : level.dims;
  int stride = inner_size;
  for (const int extent : dims) {
    if (extent <= 1) continue;
    if (left <= 1 && joined >= devices) break;
    MeshDim dim{.level = number, .extent = extent, .stride = stride};
    if (left < extent) {
      dim.extent = left;
      left = 1;
    } else {
      if (left % extent != 0) result.regular = false;
      left = (left + extent - 1) / extent;
    }
    if (level.wiring == Wiring::kTorus && dim.extent > 2) {
      dim.form = dim.extent == extent ? MeshDim::Form::kRing : MeshDim::Form::kLine;
    }
    stride *= dim.extent;
    result.dims.push_back(dim);
  }
  return result;
}

double cables_of_line(const MeshDim& dim) {
  const double n = dim.extent;
  switch (dim.form) {
    case MeshDim::Form::kFull:
      return n * (n - 1) / 2;
    case MeshDim::Form::kLine:
      return n - 1;
    case MeshDim::Form::kRing:
      break;
  }
  return n;
}

// One line of devices that differ in this dimension; of the last one some may be missing.
void add_line(const PlanLevel& level, const MeshDim& dim, int base, Graph& graph) {
  const int present = std::min(dim.extent, (graph.devices - base + dim.stride - 1) / dim.stride);
  const auto join = [&](int x, int y) {
    add_cable(graph, base + x * dim.stride, base + y * dim.stride, dim.level, level.link_bandwidth,
              level.latency);
  };
  if (dim.form == MeshDim::Form::kFull) {
    for (int x = 0; x < present; ++x) {
      for (int y = x + 1; y < present; ++y) join(x, y);
    }
    return;
  }
  for (int x = 0; x + 1 < present; ++x) join(x, x + 1);
  if (dim.form == MeshDim::Form::kRing && present == dim.extent) join(present - 1, 0);
}

}  // namespace

double mesh_links(const PlanLevel& level, int inner_size, int devices) {
  double links = 0;
  for (const MeshDim& dim : extents_of(level, 0, inner_size, devices).dims) {
    links += 2 * cables_of_line(dim) * std::ceil(double(devices) / dim.extent);
  }
  return links;
}

bool add_mesh(const PlanLevel& level, int number, int inner_size, Graph& graph, Part& part) {
  Extents extents = extents_of(level, number, inner_size, graph.devices);
  for (MeshDim& dim : extents.dims) {
    dim.first_cable = std::int32_t(graph.links.size() / 2);
    const int span = dim.stride * dim.extent;
    for (int start = 0; start < graph.devices; start += span) {
      for (int i = 0; i < dim.stride && start + i < graph.devices; ++i) {
        add_line(level, dim, start + i, graph);
      }
    }
    part.dims.push_back(dim);
  }
  return extents.regular;
}

void add_circuits(const PlanLevel& level, int number, int inner_size, Graph& graph) {
  for (const auto& [a, b] : level.circuits) {
    for (int i = 0; i < inner_size; ++i) {
      add_cable(graph, a * inner_size + i, b * inner_size + i, number, level.link_bandwidth,
                level.latency);
    }
  }
}

void add_dragonfly(const PlanLevel& level, int number, Graph& graph) {
  const Dragonfly& shape = level.dragonfly;
  const int devices = graph.devices;
  const int routers = (devices + shape.p - 1) / shape.p;
  const int groups = (routers + shape.a - 1) / shape.a;
  const BytesPerSecond local =
      shape.local.value() > 0 ? shape.local : level.bandwidth * double(shape.p);
  const BytesPerSecond global = shape.global.value() > 0 ? shape.global : local;
  const Seconds latency = level.latency / 5.0;  // device, local, global, local, device
  const int first = graph.nodes;
  graph.nodes += groups * shape.a;
  graph.kinds.resize(graph.nodes, NodeKind::kSwitch);
  for (int d = 0; d < devices; ++d) {
    add_cable(graph, d, first + d / shape.p, number, level.bandwidth, latency);
  }
  for (int group = 0; group < groups; ++group) {
    for (int x = 0; x < shape.a; ++x) {
      for (int y = x + 1; y < shape.a; ++y) {
        add_cable(graph, first + group * shape.a + x, first + group * shape.a + y, number, local,
                  latency);
      }
    }
  }
  // Group i reaches group j > i by its port j - 1, and is reached by port i there.
  for (int i = 0; i < groups; ++i) {
    for (int j = i + 1; j < groups; ++j) {
      add_cable(graph, first + i * shape.a + (j - 1) / shape.h, first + j * shape.a + i / shape.h,
                number, global, latency);
    }
  }
}

}  // namespace fivefold
