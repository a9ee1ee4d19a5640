#include "fivefold/training/task_times.h"

namespace fivefold {
namespace {

// A pass: compute and other communication, expert exchange, and the host that issues it.
struct Pass {
  Seconds device, exchange, issue;
};

Pass forward_of(const StageWork& w) {
  return {w.forward_device() - w.ep_forward, w.ep_forward, w.issue_forward};
}

Pass backward_of(const StageWork& w) {
  return {w.backward_device() - w.ep_backward, w.ep_backward, w.issue_backward};
}

void set(TaskSeconds& s, TaskTime time, const Pass& pass) {
  const auto i = std::size_t(time);
  const Seconds device = pass.device + pass.exchange;
  const Seconds host = std::max(Seconds(), pass.issue - device);
  s.total[i] = (device + host).value();
  s.exchange[i] = pass.exchange.value();
  s.host[i] = host.value();
}

// Whether two micro batches are at work on a device at once: in DualPipe, which is made for it, and
// in the interleaved schedule (Megatron-Core's overlap_moe_expert_parallel_comm asks for it).
bool pairs_passes(const Step& step) {
  const Schedule schedule = step.layout.schedule;
  return step.job.overlap_ep &&
         (schedule == Schedule::kDualPipe || schedule == Schedule::kInterleaved);
}

// Of the exchange of two passes side by side, the share that is seen.
double seen_share(const Step& step, Seconds exchange, Seconds compute) {
  if (!pairs_passes(step) || exchange == Seconds()) return 1;
  const int cores = step.on.kernels.device().cores;
  const double taken = cores > 0 ? step.on.parameters.communication_cores / cores : 0;
  const double seen = std::max(Seconds(), exchange - compute) / exchange;
  return seen + taken * (1 - seen);
}

Pass beside(Pass pass, double seen) {
  pass.exchange = seen * pass.exchange;
  return pass;
}

}  // namespace

TaskSeconds task_seconds(const Step& step, const StageWork& w, const StageWork& back) {
  TaskSeconds s;
  const Pass forward = forward_of(w), backward = backward_of(w);
  set(s, TaskTime::kForward, forward);
  set(s, TaskTime::kBackward, backward);

  const Seconds compute = w.forward + w.backward + w.recompute;
  const Seconds exchange = w.ep_forward + w.ep_backward;
  const double seen = seen_share(step, exchange, compute);
  set(s, TaskTime::kPairedForward, beside(forward, seen));
  set(s, TaskTime::kPairedBackward, beside(backward, seen));

  // The host issues the gradients of weights in their share of the time.
  const double apart = w.backward > Seconds() ? w.weight_gradient / w.backward : 0;
  const Pass input{backward.device - w.weight_gradient, backward.exchange,
                   (1 - apart) * backward.issue};
  set(s, TaskTime::kInputGradient, input);
  set(s, TaskTime::kPairedInputGradient,
      beside(input, seen_share(step, exchange, compute - w.weight_gradient)));
  set(s, TaskTime::kWeightGradient, {w.weight_gradient, Seconds(), apart * backward.issue});

  const Pass other = backward_of(back);
  const Seconds both = w.ep_forward + back.ep_backward;
  const double left = seen_share(step, both, w.forward + back.backward + back.recompute);
  set(s, TaskTime::kForwardBackward,
      {forward.device + other.device, left * both, forward.issue + other.issue});
  return s;
}

std::size_t TaskTable::share_number(const Step& step, const StageShare& share) {
  std::size_t i = 0;
  while (i < kinds_.size() && !(kinds_[i] == share)) ++i;
  if (i == kinds_.size()) {
    kinds_.push_back(share);
    works_.push_back(stage_work(step, share));
  }
  return i;
}

StageWork TaskTable::rank_work(int rank) const {
  StageWork sum;
  for (int chunk = 0; chunk < chunks_; ++chunk) sum += work(rank, chunk);
  return sum;
}

void TaskTable::fill(const Step& step) {
  const TrainingLayout& l = step.layout;
  ranks_ = l.pp;
  chunks_ = fivefold::chunks(l);
  const auto all = std::size_t(ranks_ * chunks_);
  kinds_.clear();
  works_.clear();
  shares_.resize(all);
  seconds_.resize(all);
  total_.resize(all * kTaskTimes);
  classes_.resize(std::size_t(ranks_));
  for (int rank = 0; rank < ranks_; ++rank) {
    for (int chunk = 0; chunk < chunks_; ++chunk) {
      const int stage = model_stage(l, rank, chunk);
      shares_[at(rank, chunk)] = share_number(step, stage_share(step, stage));
    }
  }
  for (int rank = 0; rank < ranks_; ++rank) {
    int same = 0;  // the first rank that holds the same
    const auto equal = [&](int other) {
      for (int chunk = 0; chunk < chunks_; ++chunk) {
        if (share(rank, chunk) != share(other, chunk)) return false;
      }
      return true;
    };
    // What is equal lies next to each other.
    if (rank > 0 && equal(rank - 1)) {
      same = classes_[std::size_t(rank - 1)];
    } else {
      while (same < rank && !equal(same)) ++same;
    }
    classes_[std::size_t(rank)] = same;
    for (int chunk = 0; chunk < chunks_; ++chunk) {
      const std::size_t to = at(rank, chunk);
      seconds_[to] = same < rank
                         ? seconds_[at(same, chunk)]
                         : task_seconds(step, work(rank, chunk), work(rank, chunks_ - 1 - chunk));
      std::copy(seconds_[to].total.begin(), seconds_[to].total.end(),
                total_.begin() + std::ptrdiff_t(to * kTaskTimes));
    }
  }
}

}  // namespace fivefold
