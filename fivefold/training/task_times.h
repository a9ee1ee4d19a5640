// How long the tasks of a pipeline take on each rank, and what of it is exchange of experts that no
// compute hides, or the host.
//
// Expert exchange that runs beside another micro batch (overlap_ep) takes what the compute of both
// passes does not cover; alone, as while the pipeline fills and drains, all of it is seen. What is
// covered takes cores from that compute.
#pragma once

#include "fivefold/base/inline_vector.h"
#include "fivefold/training/recurrence.h"
#include "fivefold/training/stage.h"

namespace fivefold {

// Seconds, by TaskTime. `total` holds the other two.
struct TaskSeconds {
  std::array<double, kTaskTimes> total{}, exchange{}, host{};
};
// `back`: the chunk that goes backward beside `work` going forward (kForwardBackward).
TaskSeconds task_seconds(const Step& step, const StageWork& work, const StageWork& back);

// Of all ranks and chunks. Reused between calls, it asks for no memory.
class TaskTable {
 public:
  void fill(const Step& step);
  // Indexed as RecurrenceTask::time.
  double total(std::size_t index) const { return total_[index]; }
  const TaskSeconds& seconds(int rank, int chunk) const { return seconds_[at(rank, chunk)]; }
  const StageWork& work(int rank, int chunk) const { return works_[share(rank, chunk)]; }
  StageWork rank_work(int rank) const;
  // Ranks of one class hold equal chunks.
  int rank_class(int rank) const { return classes_[std::size_t(rank)]; }
  int chunks() const { return chunks_; }
  int ranks() const { return ranks_; }

 private:
  std::size_t at(int rank, int chunk) const { return std::size_t(rank * chunks_ + chunk); }
  std::size_t share(int rank, int chunk) const { return shares_[at(rank, chunk)]; }
  std::size_t share_number(const Step& step, const StageShare& share);

  int ranks_ = 1, chunks_ = 1;
  std::vector<StageShare> kinds_;  // different ones
  std::vector<StageWork> works_;   // of each kind
  std::vector<std::size_t> shares_;
  std::vector<TaskSeconds> seconds_;
  std::vector<double> total_;
  std::vector<int> classes_;
};

}  // namespace fivefold
