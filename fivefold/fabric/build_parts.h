// Adds one level, or the levels of one tree, to a graph under construction.
#pragma once

#include "fivefold/fabric/plan.h"

namespace fivefold {

// Numbers of links (not cables) that the level will take, before it is built.
double mesh_links(const PlanLevel& level, int inner_size, int devices);

// `inner_size` is the size of the level inside. Each returns whether the level's links lie where
// the arithmetic of MeshDim and Tier finds them.
bool add_mesh(const PlanLevel& level, int number, int inner_size, Graph& graph, Part& part);
void add_tree(const FabricPlan& plan, int first, int last, bool separate_planes, Graph& graph,
              Part& part);
void add_dragonfly(const PlanLevel& level, int number, Graph& graph);
void add_circuits(const PlanLevel& level, int number, int inner_size, Graph& graph);

// Removes or weakens what the faults name. Fails where they name nothing.
Result<void> apply_faults(const FabricPlan& plan, bool separate_planes, Graph& graph);

}  // namespace fivefold
