// The messages of a pipeline and the gradients of its replicas on the ports that they share.
#pragma once

#include "fivefold/training/task_times.h"

namespace fivefold {

struct LinkedTimes {
  std::vector<double> end;  // of each task of the recurrence, seconds
  std::vector<double> rank_end;
  std::vector<double> reduced;  // of each rank: its gradients; 0: no replicas that share a port
  struct Message {
    std::int32_t from = 0;  // task of the recurrence
    double begin = 0, end = 0;
  };
  std::vector<Message> messages;
};

// `duration`: seconds of each task of the recurrence. Fails where the flow simulator does.
Result<LinkedTimes> run_on_links(const Step& step, const TaskTable& table, const Recurrence& r,
                                 std::span<const double> duration);

}  // namespace fivefold
