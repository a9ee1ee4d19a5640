#include "fivefold/training/pipeline.h"

#include <algorithm>
#include <cmath>

#include "fivefold/training/data_parallel.h"

namespace fivefold {
namespace {

// Between stages: a micro batch passes forward and backward, and v times that if interleaved, where
// the library sends beside the compute of another chunk. Filling and draining are always seen.
Seconds pipeline_communication(const Step& step, Seconds compute) {
  const TrainingLayout& l = step.layout;
  if (l.pp == 1) return Seconds();
  const Seconds hop = hop_time(step);
  const Seconds fill = 2.0 * (l.pp - 1) * hop;
  const Seconds steady = 2.0 * l.vpp * step.micro_batches() * hop;
  const bool hidden = l.schedule == Schedule::kInterleaved && step.job.overlap_pp;
  return fill + (hidden ? std::max(Seconds(), steady - compute) : steady);
}

// The largest of so many normally distributed values, in standard deviations above their mean
// (leading terms of extreme value theory, Cramer 1946, section 28.6).
double slowest_of(int devices) {
  if (devices < 3) return 0;
  const double root = std::sqrt(2 * std::log(double(devices)));
  return root - (std::log(std::log(double(devices))) + std::log(4 * 3.14159265358979)) / (2 * root);
}

Seconds all_of(const StageWork& work) {
  return work.forward_pass() + work.backward_pass();
}

}  // namespace

double in_flight(const TrainingLayout& l, int rank, int /*chunk*/, int micro_batches) {
  if (l.schedule == Schedule::kGpipe) return micro_batches;
  if (l.vpp == 1) return std::min(micro_batches, l.pp - rank);
  const double all = 2.0 * (l.pp - rank - 1) + (l.vpp - 1.0) * l.pp + 1;
  return std::min(double(micro_batches), all / l.vpp);
}

void pipeline_time(const Step& step, TrainingEstimate& e) {
  const TrainingLayout& l = step.layout;
  const double m = step.micro_batches();
  int busiest = 0;
  StageWork slowest;
  Seconds sum;
  for (int rank = 0; rank < l.pp; ++rank) {
    const StageWork work = rank_work(step, rank);
    sum += all_of(work);
    if (rank == 0 || all_of(work) > all_of(slowest)) {
      slowest = work;
      busiest = rank;
    }
  }
  e.forward = m * slowest.forward;
  e.backward = m * slowest.backward;
  e.recompute = m * slowest.recompute;
  e.tp_exposed = m * (slowest.tp_forward + slowest.tp_backward);
  e.cp_exposed = m * (slowest.cp_forward + slowest.cp_backward);
  e.ep_exposed = m * (slowest.ep_forward + slowest.ep_backward);
  e.host = m * slowest.host();
  e.bubble = (sum - all_of(slowest)) / l.vpp;
  e.pp_exposed = pipeline_communication(step, m * all_of(slowest));
  // The first stage ends last; the busiest holds as much or more.
  e.dp_exposed =
      std::max(data_parallel_time(step, slowest, busiest), data_parallel_time(step, slowest, 0));
  e.optimizer = std::max(optimizer_time(step, busiest), optimizer_time(step, 0));
  // Every step all wait for the device that computes slowest.
  e.straggling =
      step.on.parameters.spread * slowest_of(l.world()) * (e.forward + e.backward + e.recompute);
  e.step = e.forward + e.backward + e.recompute + e.tp_exposed + e.cp_exposed + e.ep_exposed +
           e.pp_exposed + e.bubble + e.dp_exposed + e.optimizer + e.host + e.straggling;
}

}  // namespace fivefold
