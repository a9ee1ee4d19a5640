#include "fivefold/reliability/checkpoint.h"

#include <cmath>

namespace fivefold {

Result<CheckpointCost> checkpoint_cost(const Checkpoint& checkpoint) {
  if (!(checkpoint.state > Bytes(0))) {
    return fail("a checkpoint needs a state to write", "for example --state '2 TB'");
  }
  if (!(checkpoint.storage > BytesPerSecond(0))) {
    return fail("a storage of no bandwidth never holds a checkpoint",
                "for example --storage-bandwidth '500 GB/s'");
  }
  const Seconds write = checkpoint.state / checkpoint.storage;
  if (!checkpoint.asynchronous) {
    return CheckpointCost{checkpoint.pause + write, checkpoint.pause + write, write};
  }
  if (!(checkpoint.copy > BytesPerSecond(0)) || !(checkpoint.state_per_device > Bytes(0))) {
    return fail("an asynchronous checkpoint needs the state of a device and its copy bandwidth");
  }
  const Seconds blocked = checkpoint.pause + checkpoint.state_per_device / checkpoint.copy;
  return CheckpointCost{blocked, blocked + write, write};
}

Seconds young_interval(Seconds blocked, Seconds mtbf) {
  return Seconds(std::sqrt(2 * blocked.value() * mtbf.value()));
}

Seconds daly_interval(Seconds blocked, Seconds mtbf) {
  if (!std::isfinite(mtbf.value())) return mtbf;
  if (blocked >= 2 * mtbf) return mtbf;
  const double half = blocked / (2 * mtbf);
  const double factor = 1 + std::sqrt(half) / 3 + half / 9;
  return young_interval(blocked, mtbf) * factor - blocked;
}

Seconds best_interval(Seconds blocked, Seconds mtbf) {
  if (!std::isfinite(mtbf.value())) return mtbf;
  const double c = blocked / mtbf;
  // With x = tau/M: e^c e^x (x - 1) + 1 = 0, written so that small c keeps its digits: the left
  // side grows from 1 - e^c at x = 0 to 1 at x = 1.
  const auto slope = [c](double x) { return std::expm1(c + x) * (x - 1) + x; };
  double below = 0, above = 1;
  for (int i = 0; i < 200 && above - below > 1e-15 * above; ++i) {
    const double middle = (below + above) / 2;
    (slope(middle) < 0 ? below : above) = middle;
  }
  return mtbf * ((below + above) / 2);
}

double expected_stretch(Seconds interval, Seconds blocked, Seconds recovery, Seconds mtbf) {
  if (!std::isfinite(mtbf.value())) {
    return std::isfinite(interval.value()) ? 1 + blocked / interval : 1;
  }
  return std::exp(recovery / mtbf) * std::expm1((interval + blocked) / mtbf) / (interval / mtbf);
}

}  // namespace fivefold
