// The topology XML of NCCL and RCCL, as NCCL_TOPO_DUMP_FILE writes it.
//
// The file counts links and names PCIe speeds. What one link carries follows from the generation
// (`sm`, `gcn`), nominal and per direction: NVLink 20 GB/s on sm 60, 25 on 70 to 90, 14 on 86, 50
// from 100 on; xGMI 46 on gfx908, 50 on 90a, 64 on 94x, 76.8 on 950. Between sockets there is what
// NCCL itself takes (src/graph/topo.h), and latencies are assumed; all that is listed in the graph.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "fivefold/fabric/import_forms.h"

namespace fivefold {
namespace {

constexpr Seconds kLinkLatency{0.5e-6};
constexpr Seconds kPcieLatency{0.25e-6};
constexpr int kMostNested = 32;
constexpr int kLinkLevel = 0, kPcieLevel = 1;

int line_of(std::string_view text, const pugi::xml_node& node) {
  const std::ptrdiff_t offset = node.offset_debug();
  if (offset < 0) return 0;
  const std::string_view before = text.substr(0, std::size_t(offset));
  return 1 + int(std::count(before.begin(), before.end(), '\n'));
}

// "16 GT/s" or "32.0 GT/s PCIe"; what virtual machines hide (nothing, or width 0) is taken as x16
// of the third generation, as NCCL does.
BytesPerSecond pcie_bandwidth(const pugi::xml_node& pci, bool& assumed) {
  double speed = std::strtod(pci.attribute("link_speed").value(), nullptr);
  double width = pci.attribute("link_width").as_double();
  if (!(speed > 0) || !(speed < 1000)) speed = 8, assumed = true;
  if (!(width > 0) || !(width < 100)) width = 16, assumed = true;
  const double code = speed < 8 ? 8.0 / 10 : 128.0 / 130;
  return BytesPerSecond(speed * 1e9 * width * code / 8);
}

BytesPerSecond nvlink_bandwidth(int sm) {
  if (sm >= 100) return BytesPerSecond(50e9);
  if (sm == 86) return BytesPerSecond(14e9);
  return BytesPerSecond(sm >= 70 ? 25e9 : 20e9);
}

BytesPerSecond xgmi_bandwidth(std::string_view gcn) {
  if (gcn.starts_with("gfx")) gcn.remove_prefix(3);
  if (gcn.starts_with("95")) return BytesPerSecond(76.8e9);
  if (gcn.starts_with("94")) return BytesPerSecond(64e9);
  if (gcn == "906" || gcn == "908") return BytesPerSecond(46e9);
  return BytesPerSecond(50e9);  // 90a, which RCCL also writes as 910
}

BytesPerSecond socket_bandwidth(const pugi::xml_node& cpu) {
  const std::string_view vendor = cpu.attribute("vendor").value();
  if (vendor == "AuthenticAMD") return BytesPerSecond(16e9);
  const int model = cpu.attribute("modelid").as_int();
  return BytesPerSecond(vendor == "GenuineIntel" && model >= 143 ? 40e9 : 10e9);
}

struct Gpu {
  pugi::xml_node element, slot;
  std::string busid;
  int parent = 0;
  int node = 0;
};

class NcclReader {
 public:
  NcclReader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Result<Topology> read() {
    pugi::xml_document document;
    const auto parsed = document.load_buffer(text_.data(), text_.size());
    if (!parsed) {
      const std::string_view before = text_.substr(0, std::size_t(parsed.offset));
      return fail(fmt::format("not XML: {}", parsed.description()), {},
                  {file_, 1 + int(std::count(before.begin(), before.end(), '\n')), 0});
    }
    const pugi::xml_node system = document.child("system");
    if (!system) {
      return fail("no <system> element: not a topology of NCCL or RCCL",
                  "NCCL_TOPO_DUMP_FILE=topo.xml makes one", {file_, 1, 0});
    }
    for (const pugi::xml_node& cpu : system.children("cpu")) read_cpu(cpu);
    if (gpus_.empty() && error_.problems.empty()) {
      return fail("no <gpu> element: a skeleton of PCIe slots, which NCCL completes when it runs",
                  "dump the completed topology on the machine: NCCL_TOPO_DUMP_FILE=topo.xml",
                  {file_, line_of(text_, system), 0});
    }
    add_gpus();
    add_sockets();
    for (const Gpu& gpu : gpus_) add_links(gpu);
    if (!error_.problems.empty()) return fail(std::move(error_));
    auto graph = graph_.finish(file_);
    if (!graph) return fail(std::move(graph.error()));
    // Links between devices come before PCIe.
    graph->levels = {{"NVLink or xGMI", graph->devices}, {"PCIe", graph->devices}};
    graph->assumed = assumptions();
    return Topology{{}, "NCCL", std::nullopt, *std::move(graph)};
  }

 private:
  void problem(const pugi::xml_node& node, std::string what, std::string hint = {}) {
    if (error_.problems.size() >= kMostProblems) return;
    error_.problems.push_back({{file_, line_of(text_, node), 0}, std::move(what), std::move(hint)});
  }

  void read_cpu(const pugi::xml_node& cpu) {
    const int node =
        graph_.add_node(fmt::format("socket {}", cpu.attribute("numaid").value()), NodeKind::kHost);
    sockets_.push_back({node, socket_bandwidth(cpu)});
    read_children(cpu, node, 0);
  }

  void read_children(const pugi::xml_node& parent, int node, int depth) {
    if (depth > kMostNested) return problem(parent, "PCIe switches nested too deeply");
    for (const pugi::xml_node& pci : parent.children("pci")) read_pci(pci, node, depth);
    for (const pugi::xml_node& nic : parent.children("nic")) {
      read_nic(nic, node, BytesPerSecond(0));
    }
  }

  void read_pci(const pugi::xml_node& pci, int parent, int depth) {
    const BytesPerSecond bandwidth = pcie_bandwidth(pci, pcie_assumed_);
    for (const pugi::xml_node& gpu : pci.children("gpu")) {
      gpus_.push_back({gpu, pci, pci.attribute("busid").value(), parent, 0});
    }
    for (const pugi::xml_node& nic : pci.children("nic")) read_nic(nic, parent, bandwidth);
    if (!pci.child("pci")) return;
    const int node = graph_.add_node(fmt::format("PCIe switch {}", pci.attribute("busid").value()),
                                     NodeKind::kPcieSwitch);
    graph_.add_cable(node, parent, bandwidth, kPcieLatency, kPcieLevel);
    read_children(pci, node, depth + 1);
  }

  // A network card is an end as well, though traffic from outside is not in the file.
  void read_nic(const pugi::xml_node& nic, int parent, BytesPerSecond slot) {
    for (const pugi::xml_node& net : nic.children("net")) {
      const double speed = net.attribute("speed").as_double() * 1e6 / 8;  // Mbit/s
      double bandwidth = slot.value() > 0 ? slot.value() : speed;
      if (speed > 0 && speed < bandwidth) bandwidth = speed;
      if (!(bandwidth > 0)) continue;
      const int node = graph_.add_node(net.attribute("name").value(), NodeKind::kPort);
      graph_.add_cable(node, parent, BytesPerSecond(bandwidth), kPcieLatency, kPcieLevel);
    }
  }

  void add_gpus() {
    const int count = int(gpus_.size());
    std::vector<Gpu> ordered(gpus_.size());
    for (const Gpu& gpu : gpus_) {
      const int number = gpu.element.attribute("dev").as_int(-1);
      if (number < 0 || number >= count || ordered[number].element) {
        problem(gpu.element,
                fmt::format("dev=\"{}\" of a gpu", gpu.element.attribute("dev").value()),
                fmt::format("{} gpu elements are numbered 0 to {}, each once", count, count - 1));
        continue;
      }
      ordered[number] = gpu;
    }
    if (!error_.problems.empty()) return;
    gpus_ = std::move(ordered);
    for (Gpu& gpu : gpus_) {
      gpu.node = graph_.add_device(fmt::format("device {}", gpu.element.attribute("dev").as_int()));
      by_busid_[gpu.busid] = gpu.node;
      graph_.add_cable(gpu.node, gpu.parent, pcie_bandwidth(gpu.slot, pcie_assumed_), kPcieLatency,
                       kPcieLevel);
    }
  }

  void add_sockets() {
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      for (std::size_t j = i + 1; j < sockets_.size(); ++j) {
        graph_.add_cable(sockets_[i].first, sockets_[j].first,
                         std::min(sockets_[i].second, sockets_[j].second), kPcieLatency,
                         kPcieLevel);
      }
    }
  }

  void add_links(const Gpu& gpu) {
    const BytesPerSecond nvlink = nvlink_bandwidth(gpu.element.attribute("sm").as_int());
    const BytesPerSecond xgmi = xgmi_bandwidth(gpu.element.attribute("gcn").value());
    for (const pugi::xml_node& link : gpu.element.children("nvlink")) add_link(gpu, link, nvlink);
    for (const pugi::xml_node& link : gpu.element.children("xgmi")) add_link(gpu, link, xgmi);
  }

  void add_link(const Gpu& gpu, const pugi::xml_node& link, BytesPerSecond each) {
    const std::string target = link.attribute("target").value();
    const int count = link.attribute("count").as_int();
    if (target.empty() || count < 1 || count > 1000) {
      return problem(link, fmt::format("{} to '{}', count {}", link.name(), target, count),
                     "a link has a target and a count of at least 1");
    }
    if (target == gpu.busid) {
      loops_ = true;  // virtual machines that hide the bridge
      return;
    }
    auto end = by_busid_.find(target);
    if (end == by_busid_.end()) {
      if (std::string_view(link.attribute("tclass").value()) != "0x068000") {
        return problem(link, fmt::format("{} to '{}', which is no gpu here", link.name(), target),
                       "the target is the busid of a gpu, or with tclass 0x068000 of an NVSwitch");
      }
      end = by_busid_
                .emplace(target,
                         graph_.add_node(fmt::format("NVSwitch {}", target), NodeKind::kSwitch))
                .first;
    }
    // Both ends list a link between devices: the first that is met makes the cable.
    const auto pair = std::minmax(gpu.node, end->second);
    if (!seen_.try_emplace(pair, true).second) return;
    graph_.add_cable(gpu.node, end->second, each * double(count), kLinkLatency, kLinkLevel);
  }

  std::vector<std::string> assumptions() const {
    std::vector<std::string> all{
        fmt::format("latencies are not in the file: {} us for a link, {} us for a step over PCIe",
                    kLinkLatency.value() * 1e6, kPcieLatency.value() * 1e6),
        "bandwidth of NVLink and xGMI by generation; between sockets as NCCL takes it"};
    if (pcie_assumed_) all.emplace_back("PCIe speeds that the file hides are taken as Gen3 x16");
    if (loops_) all.emplace_back("NVLink from a device to itself is left out");
    return all;
  }

  std::string_view text_;
  const std::string& file_;
  Error error_;
  NamedGraph graph_;
  std::vector<Gpu> gpus_;
  std::vector<std::pair<int, BytesPerSecond>> sockets_;
  std::map<std::string, int, std::less<>> by_busid_;
  std::map<std::pair<int, int>, bool> seen_;
  bool pcie_assumed_ = false, loops_ = false;
};

}  // namespace

Result<Topology> read_nccl(std::string_view text, const std::string& file) {
  return NcclReader(text, file).read();
}

}  // namespace fivefold
