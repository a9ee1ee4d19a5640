// From a training step to a run: how long it takes with failures, checkpoints, restarts, spare
// nodes and stragglers, and where the time goes.
//
// `run_estimate` is a closed form: Daly's expected time (checkpoint.h) of work stretched by
// stragglers and data, over 1 - the share of time without enough nodes (spares.h). An asynchronous
// checkpoint is lost if a failure comes before it is durable: each failure redoes that much more.
// `simulate_run` plays runs event by event from a seed, with the same plan and the same result.
// They agree where failures are rarer than recoveries are long (run_test.cpp).
//
// Both take failures at constant rates that stop the whole job. Not in them: runs that shrink and
// go on, failures that come in clusters or of young parts, planned stops, loss of a storage.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "fivefold/reliability/checkpoint.h"
#include "fivefold/reliability/failures.h"
#include "fivefold/reliability/spares.h"
#include "fivefold/reliability/stragglers.h"

namespace fivefold {

struct RunPlan {
  Seconds step;  // as estimated, nothing going wrong
  double steps = 0;
  FailureRates rates;  // none: nothing fails
  CheckpointCost checkpoint;
  std::optional<Seconds> interval;  // work between checkpoints; absent: the best
  Seconds detect;                   // until a failure is known
  Seconds restart;                  // from then on, without loading
  Spares spares;
  Stragglers stragglers;
  double data = 0;  // of a step: the wait for its data
};

// Of the time of the run; they sum to one.
struct RunShares {
  double useful = 0;  // goodput: steps that count, as fast as estimated
  double stragglers = 0;
  double data = 0;
  double checkpoint = 0;  // steps wait for it
  double lost = 0;        // work and checkpoints since the last that could be loaded
  double recovery = 0;    // detect, restart, load
  double waiting = 0;     // for a node
};

// Tenths of simulated runs; all alike in the closed form.
struct Spread {
  double p10 = 0, p50 = 0, p90 = 0;
};

struct RunEstimate {
  Seconds ideal;     // steps x step
  Seconds time;      // expected
  Seconds interval;  // work between two checkpoints; infinite: none is written
  Seconds mtbf;
  RunShares shares;
  std::array<double, kComponentCount> failures{};  // expected, by Component
  double interruptions = 0;                        // their sum
  int runs = 0;                                    // simulated; 0: the closed form
  Spread time_spread;                              // seconds
  Spread goodput_spread;
};

// Fails on a plan that cannot be (no steps, negative times, an interval below what the storage
// needs to write a checkpoint) and on one that would take over a thousand times its ideal time.
Result<RunEstimate> run_estimate(const RunPlan& plan);
// The same seed gives the same bytes, whatever the number of threads.
Result<RunEstimate> simulate_run(const RunPlan& plan, int runs, std::uint64_t seed);

// What both rest on: the plan is sound, and its interval.
Result<Seconds> interval_of(const RunPlan& plan);
Seconds recovery_of(const RunPlan& plan);

}  // namespace fivefold
