#include "fivefold/report/pipeline_trace.h"

#include <cmath>

#include <fmt/format.h>

#include "fivefold/report/trace.h"
#include "fivefold/training/simulate.h"

namespace fivefold {
namespace {

enum Track { kCompute, kMessages, kReplicas };

Picoseconds clock(Seconds time) {
  return Picoseconds(std::llround(time.value() * 1e12));
}

std::string task_name(const PipelineTask& task) {
  switch (task.kind) {
    case TaskKind::kForward:
      return fmt::format("F{}", task.micro_batch);
    case TaskKind::kBackward:
    case TaskKind::kInputGradient:
      return fmt::format("B{}", task.micro_batch);
    case TaskKind::kWeightGradient:
      return fmt::format("W{}", task.micro_batch);
    case TaskKind::kForwardBackward:
      return fmt::format("F{} B{}", task.micro_batch, task.back_micro_batch);
  }
  return {};
}

const char* category(const PipelineTask& task) {
  switch (task.kind) {
    case TaskKind::kForward:
      return "forward";
    case TaskKind::kBackward:
      return "backward";
    case TaskKind::kInputGradient:
      return "input gradient";
    case TaskKind::kWeightGradient:
      return "weight gradient";
    case TaskKind::kForwardBackward:
      return "forward and backward";
  }
  return "";
}

TraceSpan span_of(const TrainingSpan& of) {
  TraceSpan span{.process = of.rank, .begin = clock(of.begin), .end = clock(of.end)};
  switch (of.kind) {
    case SpanKind::kTask:
      span.track = kCompute;
      span.name = task_name(of.task);
      span.category = category(of.task);
      break;
    case SpanKind::kMessage:
      span.track = kMessages;
      span.name = "send " + task_name(of.task);
      span.category = "message";
      break;
    case SpanKind::kGradients:
      span.track = kReplicas;
      span.name = "gradients and weights";
      span.category = "replicas";
      return span;
    case SpanKind::kOptimizer:
      span.track = kCompute;
      span.name = "optimizer";
      span.category = "optimizer";
      return span;
  }
  span.details = {{"micro batch", fmt::format("{}", of.task.micro_batch)},
                  {"chunk", fmt::format("{}", of.task.chunk)}};
  if (of.task.kind == TaskKind::kForwardBackward) {
    span.details.emplace_back("backward micro batch", fmt::format("{}", of.task.back_micro_batch));
    span.details.emplace_back("backward chunk", fmt::format("{}", of.task.back_chunk));
  }
  return span;
}

}  // namespace

std::string pipeline_trace(const TrainingSimulation& simulation) {
  TraceView view;
  view.process = "pipeline rank";
  view.tracks = {"compute", "messages", "replicas"};
  view.spans.reserve(simulation.timeline.size());
  for (const TrainingSpan& span : simulation.timeline) view.spans.push_back(span_of(span));
  return to_chrome_trace(view);
}

}  // namespace fivefold
