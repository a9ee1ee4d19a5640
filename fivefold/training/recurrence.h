// The times of all tasks of a pipeline schedule, from the time of each: one pass over the tasks in
// an order in which everything that a task waits for comes before it.
//
// A task starts when its rank has done the one before it and what it needs has arrived; of a rank
// one message leaves after the other. A library that waits for its messages holds the rank as long
// (Megatron-LM without interleaving); otherwise they pass beside the next task.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "fivefold/training/schedule.h"

namespace fivefold {

// Kinds of task that take different times.
enum class TaskTime : std::uint8_t {
  kForward,
  kPairedForward,
  kBackward,
  kPairedBackward,
  kInputGradient,
  kPairedInputGradient,
  kWeightGradient,
  kForwardBackward,
};
inline constexpr std::size_t kTaskTimes = 8;
TaskTime task_time(const PipelineTask& task);

struct RecurrenceTask {
  // Tasks of other ranks that it waits for, counted from 1; 0: none.
  std::array<std::int32_t, 2> needs{};
  std::uint16_t time = 0;  // (rank x chunks + chunk) x kTaskTimes + TaskTime
  // Weight gradients that follow it on its rank, if they are folded into it: nobody waits for them.
  std::uint16_t weight = 0;
  std::uint16_t rank = 0;
  std::uint8_t weights = 0;
  std::uint8_t messages = 0;  // that it sends to other ranks
};

struct Recurrence {
  int ranks = 1, chunks = 1, micro_batches = 1;
  std::vector<RecurrenceTask> tasks;
  std::vector<std::int32_t> played;  // of each task the one of the schedule
  // Of each rank and chunk so many of each TaskTime, as `time` of a task counts them.
  std::vector<std::int32_t> counts;
  std::vector<std::int32_t> messages;  // that each rank sends
  // Two forward passes of one rank in the steady state, and the micro batches from one to the
  // other: the time between them is what a micro batch adds.
  std::int32_t early = 0, late = 0, apart = 0;
  std::size_t at(int rank, int chunk, TaskTime time) const {
    return std::size_t(rank * chunks + chunk) * kTaskTimes + std::size_t(time);
  }
  std::size_t times() const { return counts.size(); }
};

// Nothing if ranks wait for each other in a circle. `fold`: weight gradients into what they follow.
std::optional<Recurrence> compile(const PipelineSchedule& schedule, bool fold = false);

struct RecurrenceTimes {
  std::vector<double> end;      // of each task of the recurrence, seconds
  std::vector<double> arrival;  // of its messages, from 1
  std::vector<double> rank_end;
  std::vector<double> port;  // when a rank's messages have left
};

// `duration(i)`: seconds of the recurrence's task i; `weights(i)`: of the weight gradients folded
// into it; `hop`: of one message.
template <class Duration, class Weights>
void run(const Recurrence& r, const Duration& duration, const Weights& weights, double hop,
         bool waits, RecurrenceTimes& times) {
  times.end.resize(r.tasks.size());
  times.arrival.resize(r.tasks.size() + 1);
  times.arrival[0] = 0;
  times.rank_end.assign(std::size_t(r.ranks), 0);
  times.port.assign(std::size_t(r.ranks), 0);
  double* const arrival = times.arrival.data();
  for (std::size_t i = 0; i < r.tasks.size(); ++i) {
    const RecurrenceTask& task = r.tasks[i];
    double& free = times.rank_end[std::size_t(task.rank)];
    const double ready = std::max(arrival[task.needs[0]], arrival[task.needs[1]]);
    const double end = std::max(free, ready) + duration(i);
    times.end[i] = end;
    if (waits) {
      arrival[i + 1] = end + task.messages * hop;
      free = arrival[i + 1] + weights(i);
    } else {
      double& port = times.port[std::size_t(task.rank)];
      free = end + weights(i);
      if (task.messages > 0) port = std::max(port, end) + task.messages * hop;
      arrival[i + 1] = port;
    }
  }
}
// Of a recurrence without folded tasks.
template <class Duration>
void run(const Recurrence& r, const Duration& duration, double hop, bool waits,
         RecurrenceTimes& times) {
  run(
      r, duration, [](std::size_t) { return 0.0; }, hop, waits, times);
}

// Folded, compiled once for each schedule and kept until there are too many. REQUIRES a schedule
// without circles, as all of them are where schedule_problem() has nothing to say.
std::shared_ptr<const Recurrence> kept_recurrence(const TrainingLayout& layout, int micro_batches);

// Micro batches of which a rank holds the activations of each chunk at once, forward begun and
// weight gradients not done, when most are held.
std::vector<int> held_activations(const PipelineSchedule& schedule, int rank);

}  // namespace fivefold
