// Puts the rounds of collectives on links, as tasks of one schedule.
//
// Each rank of each group has one wait a round, which ends when all that it sent and received in
// the round before has arrived, and the round's delay has passed; a last wait ends its part.
//
// What a library reaches. simulate_collective() lowers the capacities of the links to what the
// library reaches under its one plan. Where several plans share links (another operation, another
// protocol, a group of another form) no such capacity exists. Then links keep their nominal
// capacity and a flow asks for more than its payload: with e[l] the share of nominal that its plan
// reaches on level l, b bytes of payload take b / e[l] of a link of that level. As bytes of a flow
// are the same on all its way, that is b / e of the worst level on the way, and on each other level
// the share e / e[l] of it. The flow's weight is raised alike, 1 / e, so that flows share a link by
// payload, not by time on it. One plan alone then has the rates of lowered capacities exactly, and
// several at once fill a link when their times on it add up to one: sum of rate / e = capacity.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "fivefold/collective/rounds.h"
#include "fivefold/fabric/routing.h"
#include "fivefold/network/schedule.h"

namespace fivefold {

// Who takes part: the device of each rank. All groups run the same operation at the same time.
using Ranks = std::vector<int>;

// The smallest block of devices that stands for all, where a collective joins all devices in order.
struct Fold {
  int unit = 0;                    // 0: none
  std::vector<std::int32_t> link;  // of each link, the one that stands for it
};
Fold find_fold(const Machine& machine, const Graph& graph, std::span<const Round> rounds);

// By level of the machine: payload over nominal bandwidth that the plan reaches.
std::vector<double> reached_by(const Machine& machine, const Group& shape,
                               const CollectivePlan& plan, Collective collective);

struct Placement {
  std::span<const Ranks> groups;               // all of one size
  const Fold* fold = nullptr;                  // only its unit of ranks is put down
  bool all_path = false;                       // the plan detours through full meshes
  int most = std::numeric_limits<int>::max();  // repetitions of one round that are put down
  // By group and rank put down: the task after which it takes part. Empty: from the start.
  std::span<const std::int32_t> ready = {};
  // A message waits until its receiver has come to the round as well: what is ahead does not share
  // links with what it waits for. Without: as if receivers had room for all that is sent.
  bool meets = false;
  std::span<const double> reached = {};  // empty: capacities are lowered instead
};

struct Placed {
  // Of each round put down, by group and rank: the waits that begin it; last, those that end all.
  std::vector<std::vector<std::int32_t>> waits;
  std::size_t flows = 0;  // of what was put down, unfolded
};

class Assembler {
 public:
  Assembler(const Graph& graph, Routing routing);

  // Fails if the graph does not join two ranks, or if tasks grow too many to be meant (kMostTasks).
  Result<Placed> add(std::span<const Round> rounds, const Placement& placement);

  static constexpr std::size_t kMostTasks = 400'000'000;
  FlowSchedule schedule;              // tasks of others may be added to it
  std::vector<std::int32_t> senders;  // of each task, the sending device; -1: a wait
  std::vector<double> payload;        // of each link, where `reached` was given

 private:
  struct Job;
  void close(Job& job, Picoseconds delay);
  Result<void> add_round(Job& job, const Round& round);
  Result<void> send(Job& job, std::size_t member, const Message& message, std::size_t first);
  bool merge(std::int32_t path, int receiver, const Task& flow, std::size_t first);
  Task scaled(std::span<const double> reached, double bytes);

  const Graph& graph_;
  Router router_;
  std::optional<Router> all_path_;
  std::vector<std::pair<std::int32_t, int>> sent_;  // by path: last task on it, and its receiver
  std::vector<Message> messages_;
  std::vector<Hop> hops_;
};

}  // namespace fivefold
