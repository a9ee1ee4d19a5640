#include "fivefold/reliability/spares.h"

#include <cassert>

namespace fivefold {

double erlang_b(int servers, double load) {
  double blocking = 1;
  for (int n = 1; n <= servers; ++n) blocking = load * blocking / (n + load * blocking);
  return blocking;
}

double waiting_share(const Spares& spares, Hertz failures) {
  if (spares.nodes < 0) return 0;
  return erlang_b(spares.nodes + 1, failures * spares.repair);
}

int spares_needed(Hertz failures, Seconds repair, double share) {
  assert(share > 0 && share < 1);
  const double load = failures * repair;
  double blocking = 1;
  for (int spares = 0;; ++spares) {
    blocking = load * blocking / (spares + 1 + load * blocking);
    if (blocking <= share) return spares;
  }
}

}  // namespace fivefold
