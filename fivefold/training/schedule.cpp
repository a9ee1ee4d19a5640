#include "fivefold/training/schedule.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "fivefold/training/stage.h"

namespace fivefold {
namespace {

constexpr std::array kAllSchedules = {Schedule::kGpipe, Schedule::k1F1B, Schedule::kInterleaved,
                                      Schedule::kZbH1,  Schedule::kZbV,  Schedule::kDualPipe};

// The tasks of one rank, as they are appended.
class Order {
 public:
  explicit Order(std::vector<PipelineTask>& tasks) : tasks_(tasks) {}
  void add(TaskKind kind, int chunk, int micro_batch) {
    tasks_.push_back(
        {.kind = kind, .chunk = std::int16_t(chunk), .micro_batch = std::int32_t(micro_batch)});
  }
  void forward(int chunk, int micro_batch) { add(TaskKind::kForward, chunk, micro_batch); }
  void backward(int chunk, int micro_batch) { add(TaskKind::kBackward, chunk, micro_batch); }
  void input(int chunk, int micro_batch) { add(TaskKind::kInputGradient, chunk, micro_batch); }
  void weight(int chunk, int micro_batch) { add(TaskKind::kWeightGradient, chunk, micro_batch); }
  void both(int chunk, int micro_batch, int back_chunk, int back_micro_batch) {
    tasks_.push_back({.kind = TaskKind::kForwardBackward,
                      .paired = true,
                      .chunk = std::int16_t(chunk),
                      .micro_batch = std::int32_t(micro_batch),
                      .back_chunk = std::int16_t(back_chunk),
                      .back_micro_batch = std::int32_t(back_micro_batch)});
  }

 private:
  std::vector<PipelineTask>& tasks_;
};

void order_gpipe(int m, Order& order) {
  for (int i = 0; i < m; ++i) order.forward(0, i);
  for (int i = 0; i < m; ++i) order.backward(0, i);
}

void order_1f1b(int pp, int rank, int m, Order& order) {
  const int warm = std::min(m, pp - rank - 1);
  for (int i = 0; i < warm; ++i) order.forward(0, i);
  for (int i = warm; i < m; ++i) {
    order.forward(0, i);
    order.backward(0, i - warm);
  }
  for (int i = m - warm; i < m; ++i) order.backward(0, i);
}

// Megatron-LM counts micro batches over all chunks: the k-th belongs to a group of pp micro batches
// that pass one chunk after the other.
void order_interleaved(int pp, int v, int rank, int m, Order& order) {
  const int all = m * v;
  const auto chunk = [&](int k) { return k % (pp * v) / pp; };
  const auto micro_batch = [&](int k) { return k / (pp * v) * pp + k % pp; };
  const auto forward = [&](int k) { order.forward(chunk(k), micro_batch(k)); };
  const auto backward = [&](int k) { order.backward(v - 1 - chunk(k), micro_batch(k)); };
  const int warm = std::min(all, 2 * (pp - rank - 1) + (v - 1) * pp);
  for (int k = 0; k < warm; ++k) forward(k);
  for (int k = warm; k < all; ++k) {
    forward(k);
    backward(k - warm);
  }
  for (int k = all - warm; k < all; ++k) backward(k);
}

void order_zb_h1(int pp, int rank, int m, Order& order) {
  const int warm = std::min(m, pp - rank - 1);
  int weights = 0;
  for (int i = 0; i < warm; ++i) order.forward(0, i);
  for (int i = 0; i < m; ++i) {
    if (i + warm < m) order.forward(0, i + warm);
    order.input(0, i);
    if (i >= rank) order.weight(0, weights++);
  }
  while (weights < m) order.weight(0, weights++);
}

// Written for at least 2 pp - 1 micro batches; those that are not there are left out.
void order_zb_v(int pp, int rank, int m, Order& order) {
  const int all = std::max(2 * pp - 1, m);
  std::array<int, 2> f{}, b{}, w{};
  const auto forward = [&](std::size_t c) {
    if (f[c] < m) order.forward(int(c), f[c]);
    ++f[c];
  };
  const auto input = [&](std::size_t c) {
    if (b[c] < m) order.input(int(c), b[c]);
    ++b[c];
  };
  const auto weight = [&](std::size_t c) {
    if (w[c] < m) order.weight(int(c), w[c]);
    ++w[c];
  };
  const auto backward = [&](std::size_t c) {
    input(c);
    weight(c);
  };
  for (int i = 0; i < 2 * (pp - rank) - 1; ++i) forward(0);
  for (int i = 0; i < rank; ++i) {
    forward(1);
    forward(0);
  }
  for (int i = 0; i < pp - rank; ++i) {
    forward(1);
    backward(1);
  }
  while (f[1] < f[0] || f[0] < all) {
    if (f[0] < all) forward(0);
    backward(0);
    forward(1);
    backward(1);
  }
  for (int i = 0; i < rank; ++i) {
    input(0);
    input(1);
  }
  for (int i = 0; i < pp - rank; ++i) backward(0);
  while (w[1] < b[1]) weight(1);
  while (w[0] < b[0]) weight(0);
}

// Micro batches of the first half enter at rank 0 (chunk 0), the others at the last rank (chunk 1).
// For each half of the ranks phase 0 is the direction whose entry is nearer.
class DualPipeOrder {
 public:
  DualPipeOrder(int pp, int rank, int m, Order& order)
      : pp_(pp),
        half_rank_(std::min(rank, pp - 1 - rank)),
        far_(rank >= pp / 2),
        m_(m),
        order_(order) {}

  void write() {
    const int half = pp_ / 2, inner = half - half_rank_ - 1;
    for (int i = 0; i < 2 * inner; ++i) forward(0);
    for (int i = 0; i <= half_rank_; ++i) {
      forward(0);
      forward(1);
    }
    for (int i = 0; i < inner; ++i) {
      backward(1, true);
      weight();
      forward(1);
    }
    for (int i = 0; i < m_ / 2 - pp_ + half_rank_ + 1; ++i) {
      if (i == 0 && inner == 0) {  // the middle ranks do not overlap their first two
        forward(0);
        backward(1, false);
      } else {
        both(0, 1);
      }
      both(1, 0);
    }
    for (int i = 0; i < inner; ++i) {
      backward(1, false);
      both(1, 0);
    }
    bool apart = false;  // weight gradients of the second half of these fill what follows
    for (int i = 0; i <= half_rank_; ++i) {
      const bool turn = i == (half_rank_ + 1) / 2;
      apart = apart || (turn && half_rank_ % 2 == 1);
      backward(1, apart);
      apart = apart || (turn && half_rank_ % 2 == 0);
      backward(0, apart);
    }
    for (int i = 0; i < inner; ++i) {
      weight();
      backward(0, true);
    }
    for (int i = 0; i <= half_rank_; ++i) weight();
  }

 private:
  std::size_t chunk(int phase) const { return std::size_t(phase ^ int(far_)); }
  int number(std::size_t chunk, int count) const { return int(chunk) * (m_ / 2) + count; }
  void forward(int phase) {
    const std::size_t c = chunk(phase);
    order_.forward(int(c), number(c, forward_[c]++));
  }
  void backward(int phase, bool apart) {
    const std::size_t c = chunk(phase);
    const int micro_batch = number(c, backward_[c]++);
    if (!apart) return order_.backward(int(c), micro_batch);
    order_.input(int(c), micro_batch);
    waiting_.emplace_back(int(c), micro_batch);
  }
  void weight() {
    const auto [c, micro_batch] = waiting_[done_++];
    order_.weight(c, micro_batch);
  }
  void both(int phase, int back_phase) {
    const std::size_t f = chunk(phase), b = chunk(back_phase);
    order_.both(int(f), number(f, forward_[f]++), int(b), number(b, backward_[b]++));
  }

  int pp_, half_rank_;
  bool far_;
  int m_;
  Order& order_;
  std::array<int, 2> forward_{}, backward_{};
  std::vector<std::pair<int, int>> waiting_;
  std::size_t done_ = 0;
};

bool goes_backward(TaskKind kind) {
  return kind == TaskKind::kBackward || kind == TaskKind::kInputGradient;
}

// A forward and a backward pass that follow each other run as a pair, if not of the same micro
// batch. Weight gradients between them do not part them.
void pair_up(std::span<PipelineTask> tasks) {
  PipelineTask* before = nullptr;
  for (PipelineTask& task : tasks) {
    if (task.kind == TaskKind::kWeightGradient) continue;
    const bool opposite =
        before != nullptr && ((before->kind == TaskKind::kForward && goes_backward(task.kind)) ||
                              (goes_backward(before->kind) && task.kind == TaskKind::kForward));
    if (opposite && !before->paired && before->micro_batch != task.micro_batch) {
      before->paired = task.paired = true;
    }
    before = &task;
  }
}

}  // namespace

PipelineSchedule pipeline_schedule(const TrainingLayout& l, int m) {
  PipelineSchedule s{.kind = l.schedule,
                     .ranks = l.pp,
                     .chunks = chunks(l),
                     .micro_batches = m,
                     .tasks = {},
                     .first = {0}};
  s.tasks.reserve(std::size_t(3 * m * s.chunks) * std::size_t(l.pp));
  for (int rank = 0; rank < l.pp; ++rank) {
    Order order(s.tasks);
    switch (l.schedule) {
      case Schedule::kGpipe:
        order_gpipe(m, order);
        break;
      case Schedule::k1F1B:
        order_1f1b(l.pp, rank, m, order);
        break;
      case Schedule::kInterleaved:
        order_interleaved(l.pp, l.vpp, rank, m, order);
        break;
      case Schedule::kZbH1:
        order_zb_h1(l.pp, rank, m, order);
        break;
      case Schedule::kZbV:
        order_zb_v(l.pp, rank, m, order);
        break;
      case Schedule::kDualPipe:
        DualPipeOrder(l.pp, rank, m, order).write();
        break;
    }
    const auto begin = std::size_t(s.first.back());
    // GPipe turns round once.
    if (l.schedule != Schedule::kGpipe) {
      pair_up({s.tasks.data() + begin, s.tasks.size() - begin});
    }
    s.first.push_back(std::int32_t(s.tasks.size()));
  }
  return s;
}

std::string schedule_problem(const TrainingLayout& l, int m) {
  switch (l.schedule) {
    case Schedule::kInterleaved:
      if (l.pp == 1) return fmt::format("vpp {} needs pp above 1", l.vpp);
      if (m % l.pp != 0) {
        return fmt::format("interleaved: {} micro batches are not a multiple of pp {}", m, l.pp);
      }
      return {};
    case Schedule::kDualPipe:
      if (l.pp % 2 != 0)
        return fmt::format("DualPipe needs an even number of stages, not {}", l.pp);
      if (m % 2 != 0) {
        return fmt::format("DualPipe needs an even number of micro batches, not {}", m);
      }
      if (m < 2 * l.pp) {
        return fmt::format("DualPipe needs at least 2 pp = {} micro batches, not {}", 2 * l.pp, m);
      }
      return {};
    default:
      return {};
  }
}

std::span<const Schedule> all_schedules() {
  return kAllSchedules;
}

}  // namespace fivefold
