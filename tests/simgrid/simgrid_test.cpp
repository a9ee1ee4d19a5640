// The flow simulator against SimGrid: with figures recorded from it (recorded.csv), and flow by
// flow with SimGrid itself where it is installed. With links of no latency both share by max-min
// and every flow must end at the same time, but for what SimGrid rounds (it counts what is below
// 1e-5 bytes per second of work as nothing).
//
// Where they differ, and why: with latencies SimGrid weighs flows on a full link by the inverse of
// their round-trip time, as TCP Reno would have it (its paper: Velho et al. 2013, ACM TOMACS 23(4),
// section 5): of two flows of 1 GB over one link of 1 GB/s, one with twice the latency, it ends the
// one at 1.5 s and the other at 2, we both at 2. Networks of accelerators do not run Reno; a
// switch's arbiter gives flows on one link equal shares, and so do we.
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include <gtest/gtest.h>

#include "fivefold/network/simulate.h"
#include "tests/simgrid/cases.h"

namespace fivefold::simgrid_test {
namespace {

std::vector<double> ours(const Case& work) {
  FlowSchedule schedule;
  std::vector<Hop> hops;
  for (const Flow& flow : work.flows) {
    hops.clear();
    for (const int link : flow.links) hops.push_back({link, 1});
    schedule.add({.path = schedule.paths.add(hops), .bytes = flow.bytes});
  }
  std::vector<double> capacities;
  for (const Link& link : work.graph.links) capacities.push_back(link.bandwidth.value());
  const auto timeline = simulate(capacities, schedule, {.tolerance = 1e-9}).value();
  std::vector<double> seconds;
  for (const Picoseconds finish : timeline.finish) seconds.push_back(double(finish) * 1e-12);
  return seconds;
}

// What is recorded of a case: the tenths of the finish times in order, the last being the end.
std::array<double, 10> tenths(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  std::array<double, 10> result{};
  for (std::size_t i = 0; i < 10; ++i) result[i] = seconds[(i + 1) * seconds.size() / 10 - 1];
  return result;
}

std::map<std::string, std::vector<double>> recorded() {
  std::ifstream file(FIVEFOLD_SIMGRID_RECORDED);
  std::map<std::string, std::vector<double>> result;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream fields(line);
    std::string name, field;
    std::getline(fields, name, ',');
    while (std::getline(fields, field, ',')) result[name].push_back(std::stod(field));
  }
  return result;
}

TEST(SimGrid, recorded_times_are_ours_within_one_percent) {
  const auto known = recorded();
  for (const std::string& name : accuracy_cases()) {
    ASSERT_TRUE(known.contains(name)) << name << " is not in recorded.csv";
    const auto mine = tenths(ours(make_case(name)));
    for (std::size_t i = 0; i < mine.size(); ++i) {
      EXPECT_NEAR(mine[i] / known.at(name)[i], 1, 0.01)
          << name << ": tenth " << i + 1 << " ends at " << mine[i] << " s, in SimGrid at "
          << known.at(name)[i];
    }
  }
}

#ifdef FIVEFOLD_SIMGRID_RUN
std::vector<double> theirs(const std::string& name) {
  const std::string command = std::string(FIVEFOLD_SIMGRID_RUN) + " " + name;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::vector<double> seconds;
  for (double value = 0; pipe && std::fscanf(pipe.get(), "%lf", &value) == 1;) {
    seconds.push_back(value);
  }
  return seconds;
}

TEST(SimGrid, each_flow_ends_when_it_does_in_simgrid) {
  for (const std::string& name : accuracy_cases()) {
    const auto mine = ours(make_case(name)), its = theirs(name);
    ASSERT_EQ(mine.size(), its.size()) << name;
    double worst = 0, sum = 0;
    for (std::size_t i = 0; i < mine.size(); ++i) {
      const double error = std::abs(mine[i] / its[i] - 1);
      worst = std::max(worst, error);
      sum += error / double(mine.size());
    }
    std::printf("%-26s %5zu flows: mean difference %.2g, largest %.2g\n", name.c_str(), mine.size(),
                sum, worst);
    EXPECT_LT(worst, 0.01) << name;
    if (std::getenv("FIVEFOLD_RECORD") != nullptr) {
      std::printf("%s", name.c_str());
      for (const double value : tenths(its)) std::printf(",%.9g", value);
      std::printf("\n");
    }
  }
}
#endif

}  // namespace
}  // namespace fivefold::simgrid_test
