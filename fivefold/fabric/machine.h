// A machine: systems of one kind joined by a scale-out network, as levels of links from the inside
// out.
#pragma once

#include <string>
#include <vector>

#include "fivefold/catalog/stack.h"
#include "fivefold/catalog/system.h"
#include "fivefold/fabric/library.h"

namespace fivefold {

struct Level {
  std::string name;
  std::string fabric;  // the key that stacks know it by: fabric_key()
  LevelKind kind = LevelKind::kSwitch;
  int size = 1;                   // devices joined, inner levels included
  int fanout = 1;                 // size / size of the level inside, rounded up
  BytesPerSecond bandwidth;       // one device, per direction, nominal, oversubscription applied
  BytesPerSecond link_bandwidth;  // meshes and tori: one link between a pair
  std::vector<int> dims;          // nD full mesh and torus, of the whole level
  Seconds latency;                // end to end of a small message
  double efficiency = 1;          // payload over nominal of a large message between a pair
  bool assumed_latency = false;
  bool in_network_reduction = false;
  // What leaves for the level outside passes this level's port too: the first stage of a switched
  // tree.
  bool carries_outer = false;
  LinkTable link;  // what the stack's library reaches here, per kind of traffic
};

struct Machine {
  const System* system = nullptr;
  Device device;
  int devices = 0;  // ranks in all
  int chips = 0;
  double systems = 1;         // may be a fraction when a part of a system is used
  std::vector<Level> levels;  // scale-out last
};

// `chips` packages of the system; more than one system adds the scale-out level. A machine smaller
// than a system keeps the levels that it needs. The stack's collective library gives efficiency and
// latency of each level; a stack without communication parameters gives an ideal wire. Fails if a
// level's bandwidth is not published, naming the system and the level.
Result<Machine> build_machine(const System& system, int chips, const Stack& stack);

// Bandwidth of one device when `members` of a level take part, per direction, nominal.
// In a mesh a member reaches only the links to the other members: a pair sees one link.
// kExchange: everyone sends to everyone (all-to-all); kReduction: ring or mesh algorithms that may
// use every link at once; kPair: one message to one peer.
enum class Pattern : std::uint8_t { kReduction, kExchange, kPair };
BytesPerSecond usable_bandwidth(const Level& level, int members, Pattern pattern);

}  // namespace fivefold
