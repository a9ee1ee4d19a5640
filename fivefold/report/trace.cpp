#include "fivefold/report/trace.h"

#include <algorithm>
#include <map>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/collective/simulate.h"

namespace fivefold {
namespace {

// Bytes that are no UTF-8 are replaced.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string microseconds(Picoseconds time) {
  return fmt::format("{}.{:06}", time / 1'000'000, time % 1'000'000);
}

// Threads of a process: each track has as many as spans of it overlap.
class Threads {
 public:
  explicit Threads(const TraceView& view) : thread_(view.spans.size()) {
    std::vector<std::size_t> order(view.spans.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return view.spans[a].begin < view.spans[b].begin;
    });
    for (const std::size_t i : order) {
      const TraceSpan& span = view.spans[i];
      std::vector<Picoseconds>& ends = ends_[{span.process, span.track}];
      auto free = std::find_if(ends.begin(), ends.end(),
                               [&](Picoseconds end) { return end <= span.begin; });
      if (free == ends.end()) free = ends.insert(ends.end(), 0);
      *free = span.end;
      thread_[i] = {span.track, int(free - ends.begin())};
    }
  }

  // Tracks lie apart by kMost threads.
  static int number(int track, int place) { return track * kMost + std::min(place, kMost - 1); }
  int of(std::size_t span) const { return number(thread_[span].first, thread_[span].second); }
  const std::map<std::pair<int, int>, std::vector<Picoseconds>>& all() const { return ends_; }

 private:
  static constexpr int kMost = 1000;
  std::vector<std::pair<int, int>> thread_;                       // of each span
  std::map<std::pair<int, int>, std::vector<Picoseconds>> ends_;  // by process and track
};

std::string track_name(const TraceView& view, int track, std::size_t place) {
  const bool named = track >= 0 && std::size_t(track) < view.tracks.size();
  std::string name = named ? view.tracks[std::size_t(track)] : fmt::format("track {}", track);
  if (place > 0) name += fmt::format(" {}", place + 1);
  return name;
}

}  // namespace

std::string to_chrome_trace(const TraceView& view) {
  const Threads threads(view);
  std::string text = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
  const char* comma = "\n";
  const auto add = [&](const std::string& event) {
    text += comma;
    text += event;
    comma = ",\n";
  };
  int last = -1;
  for (const auto& [key, ends] : threads.all()) {
    const auto& [process, track] = key;
    if (process != last) {
      add(fmt::format(R"({{"ph":"M","name":"process_name","pid":{},"args":{{"name":"{} {}"}}}})",
                      process, view.process, process));
      add(fmt::format(
          R"({{"ph":"M","name":"process_sort_index","pid":{},"args":{{"sort_index":{}}}}})",
          process, process));
    }
    last = process;
    for (std::size_t place = 0; place < ends.size(); ++place) {
      add(fmt::format(R"({{"ph":"M","name":"thread_name","pid":{},"tid":{},"args":{{"name":{}}}}})",
                      process, Threads::number(track, int(place)),
                      quoted(track_name(view, track, place))));
    }
  }
  for (std::size_t i = 0; i < view.spans.size(); ++i) {
    const TraceSpan& span = view.spans[i];
    std::string details;
    for (const auto& [key, value] : span.details) {
      details += fmt::format("{}{}:{}", details.empty() ? "" : ",", quoted(key), value);
    }
    add(fmt::format(
        R"({{"ph":"X","name":{},"cat":{},"ts":{},"dur":{},"pid":{},"tid":{},"args":{{{}}}}})",
        quoted(span.name), quoted(span.category), microseconds(span.begin),
        microseconds(span.end - span.begin), span.process, threads.of(i), details));
  }
  // Counters lie in a process of their own.
  for (const TraceCounter& counter : view.counters) {
    add(fmt::format(R"({{"ph":"C","name":{},"ts":{},"pid":-1,"args":{{"value":{}}}}})",
                    quoted(counter.name), microseconds(counter.time), counter.value));
  }
  if (!view.counters.empty()) {
    add(R"({"ph":"M","name":"process_name","pid":-1,"args":{"name":"links"}})");
  }
  return text + "\n]}\n";
}

TraceView transfers_of(const SimulatedCollective& result, const Graph& graph) {
  TraceView view;
  view.process = "device";
  view.tracks = {"sends"};
  for (std::size_t task = 0; task < result.senders.size(); ++task) {
    if (result.senders[task] < 0) continue;
    const std::int32_t path = result.schedule.tasks[task].path;
    const auto hops = result.schedule.paths.hops(path);
    const std::string to =
        hops.empty() ? "itself" : node_name(graph, graph.links[std::size_t(hops.back().link)].to);
    view.spans.push_back(
        {.process = result.senders[task],
         .name = "to " + to,
         .category = std::string(name(result.plan.algorithm)),
         .begin = result.timeline.start[task],
         .end = result.timeline.finish[task],
         .details = {{"bytes", fmt::format("{}", result.schedule.tasks[task].bytes)}}});
  }
  for (const LinkSample& sample : result.timeline.samples) {
    const Link& link = graph.links[std::size_t(sample.link)];
    view.counters.push_back(
        {fmt::format("{} to {} (B/s)", node_name(graph, link.from), node_name(graph, link.to)),
         sample.time, sample.rate});
  }
  return view;
}

}  // namespace fivefold
