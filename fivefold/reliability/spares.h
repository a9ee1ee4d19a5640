// Nodes in reserve.
//
// Failed nodes are repaired and come back; the job runs while no more than S of them are away and
// waits otherwise. As nothing fails while it waits, this is Erlang's loss system of S + 1 servers
// at a = failures that take a node x time of repair: the share of time spent waiting is B(S + 1,
// a), whatever the distribution of repairs (Erlang 1917; insensitivity: Sevastyanov 1957). Spares
// themselves are taken not to fail.
#pragma once

#include "fivefold/base/units.h"

namespace fivefold {

struct Spares {
  int nodes = -1;  // negative: as many as are ever needed
  Seconds repair;  // mean time until a failed node is back
};

// B(servers, load), by its recursion; 1 without servers.
double erlang_b(int servers, double load);
// Share of time without enough nodes.
double waiting_share(const Spares& spares, Hertz failures);
// The fewest that keep it below `share`, which is in (0, 1).
int spares_needed(Hertz failures, Seconds repair, double share);

}  // namespace fivefold
