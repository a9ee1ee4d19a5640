#include "app/serve_estimate.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/planner/search.h"
#include "fivefold/report/table.h"
#include "fivefold/serving/apart.h"
#include "fivefold/serving/text.h"
#include "fivefold/serving/vision.h"

namespace fivefold::app {
namespace {

// One phase under one layout, or why there is none.
struct Answer {
  const Machine& machine;
  const Model* model = nullptr;
  ServingWorkload workload;
  ServingLayout prefill_layout, decode_layout;
  PrefillEstimate prefill;
  DecodeEstimate decode;
};

struct Part {
  const char* name;
  Seconds time;
};

std::array<Part, 9> parts_of(const StepParts& p) {
  return {{{"attention", p.attention},
           {"projections", p.projections},
           {"experts", p.experts},
           {"streaming", p.streaming},
           {"head", p.head},
           {"tensor_parallel", p.tensor},
           {"expert_exchange", p.exchange},
           {"drafts", p.drafts},
           {"overhead", p.overhead}}};
}

Result<void> search(const ServingModel& serving, Answer& answer) {
  SearchReport report;
  const int devices = answer.machine.devices;
  const auto decode =
      decode_plans(serving, answer.machine, *answer.model, answer.workload, devices, report);
  const DecodePlan* best = best_use(decode, devices);
  if (best == nullptr) {
    return fail(fmt::format("no layout of {} decodes on {} devices", answer.model->id, devices),
                report.nearest_refusal);
  }
  answer.decode_layout = best->layout;
  answer.decode = best->estimate;
  const auto prefill =
      prefill_plans(serving, answer.machine, *answer.model, answer.workload, devices, report);
  const PrefillPlan* fastest = best_use(prefill, devices);
  if (fastest == nullptr) {
    return fail(fmt::format("no layout of {} prefills on {} devices", answer.model->id, devices),
                report.nearest_refusal);
  }
  answer.prefill_layout = fastest->layout;
  answer.prefill = fastest->estimate;
  return {};
}

Result<void> evaluate(const ServingModel& serving, const ServingLayout& layout, double batch,
                      double prefill_tokens, Answer& answer) {
  answer.prefill_layout = answer.decode_layout = layout;
  const auto decode = batch > 0 ? serving.decode(answer.workload, layout, batch)
                                : serving.best_decode(answer.workload, layout);
  if (!decode) return fail(decode.error());
  answer.decode = *decode;
  const double tokens = prefill_tokens > 0 ? prefill_tokens : answer.workload.input / layout.tp;
  const auto prefill = serving.prefill(answer.workload, layout, tokens);
  if (!prefill) return fail(prefill.error());
  answer.prefill = *prefill;
  return {};
}

std::string layout_text(const ServingLayout& l) {
  return fmt::format("{} ({} devices)", to_text(l), l.devices());
}

double per_chip(const Answer& answer, const ServingLayout& layout, double tokens_per_second) {
  return tokens_per_second / layout.devices() * answer.machine.system->chip->devices_per_chip;
}

std::string step_text(const StepParts& parts) {
  std::string text;
  for (const Part& part : parts_of(parts)) {
    if (part.time <= Seconds(0)) continue;
    std::string label = part.name;
    std::replace(label.begin(), label.end(), '_', ' ');
    text += fmt::format("    {:<18}{:>10.3f} ms{:>7.1f}%\n", label, part.time.value() * 1e3,
                        100 * (part.time / parts.total()));
  }
  if (parts.hidden > Seconds(0)) {
    text += fmt::format("    {:<18}{:>10.3f} ms behind compute\n", "exchange hidden",
                        parts.hidden.value() * 1e3);
  }
  return text;
}

std::string memory_text(const ServingMemory& memory, Bytes capacity) {
  return fmt::format(
      "  memory a device  weights {:.1f} GB, cache {:.1f} GB, reserve {:.1f} GB: {:.1f} of {:.1f} "
      "GB\n",
      memory.weights.value() / 1e9, memory.cache.value() / 1e9, memory.reserve.value() / 1e9,
      memory.total.value() / 1e9, capacity.value() / 1e9);
}

std::string to_text(const Answer& a) {
  const Bytes capacity = a.machine.device.memory_capacity;
  std::string text = fmt::format("{} on {} x {} ({} devices), {:.0f} tokens in, {:.0f} out\n\n",
                                 a.model->name, a.machine.chips, a.machine.system->chip->name,
                                 a.machine.devices, a.workload.input, a.workload.output);
  text += fmt::format("prefill  {}\n", layout_text(a.prefill_layout));
  text += fmt::format(
      "  TTFT without a queue {:.1f} ms; {:.0f} tokens/s a chip; cache to decode {:.2f} ms\n",
      a.prefill.time.value() * 1e3, per_chip(a, a.prefill_layout, a.prefill.tokens_per_second),
      a.prefill.cache_transfer.value() * 1e3);
  text += fmt::format("  batch of {:.0f} tokens a device, {:.2f} ms\n", a.prefill.tokens_per_batch,
                      a.prefill.step.value() * 1e3);
  text += step_text(a.prefill.parts) + memory_text(a.prefill.memory, capacity);
  text += fmt::format("\ndecode   {}\n", layout_text(a.decode_layout));
  text += fmt::format("  TPOT {:.2f} ms; {:.0f} tokens/s a chip; batch {:.0f} of at most {:.0f}\n",
                      a.decode.tpot.value() * 1e3,
                      per_chip(a, a.decode_layout, a.decode.tokens_per_second), a.decode.batch,
                      a.decode.memory.max_sequences);
  text += fmt::format("  step of {:.2f} ms\n", a.decode.step.value() * 1e3);
  return text + step_text(a.decode.parts) + memory_text(a.decode.memory, capacity);
}

nlohmann::ordered_json layout_json(const ServingLayout& l) {
  return {{"tp", l.tp}, {"dp", l.dp}, {"ep", l.ep}, {"pp", l.pp}};
}

nlohmann::ordered_json memory_json(const ServingMemory& m) {
  return {{"weights", m.weights.value()},
          {"cache", m.cache.value()},
          {"reserve", m.reserve.value()},
          {"total", m.total.value()}};
}

nlohmann::ordered_json parts_json(const StepParts& parts) {
  nlohmann::ordered_json json;
  for (const Part& part : parts_of(parts)) json[part.name] = part.time.value();
  json["hidden"] = parts.hidden.value();
  return json;
}

std::string to_json(const Answer& a) {
  nlohmann::ordered_json json;
  json["system"] = a.machine.system->id;
  json["model"] = a.model->id;
  json["chips"] = a.machine.chips;
  json["input"] = a.workload.input;
  json["output"] = a.workload.output;
  json["prefill"] = {
      {"layout", layout_json(a.prefill_layout)},
      {"ttft_s", a.prefill.time.value()},
      {"step_s", a.prefill.step.value()},
      {"tokens_per_second_per_chip", per_chip(a, a.prefill_layout, a.prefill.tokens_per_second)},
      {"cache_transfer_s", a.prefill.cache_transfer.value()},
      {"parts_s", parts_json(a.prefill.parts)},
      {"memory_bytes", memory_json(a.prefill.memory)}};
  json["decode"] = {
      {"layout", layout_json(a.decode_layout)},
      {"tpot_s", a.decode.tpot.value()},
      {"step_s", a.decode.step.value()},
      {"batch", a.decode.batch},
      {"tokens_per_second_per_chip", per_chip(a, a.decode_layout, a.decode.tokens_per_second)},
      {"parts_s", parts_json(a.decode.parts)},
      {"memory_bytes", memory_json(a.decode.memory)}};
  return json.dump(2) + "\n";
}

std::string to_csv(const Answer& a) {
  std::string text = "phase,quantity,unit,value\n";
  text += fmt::format("prefill,ttft,s,{}\nprefill,tokens_per_second_per_chip,tokens/s,{}\n",
                      a.prefill.time.value(),
                      per_chip(a, a.prefill_layout, a.prefill.tokens_per_second));
  for (const Part& part : parts_of(a.prefill.parts)) {
    text += fmt::format("prefill,{},s,{}\n", part.name, part.time.value());
  }
  text += fmt::format("decode,tpot,s,{}\ndecode,batch,sequences,{}\n", a.decode.tpot.value(),
                      a.decode.batch);
  text += fmt::format("decode,tokens_per_second_per_chip,tokens/s,{}\n",
                      per_chip(a, a.decode_layout, a.decode.tokens_per_second));
  for (const Part& part : parts_of(a.decode.parts)) {
    text += fmt::format("decode,{},s,{}\n", part.name, part.time.value());
  }
  return text;
}

}  // namespace

Result<std::string> serve_estimate(const ServeBench& bench, const ServingWorkload& workload,
                                   const std::optional<ServingLayout>& layout, double batch,
                                   double prefill_tokens, const Context& context) {
  Answer answer{*bench.machine, bench.model, workload, {}, {}, {}, {}};
  const auto done = layout ? evaluate(*bench.serving, *layout, batch, prefill_tokens, answer)
                           : search(*bench.serving, answer);
  if (!done) return fail(done.error());
  return context.json ? to_json(answer) : context.csv ? to_csv(answer) : to_text(answer);
}

Result<std::string> serve_images(const ServeBench& bench, Seconds limit, double batch,
                                 const Context& context) {
  constexpr double kLargest = 512;
  const Precision precision = serving_precision(*bench.model, bench.machine->device);
  const int devices = bench.machine->system->chip->devices_per_chip;
  Table table;
  table.title = fmt::format("{} on {}, each chip by itself", bench.model->name,
                            bench.machine->system->chip->name);
  table.columns = {{"batch", Align::kRight, "batch"},
                   {"time", Align::kRight, "time", "s"},
                   {"images/s a chip", Align::kRight, "images_per_second_per_chip", "1/s"},
                   {"images/s in all", Align::kRight, "images_per_second", "1/s"},
                   {"of the peak", Align::kRight, "utilisation"}};
  std::optional<double> within;
  for (double n = batch > 0 ? batch : 1; n <= std::max(batch, kLargest); n *= 2) {
    const auto e = image_batch(*bench.kernels, *bench.model, precision, n);
    if (!e) return fail(e.error());
    if (limit > Seconds(0) && e->time <= limit) within = n;
    const double chip = e->images_per_second * devices;
    table.add({{n, fmt::format("{:g}", n)},
               {e->time.value(), fmt::format("{:.2f} ms", e->time.value() * 1e3)},
               {chip, fmt::format("{:.0f}", chip)},
               {chip * bench.machine->chips, fmt::format("{:.0f}", chip * bench.machine->chips)},
               {e->utilisation, fmt::format("{:.0f}%", 100 * e->utilisation)}});
    if (e->assumed_shape && n == std::max(1.0, batch)) {
      table.notes.push_back(
          "Known by its operations alone: timed as products of 3 x 3 x 256 to 256 channels, an "
          "assumption. Decoding and resizing of images is not counted.");
    }
    if (batch > 0) break;
  }
  if (limit > Seconds(0)) {
    table.notes.push_back(
        within ? fmt::format("Largest of these batches within {:g} ms: {:g}", limit.value() * 1e3,
                             *within)
               : fmt::format("None of these batches is within {:g} ms", limit.value() * 1e3));
  }
  return context.json ? to_json(table) : context.csv ? to_csv(table) : to_text(table);
}

Result<std::string> serve_apart(const ServeBench& bench, const ServingLayout& layout, int experts,
                                int micro_batches, double batch, const Context& context) {
  const ApartLayout apart{
      .tp = layout.tp, .dp = layout.dp, .experts = experts, .micro_batches = micro_batches};
  if (apart.devices() > bench.machine->devices) {
    return fail(fmt::format("attention and experts need {} devices, the machine has {}",
                            apart.devices(), bench.machine->devices));
  }
  const auto e = decode_apart(*bench.serving, *bench.serving, bench.workload, apart, batch);
  if (!e) return fail(e.error());
  Table table;
  table.title = fmt::format(
      "Decode of {}, attention {} on {} devices, experts on {}, {} micro-batches",
      bench.model->name, to_text(layout), layout.tp * layout.dp, experts, micro_batches);
  table.columns = {{"quantity"}, {"value", Align::kRight}, {"unit"}};
  const auto add = [&](const char* name, const char* unit, double value) {
    table.add({name, {value, fmt::format("{:.4g}", value)}, unit});
  };
  add("tpot", "ms", e->tpot.value() * 1e3);
  add("batch of an attention group", "sequences", e->batch);
  add("tokens/s", "1/s", e->tokens_per_second);
  add("tokens/s a chip", "1/s",
      e->tokens_per_second / apart.devices() * bench.machine->system->chip->devices_per_chip);
  add("a micro-batch through attention", "ms", e->attention.value() * 1e3);
  add("through experts", "ms", e->experts.value() * 1e3);
  add("one way between", "ms", e->transfer.value() * 1e3);
  add("attention devices busy", "%", 100 * e->attention_busy);
  add("expert devices busy", "%", 100 * e->experts_busy);
  add("memory of an attention device", "GB", e->attention_memory.total.value() / 1e9);
  add("experts on a device", "GB", e->expert_weights.value() / 1e9);
  return context.json ? to_json(table) : context.csv ? to_csv(table) : to_text(table);
}

}  // namespace fivefold::app
