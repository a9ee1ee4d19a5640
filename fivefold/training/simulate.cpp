#include "fivefold/training/simulate.h"

#include <algorithm>
#include <cmath>

#include "fivefold/base/random.h"
#include "fivefold/training/data_parallel.h"
#include "fivefold/training/links.h"
#include "fivefold/training/pipeline.h"

namespace fivefold {
namespace {

constexpr int kMostPipelines = 256;  // that are played; they stand for all

// Replicas that only meet at the end, and the devices of one rank of such a replica, which work in
// step.
struct Replicas {
  int pipelines = 1, devices = 1;
};

Replicas replicas_of(const TrainingLayout& l) {
  const int stage = l.tp * l.cp * l.dp;
  int devices = std::max(l.tp * l.cp, l.ep * l.etp);
  if (stage % devices != 0) devices = stage;
  return {stage / devices, devices};
}

// A lognormal factor of the mean 1; of `number` of them the largest.
class Noise {
 public:
  Noise(double sigma, int number) : sigma_(sigma), power_(1.0 / number) {}
  double draw(Random& random) const {
    if (sigma_ == 0) return 1;
    const double u = std::pow(random.uniform(), power_);
    return std::exp(sigma_ * normal_quantile(std::min(u, 1 - 1e-16)) - sigma_ * sigma_ / 2);
  }

 private:
  double sigma_, power_;
};

// A pipeline as it was played.
struct Play {
  std::vector<double> duration;
  RecurrenceTimes times;
  double end = 0;
};

class Player {
 public:
  Player(const Step& step, const SimulateOptions& options)
      : step_(step),
        options_(options),
        schedule_(pipeline_schedule(step.layout, step.micro_batches())),
        r_(*compile(schedule_)),
        hop_(hop_time(step).value()),
        waits_(waits_for_messages(step)) {
    table_.fill(step);
  }

  Result<TrainingSimulation> run() {
    const Replicas replicas = replicas_of(step_.layout);
    const bool noisy = options_.task_noise > 0 || options_.device_noise > 0;
    TrainingSimulation simulation;
    simulation.pipelines = noisy ? std::min(replicas.pipelines, kMostPipelines) : 1;
    std::vector<double> rank_end(std::size_t(r_.ranks));  // of the last replica
    Play slowest;
    for (int pipeline = 0; pipeline < simulation.pipelines; ++pipeline) {
      Play played = play(pipeline, replicas.devices);
      for (std::size_t rank = 0; rank < rank_end.size(); ++rank) {
        rank_end[rank] = std::max(rank_end[rank], played.times.rank_end[rank]);
      }
      if (played.end > slowest.end) slowest = std::move(played);
    }
    for (int rank = 0; rank < r_.ranks; ++rank) {
      simulation.held.push_back(held_activations(schedule_, rank));
    }
    if (options_.contention) return on_links(slowest, rank_end, std::move(simulation));
    const Finish last = finish(step_, table_, rank_end);
    write_step(step_, table_, r_, 0, last, Seconds(hop_), simulation.totals);
    if (!options_.timeline) return simulation;
    write_tasks(slowest.duration, slowest.times.end, simulation.timeline);
    write_messages(slowest.times, simulation.timeline);
    for (int rank = 0; rank < r_.ranks; ++rank) {
      const Seconds begin(rank_end[std::size_t(rank)]);
      const Seconds seen = data_parallel_time(step_, table_.rank_work(rank), rank);
      write_end(rank, begin, begin + seen, simulation);
    }
    return simulation;
  }

 private:
  Play play(int pipeline, int devices) const {
    Play played;
    played.duration.resize(r_.tasks.size());
    const Noise device(options_.device_noise, devices), task(options_.task_noise, devices);
    Random devices_of(options_.seed, "device", std::uint64_t(pipeline));
    Random tasks_of(options_.seed, "task", std::uint64_t(pipeline));
    std::vector<double> factor(std::size_t(r_.ranks));
    for (double& own : factor) own = device.draw(devices_of);
    for (std::size_t i = 0; i < r_.tasks.size(); ++i) {
      const RecurrenceTask& of = r_.tasks[i];
      played.duration[i] =
          table_.total(std::size_t(of.time)) * factor[std::size_t(of.rank)] * task.draw(tasks_of);
    }
    fivefold::run(
        r_, [&](std::size_t i) { return played.duration[i]; }, hop_, waits_, played.times);
    for (const double end : played.times.rank_end) played.end = std::max(played.end, end);
    return played;
  }

  Result<TrainingSimulation> on_links(const Play& played, std::span<const double> rank_end,
                                      TrainingSimulation simulation) const {
    auto linked = run_on_links(step_, table_, r_, played.duration);
    if (!linked) return fail(std::move(linked.error()));
    Finish last;
    std::vector<Seconds> seen;
    for (int rank = 0; rank < r_.ranks; ++rank) {
      const auto at = std::size_t(rank);
      const ReplicaTime time = replica_time(step_, table_.rank_work(rank), rank);
      const double end = std::max(linked->rank_end[at], rank_end[at]);
      const Seconds reduce = std::max(time.reduce_seen, Seconds(linked->reduced[at] - end));
      seen.push_back(reduce + time.gather_seen);
      if (end + seen.back().value() > last.passes + last.exchange.value()) {
        last.passes = end;
        last.exchange = seen.back();
      }
      last.optimizer = std::max(last.optimizer, optimizer_time(step_, rank));
    }
    write_step(step_, table_, r_, 0, last, Seconds(hop_), simulation.totals);
    if (!options_.timeline) return simulation;
    write_tasks(played.duration, linked->end, simulation.timeline);
    for (const LinkedTimes::Message& message : linked->messages) {
      add(std::size_t(message.from), SpanKind::kMessage, message.begin, message.end,
          simulation.timeline);
    }
    for (int rank = 0; rank < r_.ranks; ++rank) {
      const Seconds begin(linked->rank_end[std::size_t(rank)]);
      write_end(rank, begin, begin + seen[std::size_t(rank)], simulation);
    }
    return simulation;
  }

  // DualPipe counts the micro batches of each direction apart.
  bool traced(const PipelineTask& task) const {
    const bool second = schedule_.kind == Schedule::kDualPipe && task.chunk == 1;
    const int number = task.micro_batch - (second ? schedule_.micro_batches / 2 : 0);
    return options_.traced_micro_batches == 0 || number < options_.traced_micro_batches;
  }

  void add(std::size_t i, SpanKind kind, double begin, double end,
           std::vector<TrainingSpan>& timeline) const {
    const PipelineTask& task = schedule_.tasks[std::size_t(r_.played[i])];
    if (!traced(task)) return;
    timeline.push_back({r_.tasks[i].rank, kind, task, Seconds(begin), Seconds(end)});
  }

  void write_tasks(std::span<const double> duration, std::span<const double> end,
                   std::vector<TrainingSpan>& timeline) const {
    timeline.reserve(2 * r_.tasks.size());
    for (std::size_t i = 0; i < r_.tasks.size(); ++i) {
      add(i, SpanKind::kTask, end[i] - duration[i], end[i], timeline);
    }
  }

  void write_messages(const RecurrenceTimes& times, std::vector<TrainingSpan>& timeline) const {
    for (std::size_t i = 0; i < r_.tasks.size(); ++i) {
      if (r_.tasks[i].messages == 0) continue;
      const double end = times.arrival[i + 1];
      add(i, SpanKind::kMessage, end - r_.tasks[i].messages * hop_, end, timeline);
    }
  }

  // What follows the passes of a rank.
  static void write_end(int rank, Seconds begin, Seconds end, TrainingSimulation& simulation) {
    if (end > begin) simulation.timeline.push_back({rank, SpanKind::kGradients, {}, begin, end});
    const TrainingEstimate& e = simulation.totals;
    if (e.optimizer == Seconds()) return;
    simulation.timeline.push_back({rank, SpanKind::kOptimizer, {}, e.step - e.optimizer, e.step});
  }

  const Step& step_;
  const SimulateOptions& options_;
  PipelineSchedule schedule_;
  Recurrence r_;
  TaskTable table_;
  double hop_;
  bool waits_;
};

}  // namespace

Result<TrainingSimulation> simulate_step(const Step& step, const SimulateOptions& options) {
  return Player(step, options).run();
}

}  // namespace fivefold
