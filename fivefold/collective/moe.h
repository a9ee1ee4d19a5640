// Inside the room: the parts of a MoE exchange that its closed form and its flows have in common.
#pragma once

#include "fivefold/collective/collective.h"

namespace fivefold {

Traffic traffic_of(const MoeExchange& exchange);

// Devices of a block whose tokens are passed on inside it: what the outermost forwarding level
// joins. 0: every copy goes straight to its device.
double forwarding_block(const Machine& machine, const Group& group, Traffic traffic);

// What an exchange takes apart from its links: before anything moves, by the cores that copy, and
// by the expert that takes in most (`received` copies).
struct MoeFloors {
  Seconds latency;
  Seconds cores;
  Seconds expert;
};
MoeFloors moe_floors(const Machine& machine, const Group& group, const MoeExchange& exchange,
                     double received);
// Seconds that the innermost level's port takes for its copies, and what that becomes beside the
// cores that copy.
double wire_of_innermost(const Machine& machine, const Group& group, const MoeExchange& exchange);
double beside_cores(const MoeFloors& floors, double wire);

}  // namespace fivefold
