#include "fivefold/report/pipeline_trace.h"

#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fivefold/training/simulate.h"

namespace fivefold {
namespace {

TEST(PipelineTrace, names_passes_by_micro_batch_on_the_rank_that_runs_them) {
  TrainingSimulation simulation;
  const auto add = [&](int rank, SpanKind kind, const PipelineTask& task, double begin,
                       double end) {
    simulation.timeline.push_back({rank, kind, task, Seconds(begin), Seconds(end)});
  };
  const PipelineTask forward{.micro_batch = 12};
  add(0, SpanKind::kTask, forward, 0, 1e-3);
  add(0, SpanKind::kMessage, forward, 1e-3, 1.5e-3);
  add(1, SpanKind::kTask, {.kind = TaskKind::kWeightGradient, .chunk = 1, .micro_batch = 3}, 0, 1);
  add(1, SpanKind::kTask,
      {.kind = TaskKind::kForwardBackward,
       .micro_batch = 7,
       .back_chunk = 1,
       .back_micro_batch = 4},
      1, 2);
  add(1, SpanKind::kGradients, {}, 2, 3);
  add(1, SpanKind::kOptimizer, {}, 3, 4);
  const auto events = nlohmann::json::parse(pipeline_trace(simulation)).at("traceEvents");
  std::map<std::string, nlohmann::json> named;
  for (const auto& event : events) {
    if (event.at("ph") == "X") named[event.at("name")] = event;
  }
  EXPECT_EQ(named.size(), 6);
  EXPECT_EQ(named.at("F12").at("pid"), 0);
  EXPECT_DOUBLE_EQ(named.at("F12").at("dur"), 1000);
  EXPECT_EQ(named.at("F12").at("args").at("micro batch"), 12);
  EXPECT_NE(named.at("send F12").at("tid"), named.at("F12").at("tid"));
  EXPECT_EQ(named.at("W3").at("args").at("chunk"), 1);
  EXPECT_EQ(named.at("F7 B4").at("args").at("backward micro batch"), 4);
  EXPECT_EQ(named.at("gradients and weights").at("pid"), 1);
  EXPECT_EQ(named.at("optimizer").at("tid"), named.at("W3").at("tid"));
}

}  // namespace
}  // namespace fivefold
