// A machine: systems of one kind joined by a scale-out network, as levels of links from the inside out.
#pragma once

#include <string>
#include <vector>

#include "fivefold/catalog/stack.h"
#include "fivefold/catalog/system.h"

namespace fivefold {

struct Level {
  std::string name;
  LevelKind kind = LevelKind::kSwitch;
  int size = 1;              // devices joined, inner levels included
  int fanout = 1;            // size / size of the level inside
  BytesPerSecond bandwidth;  // one device, per direction, nominal, oversubscription applied
  Seconds latency;           // end to end of a small message
  double efficiency = 1;     // payload over nominal at large messages: protocol, as measured or assumed
  bool assumed_latency = false;
  bool in_network_reduction = false;
};

struct Machine {
  const System* system = nullptr;
  Device device;
  int devices = 0;  // ranks in all
  int chips = 0;
  double systems = 1;  // may be a fraction when a part of a system is used
  std::vector<Level> levels;  // scale-out last
};

// `chips` packages of the system; more than one system adds the scale-out level. The stack's collective
// library gives efficiency and latency of each level. Fails if a level's bandwidth is not published and
// no assumption covers it.
Result<Machine> build_machine(const System& system, int chips, const Stack& stack);

}  // namespace fivefold
