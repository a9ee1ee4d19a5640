#include "fivefold/fabric/folding.h"

#include <set>

#include <gtest/gtest.h>

#include "fivefold/fabric/sample_test.h"

namespace fivefold {
namespace {

std::size_t distinct(const std::vector<std::int32_t>& folded) {
  return std::set<std::int32_t>(folded.begin(), folded.end()).size();
}

TEST(Folding, ANodeStandsForAllNodes) {
  const Graph graph = system_graph("cloudmatrix384", 384);
  const auto folded = folded_links(graph, 16);
  ASSERT_TRUE(folded);
  // 8 pairs of dies, 16 ports and one uplink, both ways.
  EXPECT_EQ(distinct(*folded), 2u * (8 + 16 + 1));
}

TEST(Folding, ADeviceStandsForAllOfASwitchedDomain) {
  const auto folded = folded_links(system_graph("gb200_nvl72", 72), 1);
  ASSERT_TRUE(folded);
  EXPECT_EQ(distinct(*folded), 2u);
}

TEST(Folding, SeparatePlanesStayApart) {
  const auto folded = folded_links(system_graph("gb200_nvl72", 72, {.separate_planes = true}), 1);
  ASSERT_TRUE(folded);
  EXPECT_EQ(distinct(*folded), 2u * 18);
}

TEST(Folding, ARingOfRowsFoldsByRows) {
  const Graph pod = system_graph("tpu_v6e_pod", 256);
  const auto folded = folded_links(pod, 16);
  ASSERT_TRUE(folded);
  EXPECT_EQ(distinct(*folded), pod.links.size() / 16);
}

TEST(Folding, AMoveThatIsNoSymmetryIsRefused) {
  // One step along a row of a torus carries the last device into the next row.
  EXPECT_FALSE(folded_links(system_graph("tpu_v6e_pod", 256), 1));
  EXPECT_FALSE(folded_links(system_graph("cloudmatrix384", 384), 3));
}

TEST(Folding, AnUnevenMachineIsRefused) {
  // 20 devices of nodes of 8: the last node is half full.
  EXPECT_FALSE(folded_links(system_graph("dgx_h100_8", 20), 8));
  EXPECT_FALSE(folded_links(system_graph("dgx_h100_8", 16), 0));
}

}  // namespace
}  // namespace fivefold
