#include "fivefold/report/trace.h"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fivefold/catalog/catalog.h"
#include "fivefold/collective/simulate.h"
#include "fivefold/fabric/plan.h"

namespace fivefold {
namespace {

nlohmann::json events_of(const TraceView& view) {
  return nlohmann::json::parse(to_chrome_trace(view)).at("traceEvents");
}

TEST(ChromeTrace, keeps_picoseconds_and_names) {
  TraceView view;
  view.tracks = {"compute"};
  view.spans.push_back({.process = 3,
                        .name = "a \"quoted\" \xFF name",
                        .category = "compute",
                        .begin = 1'500'000'000'001,
                        .end = 1'500'000'000'004,
                        .details = {{"id", "42"}}});
  view.counters.push_back({"link 0", 7'000'000, 0.5});
  const nlohmann::json events = events_of(view);
  const auto find = [&](const char* phase, const char* name) {
    for (const auto& event : events) {
      if (event.at("ph") == phase && (*name == 0 || event.at("name") == name)) return event;
    }
    return nlohmann::json();
  };
  EXPECT_EQ(find("M", "process_name").at("args").at("name"), "rank 3");
  EXPECT_EQ(find("M", "thread_name").at("args").at("name"), "compute");
  const auto span = find("X", "");
  EXPECT_EQ(span.at("pid"), 3);
  EXPECT_DOUBLE_EQ(span.at("ts"), 1500000.000001);
  EXPECT_DOUBLE_EQ(span.at("dur"), 0.000003);
  EXPECT_EQ(span.at("args").at("id"), 42);
  EXPECT_EQ(find("C", "link 0").at("args").at("value"), 0.5);
}

TEST(ChromeTrace, spans_that_overlap_have_threads_of_their_own) {
  TraceView view;
  for (const auto& [begin, end] : {std::pair{0, 10}, {5, 15}, {10, 20}, {12, 13}}) {
    view.spans.push_back(
        {.name = "x", .category = "c", .begin = Picoseconds(begin), .end = Picoseconds(end)});
  }
  std::vector<int> threads;
  for (const auto& event : events_of(view)) {
    if (event.at("ph") == "X") threads.push_back(event.at("tid"));
  }
  EXPECT_EQ(threads, (std::vector<int>{0, 1, 0, 2}));
}

TEST(ChromeTrace, shows_what_the_devices_of_a_collective_send) {
  const Catalog catalog = Catalog::load().value();
  const System& system = **catalog.system("dgx_h100_8");
  const Machine machine = build_machine(system, 8, **catalog.stack("comm/nccl")).value();
  const Graph graph = build_graph(machine).value();
  const auto result =
      simulate_collective(machine, graph, Collective::kAllGather, make_group(machine, 8, 1),
                          {strided_ranks(0, 8, 1)}, Bytes(1e8), {.fold = false});
  ASSERT_TRUE(result);
  const TraceView view = transfers_of(*result, graph);
  EXPECT_EQ(view.spans.size(), result->flows);
  std::set<int> devices;
  for (const TraceSpan& span : view.spans) devices.insert(span.process);
  EXPECT_EQ(devices.size(), 8u);
  EXPECT_GT(events_of(view).size(), view.spans.size());
}

TEST(ChromeTrace, nothing_is_a_trace_too) {
  EXPECT_TRUE(events_of({}).empty());
}

}  // namespace
}  // namespace fivefold
