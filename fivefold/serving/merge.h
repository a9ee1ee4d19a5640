// Inside the serving room: operators of decoding sequences and of prompts that share a step.
#pragma once

#include "fivefold/workload/op.h"

namespace fivefold::serving {

using MergedOps = InlineVector<Op, 2 * kMaxLayerOps>;

// Products and streams of equal name become one with the tokens of both. Attention cores stay
// apart: each sequence has a cache of its own.
MergedOps merged_ops(const OpList& first, const OpList& second);

}  // namespace fivefold::serving
