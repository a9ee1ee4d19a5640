// The same work for us and for SimGrid (https://simgrid.org, 3.32 of Debian 12): hosts, links, and
// flows with the links that each crosses.
#pragma once

#include <string>
#include <vector>

#include "fivefold/fabric/graph.h"

namespace fivefold::simgrid_test {

struct Flow {
  int from = 0, to = 0;
  double bytes = 0;
  std::vector<int> links;
};

struct Case {
  std::string name;
  Graph graph;
  std::vector<Flow> flows;
};

// "star64", "fattree64", "fattree256" (16 hosts a leaf, 8 spines) or "dragonfly72" (p 2, a 4, h 2),
// a dot, and "alltoall", "permutations" (four, of unequal sizes) or "random5000" (so many flows).
std::vector<std::string> accuracy_cases();
Case make_case(const std::string& name);

}  // namespace fivefold::simgrid_test
