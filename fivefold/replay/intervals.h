// Inside the room: spans of time on one rank, and how they overlap.
#pragma once

#include <utility>
#include <vector>

#include "fivefold/network/event_queue.h"

namespace fivefold {

using Intervals = std::vector<std::pair<Picoseconds, Picoseconds>>;

// Sorted, without overlaps and without empty ones.
Intervals united(Intervals intervals);
Picoseconds length(const Intervals& united);
// How much of `all` is covered by `other`; both united.
Picoseconds overlap(const Intervals& all, const Intervals& other);

}  // namespace fivefold
