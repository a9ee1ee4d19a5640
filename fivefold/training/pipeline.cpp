#include "fivefold/training/pipeline.h"

#include <algorithm>
#include <cmath>

#include "fivefold/training/data_parallel.h"

namespace fivefold {
namespace {

// Micro batches after which every further one adds the same.
int settled(const TrainingLayout& l, int m) {
  switch (l.schedule) {
    case Schedule::kGpipe:
      return std::min(m, l.pp);  // only counted
    case Schedule::k1F1B:
      return std::min(m, 3 * l.pp / 2 + 2);
    case Schedule::kInterleaved:
      return std::min(m, 3 * l.pp);
    case Schedule::kZbH1:
      return std::min(m, 2 * l.pp + 2);
    case Schedule::kZbV:
      return std::min(m, 3 * l.pp + 2);
    case Schedule::kDualPipe:
      return std::min(m, 2 * l.pp + 2 * (l.pp / 4 + 1));
  }
  return m;
}

// The largest of so many normally distributed values, in standard deviations above their mean
// (leading terms of extreme value theory, Cramer 1946, section 28.6).
double slowest_of(int devices) {
  if (devices < 3) return 0;
  const double root = std::sqrt(2 * std::log(double(devices)));
  return root - (std::log(std::log(double(devices))) + std::log(4 * 3.14159265358979)) / (2 * root);
}

// Of a micro batch that a rank takes in the steady state, by kind of time.
template <class Times>
double steady(const TaskTable& table, Schedule schedule, int rank, const Times& times) {
  double sum = 0;
  for (int chunk = 0; chunk < table.chunks(); ++chunk) {
    const auto& of = times(table.seconds(rank, chunk));
    const auto at = [&](TaskTime time) { return of[std::size_t(time)]; };
    switch (schedule) {
      case Schedule::kGpipe:
        sum += at(TaskTime::kForward) + at(TaskTime::kBackward);
        break;
      case Schedule::k1F1B:
      case Schedule::kInterleaved:
        sum += at(TaskTime::kPairedForward) + at(TaskTime::kPairedBackward);
        break;
      case Schedule::kZbH1:
      case Schedule::kZbV:
        sum += at(TaskTime::kPairedForward) + at(TaskTime::kPairedInputGradient) +
               at(TaskTime::kWeightGradient);
        break;
      case Schedule::kDualPipe:
        sum += at(TaskTime::kForwardBackward) / 2;
        break;
    }
  }
  return sum;
}

double steady_total(const TaskTable& table, Schedule schedule, int rank) {
  return steady(
      table, schedule, rank, [](const TaskSeconds& s) -> const auto& { return s.total; });
}

// The slowest circuit of 1F1B: from a rank down to the last one and back, with all the micro
// batches that it has in flight on the way.
double circuit_1f1b(const TaskTable& table, double hop) {
  double longest = 0, way = 0;
  const int pp = table.ranks();
  for (int rank = pp - 1; rank >= 0; --rank) {
    way += steady_total(table, Schedule::k1F1B, rank);
    if (rank < pp - 1) way += 2 * hop;
    longest = std::max(longest, way / (pp - rank));
  }
  return longest;
}

// What one more micro batch adds.
double period(const Step& step, const TaskTable& table, const Recurrence& r, double hop, bool waits,
              const RecurrenceTimes& times) {
  double longest = 0;
  const Schedule schedule = step.layout.schedule;
  for (int rank = 0; rank < r.ranks; ++rank) {
    const double work = steady_total(table, schedule, rank);
    const double sent = hop * r.messages[std::size_t(rank)] / r.micro_batches;
    longest = std::max(longest, waits ? work + sent : std::max(work, sent));
  }
  if (schedule == Schedule::k1F1B) longest = std::max(longest, circuit_1f1b(table, hop));
  if (r.apart > 0) {
    const double seen = times.end[std::size_t(r.late)] - times.end[std::size_t(r.early)];
    longest = std::max(longest, seen / r.apart);
  }
  return longest;
}

// GPipe: what a rank sends holds it, if it waits, and else leaves at most one after the other.
void gpipe_ends(const TaskTable& table, int m, double hop, bool waits,
                std::vector<double>& rank_end) {
  const int pp = table.ranks();
  const auto pass = [&](int rank, TaskTime time, bool sends) {
    const double alone = table.seconds(rank, 0).total[std::size_t(time)];
    return sends && waits ? alone + hop : alone;
  };
  const double link = waits ? 0 : hop;
  double way = 0, slowest = pp > 1 ? link : 0;
  for (int rank = 0; rank < pp; ++rank) {
    const double forward = pass(rank, TaskTime::kForward, rank < pp - 1);
    way += forward + (rank > 0 ? link : 0);
    slowest = std::max(slowest, forward);
  }
  way += (m - 1) * slowest;
  slowest = 0;
  rank_end.resize(std::size_t(pp));
  for (int rank = pp - 1; rank >= 0; --rank) {
    const double backward = pass(rank, TaskTime::kBackward, rank > 0);
    way += backward + (rank < pp - 1 ? link : 0);
    slowest = std::max(slowest, backward);
    if (rank < pp - 1) slowest = std::max(slowest, link);
    rank_end[std::size_t(rank)] = way + (m - 1) * slowest;
  }
}

// Parts of a rank's passes that TaskSeconds knows.
struct Seen {
  double total = 0, exchange = 0, host = 0;
};

Seen seen_by(const TaskTable& table, const Recurrence& r, double more, Schedule schedule,
             int rank) {
  Seen seen;
  for (int chunk = 0; chunk < table.chunks(); ++chunk) {
    const TaskSeconds& seconds = table.seconds(rank, chunk);
    const std::int32_t* counts = r.counts.data() + r.at(rank, chunk, TaskTime{});
    for (std::size_t i = 0; i < kTaskTimes; ++i) {
      seen.total += counts[i] * seconds.total[i];
      seen.exchange += counts[i] * seconds.exchange[i];
      seen.host += counts[i] * seconds.host[i];
    }
  }
  seen.total += more * steady_total(table, schedule, rank);
  seen.exchange += more * steady(
                              table, schedule, rank,
                              [](const TaskSeconds& s) -> const auto& { return s.exchange; });
  seen.host +=
      more * steady(
                 table, schedule, rank, [](const TaskSeconds& s) -> const auto& { return s.host; });
  return seen;
}

}  // namespace

int in_flight(const TrainingLayout& l, int rank, int chunk, int m) {
  const int half_rank = std::min(rank, l.pp - 1 - rank);
  switch (l.schedule) {
    case Schedule::kGpipe:
      return m;
    case Schedule::k1F1B:
      return std::min(m, l.pp - rank);
    case Schedule::kInterleaved: {
      const int group = l.pp * l.vpp;
      const int all = std::min(m * l.vpp, 2 * (l.pp - rank - 1) + (l.vpp - 1) * l.pp + 1);
      return all / group * l.pp + std::clamp(all % group - chunk * l.pp, 0, l.pp);
    }
    case Schedule::kZbH1:
      return std::min(m, l.pp);
    case Schedule::kZbV:
      return std::min(m, chunk == 0 ? 2 * l.pp - rank - 1 : rank + 1);
    case Schedule::kDualPipe: {
      const bool entered = (chunk == 0) == (rank < l.pp / 2);  // at the nearer end
      return entered ? l.pp - half_rank : half_rank + 1;
    }
  }
  return m;
}

bool waits_for_messages(const Step& step) {
  const Schedule schedule = step.layout.schedule;
  return schedule == Schedule::kGpipe || schedule == Schedule::k1F1B || !step.job.overlap_pp;
}

// Of ranks that hold equal chunks the one that ends last decides.
Finish finish(const Step& step, const TaskTable& table, std::span<const double> rank_end) {
  Finish last;
  for (int rank = 0; rank < table.ranks(); ++rank) {
    const int kind = table.rank_class(rank);
    bool latest = true;
    for (int other = kind; other < table.ranks() && latest; ++other) {
      if (other == rank || table.rank_class(other) != kind) continue;
      const double end = rank_end[std::size_t(other)], own = rank_end[std::size_t(rank)];
      latest = end < own || (end == own && other > rank);
    }
    if (!latest) continue;
    const Seconds exchange = data_parallel_time(step, table.rank_work(rank), rank);
    const double end = rank_end[std::size_t(rank)];
    if (end + exchange.value() > last.passes + last.exchange.value()) {
      last.passes = end;
      last.exchange = exchange;
    }
    // The norm of all gradients joins the ranks before any updates its weights.
    last.optimizer = std::max(last.optimizer, optimizer_time(step, rank));
  }
  return last;
}

void write_step(const Step& step, const TaskTable& table, const Recurrence& r, double more,
                const Finish& last, Seconds hop, TrainingEstimate& e) {
  const TrainingLayout& l = step.layout;
  int busiest = 0;
  for (int rank = 1; rank < l.pp; ++rank) {
    if (steady_total(table, l.schedule, rank) > steady_total(table, l.schedule, busiest)) {
      busiest = rank;
    }
  }
  const StageWork work = table.rank_work(busiest);
  const Seen seen = seen_by(table, r, more, l.schedule, busiest);
  const double passes = step.passes();
  e.forward = passes * work.forward;
  e.backward = passes * work.backward;
  e.recompute = passes * work.recompute;
  e.tp_exposed = passes * (work.tp_forward + work.tp_backward);
  e.cp_exposed = passes * (work.cp_forward + work.cp_backward);
  e.ep_exposed = Seconds(seen.exchange);
  e.host = Seconds(seen.host);

  e.optimizer = last.optimizer;
  e.step = Seconds(last.passes) + last.exchange + last.optimizer;
  // A rank without much to do may end early and its exchange still last the longest.
  const Seconds busy(seen.total);
  const Seconds end = std::max(Seconds(last.passes), busy);
  e.dp_exposed = std::max(Seconds(), e.step - last.optimizer - end);
  const Seconds idle = e.step - last.optimizer - e.dp_exposed - busy;
  const double messages = r.messages[std::size_t(busiest)] * (1 + more / r.micro_batches);
  const double held = waits_for_messages(step) ? messages : 0;
  e.pp_exposed = std::min(idle, (held + 2.0 * (l.pp - 1)) * hop);
  e.bubble = idle - e.pp_exposed;
}

void pipeline_time(const Step& step, TrainingEstimate& e) {
  // Kept between calls: an estimate asks for no memory.
  thread_local TaskTable table;
  thread_local RecurrenceTimes times;
  table.fill(step);
  const int m = step.micro_batches();
  const int few = settled(step.layout, m);
  const auto recurrence = kept_recurrence(step.layout, few);
  const Recurrence& r = *recurrence;
  const Seconds hop = hop_time(step);
  const bool waits = waits_for_messages(step);
  if (step.layout.schedule == Schedule::kGpipe) {
    gpipe_ends(table, m, hop.value(), waits, times.rank_end);
  } else {
    const auto duration = [&](std::size_t i) { return table.total(r.tasks[i].time); };
    const auto weights = [&](std::size_t i) {
      return r.tasks[i].weights * table.total(r.tasks[i].weight);
    };
    run(r, duration, weights, hop.value(), waits, times);
    if (few < m) {
      const double added = (m - few) * period(step, table, r, hop.value(), waits, times);
      for (double& end : times.rank_end) end += added;
    }
  }
  write_step(step, table, r, m - few, finish(step, table, times.rank_end), hop, e);
  // Every step all wait for the device that computes slowest.
  e.straggling = step.on.parameters.spread * slowest_of(step.layout.world()) *
                 (e.forward + e.backward + e.recompute);
  e.step += e.straggling;
}

}  // namespace fivefold
