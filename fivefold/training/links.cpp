#include "fivefold/training/links.h"

#include <cmath>

#include "fivefold/network/simulate.h"
#include "fivefold/training/data_parallel.h"
#include "fivefold/training/groups.h"
#include "fivefold/training/pipeline.h"

namespace fivefold {
namespace {

constexpr double kPicoseconds = 1e12;

Picoseconds clock(double seconds) {
  return Picoseconds(std::llround(seconds * kPicoseconds));
}

// A message as the closed form has it: a wait, and bytes at the rate of the port.
struct Message {
  double latency = 0, bytes = 0, rate = 1;
  int level = -1;
};

Message hop_of(const Step& step) {
  const Group stages = pipeline_group(step.on.machine, step.layout);
  const CollectiveTime time =
      collective_time(step.on.machine, Collective::kSendRecv, stages, step.cost.boundary);
  const double whole = hop_time(step).value();
  const double latency = std::min(time.latency.value(), whole / 2);
  const double bytes = step.cost.boundary.value();
  return {latency, bytes, bytes / std::max(1e-12, whole - latency), time.bottleneck};
}

// Level whose links limit the reduction of gradients.
int replica_level(const Step& step) {
  const TrainingLayout& l = step.layout;
  const Group replicas = stage_group(step.on.machine, l, dense_replicas(l), l.tp);
  return collective_time(step.on.machine, Collective::kReduceScatter, replicas, Bytes(1e9))
      .bottleneck;
}

class Builder {
 public:
  Builder(const Step& step, const TaskTable& table, const Recurrence& r,
          std::span<const double> duration)
      : step_(step),
        table_(table),
        r_(r),
        duration_(duration),
        hop_(step.layout.pp > 1 ? hop_of(step) : Message{}),
        first_(r.tasks.size()),
        last_(r.tasks.size()),
        next_(r.tasks.size(), -1),
        ready_(std::size_t(r.ranks)),
        reduced_(std::size_t(r.ranks), -1) {}

  Result<LinkedTimes> run() {
    const std::vector<int> layers = layers_ended();
    std::vector<std::int32_t> before(std::size_t(r_.ranks), -1);
    for (std::size_t i = 0; i < r_.tasks.size(); ++i) {
      std::int32_t& previous = before[std::size_t(r_.tasks[i].rank)];
      add_task(i, layers[i]);
      if (previous >= 0) {
        schedule_.wait(first_[i], last_[std::size_t(previous)]);
        next_[std::size_t(previous)] = std::int32_t(i);
      }
      previous = std::int32_t(i);
      for (const std::int32_t needed : r_.tasks[i].needs) {
        if (needed > 0) add_message(std::size_t(needed - 1), i);
      }
    }
    if (waits_for_messages(step_)) hold_senders();
    for (int rank = 0; rank < r_.ranks; ++rank) {
      add_gradients(rank, last_[std::size_t(before[std::size_t(rank)])]);
    }
    const std::vector<double> ports(std::size_t(2 * r_.ranks), hop_.rate);
    auto timeline = simulate(ports, schedule_);
    if (!timeline) return fail(std::move(timeline.error()));
    return read(*timeline);
  }

 private:
  // Of each task, the layers whose gradients are whole when it ends.
  std::vector<int> layers_ended() const {
    std::vector<int> layers(r_.tasks.size());
    std::vector<std::int32_t> last(std::size_t(r_.ranks * r_.chunks), -1);
    for (std::size_t i = 0; i < r_.tasks.size(); ++i) {
      const auto kind = TaskTime(std::size_t(r_.tasks[i].time) % kTaskTimes);
      const int chunk = r_.tasks[i].time / int(kTaskTimes) % r_.chunks;
      const bool both = kind == TaskTime::kForwardBackward;
      const bool ends = both || kind == TaskTime::kBackward || kind == TaskTime::kPairedBackward ||
                        kind == TaskTime::kWeightGradient;
      const int of = both ? r_.chunks - 1 - chunk : chunk;
      if (ends) last[std::size_t(r_.tasks[i].rank * r_.chunks + of)] = std::int32_t(i);
    }
    for (int rank = 0; rank < r_.ranks; ++rank) {
      for (int chunk = 0; chunk < r_.chunks; ++chunk) {
        const int stage = model_stage(step_.layout, rank, chunk);
        layers[std::size_t(last[std::size_t(rank * r_.chunks + chunk)])] +=
            std::max(1, stage_share(step_, stage).all_layers());
      }
    }
    return layers;
  }

  // A pass in as many pieces as gradients become ready in it.
  void add_task(std::size_t i, int layers) {
    const int pieces = std::max(1, layers);
    const Picoseconds piece = clock(duration_[i] / pieces);
    for (int p = 0; p < pieces; ++p) {
      const std::int32_t task = schedule_.add({.delay = piece});
      if (p == 0) {
        first_[i] = task;
      } else {
        schedule_.wait(task, last_[i]);
      }
      last_[i] = task;
      if (layers > 0) ready_[std::size_t(r_.tasks[i].rank)].push_back(task);
    }
  }

  std::int32_t through(int out, int in, double bytes, double latency) {
    const Hop hops[] = {{2 * out, 1}, {2 * in + 1, 1}};
    return schedule_.add(
        {.path = schedule_.paths.add(hops), .delay = clock(latency), .bytes = bytes});
  }

  void add_message(std::size_t from, std::size_t to) {
    const std::int32_t flow =
        through(r_.tasks[from].rank, r_.tasks[to].rank, hop_.bytes, hop_.latency);
    schedule_.wait(flow, last_[from]);
    schedule_.wait(first_[to], flow);
    messages_.push_back({std::int32_t(from), flow});
  }

  void hold_senders() {
    for (const auto& [from, flow] : messages_) {
      const std::int32_t next = next_[std::size_t(from)];
      if (next >= 0) schedule_.wait(first_[std::size_t(next)], flow);
    }
  }

  // A bucket is a layer, one after the other.
  void add_gradients(int rank, std::int32_t rank_last) {
    const ReplicaTime time = replica_time(step_, table_.rank_work(rank), rank);
    if (time.reduce == Seconds() || step_.layout.zero == 3) return;
    const std::vector<std::int32_t>& ready = ready_[std::size_t(rank)];
    const double each = time.reduce.value() / double(ready.size());
    const bool shared = r_.ranks > 1 && replica_level(step_) == hop_.level;
    std::int32_t before = -1;
    for (const std::int32_t task : ready) {
      const std::int32_t bucket =
          shared ? through(rank, rank, each * hop_.rate, 0) : schedule_.add({.delay = clock(each)});
      schedule_.wait(bucket, step_.job.overlap_grad_reduce ? task : rank_last);
      if (before >= 0) schedule_.wait(bucket, before);
      before = bucket;
    }
    reduced_[std::size_t(rank)] = before;
  }

  LinkedTimes read(const Timeline& timeline) const {
    LinkedTimes times;
    const auto finish = [&](std::int32_t task) {
      return double(timeline.finish[std::size_t(task)]) / kPicoseconds;
    };
    times.rank_end.resize(std::size_t(r_.ranks));
    for (std::size_t i = 0; i < r_.tasks.size(); ++i) {
      times.end.push_back(finish(last_[i]));
      times.rank_end[std::size_t(r_.tasks[i].rank)] = times.end.back();
    }
    for (const std::int32_t task : reduced_) times.reduced.push_back(task < 0 ? 0 : finish(task));
    for (const auto& [from, flow] : messages_) {
      const auto begin = double(timeline.start[std::size_t(flow)]) / kPicoseconds;
      times.messages.push_back({from, begin - hop_.latency, finish(flow)});
    }
    return times;
  }

  const Step& step_;
  const TaskTable& table_;
  const Recurrence& r_;
  std::span<const double> duration_;
  Message hop_;
  FlowSchedule schedule_;
  std::vector<std::int32_t> first_, last_;        // of each task, its pieces in the flow schedule
  std::vector<std::int32_t> next_;                // on the same rank
  std::vector<std::vector<std::int32_t>> ready_;  // of each rank, where layers end
  std::vector<std::int32_t> reduced_;             // of each rank, its last bucket
  std::vector<std::pair<std::int32_t, std::int32_t>> messages_;  // sent by a task, as a flow
};

}  // namespace

Result<LinkedTimes> run_on_links(const Step& step, const TaskTable& table, const Recurrence& r,
                                 std::span<const double> duration) {
  return Builder(step, table, r, duration).run();
}

}  // namespace fivefold
