#include "fivefold/report/serving_view.h"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/report/table.h"

namespace fivefold {
namespace {

using Json = nlohmann::ordered_json;

struct NamedSpread {
  const char* name;  // as people write it
  const char* key;   // as vLLM writes it
  const TimeSpread* spread;
};

std::array<NamedSpread, 5> spreads_of(const ServingMetrics& m) {
  return {{{"TTFT", "ttft", &m.ttft},
           {"TPOT", "tpot", &m.tpot},
           {"ITL", "itl", &m.itl},
           {"E2E", "e2el", &m.e2e},
           {"queue", "queue", &m.queue}}};
}

std::string time_text(double seconds) {
  if (seconds >= 100) return fmt::format("{:.0f} s", seconds);
  if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
  return fmt::format("{:.1f} ms", seconds * 1e3);
}

Table times_table(const ServingMetrics& m) {
  Table table;
  table.columns = {{"time", Align::kLeft, "time"}};
  for (const char* heading : {"mean", "p50", "p90", "p95", "p99", "max"}) {
    table.columns.push_back({heading, Align::kRight, heading, "s"});
  }
  for (const NamedSpread& row : spreads_of(m)) {
    const TimeSpread& s = *row.spread;
    std::vector<TableCell> cells = {row.name};
    for (const double value : {s.mean, s.p50, s.p90, s.p95, s.p99, s.largest}) {
      cells.emplace_back(value, time_text(value));
    }
    table.add(std::move(cells));
  }
  return table;
}

std::string load_text(const ServingView& v) {
  const LoadSummary& l = v.load;
  std::string text = fmt::format("Load     {}: {} requests", v.load_name, l.requests);
  if (v.concurrency > 0) {
    text += fmt::format(", {} at a time", v.concurrency);
  } else if (v.timed) {
    text += fmt::format(" in {}, {:.3g} a second", time_text(l.span), l.rate);
  } else {
    text += ", all there from the start";
  }
  text += fmt::format("; mean {:.0f} tokens in (p99 {:.0f}), {:.0f} out (p99 {:.0f})", l.input_mean,
                      l.input_p99, l.output_mean, l.output_p99);
  if (l.reuse) text += fmt::format("; {:.1f}% of prompt blocks came before", 100 * *l.reuse);
  return text + "\n";
}

std::string pool_text(const PoolView& p) {
  const PoolUse& use = p.use;
  std::string text = fmt::format("{:<9}{} x {} on {:.4g} {}: {}\n", p.name, p.instances.count,
                                 to_text(p.instances.layout), p.chips(),
                                 p.chips() == 1 ? "chip" : "chips", p.system + ", " + p.engine);
  text += fmt::format(
      "         cache of {:.0f} tokens an attention group ({:.1f} of {:.1f} GB a device; weights "
      "{:.1f}, activations {:.1f}, runtime {:.1f})\n",
      use.capacity.tokens, use.capacity.cache.value() / 1e9, use.capacity.visible.value() / 1e9,
      use.capacity.weights.value() / 1e9, use.capacity.activations.value() / 1e9,
      use.capacity.runtime.value() / 1e9);
  text += fmt::format("         in use: mean {:.0f}%, at most {:.0f}%", 100 * use.cache_mean,
                      100 * use.cache_peak);
  if (use.decode_steps > 0) {
    text += fmt::format("; {:.1f} sequences decode at a time in an instance",
                        use.decoding * p.instances.layout.dp);
  }
  return text + "\n";
}

std::string verdict_text(const ServingView& v) {
  if (v.metrics.overload <= 0) return "";
  return fmt::format(
      "Unstable: arrivals exceed capacity by {:.0f}%. The queue grows as long as the load lasts; "
      "the times below are of this stretch alone.\n\n",
      100 * v.metrics.overload);
}

std::string rates_text(const ServingView& v) {
  const ServingMetrics& m = v.metrics;
  const double chips = v.chips();
  std::string text = fmt::format(
      "{:.4g} requests/s, {:.0f} output tokens/s ({:.1f} a chip), {:.0f} tokens/s in all\n",
      m.requests_per_second(), m.output_per_second(), m.output_per_second() / chips,
      (m.output_tokens + m.input_tokens) / m.duration);
  if (v.slo.any()) {
    text += fmt::format("{:.1f}% of requests within {}: goodput {:.4g} requests/s\n",
                        100 * m.attainment(), to_text(v.slo), m.goodput());
  }
  if (m.cached_tokens > 0) {
    text += fmt::format("{:.1f}% of prompt tokens from the prefix cache\n",
                        100 * m.cached_tokens / m.input_tokens);
  }
  if (v.preemptions > 0) text += fmt::format("{} preemptions\n", v.preemptions);
  if (v.cost.power) {
    text += fmt::format("{:.1f} kW, {:.3f} J an output token", v.cost.power->value() / 1e3,
                        v.cost.power->value() / m.output_per_second());
    if (v.cost.usd_per_million) {
      text += fmt::format(", {:.3f} USD a million", v.cost.usd_per_million->value());
    }
    text += "\n";
  }
  if (!v.cost.unknown.empty()) text += "Not known: " + v.cost.unknown + "\n";
  return text;
}

std::string largest_text(const ServingView& v) {
  const LargestLoad& largest = *v.largest;
  const std::string goal =
      fmt::format("{:.0f}% of requests within {}", 100 * v.share, to_text(v.slo));
  if (largest.factor <= 0) {
    return fmt::format(
        "\nLargest load that holds {}: none; at a thousandth of it {:.1f}% hold, {} "
        "breaks\n",
        goal, 100 * largest.beyond.attainment(), largest.limit);
  }
  const ServingMetrics& m = largest.metrics;
  return fmt::format(
      "\nLargest load that holds {}:\n  {:.3g} times this load, {:.4g} requests/s, {:.0f} output "
      "tokens/s ({:.1f} a chip)\n  there TTFT p50 {}, p99 {}; TPOT p50 {}, p99 {}; more breaks "
      "{}\n",
      goal, largest.factor, largest.rate, m.output_per_second(), m.output_per_second() / v.chips(),
      time_text(m.ttft.p50), time_text(m.ttft.p99), time_text(m.tpot.p50), time_text(m.tpot.p99),
      largest.limit);
}

Json pool_json(const PoolView& p) {
  const PoolUse& use = p.use;
  return {{"name", p.name},
          {"system", p.system},
          {"engine", p.engine},
          {"instances", p.instances.count},
          {"layout", to_text(p.instances.layout)},
          {"chips", p.chips()},
          {"kv_cache_tokens", use.capacity.tokens},
          {"kv_cache_bytes", use.capacity.cache.value()},
          {"weights_bytes", use.capacity.weights.value()},
          {"kv_cache_mean", use.cache_mean},
          {"kv_cache_peak", use.cache_peak},
          {"busy_s", use.busy},
          {"steps", use.steps},
          {"mean_decode_batch", use.decoding}};
}

void add_spread(Json& json, const std::string& key, const TimeSpread& s) {
  const auto put = [&](const char* what, double seconds) {
    json[std::string(what) + "_" + key + "_ms"] = seconds * 1e3;
  };
  put("mean", s.mean);
  put("median", s.p50);
  put("std", s.deviation);
  put("p50", s.p50);
  put("p90", s.p90);
  put("p95", s.p95);
  put("p99", s.p99);
  put("max", s.largest);
}

}  // namespace

double ServingView::chips() const {
  double sum = 0;
  for (const PoolView& pool : pools) sum += pool.chips();
  return sum;
}

std::string to_text(const ServingView& v) {
  std::string text = fmt::format("{} on {:.4g} chips\n", v.model, v.chips());
  text += load_text(v);
  for (const PoolView& pool : v.pools) text += pool_text(pool);
  text += "\n" + verdict_text(v);
  text += to_text(times_table(v.metrics)) + "\n" + rates_text(v);
  if (v.largest) text += largest_text(v);
  for (const std::string& note : v.notes) text += "\nNote: " + note + "\n";
  return text;
}

std::string to_csv(const ServingView& v) {
  Table table;
  table.columns = {{"quantity"}, {"unit"}, {"value"}};
  const auto add = [&](std::string name, const char* unit, double value) {
    table.add({std::move(name), unit, {value, exact_text(value)}});
  };
  const ServingMetrics& m = v.metrics;
  for (const NamedSpread& row : spreads_of(m)) {
    const std::string key = row.key;
    add("mean_" + key, "s", row.spread->mean);
    add("p50_" + key, "s", row.spread->p50);
    add("p90_" + key, "s", row.spread->p90);
    add("p99_" + key, "s", row.spread->p99);
  }
  add("requests", "", double(m.requests));
  add("request_throughput", "1/s", m.requests_per_second());
  add("request_goodput", "1/s", m.goodput());
  add("slo_attainment", "", m.attainment());
  add("output_throughput", "tokens/s", m.output_per_second());
  add("output_throughput_per_chip", "tokens/s", m.output_per_second() / v.chips());
  add("overload", "", m.overload);
  add("preemptions", "", double(v.preemptions));
  if (v.cost.power) add("power", "W", v.cost.power->value());
  if (v.cost.usd_per_million) add("usd_per_million_tokens", "USD", v.cost.usd_per_million->value());
  if (v.largest) {
    add("largest_load_factor", "", v.largest->factor);
    add("largest_load", "1/s", v.largest->rate);
  }
  return to_csv(table);
}

std::string to_json(const ServingView& v) {
  const ServingMetrics& m = v.metrics;
  Json json;
  json["backend"] = "fivefold";
  json["model_id"] = v.model;
  json["load"] = v.load_name;
  json["num_prompts"] = m.requests;
  json["request_rate"] = v.timed ? Json(v.load.rate) : Json("inf");
  json["burstiness"] = v.load.gap_cv > 0 ? Json(1 / (v.load.gap_cv * v.load.gap_cv)) : Json();
  json["max_concurrency"] = v.concurrency > 0 ? Json(v.concurrency) : Json();
  json["duration"] = m.duration;
  json["completed"] = m.requests;
  json["failed"] = 0;
  json["total_input_tokens"] = m.input_tokens;
  json["total_output_tokens"] = m.output_tokens;
  json["request_throughput"] = m.requests_per_second();
  json["request_goodput"] = v.slo.any() ? Json(m.goodput()) : Json();
  json["input_throughput"] = m.input_tokens / m.duration;
  json["output_throughput"] = m.output_per_second();
  json["total_token_throughput"] = (m.input_tokens + m.output_tokens) / m.duration;
  json["concurrency"] = m.mean_concurrency;
  for (const NamedSpread& row : spreads_of(m)) add_spread(json, row.key, *row.spread);
  json["slo_attainment"] = v.slo.any() ? Json(m.attainment()) : Json();
  json["output_throughput_per_chip"] = m.output_per_second() / v.chips();
  json["prefix_cache_hit_rate"] = m.input_tokens > 0 ? m.cached_tokens / m.input_tokens : 0;
  json["preemptions"] = v.preemptions;
  json["stable"] = m.overload <= 0;
  json["arrivals_over_capacity"] = m.overload;
  json["power_w"] = v.cost.power ? Json(v.cost.power->value()) : Json();
  json["joules_per_output_token"] =
      v.cost.power ? Json(v.cost.power->value() / m.output_per_second()) : Json();
  json["usd_per_million_output_tokens"] =
      v.cost.usd_per_million ? Json(v.cost.usd_per_million->value()) : Json();
  for (const PoolView& pool : v.pools) json["pools"].push_back(pool_json(pool));
  if (v.largest) {
    json["largest_load"] = {{"factor", v.largest->factor},
                            {"requests_per_second", v.largest->rate},
                            {"attainment_asked", v.share},
                            {"attainment", v.largest->metrics.attainment()},
                            {"output_throughput", v.largest->metrics.output_per_second()},
                            {"limited_by", v.largest->limit}};
  }
  json["notes"] = v.notes;
  return json.dump(2) + "\n";
}

std::string requests_csv(const SimulationResult& result, const RequestLoad& load) {
  std::string text =
      "request,tenant,input_tokens,output_tokens,cached_tokens,arrival_s,scheduled_s,first_token_s,"
      "finish_s,ttft_ms,tpot_ms,e2el_ms,preemptions,group\r\n";
  text.reserve(load.requests.size() * 120);
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    const Request& r = load.requests[i];
    const RequestTimes& t = result.requests[i];
    fmt::format_to(std::back_inserter(text),
                   "{},{},{},{},{},{:.6f},{:.6f},{:.6f},{:.6f},{:.3f},{:.3f},{:.3f},{},{}\r\n", i,
                   r.tenant, r.input, r.output, t.cached, t.arrival, t.scheduled, t.first_token,
                   t.finish, ttft_of(t) * 1e3, tpot_of(t, r) * 1e3, (t.finish - t.arrival) * 1e3,
                   t.preemptions, t.group);
  }
  return text;
}

TraceView timeline_of(const SimulationResult& result, const std::vector<PoolView>& pools) {
  constexpr double kPicoseconds = 1e12;
  TraceView view;
  view.process = "instance";
  for (const PoolView& pool : pools) view.tracks.push_back(pool.name);
  int first_of_second = pools.empty() ? 0 : pools.front().instances.count;
  for (const StepRecord& s : result.steps) {
    const char* what = s.prompt_tokens == 0 ? "decode" : s.decodes == 0 ? "prefill" : "mixed";
    view.spans.push_back({.process = s.instance + (s.pool > 0 ? first_of_second : 0),
                          .track = s.pool,
                          .name = what,
                          .category = "step",
                          .begin = Picoseconds(s.begin * kPicoseconds),
                          .end = Picoseconds(s.end * kPicoseconds),
                          .details = {{"decodes", fmt::format("{}", s.decodes)},
                                      {"prompt_tokens", fmt::format("{}", s.prompt_tokens)},
                                      {"cache", fmt::format("{:.4f}", s.cache)}}});
  }
  const double end = result.steps.empty() ? 0 : result.steps.back().end;
  for (const LoadSample& s : result.samples) {
    if (s.time > end) break;
    const auto time = Picoseconds(s.time * kPicoseconds);
    view.counters.push_back({"waiting", time, double(s.waiting)});
    view.counters.push_back({"running", time, double(s.running)});
    view.counters.push_back({"cache in use", time, s.cache});
  }
  return view;
}

}  // namespace fivefold
