// How long a node computes: as recorded, or as the kernel model has it.
//
// A Chakra node has operations and bytes, not shapes. Where there are enough operations for a
// product of matrices it is timed as one with as many of both, in BF16: m tokens through square
// weights of n x n, the form of a layer of a transformer. What has fewer operations than half a
// row of such a product is a stream of its bytes.
#pragma once

#include "fivefold/kernel/kernel.h"
#include "fivefold/replay/trace.h"

namespace fivefold {

enum class ComputeTimes : std::uint8_t {
  kEither,    // recorded; the model where nothing was recorded
  kRecorded,  // what was not recorded takes no time
  kModel,     // recorded where a node has neither operations nor bytes, and on the host
};

enum class TimeBasis : std::uint8_t { kRecorded, kModel, kNone };

struct NodeTime {
  Seconds time;
  TimeBasis basis = TimeBasis::kNone;
};

// Of a compute or memory node. `kernels` may be null: fails if the node then cannot be timed.
Result<NodeTime> time_of(const TraceNode& node, ComputeTimes times, const KernelModel* kernels);

// The operator that stands for so much work.
Shape shape_of_work(double ops, double bytes);

}  // namespace fivefold
