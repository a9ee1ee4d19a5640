#include "fivefold/replay/compute.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fivefold {
namespace {

constexpr double kBytesPerValue = 2;  // BF16

Seconds model_time(const TraceNode& node, const KernelModel& kernels) {
  const double bytes = node.bytes.value_or(0);
  if (node.type != TraceType::kCompute) return Bytes(bytes) / kernels.device().memory_bandwidth;
  const Shape shape = shape_of_work(node.ops.value_or(0), bytes);
  const bool product = std::holds_alternative<Gemm>(shape);
  return kernels.time(product ? Family::kGemm : Family::kMemoryBound, shape).time;
}

}  // namespace

Shape shape_of_work(double ops, double bytes) {
  // 2 m n n operations on n n + 2 m n values: n n + ops / n = values. The larger root, from above;
  // with fewer values than a cube has, the cube.
  const double values = bytes / kBytesPerValue;
  const double cube = std::cbrt(ops / 2);
  double n = std::max(cube, std::sqrt(values));
  if (ops > 0 && cube * cube + ops / cube <= values) {
    for (int i = 0; i < 60; ++i) {
      const double step = (n * n + ops / n - values) / (2 * n - ops / (n * n));
      if (!(std::abs(step) > 1e-9 * n)) break;
      n -= step;
    }
  } else {
    n = cube;
  }
  const double m = n > 0 ? ops / (2 * n * n) : 0;
  if (m < 0.5 || n < 1) return Streaming{.read = Bytes(bytes), .ops = Ops(ops)};
  n = std::round(n);
  return Gemm{.m = std::max(1.0, std::round(m)), .n = n, .k = n};
}

Result<NodeTime> time_of(const TraceNode& node, ComputeTimes times, const KernelModel* kernels) {
  const bool recorded = node.micros > 0;
  const bool work = !node.host && (node.ops.value_or(0) > 0 || node.bytes.value_or(0) > 0);
  const NodeTime as_recorded = {Seconds(node.micros * 1e-6),
                                recorded ? TimeBasis::kRecorded : TimeBasis::kNone};
  if (times == ComputeTimes::kRecorded || !work) return as_recorded;
  if (times == ComputeTimes::kEither && recorded) return as_recorded;
  if (kernels == nullptr) {
    return fail(fmt::format("{} has operations to time and there is no chip", describe(node)),
                "name the system whose chip runs them");
  }
  return NodeTime{model_time(node, *kernels), TimeBasis::kModel};
}

}  // namespace fivefold
