// Runs a case in SimGrid with pure max-min sharing and prints the finish of each flow in seconds,
// one a line; with --timing what the run took instead. SimGrid's settings: CM02, no TCP window
// (TCP-gamma 0), no traffic backwards (crosstraffic 0), links of no latency.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>

#include <simgrid/s4u.hpp>
#include <sys/resource.h>
#include <xbt/log.h>

#include "tests/simgrid/cases.h"

namespace sg = simgrid::s4u;

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: simgrid_run CASE [--timing]\n");
    return 2;
  }
  const auto work = fivefold::simgrid_test::make_case(argv[1]);
  sg::Engine engine(&argc, argv);
  xbt_log_control_set("root.thres:critical");
  sg::Engine::set_config("network/model:CM02");
  sg::Engine::set_config("network/TCP-gamma:0");
  sg::Engine::set_config("network/crosstraffic:0");
  auto* zone = sg::create_full_zone("fabric");
  std::vector<sg::Host*> hosts;
  for (int i = 0; i < work.graph.devices; ++i) {
    hosts.push_back(zone->create_host("h" + std::to_string(i), 1e9));
  }
  std::vector<const sg::Link*> links;
  for (std::size_t i = 0; i < work.graph.links.size(); ++i) {
    links.push_back(
        zone->create_link("l" + std::to_string(i), work.graph.links[i].bandwidth.value())
            ->set_latency(0)
            ->seal());
  }
  std::map<std::pair<int, int>, bool> known;
  for (const auto& flow : work.flows) {
    if (known[{flow.from, flow.to}]) continue;
    known[{flow.from, flow.to}] = true;
    std::vector<sg::LinkInRoute> route;
    for (const int link : flow.links) route.emplace_back(links[std::size_t(link)]);
    zone->add_route(hosts[std::size_t(flow.from)]->get_netpoint(),
                    hosts[std::size_t(flow.to)]->get_netpoint(), nullptr, nullptr, route, false);
  }
  zone->seal();
  std::vector<double> finish(work.flows.size());
  const auto begin = std::chrono::steady_clock::now();
  sg::Actor::create("all", hosts[0], [&] {
    std::vector<sg::CommPtr> sent;
    for (const auto& flow : work.flows) {
      sent.push_back(sg::Comm::sendto_async(
          hosts[std::size_t(flow.from)], hosts[std::size_t(flow.to)], std::uint64_t(flow.bytes)));
    }
    for (std::size_t i = 0; i < sent.size(); ++i) {
      sent[i]->wait();
      finish[i] = sent[i]->get_finish_time();
    }
  });
  engine.run();
  if (argc > 2 && std::strcmp(argv[2], "--timing") == 0) {
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%s: %zu flows, simulated %.6f s in %.3f s, %ld MB\n", work.name.c_str(),
                work.flows.size(), engine.get_clock(), seconds, use.ru_maxrss / 1024);
    return 0;
  }
  for (const double seconds : finish) std::printf("%.12g\n", seconds);
  return 0;
}
