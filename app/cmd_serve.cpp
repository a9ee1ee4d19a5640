#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "fivefold/base/unit_text.h"
#include "fivefold/planner/search.h"

namespace fivefold::app {
namespace {

struct Options {
  std::string system, model, stack;
  std::string tpot = "50ms", ttft;
  int chips = 0;
  ServingWorkload workload;
  int tp = 0, dp = 0, ep = 0, pp = 0;
  double batch = 0;           // 0: the largest within the limit
  double prefill_tokens = 0;  // 0: one prompt for each attention group
  bool no_overlap = false;
  bool searched() const { return tp == 0 && dp == 0 && ep == 0 && pp == 0; }
};

// One phase under one layout, or why there is none.
struct Answer {
  Machine machine;
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

Result<ServingWorkload> workload_of(const Options& options) {
  ServingWorkload workload = options.workload;
  workload.microbatch_overlap = !options.no_overlap;
  const auto tpot = parse_quantity_as<Seconds>(options.tpot);
  if (!tpot) return fail(tpot.error());
  workload.tpot_limit = *tpot;
  if (options.ttft.empty()) return workload;
  const auto ttft = parse_quantity_as<Seconds>(options.ttft);
  if (!ttft) return fail(ttft.error());
  workload.ttft_limit = *ttft;
  return workload;
}

// What was not given follows from what was: all devices, experts over all of a stage.
ServingLayout layout_of(const Options& options, const Machine& machine, const Model& model) {
  const bool experts = std::any_of(model.layers.begin(), model.layers.end(),
                                   [](const LayerGroup& layer) { return moe(layer) != nullptr; });
  ServingLayout layout;
  layout.tp = std::max(1, options.tp);
  layout.pp = std::max(1, options.pp);
  if (options.dp > 0) {
    layout.dp = options.dp;
  } else if (experts) {
    layout.dp = std::max(
        1, options.ep > 0 ? options.ep / layout.tp : machine.devices / (layout.tp * layout.pp));
  }
  layout.ep = options.ep > 0 ? options.ep : experts ? layout.tp * layout.dp : 1;
  return layout;
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

Result<void> evaluate(const Options& options, const ServingModel& serving, Answer& answer) {
  const ServingLayout layout = layout_of(options, answer.machine, *answer.model);
  answer.prefill_layout = answer.decode_layout = layout;
  const auto decode = options.batch > 0 ? serving.decode(answer.workload, layout, options.batch)
                                        : serving.best_decode(answer.workload, layout);
  if (!decode) return fail(decode.error());
  answer.decode = *decode;
  const double tokens =
      options.prefill_tokens > 0 ? options.prefill_tokens : answer.workload.input / layout.tp;
  const auto prefill = serving.prefill(answer.workload, layout, tokens);
  if (!prefill) return fail(prefill.error());
  answer.prefill = *prefill;
  return {};
}

std::string layout_text(const ServingLayout& l) {
  return fmt::format("tp {} dp {} ep {} pp {} ({} devices)", l.tp, l.dp, l.ep, l.pp, l.devices());
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

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto system = catalog->system(options.system);
  if (!system) return context.refuse(system.error());
  const auto model = catalog->model(options.model);
  if (!model) return context.refuse(model.error());
  const Stack* stack = &catalog->default_stack(*(*system)->chip);
  if (!options.stack.empty()) {
    const auto named = catalog->stack(options.stack);
    if (!named) return context.refuse(named.error());
    stack = *named;
  }
  const Stack joined = with_engine(*catalog, *stack, *(*system)->chip);
  stack = &joined;
  const auto workload = workload_of(options);
  if (!workload) return context.refuse(workload.error());
  const int chips = options.chips > 0 ? options.chips : (*system)->chips;
  auto machine = build_machine(**system, chips, *stack);
  if (!machine) return context.refuse(machine.error());
  const auto kernels = KernelModel::make(machine->device, *stack);
  if (!kernels) return context.refuse(kernels.error());
  Answer answer{std::move(*machine), *model, *workload, {}, {}, {}, {}};
  const ServingModel serving(answer.machine, **model, *kernels,
                             serving_precision(**model, answer.machine.device));
  const auto done =
      options.searched() ? search(serving, answer) : evaluate(options, serving, answer);
  if (!done) return context.refuse(done.error());
  if (context.json) return print(to_json(answer));
  if (context.csv) return print(to_csv(answer));
  print(to_text(answer));
}

}  // namespace

void add_serve_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "serve",
      "Prefill and decode of a model: TTFT, TPOT, tokens/s, memory, where the time goes. "
      "Without a layout the best is searched.");
  ServingWorkload& workload = options->workload;
  const auto add_count = [&](const char* flag, int& value, const char* help) {
    command->add_option(flag, value, help)->check(CLI::PositiveNumber);
  };
  command->add_option("system", options->system, "System of the catalog")->required();
  command->add_option("--model", options->model, "Model, or a config.json")->required();
  command->add_option("--stack", options->stack, "Software stack (default: that of the vendor)");
  add_count("--chips", options->chips, "Chips (default: one whole system)");
  command->add_option("--input", workload.input, "Tokens of a prompt")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--output", workload.output, "Tokens of an answer")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--tpot", options->tpot, "Limit of the time per output token")
      ->capture_default_str();
  command->add_option("--ttft", options->ttft, "Limit of the time to the first token");
  add_count("--tp", options->tp, "Tensor parallel width of attention");
  add_count("--dp", options->dp, "Attention groups that hold different sequences");
  add_count("--ep", options->ep, "Devices that the experts are spread over");
  add_count("--pp", options->pp, "Pipeline stages");
  command
      ->add_option("--batch", options->batch,
                   "Sequences an attention group (default: the largest in the limit)")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--prefill-tokens", options->prefill_tokens,
                   "Tokens of a prefill batch on a device")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--drafts", workload.draft_tokens,
                   "Tokens drafted a step (multi-token prediction)")
      ->check(CLI::Range(0, 8));
  command->add_option("--acceptance", workload.acceptance, "Share of drafts accepted")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command
      ->add_option(
          "--imbalance", workload.expert_imbalance,
          "Busiest device's share of expert load over the mean (default: from routing statistics)")
      ->check(CLI::Range(1.0, 64.0));
  command->add_flag("--no-overlap", options->no_overlap, "No micro-batches that hide the exchange");
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
