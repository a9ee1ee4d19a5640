// Runs traces on the links of a machine.
//
// A node starts when what it needs is done (trace.h). On each rank
// - the device computes one node at a time, its memory and the host are a lane each beside it; of
//   the nodes that are ready the first one in the trace's order is next (Chakra's feeder hands them
//   out so);
// - collectives of one group run one after the other, in the trace's order, as a library runs those
//   of one communicator; those of different groups run at once and share links, as do messages;
// - a collective moves nothing to a rank that has not come to it, nor to the round of it, and ends
//   on a rank when all that this one sends and receives has arrived; its algorithm, protocol, rates
//   and latencies are those of the library's plan (collective/plan.h), its traffic the plan's
//   rounds (collective/rounds.h);
// - a send does not wait for its receive; it ends when its bytes have arrived.
// Where it stops being true: kernels of several streams of one device do not run at once, and
// communication takes nothing from the computing beside it.
#pragma once

#include "fivefold/collective/simulate.h"
#include "fivefold/replay/compute.h"

namespace fivefold {

struct ReplayOptions {
  int copies = 0;  // one trace stands for so many ranks; 0: each trace is one rank
  ComputeTimes times = ComputeTimes::kEither;
  RankGroups groups = {};  // of pg_name; see match.h
  Routing routing = Routing::kAdaptive;
  double tolerance = 1e-3;
  bool fold = true;  // where all ranks do the same a block of them stands for all, exactly
  bool spans = false;
  int watched = 0;                            // of the busiest links, use over time is recorded
  std::function<void(double)> progress = {};  // share done
};

// All of one rank, from the start of the trace. Communication lasts from when a rank comes to a
// collective, or could send, or both sides of a receive are there, until it is done; exposed is
// what of it no computing and no memory node runs beside. Idle is without any of the three: the
// device waits for the host or for a message.
struct RankTime {
  Seconds total, compute, memory, host, communication, exposed, idle;
};

enum class Stream : std::uint8_t { kCompute, kMemory, kHost, kCommunication };
std::string_view name(Stream stream);

struct ReplaySpan {
  int rank = 0;
  Stream stream = Stream::kCompute;
  std::int32_t node = 0;  // of the rank's trace
  Picoseconds begin = 0, end = 0;
};

struct Replay {
  Seconds time;
  std::vector<RankTime> ranks;
  std::vector<LevelUse> levels;  // of the machine
  std::int32_t busiest_link = -1;
  double busiest = 0;  // share of the time that it was in use
  std::vector<ReplaySpan> spans;
  std::vector<LinkSample> samples;  // bytes per second that the link is asked for, over nominal
  // Of nodes, on all ranks:
  std::size_t nodes = 0;
  std::size_t recorded = 0, modelled = 0, untimed = 0;  // that compute or move memory
  std::size_t collectives = 0, alone = 0;               // alone: of one rank, without time
  std::size_t messages = 0;
  std::size_t dropped_parents = 0;  // that ctrl_deps name
  bool call_trees = false;          // of some trace; its ctrl_deps are not waited for
  std::size_t flows = 0;
  int folded_to = 0;  // ranks that stand for all; 0: each is simulated
};

// Rank r runs on device r. `kernels` may be null where nothing is to be timed. Fails if there are
// more ranks than devices, if ranks disagree (match.h), if one rank alone is to communicate, or if
// nodes of several ranks wait for each other in a circle, which is named.
Result<Replay> replay(const Machine& machine, const Graph& graph, const std::vector<Trace>& traces,
                      const KernelModel* kernels, const ReplayOptions& options = {});

}  // namespace fivefold
