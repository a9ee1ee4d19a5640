#include "fivefold/training/recurrence.h"

#include <map>
#include <mutex>
#include <shared_mutex>
#include <tuple>

namespace fivefold {
namespace {

// Where a pass comes from and goes to: the model's stages in the order in which a micro batch meets
// them, and the rank of each.
class Route {
 public:
  explicit Route(const PipelineSchedule& s)
      : schedule_(s), stages_(s.kind == Schedule::kDualPipe ? s.ranks : s.ranks * s.chunks) {}
  int stages() const { return stages_; }
  // Of a rank's chunk. Each direction of DualPipe counts its own.
  int stage(int rank, int chunk) const {
    const bool turns = chunk == 1 && schedule_.kind == Schedule::kZbV;
    const bool reverse = chunk == 1 && schedule_.kind == Schedule::kDualPipe;
    if (reverse) return schedule_.ranks - 1 - rank;
    return turns ? 2 * schedule_.ranks - 1 - rank : chunk * schedule_.ranks + rank;
  }
  int rank(int stage, int chunk) const {
    if (schedule_.kind == Schedule::kDualPipe) {
      return chunk == 0 ? stage : schedule_.ranks - 1 - stage;
    }
    const bool up = schedule_.kind == Schedule::kZbV && stage >= schedule_.ranks;
    return up ? 2 * schedule_.ranks - 1 - stage : stage % schedule_.ranks;
  }

 private:
  const PipelineSchedule& schedule_;
  int stages_;
};

class Compiler {
 public:
  Compiler(const PipelineSchedule& schedule, bool fold)
      : schedule_(schedule),
        fold_(fold),
        route_(schedule),
        forward_(std::size_t(schedule.micro_batches * route_.stages())),
        backward_(forward_.size()),
        last_(std::size_t(schedule.ranks), -1) {
    result_.ranks = schedule.ranks;
    result_.chunks = schedule.chunks;
    result_.micro_batches = schedule.micro_batches;
    result_.tasks.reserve(schedule.tasks.size());
    result_.played.reserve(schedule.tasks.size());
    result_.messages.resize(std::size_t(schedule.ranks));
    result_.counts.resize(std::size_t(schedule.ranks * schedule.chunks) * kTaskTimes);
  }

  std::optional<Recurrence> compile() {
    std::vector<std::size_t> next(std::size_t(schedule_.ranks));
    std::size_t done = 0;
    while (done < schedule_.tasks.size()) {
      const std::size_t before = done;
      for (int rank = 0; rank < schedule_.ranks; ++rank) {
        const auto tasks = schedule_.of(rank);
        std::size_t& at = next[std::size_t(rank)];
        for (; at < tasks.size() && add(rank, tasks[at]); ++at) ++done;
      }
      if (done == before) return std::nullopt;
    }
    mark_period();
    return std::move(result_);
  }

 private:
  std::size_t cell(int micro_batch, int stage) const {
    return std::size_t(micro_batch * route_.stages() + stage);
  }

  // Adds what a pass waits for; false: it is not there yet.
  bool need(RecurrenceTask& task, int rank, int chunk, int micro_batch, bool forward) {
    const int stage = route_.stage(rank, chunk);
    const int from = forward ? stage - 1 : stage + 1;
    const int to = forward ? stage + 1 : stage - 1;
    const auto inside = [&](int s) { return s >= 0 && s < route_.stages(); };
    if (inside(to) && route_.rank(to, chunk) != rank) ++task.messages;
    // What is computed from what the same micro batch left here, or on the same rank before.
    if (!forward && forward_[cell(micro_batch, stage)] == 0) return false;
    if (!inside(from)) return true;
    const std::int32_t needed = (forward ? forward_ : backward_)[cell(micro_batch, from)];
    if (needed == 0) return false;
    if (route_.rank(from, chunk) != rank) task.needs[task.needs[0] == 0 ? 0 : 1] = needed;
    return true;
  }

  bool add(int rank, const PipelineTask& of) {
    RecurrenceTask task{.time = std::uint16_t(result_.at(rank, of.chunk, task_time(of))),
                        .rank = std::uint16_t(rank)};
    const auto number = std::int32_t(result_.tasks.size()) + 1;
    const bool both = of.kind == TaskKind::kForwardBackward;
    const bool forward = both || of.kind == TaskKind::kForward;
    const bool backward = !forward && of.kind != TaskKind::kWeightGradient;
    if (forward && !need(task, rank, of.chunk, of.micro_batch, true)) return false;
    if (backward && !need(task, rank, of.chunk, of.micro_batch, false)) return false;
    if (both && !need(task, rank, of.back_chunk, of.back_micro_batch, false)) return false;
    const auto mark = [&](std::vector<std::int32_t>& done, int chunk, int micro_batch) {
      done[cell(micro_batch, route_.stage(rank, chunk))] = number;
    };
    if (forward) mark(forward_, of.chunk, of.micro_batch);
    if (backward) mark(backward_, of.chunk, of.micro_batch);
    if (both) mark(backward_, of.back_chunk, of.back_micro_batch);
    ++result_.counts[std::size_t(task.time)];
    std::int32_t& last = last_[std::size_t(rank)];
    if (of.kind == TaskKind::kWeightGradient && fold_ && last >= 0 &&
        folds(result_.tasks[std::size_t(last)], task.time)) {
      return true;
    }
    last = number - 1;
    result_.played.push_back(std::int32_t(&of - schedule_.tasks.data()));
    result_.messages[std::size_t(rank)] += task.messages;
    result_.tasks.push_back(task);
    return true;
  }

  // One more weight gradient of one kind after a task.
  static bool folds(RecurrenceTask& task, std::uint16_t time) {
    if (task.weights > 0 && (task.weight != time || task.weights == 255)) return false;
    task.weight = time;
    ++task.weights;
    return true;
  }

  // The last forward pass of the rank that warms up the shortest, and one of the same chunk before.
  void mark_period() {
    const bool dual = schedule_.kind == Schedule::kDualPipe;
    const bool turns = schedule_.kind == Schedule::kZbV;
    const int rank = dual ? schedule_.ranks / 2 - 1 : turns ? 0 : schedule_.ranks - 1;
    const PipelineTask* last = nullptr;
    for (const PipelineTask& task : schedule_.of(rank)) {
      // Without new ones the second half of a V passes faster.
      const bool forward = task.kind == TaskKind::kForward && !(turns && task.chunk == 1);
      if ((!dual && forward) || task.kind == TaskKind::kForwardBackward) last = &task;
    }
    if (last == nullptr) return;
    const int back = dual    ? schedule_.ranks / 4 + 1
                     : turns ? schedule_.ranks / 2 + 1
                             : schedule_.ranks;
    const int direction = dual ? last->chunk * schedule_.micro_batches / 2 : 0;
    const int micro_batch = last->micro_batch - back;
    if (micro_batch < direction) return;
    const int stage = route_.stage(rank, last->chunk);
    result_.late = forward_[cell(last->micro_batch, stage)] - 1;
    result_.early = forward_[cell(micro_batch, stage)] - 1;
    result_.apart = dual ? 2 * back : back;
  }

  const PipelineSchedule& schedule_;
  bool fold_;
  Route route_;
  Recurrence result_;
  std::vector<std::int32_t> forward_, backward_;  // of a micro batch in a stage its task, from 1
  std::vector<std::int32_t> last_;                // of each rank
};

}  // namespace

TaskTime task_time(const PipelineTask& task) {
  switch (task.kind) {
    case TaskKind::kForward:
      return task.paired ? TaskTime::kPairedForward : TaskTime::kForward;
    case TaskKind::kBackward:
      return task.paired ? TaskTime::kPairedBackward : TaskTime::kBackward;
    case TaskKind::kInputGradient:
      return task.paired ? TaskTime::kPairedInputGradient : TaskTime::kInputGradient;
    case TaskKind::kWeightGradient:
      return TaskTime::kWeightGradient;
    case TaskKind::kForwardBackward:
      return TaskTime::kForwardBackward;
  }
  return TaskTime::kForward;
}

std::optional<Recurrence> compile(const PipelineSchedule& schedule, bool fold) {
  return Compiler(schedule, fold).compile();
}

std::shared_ptr<const Recurrence> kept_recurrence(const TrainingLayout& l, int micro_batches) {
  using Key = std::tuple<Schedule, int, int, int>;
  constexpr std::size_t kMostTasks = 4'000'000;  // 80 MB
  static std::shared_mutex lock;
  static std::map<Key, std::shared_ptr<const Recurrence>> kept;
  static std::size_t tasks = 0;
  const Key key{l.schedule, l.pp, l.vpp, micro_batches};
  {
    const std::shared_lock reading(lock);
    const auto found = kept.find(key);
    if (found != kept.end()) return found->second;
  }
  auto compiled =
      std::make_shared<const Recurrence>(*compile(pipeline_schedule(l, micro_batches), true));
  const std::unique_lock writing(lock);
  if (tasks > kMostTasks) {
    kept.clear();
    tasks = 0;
  }
  if (kept.emplace(key, compiled).second) tasks += compiled->tasks.size();
  return compiled;
}

std::vector<int> held_activations(const PipelineSchedule& schedule, int rank) {
  std::vector<int> held(std::size_t(schedule.chunks)), most = held;
  int now = 0, largest = 0;
  for (const PipelineTask& task : schedule.of(rank)) {
    const bool both = task.kind == TaskKind::kForwardBackward;
    if (both || task.kind == TaskKind::kForward) {
      ++held[std::size_t(task.chunk)];
      if (++now > largest) {
        largest = now;
        most = held;
      }
    }
    if (both || task.kind == TaskKind::kBackward || task.kind == TaskKind::kWeightGradient) {
      --held[std::size_t(both ? task.back_chunk : task.chunk)];
      --now;
    }
  }
  return most;
}

}  // namespace fivefold
