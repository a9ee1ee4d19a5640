#include "fivefold/fabric/import.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/fabric/measure.h"
#include "fivefold/fabric/routing.h"

namespace fivefold {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal(std::string_view text) {
  const auto topology = read_topology(text, "mine");
  return topology ? std::string("read") : to_text(topology.error());
}

Topology read(std::string_view text) {
  const auto topology = read_topology(text, "mine");
  EXPECT_TRUE(topology) << to_text(topology.error());
  return topology.value_or(Topology{});
}

// A file of the shared data, or nothing where that is not there.
std::optional<Result<Topology>> shared(const std::string& name) {
  const std::string path = std::string(FIVEFOLD_SHARED_DIR) + "/data/topology/" + name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return load_topology(path);
}

int hops(const Graph& graph, int from, int to) {
  Router router(graph);
  std::vector<Hop> out;
  EXPECT_TRUE(router.route(from, to, 0, out));
  return path_length(graph, from, to, out).hops;
}

TEST(ImportLevels, TheExamplesAreRead) {
  const std::string folder = std::string(FIVEFOLD_SOURCE_DIR) + "/examples/fabrics/";
  const auto rails = load_topology(folder + "rail_pods.yaml");
  ASSERT_TRUE(rails) << to_text(rails.error());
  EXPECT_EQ(rails->graph.devices, 512);
  EXPECT_NEAR(bisection(rails->graph, 1).value(), 256 * 50e9 / 2, 1e3);
  EXPECT_NEAR(bisection(rails->graph, 0).value(), 4 * 450e9 * 3 / 4, 1e3);
  const auto islands = load_topology(folder + "two_islands.yaml");
  ASSERT_TRUE(islands) << to_text(islands.error());
  EXPECT_EQ(islands->graph.nodes, 9);
  EXPECT_NEAR(bisection(islands->graph, -1).value(), 4 * 25e9, 1e3);
}

TEST(ImportLevels, DragonflyCircuitsAndPcieAreLevelsToo) {
  EXPECT_EQ(read("levels:\n- {kind: dragonfly, size: 72, p: 2, a: 4, h: 2, bandwidth: 25 GB/s, "
                 "latency: 2 us}\n")
                .graph.nodes,
            72 + 36);
  EXPECT_EQ(read("levels:\n- {kind: torus, dims: [4], link: 50 GB/s, latency: 1 us}\n"
                 "- {kind: circuits, size: 12, link: 50 GB/s, latency: 1 us, "
                 "circuits: [[0, 1], [1, 2]]}\n")
                .graph.links.size(),
            2u * (12 + 8));
  EXPECT_EQ(read("levels:\n- {kind: pcie-switch, size: 4, bandwidth: 64 GB/s, latency: 1 us, "
                 "peer_to_peer: false}\n")
                .graph.nodes,
            4 + 3);
}

TEST(ImportLevels, EveryProblemOfAFileIsNamedWithItsLine) {
  EXPECT_THAT(refusal("levels:\n"
                      "- {kind: swich, size: 8, bandwidth: 450 GB/s}\n"
                      "- {kind: switch, size: 64, bandwidth: 0 GB/s, latency: 1 m}\n"
                      "- {kind: torus, size: many, lnk: 5 GB/s}\n"),
              AllOf(HasSubstr("mine:2:10: unknown kind 'swich'"),
                    HasSubstr("mine:3:39: a bandwidth of zero"), HasSubstr("mine:3:56: latency"),
                    HasSubstr("mine:4:23: size 'many'"), HasSubstr("did you mean link?")));
}

TEST(ImportLevels, ImpossibleSizesAreRefused) {
  EXPECT_THAT(refusal("levels:\n- {kind: switch, size: 8, bandwidth: 1 GB/s}\n"
                      "- {kind: switch, size: 4, bandwidth: 1 GB/s}\n"),
              HasSubstr("joins 4 devices, and the level inside already 8"));
  EXPECT_THAT(refusal("devices: 64\nlevels:\n- {kind: switch, size: 8, bandwidth: 1 GB/s}\n"),
              HasSubstr("device 0 and device 8 are not joined"));
  EXPECT_THAT(refusal("levels:\n- {kind: full-mesh, size: 200000, link: 1 GB/s}\n"),
              HasSubstr("links"));
}

TEST(ImportLinks, ANodeThatIsNotThereIsNamedWithItsLikes) {
  EXPECT_THAT(refusal("devices: 2\nswitches: [spine]\nlinks:\n- [0, spin, 1 GB/s, 1 us]\n"),
              AllOf(HasSubstr("mine:4:7: no device and no switch 'spin'"), HasSubstr("spine")));
  EXPECT_THAT(refusal("devices: 3\nlinks:\n- [0, 1, 1 GB/s, 1 us]\n"),
              HasSubstr("device 0 and device 2 are not joined"));
}

TEST(ImportEdges, NumbersAreDevicesAndNamesAreSwitches) {
  const Topology topology =
      read("# a star\n0 hub 50GB/s 1us\n1 hub 50 GB/s 1 us\n2 hub 400Gbps 1us\n");
  EXPECT_EQ(topology.form, "edges");
  EXPECT_EQ(topology.graph.devices, 3);
  EXPECT_EQ(topology.graph.nodes, 4);
  EXPECT_EQ(hops(topology.graph, 0, 2), 2);
  EXPECT_DOUBLE_EQ(topology.graph.links[2].bandwidth.value(), 50e9);
}

TEST(ImportEdges, WrongLinesAreNamed) {
  EXPECT_THAT(refusal("0 1 50GB/s\n0 1 50GB 1us\n0 1 0GB/s 1us\n3\n0 0 1GB/s 1us\n"),
              AllOf(HasSubstr("mine:1:1: the latency is missing"), HasSubstr("mine:2:5: bandwidth"),
                    HasSubstr("mine:3:5: a link of no bandwidth"),
                    HasSubstr("mine:4:1: '3' alone is no link"),
                    HasSubstr("mine:5:3: a link from 0 to 0")));
  EXPECT_THAT(refusal("0 5 1GB/s 1us\n"), HasSubstr("without a gap"));
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
}

TEST(ImportAstra, ARingTakesItsLinkAndASwitchItsLatencyTwice) {
  const Topology topology = read(
      "topology: [ Switch, Ring ]\nnpus_count: [ 8, 4 ]\nbandwidth: [ 400, 50 ]\n"
      "latency: [ 936.25, 1000 ]\n");
  EXPECT_EQ(topology.form, "ASTRA-sim");
  EXPECT_EQ(topology.graph.devices, 32);
  EXPECT_NEAR(topology.plan->levels[0].latency.value(), 2 * 936.25e-9, 1e-15);
  // The ring of nodes: each of eight devices has its own, cut in two links.
  EXPECT_NEAR(bisection(topology.graph, 1).value(), 8 * 2 * 50e9, 1);
}

TEST(ImportAstra, AValueThatIsNotThereYetIsNamed) {
  EXPECT_THAT(refusal("topology: [ Ring ]\nnpus_count: [ 2 ]\nbandwidth: [ tbd ]\nlatency: [ 1, 2 "
                      "]\n"),
              HasSubstr("mine:4:10: latency has 2 entries"));
  EXPECT_THAT(refusal("topology: [ Rng ]\nnpus_count: [ 2 ]\nbandwidth: [ tbd ]\nlatency: [ 1 ]\n"),
              AllOf(HasSubstr("mine:3:14: bandwidth 'tbd'"), HasSubstr("unknown topology 'Rng'")));
}

TEST(ImportAstra, TheFilesOfTheProjectAreRead) {
  for (const char* name : {"hgx_h100_8gpu.yml", "hgx_h100_16gpu.yml", "Ring_16npus.yml",
                           "tpu_v3_32_ring.yml", "dgx_v100_4gpu.yml"}) {
    const auto topology = shared(std::string("astra_network/") + name);
    if (!topology) GTEST_SKIP();
    ASSERT_TRUE(*topology) << to_text(topology->error());
    EXPECT_EQ((*topology)->form, "ASTRA-sim");
  }
  const auto open = shared("astra_network/dgx_v100_8gpu.yml");
  ASSERT_FALSE(*open);
  EXPECT_THAT(to_text(open->error()), HasSubstr("dgx_v100_8gpu.yml:11:14: bandwidth 'tbd'"));
}

TEST(ImportNccl, NvlinkReachesEveryDeviceThroughItsSwitches) {
  const auto topology = shared("nccl_xml/ibm_vpc_h100x8_vsi.xml");
  if (!topology) GTEST_SKIP();
  ASSERT_TRUE(*topology) << to_text(topology->error());
  const Graph& graph = (*topology)->graph;
  EXPECT_EQ(graph.devices, 8);
  double port = 0;
  for (const Link& link : graph.links) {
    if (link.from == 0 && link.level == 0) port += link.bandwidth.value();
  }
  EXPECT_DOUBLE_EQ(port, 450e9);  // 18 links of 25 GB/s over four NVSwitches
  EXPECT_EQ(hops(graph, 0, 7), 2);
  EXPECT_NEAR(bisection(graph, 0).value(), 4 * 450e9, 1);
}

TEST(ImportNccl, XgmiMeshesAreReadAsTheyAre) {
  const auto full = shared("nccl_xml/rccl_topo_8p_940.xml");
  if (!full) GTEST_SKIP();
  ASSERT_TRUE(*full) << to_text(full->error());
  EXPECT_NEAR(bisection((*full)->graph, 0).value(), 16 * 64e9, 1);
  EXPECT_EQ(hops((*full)->graph, 0, 5), 1);
  const auto partial = shared("nccl_xml/rccl_topo_8p_90a.xml");
  ASSERT_TRUE(*partial) << to_text(partial->error());
  EXPECT_EQ(hops((*partial)->graph, 0, 1), 1);
  EXPECT_EQ(hops((*partial)->graph, 0, 3), 2);
  for (const char* name :
       {"rccl_topo_4p_940.xml", "rccl_topo_8p6l_6nic.xml", "azure_ncv4-topo.xml"}) {
    const auto topology = shared(std::string("nccl_xml/") + name);
    ASSERT_TRUE(*topology) << name << ": " << to_text(topology->error());
  }
}

TEST(ImportNccl, ASkeletonSaysThatItIsOne) {
  for (const char* name : {"aws_p4d-24xl-topo.xml", "azure_ndv2-topo.xml", "azure_ndv4-topo.xml"}) {
    const auto topology = shared(std::string("nccl_xml/") + name);
    if (!topology) GTEST_SKIP();
    ASSERT_FALSE(*topology);
    EXPECT_THAT(to_text(topology->error()),
                AllOf(HasSubstr("no <gpu> element"), HasSubstr("NCCL_TOPO_DUMP_FILE")));
  }
}

TEST(ImportNccl, WrongElementsAreNamedWithTheirLines) {
  EXPECT_THAT(refusal("<system>\n<cpu numaid=\"0\">"), HasSubstr("mine:2: not XML"));
  EXPECT_THAT(refusal("<graph/>"), HasSubstr("no <system>"));
  EXPECT_THAT(refusal("<system><cpu numaid=\"0\">\n<pci busid=\"1\">\n<gpu dev=\"0\" sm=\"80\">\n"
                      "<nvlink target=\"9\" count=\"0\"/></gpu></pci></cpu></system>"),
              HasSubstr("mine:4: nvlink to '9', count 0"));
  EXPECT_THAT(refusal("<system><cpu><pci busid=\"1\"><gpu dev=\"3\"/></pci></cpu></system>"),
              HasSubstr("numbered 0 to 0"));
}

TEST(ImportSimai, TheTemplatesOfTheProjectAreRead) {
  const auto hpn = shared("simai/AlibabaHPN_64g_8gps_DualToR_SinglePlane_200Gbps_A100");
  if (!hpn) GTEST_SKIP();
  ASSERT_TRUE(*hpn) << to_text(hpn->error());
  EXPECT_EQ((*hpn)->form, "SimAI");
  EXPECT_EQ((*hpn)->graph.devices, 64);
  EXPECT_EQ((*hpn)->graph.links.size(), 2u * 320);
  EXPECT_EQ(hops((*hpn)->graph, 0, 7), 2);
  EXPECT_EQ(hops((*hpn)->graph, 0, 9), 4);
  const auto spectrum = shared("simai/Spectrum-X_128g_8gps_400Gbps_H100");
  ASSERT_TRUE(*spectrum) << to_text(spectrum->error());
  EXPECT_EQ((*spectrum)->graph.devices, 128);
}

TEST(ImportSimai, AFileThatWasCutShortIsNoticed) {
  EXPECT_THAT(refusal("3 2 1 0 2 H100\n2\n0 2 3600Gbps 0.000025ms 0\n"),
              HasSubstr("2 links announced, 1 follow"));
  EXPECT_THAT(refusal("3 2 1 0 2 H100\n2\n0 2 3600Gbps 0.000025ms 0\n1 9 1Gbps 1ms 0\n"),
              HasSubstr("mine:4:1: a link from '1' to '9'"));
}

}  // namespace
}  // namespace fivefold
