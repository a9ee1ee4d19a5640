#include <algorithm>

#include <fmt/format.h>

#include "fivefold/economics/economics.h"
#include "fivefold/planner/compare_parts.h"
#include "fivefold/workload/layer.h"

namespace fivefold {
namespace {

using SideOf = Side (*)(const SystemAnswer&, const Sides&);

Line line_of(const char* id, const char* label, const char* unit, const Sides& sides, SideOf side,
             bool more_is_better = true) {
  return {id, label, unit, side(sides.left, sides), side(sides.right, sides), more_is_better, {}};
}

Side words(std::string text, Explanation why) {
  Side side;
  side.text = std::move(text);
  side.why = std::move(why);
  return side;
}

Side refused(const SearchReport& search) {
  return unknown("does not run",
                 search.nearest_refusal.empty() ? "no layout fits" : search.nearest_refusal);
}

double chips_of(const SystemAnswer& answer) {
  return answer.system->chips;
}

Explanation said(std::string statement, std::string formula = {}) {
  return {std::move(statement), std::move(formula), {}, {}};
}

std::string peak_path(Format format) {
  switch (format) {
    case Format::kFp8Block:
    case Format::kMxFp8:
      return "peak_dense.fp8";
    case Format::kNvFp4:
    case Format::kMxFp4:
      return "peak_dense.fp4";
    default:
      return fmt::format("peak_dense.{}", name(format));
  }
}

// Chip and link facts that every prediction on this system rests on.
Explanation hardware_part(const SystemAnswer& answer, Format format) {
  Explanation part = said("hardware that the times rest on");
  const auto take = [&](const Facts& from, std::string_view path) {
    if (const Fact* fact = from.find(path)) part.facts.push_back(*fact);
  };
  const Facts& chip = answer.system->chip->facts;
  take(chip, peak_path(answer.bench->kernels.compute_format(format, format)));
  take(chip, "memory.bandwidth");
  take(chip, "memory.capacity");
  for (const SystemLevel& level : answer.system->levels) {
    take(level.facts, "bandwidth");
    take(level.facts, "latency");
  }
  return part;
}

// The stack's parameters for this chip: what kernels and the collective library reach of the peaks.
Explanation stack_part(const SystemAnswer& answer) {
  Explanation part = said(
      fmt::format("software stack {}: what its kernels and its library reach", answer.stack->id));
  const Device& device = answer.bench->machine.device;
  for (const StackEntry& entry : answer.stack->entries) {
    if (!concerns(entry, device) && entry.architecture != answer.system->id) continue;
    for (Fact fact : entry.parameters->all) {
      fact.path = fmt::format("{}.{}", entry.family, fact.path);
      part.facts.push_back(std::move(fact));
    }
  }
  return part;
}

Explanation memory_part(const ServingMemory& memory) {
  return said(fmt::format("memory of a device: {} weights, {} cache, {} kept in reserve",
                          show(memory.weights.value(), "B"), show(memory.cache.value(), "B"),
                          show(memory.reserve.value(), "B")));
}

Explanation time_part(std::string statement, const StepParts& parts) {
  Explanation part =
      said(std::move(statement), "kernels of all layers + communication that nothing hides + host");
  const double whole = parts.total().value();
  const auto add = [&](const char* what, Seconds time) {
    if (time <= Seconds(0)) return;
    part.parts.push_back(said(fmt::format("{:<38} {:9.3f} ms {:5.1f}%", what, time.value() * 1e3,
                                          100 * time.value() / whole)));
  };
  add("attention cores", parts.attention);
  add("projections and shared experts", parts.projections);
  add("routed experts", parts.experts);
  add("norms, activations, quantisation", parts.streaming);
  add("embedding, head, sampling", parts.head);
  add("draft layers", parts.drafts);
  add("tensor-parallel communication", parts.tensor);
  add("expert dispatch and combine, exposed", parts.exchange);
  add("host and scheduler", parts.overhead);
  if (parts.hidden > Seconds(0)) {
    part.parts.push_back(said(fmt::format("{:<38} {:9.3f} ms (behind compute, not added)",
                                          "hidden communication", parts.hidden.value() * 1e3)));
  }
  return part;
}

Explanation search_part(const std::string& layout, const SearchReport& search) {
  return said(
      fmt::format("layout {}: the best of {} tried; {} were refused (memory, limits, divisibility)",
                  layout, search.evaluated, search.refused));
}

Explanation prefill_why(const SystemAnswer& answer, std::string statement) {
  const PrefillPlan& plan = *answer.best_prefill;
  const PrefillEstimate& estimate = plan.estimate;
  const int instances = answer.system->devices() / plan.layout.devices();
  return {std::move(statement),
          fmt::format(
              "{} instances x {} devices x {:.0f} tokens / {:.2f} ms = {:.0f} tokens/s; / {} chips",
              instances, plan.layout.devices(), estimate.tokens_per_batch,
              estimate.step.value() * 1e3, answer.prefill_rate, answer.system->chips),
          {search_part(describe(plan.layout), answer.prefill_search),
           time_part(fmt::format("one batch takes {:.2f} ms", estimate.step.value() * 1e3),
                     estimate.parts),
           memory_part(estimate.memory), hardware_part(answer, answer.bench->precision.gemm_b),
           stack_part(answer)},
          {}};
}

Explanation decode_why(const SystemAnswer& answer, const Sides& sides, std::string statement) {
  const DecodePlan& plan = *answer.best_decode;
  const DecodeEstimate& estimate = plan.estimate;
  const int instances = answer.system->devices() / plan.layout.devices();
  const ServingWorkload& serving = sides.question.serving;
  return {std::move(statement),
          fmt::format("{} instances x {} attention groups x {:.0f} sequences / TPOT {:.2f} ms = "
                      "{:.0f} tokens/s; / {} chips",
                      instances, plan.layout.dp * plan.layout.pp, estimate.batch,
                      estimate.tpot.value() * 1e3, answer.decode_rate, answer.system->chips),
          {search_part(describe(plan.layout), answer.decode_search),
           time_part(fmt::format("one step takes {:.2f} ms at {:.0f} tokens of context",
                                 estimate.step.value() * 1e3, serving.input + serving.output / 2),
                     estimate.parts),
           memory_part(estimate.memory), hardware_part(answer, answer.bench->precision.gemm_b),
           stack_part(answer)},
          {}};
}

template <class Value>
Explanation grounded(std::string statement, const Grounded<Value>& of) {
  Explanation why = said(std::move(statement), of.formula);
  for (const Fact* fact : of.facts) why.facts.push_back(*fact);
  return why;
}

Side energy_side(const SystemAnswer& answer, const Sides& sides, const Load& load, double rate) {
  const auto power = power_under_load(sides.catalog, *answer.system, load);
  if (!power) return unknown("not known", to_text(power.error()));
  const double joules = energy_per_token(power->value, rate).value();
  return known(
      joules, "J/token",
      {fmt::format("{}: {:.3g} J a token at the plug, PUE not counted", answer.system->name,
                   joules),
       fmt::format("{} / {:.0f} tokens/s", show(power->value.value(), "W"), rate),
       {grounded(
           fmt::format("power at {:.0f}% of arithmetic and {:.0f}% of memory peak: {}",
                       100 * load.compute, 100 * load.memory, show(power->value.value(), "W")),
           *power)},
       {}});
}

Side cost_side(const SystemAnswer& answer, const Sides& sides, const Load& load, double rate) {
  const auto cost = running_cost(sides.catalog, *answer.system, load, Site{});
  if (!cost) return unknown("not known", to_text(cost.error()));
  const double dollars = cost_per_million_tokens(cost->total(), rate).value();
  const auto hourly = [](UsdPerSecond of) {
    return fmt::format("{:.2f} USD/h", of.value() * 3600);
  };
  return known(dollars, "USD/Mtoken",
               {fmt::format("{}: {:.3g} USD for a million tokens", answer.system->name, dollars),
                fmt::format("(write-off {} + energy {}) / {:.0f} tokens/s",
                            hourly(cost->writeoff.value), hourly(cost->energy.value), rate),
                {grounded("write-off " + hourly(cost->writeoff.value), cost->writeoff),
                 grounded("energy " + hourly(cost->energy.value), cost->energy),
                 grounded("power " + show(cost->power.value.value(), "W"), cost->power)},
                {}});
}

}  // namespace

Section model_section(const Sides& sides) {
  const ParameterCount parameters = count_parameters(sides.model);
  Section section{"The model",
                  fmt::format("{}: {:.1f}B parameters, {:.1f}B active for a token", sides.model.id,
                              parameters.total / 1e9, parameters.active / 1e9),
                  {}};
  section.lines = {
      line_of("model.format", "formats: dense, experts, cache", "", sides,
              [](const SystemAnswer& answer, const Sides&) {
                const Precision& p = answer.bench->precision;
                return words(
                    fmt::format("{}, {}, {}", name(p.gemm_b), name(p.expert_b), name(p.cache)),
                    said("the model's own formats where the chip computes in them, INT8 in the "
                         "place of FP8 "
                         "where it does not, else BF16"));
              }),
      line_of(
          "model.weights", "weights", "B", sides,
          [](const SystemAnswer& answer, const Sides& of) {
            const double bytes = total_weights(of.model, answer.bench->precision).value();
            return known(bytes, "B",
                         said(fmt::format("weights: {}", show(bytes, "B")),
                              "parameters of every part x bytes of its format"));
          },
          false),
      line_of(
          "model.cache", "KV cache of a token", "B", sides,
          [](const SystemAnswer& answer, const Sides& of) {
            const double bytes = total_cache_per_token(of.model, answer.bench->precision).value();
            return known(
                bytes, "B",
                said(fmt::format("cache of one token over all layers: {}", show(bytes, "B"))));
          },
          false),
  };
  return section;
}

Section prefill_section(const Sides& sides) {
  Section section{"Prefill",
                  fmt::format("Prompts of {:.0f} tokens; all of the system prefills.",
                              sides.question.serving.input),
                  {}};
  section.lines = {
      line_of("prefill.layout", "best layout", "", sides,
              [](const SystemAnswer& answer, const Sides&) {
                if (answer.best_prefill == nullptr) return refused(answer.prefill_search);
                return words(describe(answer.best_prefill->layout),
                             prefill_why(answer, "the layout that prefills most"));
              }),
      line_of("prefill.per_chip", "tokens/s per chip", "tokens/s", sides,
              [](const SystemAnswer& answer, const Sides&) {
                if (answer.best_prefill == nullptr) return refused(answer.prefill_search);
                const double rate = answer.prefill_rate / chips_of(answer);
                return known(rate, "tokens/s",
                             prefill_why(answer, fmt::format("{}: {:.0f} prefill tokens/s a chip",
                                                             answer.system->name, rate)));
              }),
      line_of("prefill.system", "tokens/s per system", "tokens/s", sides,
              [](const SystemAnswer& answer, const Sides&) {
                if (answer.best_prefill == nullptr) return refused(answer.prefill_search);
                return known(
                    answer.prefill_rate, "tokens/s",
                    prefill_why(answer, fmt::format("{}: {:.0f} prefill tokens/s",
                                                    answer.system->name, answer.prefill_rate)));
              }),
      line_of(
          "prefill.ttft", "TTFT without a queue", "ms", sides,
          [](const SystemAnswer& answer, const Sides&) {
            if (answer.best_prefill == nullptr) return refused(answer.prefill_search);
            const double time = answer.best_prefill->estimate.time.value() * 1e3;
            return known(time, "ms",
                         prefill_why(answer, fmt::format("a prompt takes {:.0f} ms", time)));
          },
          false),
      line_of(
          "prefill.energy", "energy", "J/token", sides,
          [](const SystemAnswer& answer, const Sides& of) {
            if (answer.best_prefill == nullptr) return refused(answer.prefill_search);
            return energy_side(answer, of, load_of(answer.best_prefill->estimate.parts),
                               answer.prefill_rate);
          },
          false),
      line_of(
          "prefill.cost", "cost", "USD/Mtoken", sides,
          [](const SystemAnswer& answer, const Sides& of) {
            if (answer.best_prefill == nullptr) return refused(answer.prefill_search);
            return cost_side(answer, of, load_of(answer.best_prefill->estimate.parts),
                             answer.prefill_rate);
          },
          false),
  };
  return section;
}

Section decode_section(const Sides& sides) {
  const ServingWorkload& serving = sides.question.serving;
  Section section{
      "Decode",
      fmt::format(
          "{:.0f} tokens in, {:.0f} out, TPOT at most {:.0f} ms; all of the system decodes.",
          serving.input, serving.output, serving.tpot_limit.value() * 1e3),
      {}};
  section.lines = {
      line_of("decode.layout", "best layout", "", sides,
              [](const SystemAnswer& answer, const Sides& of) {
                if (answer.best_decode == nullptr) return refused(answer.decode_search);
                return words(
                    describe(*answer.best_decode),
                    decode_why(answer, of,
                               "the layout and the batch that decode most within the limit"));
              }),
      line_of(
          "decode.tpot", "TPOT", "ms", sides,
          [](const SystemAnswer& answer, const Sides& of) {
            if (answer.best_decode == nullptr) return refused(answer.decode_search);
            const double time = answer.best_decode->estimate.tpot.value() * 1e3;
            return known(time, "ms", decode_why(answer, of, fmt::format("TPOT {:.1f} ms", time)));
          },
          false),
      line_of("decode.per_chip", "tokens/s per chip", "tokens/s", sides,
              [](const SystemAnswer& answer, const Sides& of) {
                if (answer.best_decode == nullptr) return refused(answer.decode_search);
                const double rate = answer.decode_rate / chips_of(answer);
                return known(rate, "tokens/s",
                             decode_why(answer, of,
                                        fmt::format("{}: {:.0f} output tokens/s a chip",
                                                    answer.system->name, rate)));
              }),
      line_of("decode.system", "tokens/s per system", "tokens/s", sides,
              [](const SystemAnswer& answer, const Sides& of) {
                if (answer.best_decode == nullptr) return refused(answer.decode_search);
                return known(answer.decode_rate, "tokens/s",
                             decode_why(answer, of,
                                        fmt::format("{}: {:.0f} output tokens/s",
                                                    answer.system->name, answer.decode_rate)));
              }),
      line_of(
          "decode.energy", "energy", "J/token", sides,
          [](const SystemAnswer& answer, const Sides& of) {
            if (answer.best_decode == nullptr) return refused(answer.decode_search);
            return energy_side(answer, of, load_of(answer.best_decode->estimate.parts),
                               answer.decode_rate);
          },
          false),
      line_of(
          "decode.cost", "cost", "USD/Mtoken", sides,
          [](const SystemAnswer& answer, const Sides& of) {
            if (answer.best_decode == nullptr) return refused(answer.decode_search);
            return cost_side(answer, of, load_of(answer.best_decode->estimate.parts),
                             answer.decode_rate);
          },
          false),
      line_of("serving.requests", "requests/s, prefill and decode balanced", "requests/s", sides,
              [](const SystemAnswer& answer, const Sides& of) {
                if (answer.requests_per_second <= 0) return refused(answer.decode_search);
                return known(
                    answer.requests_per_second, "requests/s",
                    said(fmt::format("{}: {:.3g} requests/s with {:.0f}% of it prefilling",
                                     answer.system->name, answer.requests_per_second,
                                     100 * answer.prefill_share),
                         fmt::format("1 / ({:.0f} / {:.0f} tokens/s + {:.0f} / {:.0f} tokens/s)",
                                     of.question.serving.input, answer.prefill_rate,
                                     of.question.serving.output, answer.decode_rate)));
              }),
  };
  return section;
}

namespace {

Explanation training_why(const SystemAnswer& answer, const Sides& sides, std::string statement) {
  const TrainingEstimate& estimate = answer.training->estimate;
  Explanation parts = said(fmt::format("one step takes {:.2f} s", estimate.step.value()),
                           "parts of the busiest pipeline stage");
  const auto add = [&](const char* what, Seconds time) {
    if (time <= Seconds(0)) return;
    parts.parts.push_back(said(fmt::format("{:<38} {:9.3f} s {:5.1f}%", what, time.value(),
                                           100 * (time / estimate.step))));
  };
  add("forward", estimate.forward);
  add("backward", estimate.backward);
  add("recomputation", estimate.recompute);
  add("tensor-parallel communication, exposed", estimate.tp_exposed);
  add("expert communication, exposed", estimate.ep_exposed);
  add("pipeline communication, exposed", estimate.pp_exposed);
  add("waiting for the slowest device", estimate.straggling);
  add("pipeline bubble", estimate.bubble);
  add("gradient reduction, exposed", estimate.dp_exposed);
  add("optimizer", estimate.optimizer);
  const TrainingMemory& memory = estimate.memory;
  return {std::move(statement),
          fmt::format("{} sequences x {} tokens / {:.2f} s, on {} systems",
                      sides.question.training.global_batch, sides.question.training.seq_len,
                      estimate.step.value(), answer.training_systems),
          {search_part(describe(answer.training->layout), answer.training_search), std::move(parts),
           said(fmt::format(
               "memory of a device: {} weights, {} gradients, {} optimizer, {} activations",
               show(memory.weights.value(), "B"), show(memory.gradients.value(), "B"),
               show(memory.optimizer.value(), "B"), show(memory.activations.value(), "B"))),
           hardware_part(answer, answer.training_format), stack_part(answer)},
          {}};
}

double trained_per_system(const SystemAnswer& answer) {
  return answer.training->estimate.tokens_per_second / answer.training_systems;
}

}  // namespace

Section training_section(const Sides& sides) {
  Section section{
      "Training",
      fmt::format("One step of {} sequences of {} tokens, AdamW, on as many systems as hold it.",
                  sides.question.training.global_batch, sides.question.training.seq_len),
      {}};
  section.lines = {
      line_of("training.layout", "best layout", "", sides,
              [](const SystemAnswer& answer, const Sides& of) {
                if (!answer.training) return unknown("does not fit", answer.training_refusal);
                return words(describe(answer.training->layout),
                             training_why(answer, of, "the layout with the shortest step"));
              }),
      line_of(
          "training.systems", "systems that hold it", "systems", sides,
          [](const SystemAnswer& answer, const Sides& of) {
            if (!answer.training) return unknown("does not fit", answer.training_refusal);
            return known(
                answer.training_systems, "systems",
                training_why(
                    answer, of,
                    fmt::format("{} systems hold weights, gradients, optimizer and activations",
                                answer.training_systems)));
          },
          false),
      line_of("training.format", "format of the products", "", sides,
              [](const SystemAnswer& answer, const Sides&) {
                return words(
                    std::string(name(answer.training_format)),
                    said("FP8 where the chip computes in it, else BF16; INT8 does not train"));
              }),
      line_of(
          "training.step", "step", "s", sides,
          [](const SystemAnswer& answer, const Sides& of) {
            if (!answer.training) return unknown("does not fit", answer.training_refusal);
            const double step = answer.training->estimate.step.value();
            return known(step, "s",
                         training_why(answer, of, fmt::format("a step takes {:.2f} s", step)));
          },
          false),
      line_of("training.rate", "tokens/s per system", "tokens/s", sides,
              [](const SystemAnswer& answer, const Sides& of) {
                if (!answer.training) return unknown("does not fit", answer.training_refusal);
                const double rate = trained_per_system(answer);
                return known(rate, "tokens/s",
                             training_why(answer, of,
                                          fmt::format("{}: trains {:.0f} tokens/s",
                                                      answer.system->name, rate)));
              }),
      line_of("training.mfu", "MFU", "fraction", sides,
              [](const SystemAnswer& answer, const Sides& of) {
                if (!answer.training) return unknown("does not fit", answer.training_refusal);
                const double mfu = answer.training->estimate.mfu;
                return known(mfu, "fraction",
                             training_why(answer, of,
                                          fmt::format("MFU {:.3f} of the {} peak", mfu,
                                                      name(answer.training_format))));
              }),
      line_of(
          "training.energy", "energy", "J/token", sides,
          [](const SystemAnswer& answer, const Sides& of) {
            if (!answer.training) return unknown("does not fit", answer.training_refusal);
            const Load load{.compute = std::min(1.0, answer.training->estimate.mfu), .memory = 0};
            return energy_side(answer, of, load, trained_per_system(answer));
          },
          false),
      line_of(
          "training.cost", "cost", "USD/Mtoken", sides,
          [](const SystemAnswer& answer, const Sides& of) {
            if (!answer.training) return unknown("does not fit", answer.training_refusal);
            const Load load{.compute = std::min(1.0, answer.training->estimate.mfu), .memory = 0};
            return cost_side(answer, of, load, trained_per_system(answer));
          },
          false),
  };
  return section;
}

namespace {

TimeBar serving_bar(std::string label, const StepParts& parts) {
  return {std::move(label),
          {{"attention", parts.attention.value()},
           {"projections", (parts.projections + parts.head + parts.drafts).value()},
           {"experts", parts.experts.value()},
           {"memory-bound", parts.streaming.value()},
           {"exposed communication", (parts.tensor + parts.exchange).value()},
           {"host", parts.overhead.value()}}};
}

}  // namespace

std::vector<TimeBar> time_bars(const Sides& sides) {
  std::vector<TimeBar> bars;
  for (const SystemAnswer* answer : {&sides.left, &sides.right}) {
    if (answer->best_prefill == nullptr) continue;
    bars.push_back(serving_bar(fmt::format("prefill batch, {}", answer->system->name),
                               answer->best_prefill->estimate.parts));
  }
  for (const SystemAnswer* answer : {&sides.left, &sides.right}) {
    if (answer->best_decode == nullptr) continue;
    bars.push_back(serving_bar(fmt::format("decode step, {}", answer->system->name),
                               answer->best_decode->estimate.parts));
  }
  for (const SystemAnswer* answer : {&sides.left, &sides.right}) {
    if (!answer->training) continue;
    const TrainingEstimate& e = answer->training->estimate;
    bars.push_back(
        {fmt::format("training step, {}", answer->system->name),
         {{"forward", e.forward.value()},
          {"backward", (e.backward + e.recompute).value()},
          {"exposed communication",
           (e.tp_exposed + e.cp_exposed + e.ep_exposed + e.pp_exposed + e.dp_exposed).value()},
          {"bubble", e.bubble.value()},
          {"straggling", e.straggling.value()},
          {"optimizer", e.optimizer.value()}}});
  }
  return bars;
}

std::vector<std::string> reading_notes(const Sides& sides) {
  std::vector<std::string> notes = {
      "Peaks are what vendors publish; what a model gets of them is computed from the catalog, the "
      "model's config and "
      "the mechanisms of docs/architecture.md. `fivefold validate` shows how far that is from "
      "measurements.",
      "Serving is a steady state without queues, failures or uneven requests; prefill and decode "
      "are each given the "
      "whole system in turn.",
      "Prices and power are those of the sources, at their dates; where sources disagree the range "
      "is shown and "
      "--prefer SOURCE takes one side.",
  };
  for (const SystemAnswer* answer : {&sides.left, &sides.right}) {
    if (answer->bench->machine.device.peak_for(sides.model.native) <= OpsPerSecond(0)) {
      notes.push_back(fmt::format("{} does not compute in {}: it runs the model as {}.",
                                  answer->system->chip->name, name(sides.model.native),
                                  name(answer->bench->precision.gemm_b)));
    }
  }
  return notes;
}

}  // namespace fivefold
