// A machine for a fabric of the user's own, so that collectives can be planned on it. No library is
// known there: an ideal wire, whose steps take the latency of their level and whose payload has all
// of the bandwidth. A fabric without levels counts as one: as wide as its narrowest device, as long
// as the longest way from the first device.
#pragma once

#include "fivefold/fabric/import.h"
#include "fivefold/fabric/machine.h"

namespace fivefold {

Machine machine_of(const Topology& topology);

}  // namespace fivefold
