#include <algorithm>
#include <array>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "fivefold/planner/answer.h"
#include "fivefold/planner/search.h"

namespace fivefold::app {
namespace {

struct Options {
  std::string system, model, stack;
  std::string format, recompute;
  int chips = 0;
  int global_batch = 1024;
  int seq_len = 4096;
  TrainingLayout layout;
  int dp = 0;            // 0: what tp, pp and cp leave
  bool searched = true;  // no part of a layout was given
  bool ignore_memory = false;
};

// One part of the step or of the memory, as it is printed.
struct Part {
  const char* name;
  double value;
};

Result<Recompute> recompute_of(const std::string& text) {
  if (text == "none") return Recompute::kNone;
  if (text == "selective") return Recompute::kSelective;
  if (text == "full") return Recompute::kFull;
  return fail(fmt::format("recomputation '{}' is unknown", text), "none, selective or full");
}

const char* text_of(Recompute recompute) {
  switch (recompute) {
    case Recompute::kNone:
      return "none";
    case Recompute::kSelective:
      return "selective";
    case Recompute::kFull:
      return "full";
  }
  return "";
}

Result<TrainingJob> job_of(const Options& options, const Device& device) {
  TrainingJob job;
  job.global_batch = options.global_batch;
  job.seq_len = options.seq_len;
  job.format = training_format(device);
  if (options.format.empty()) return job;
  const auto format = format_from_name(options.format);
  if (!format) return fail(fmt::format("format '{}' is unknown", options.format), "bf16 or fp8");
  job.format = *format;
  return job;
}

Result<TrainingPlan> plan_of(const Options& options, const Machine& machine, const Model& model,
                             const TrainingModel& training, const TrainingJob& job) {
  if (options.searched) {
    auto found = search_training(training, machine, model, job, 1);
    if (!found) return fail(found.error());
    return std::move(found->best.front());
  }
  TrainingPlan plan;
  plan.layout = options.layout;
  TrainingLayout& l = plan.layout;
  const int others = std::max(1, l.tp * l.pp * l.cp);
  l.dp = options.dp > 0 ? options.dp : std::max(1, machine.devices / others);
  l.sequence_parallel = l.tp > 1;
  l.schedule = l.vpp > 1 ? Schedule::kInterleaved : Schedule::k1F1B;
  const auto recompute = recompute_of(options.recompute);
  if (!recompute) return fail(recompute.error());
  l.recompute = *recompute;
  auto estimate = training.estimate(job, l, !options.ignore_memory);
  if (!estimate) return fail(estimate.error());
  plan.estimate = *estimate;
  return plan;
}

std::array<Part, 10> time_parts(const TrainingEstimate& e) {
  return {{{"forward", e.forward.value()},
           {"backward", e.backward.value()},
           {"recompute", e.recompute.value()},
           {"tp exposed", e.tp_exposed.value()},
           {"cp exposed", e.cp_exposed.value()},
           {"ep exposed", e.ep_exposed.value()},
           {"pp exposed", e.pp_exposed.value()},
           {"bubble", e.bubble.value()},
           {"dp exposed", e.dp_exposed.value()},
           {"optimizer", e.optimizer.value()}}};
}

std::array<Part, 6> memory_parts(const TrainingMemory& m) {
  return {{{"weights", m.weights.value()},
           {"gradients", m.gradients.value()},
           {"optimizer state", m.optimizer.value()},
           {"activations", m.activations.value()},
           {"buffers", m.buffers.value()},
           {"total", m.total.value()}}};
}

std::string layout_text(const TrainingLayout& l) {
  return fmt::format("tp {} pp {} dp {} ep {} cp {} vpp {}, micro batch {}, zero {}, recompute {}",
                     l.tp, l.pp, l.dp, l.ep, l.cp, l.vpp, l.micro_batch, l.zero,
                     text_of(l.recompute));
}

std::string to_text(const Machine& machine, const Model& model, const TrainingJob& job,
                    const TrainingPlan& plan) {
  const TrainingEstimate& e = plan.estimate;
  std::string text =
      fmt::format("{} on {} x {} ({} devices), {} sequences of {} tokens, {}\n{}\n\n", model.name,
                  machine.chips, machine.system->chip->name, machine.devices, job.global_batch,
                  job.seq_len, name(job.format), layout_text(plan.layout));
  text += fmt::format("{:<18}{:>12}\n", "step", fmt::format("{:.4g} s", e.step.value()));
  for (const Part& part : time_parts(e)) {
    if (part.value <= 0) continue;
    text += fmt::format("  {:<16}{:>12}{:>8.1f}%\n", part.name, fmt::format("{:.4g} s", part.value),
                        100 * part.value / e.step.value());
  }
  text += fmt::format("\n{:<18}{:>12}\n", "memory a device",
                      fmt::format("of {:.1f} GB", machine.device.memory_capacity.value() / 1e9));
  for (const Part& part : memory_parts(e.memory)) {
    text += fmt::format("  {:<16}{:>12}\n", part.name, fmt::format("{:.2f} GB", part.value / 1e9));
  }
  text += fmt::format("\n{:<18}{:>11.1f}%\n{:<18}{:>12.0f}\n{:<18}{:>12.1f}\n", "MFU", 100 * e.mfu,
                      "tokens/s", e.tokens_per_second, "tokens/s/chip",
                      e.tokens_per_second / machine.chips);
  return text;
}

std::string key_of(std::string_view name) {
  std::string key(name);
  std::replace(key.begin(), key.end(), ' ', '_');
  return key;
}

std::string to_json(const Machine& machine, const Model& model, const TrainingJob& job,
                    const TrainingPlan& plan) {
  const TrainingEstimate& e = plan.estimate;
  const TrainingLayout& l = plan.layout;
  nlohmann::ordered_json json;
  json["system"] = machine.system->id;
  json["model"] = model.id;
  json["chips"] = machine.chips;
  json["devices"] = machine.devices;
  json["global_batch"] = job.global_batch;
  json["seq_len"] = job.seq_len;
  json["format"] = name(job.format);
  json["layout"] = {{"tp", l.tp},
                    {"pp", l.pp},
                    {"dp", l.dp},
                    {"ep", l.ep},
                    {"cp", l.cp},
                    {"vpp", l.vpp},
                    {"micro_batch", l.micro_batch},
                    {"zero", l.zero},
                    {"recompute", text_of(l.recompute)}};
  json["step_s"] = e.step.value();
  for (const Part& part : time_parts(e)) json["parts_s"][key_of(part.name)] = part.value;
  for (const Part& part : memory_parts(e.memory)) {
    json["memory_bytes"][key_of(part.name)] = part.value;
  }
  json["mfu"] = e.mfu;
  json["tokens_per_second"] = e.tokens_per_second;
  json["tokens_per_second_per_chip"] = e.tokens_per_second / machine.chips;
  return json.dump(2) + "\n";
}

std::string to_csv(const TrainingPlan& plan) {
  std::string text = fmt::format("quantity,unit,value\nstep,s,{}\n", plan.estimate.step.value());
  for (const Part& part : time_parts(plan.estimate)) {
    text += fmt::format("{},s,{}\n", key_of(part.name), part.value);
  }
  for (const Part& part : memory_parts(plan.estimate.memory)) {
    text += fmt::format("memory_{},bytes,{}\n", key_of(part.name), part.value);
  }
  return text + fmt::format("mfu,,{}\ntokens_per_second,tokens/s,{}\n", plan.estimate.mfu,
                            plan.estimate.tokens_per_second);
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto system = catalog->system(options.system);
  if (!system) return context.refuse(system.error());
  const auto model = catalog->model(options.model);
  if (!model) return context.refuse(model.error());
  Stack stack = training_stack(*catalog, *(*system)->chip);
  if (!options.stack.empty()) {
    const auto named = catalog->stack(options.stack);
    if (!named) return context.refuse(named.error());
    stack = with_framework(*catalog, **named);
  }
  const int chips = options.chips > 0 ? options.chips : (*system)->chips;
  const auto machine = build_machine(**system, chips, stack);
  if (!machine) return context.refuse(machine.error());
  const auto kernels = KernelModel::make(machine->device, stack);
  if (!kernels) return context.refuse(kernels.error());
  const auto job = job_of(options, machine->device);
  if (!job) return context.refuse(job.error());
  const TrainingModel training(*machine, **model, *kernels);
  const auto plan = plan_of(options, *machine, **model, training, *job);
  if (!plan) return context.refuse(plan.error());
  if (context.json) return print(to_json(*machine, **model, *job, *plan));
  if (context.csv) return print(to_csv(*plan));
  print(to_text(*machine, **model, *job, *plan));
}

}  // namespace

void add_train_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "train",
      "One training step: its parts, memory a device, MFU. Without a layout the fastest "
      "that fits is searched.");
  command->add_option("system", options->system, "System of the catalog")->required();
  command->add_option("--model", options->model, "Model, or a config.json")->required();
  command->add_option("--chips", options->chips, "Chips (default: one whole system)")
      ->check(CLI::PositiveNumber);
  command->add_option("--global-batch", options->global_batch, "Sequences a step")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--seq", options->seq_len, "Tokens a sequence")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--stack", options->stack, "Software stack (default: of the vendor)");
  command->add_option("--format", options->format,
                      "Of matrix products: bf16, fp8, ... (default: FP8 where the chip has it)");
  TrainingLayout& l = options->layout;
  const std::array layout_options = {
      command->add_option("--tp", l.tp, "Tensor parallel"),
      command->add_option("--pp", l.pp, "Pipeline stages"),
      command->add_option("--dp", options->dp, "Data parallel (default: what is left)"),
      command->add_option("--ep", l.ep, "Expert parallel, inside tp x cp x dp"),
      command->add_option("--cp", l.cp, "Context parallel"),
      command->add_option("--vpp", l.vpp, "Model chunks a stage (interleaved 1F1B)"),
      command->add_option("--micro-batch", l.micro_batch, "Sequences a micro batch"),
      command->add_option("--zero", l.zero, "0, 1 (optimizer), 2 (gradients), 3 (weights, FSDP)"),
      command->add_option("--recompute", options->recompute, "none, selective or full")
          ->default_str("selective"),
  };
  options->recompute = "selective";
  command->add_flag("--ignore-memory", options->ignore_memory,
                    "Estimate a layout that does not fit as well");
  command->callback([options, layout_options, &context] {
    for (const CLI::Option* option : layout_options) {
      if (option->count() > 0) options->searched = false;
    }
    run(*options, context);
  });
}

}  // namespace fivefold::app
