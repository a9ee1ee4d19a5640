// What a checkpoint costs, and how often to write one.
//
// With failures at a constant rate 1/M, a pause C for each checkpoint and a recovery R, the
// expected time of work W in pieces of tau is (Daly 2006, "A higher order estimate of the optimum
// checkpoint interval for restart dumps", FGCS 22, eq. 20)
//   T = M e^(R/M) (e^((tau + C)/M) - 1) W / tau,
// failures while recovering included. The best tau depends on M and C alone.
#pragma once

#include "fivefold/base/error.h"
#include "fivefold/base/units.h"

namespace fivefold {

struct Checkpoint {
  Bytes state;             // of the whole job: weights, master copy, optimizer state
  Bytes state_per_device;  // of the fullest device; asynchronous only
  BytesPerSecond storage;  // of the whole storage, written and read
  BytesPerSecond copy;     // device to host, of one device; asynchronous only
  Seconds pause;           // to come to a stop, whatever is written
  bool asynchronous = true;
};

struct CheckpointCost {
  Seconds blocked;  // the step waits
  Seconds durable;  // from its begin until it can be loaded; `blocked` if synchronous
  Seconds load;     // on restart
};
// Synchronous: all is written while the step waits. Asynchronous: it waits for the copy to the
// host, which then writes (MegaScale, arXiv 2402.15627, section 4.4). Fails on a state or a
// bandwidth that is not positive.
Result<CheckpointCost> checkpoint_cost(const Checkpoint& checkpoint);

// Work between two checkpoints. Infinite where nothing fails, zero where a checkpoint is free.
Seconds young_interval(Seconds blocked, Seconds mtbf);  // Young (1974), CACM 17(9): sqrt(2 C M)
Seconds daly_interval(Seconds blocked, Seconds mtbf);   // Daly (2006), eq. 37
// Where the expected time is least: the root of e^((tau + C)/M) (tau/M - 1) + 1.
Seconds best_interval(Seconds blocked, Seconds mtbf);

// The expected time above, over the work.
double expected_stretch(Seconds interval, Seconds blocked, Seconds recovery, Seconds mtbf);

}  // namespace fivefold
