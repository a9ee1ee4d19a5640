#include "app/train_args.h"

#include <array>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/machine_args.h"
#include "fivefold/planner/answer.h"

namespace fivefold::app {
namespace {

struct NamedOptimizer {
  const char* name;
  OptimizerState state;
};
constexpr std::array kOptimizers = {
    NamedOptimizer{"adam", {}},
    NamedOptimizer{"adam-bf16", {.moment_bytes = 2}},  // moments (DeepSeek-V3, section 3.3.3)
    NamedOptimizer{"adam-8bit", {.moment_bytes = 1}},
    NamedOptimizer{"muon", kMuon},
};

Result<OptimizerState> optimizer_named(const std::string& name) {
  std::vector<std::string_view> known;
  for (const NamedOptimizer& optimizer : kOptimizers) {
    if (optimizer.name == name) return optimizer.state;
    known.emplace_back(optimizer.name);
  }
  return fail(fmt::format("optimizer '{}' is unknown", name),
              fmt::format("{}", fmt::join(known, ", ")));
}

Result<TrainingJob> job_of(const TrainArgs& args, const Device& device) {
  TrainingJob job = as_megatron_core({});
  job.global_batch = args.global_batch;
  job.seq_len = args.seq_len;
  job.format = training_format(device);
  job.overlap_ep = !args.no_overlap_ep;
  job.narrow_activations = args.narrow_activations;
  job.mtp = args.mtp;
  job.expert_skew = args.expert_skew;
  job.capacity_factor = args.capacity_factor;
  job.offload_optimizer = args.offload_optimizer;
  job.offload_activations = args.offload_activations;
  const auto optimizer = optimizer_named(args.optimizer);
  if (!optimizer) return fail(optimizer.error());
  job.optimizer = *optimizer;
  job.gradient_bytes = args.gradient_bytes;
  if (args.format.empty()) return job;
  const auto format = format_from_name(args.format);
  if (!format) return fail(fmt::format("format '{}' is unknown", args.format), "bf16 or fp8");
  job.format = *format;
  return job;
}

Result<Stack> stack_of(const Catalog& catalog, const Chip& chip, const TrainArgs& args) {
  const std::string framework =
      args.framework.empty() ? std::string(default_framework(chip)) : "train/" + args.framework;
  if (const auto known = catalog.stack(framework); !known) return fail(known.error());
  const std::string& name = args.stack;
  if (name.empty()) return training_stack(catalog, chip, framework);
  const auto named = catalog.stack(name);
  if (!named) return fail(named.error());
  return with_framework(catalog, **named, framework);
}

}  // namespace

void add_train_args(CLI::App& command, TrainArgs& args) {
  command.add_option("--system", args.system, "System of the catalog, and how many of it")
      ->type_name("SYSTEM[:N]")
      ->required();
  command.add_option("--chips", args.chips, "Use so many chips alone (default: all)")
      ->check(CLI::PositiveNumber);
  command.add_option("--model", args.model, "Model, or a config.json")->required();
  command.add_option("--global-batch", args.global_batch, "Sequences a step")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command.add_option("--seq", args.seq_len, "Tokens a sequence")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command.add_option("--format", args.format,
                     "Of matrix products: bf16, fp8, ... (default: FP8 where the chip has it)");
  command.add_option("--stack", args.stack, "Kernels and communication (default: of the vendor)");
  command.add_option(
      "--framework", args.framework,
      "megatron-core, torchtitan, llm-foundry, maxtext, ... (default: of the vendor)");
  command.add_option("--optimizer", args.optimizer, "adam, adam-bf16, adam-8bit or muon")
      ->capture_default_str();
  command.add_option("--gradient-bytes", args.gradient_bytes, "Of a stored gradient")
      ->capture_default_str()
      ->check(CLI::IsMember({2, 4}));
  command
      .add_option("--expert-skew", args.expert_skew,
                  "Tokens of the busiest rank's experts over the mean; 1: balanced")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 1000.0));
  command
      .add_option("--capacity-factor", args.capacity_factor,
                  "Each expert takes so many times the mean and drops the rest; 0: drops none")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1000.0));
  command.add_flag("--mtp", args.mtp, "Train the layers that predict further tokens as well");
  command.add_flag("--narrow-activations", args.narrow_activations,
                   "Inputs of activation functions are kept in the format of products");
  command.add_flag("--no-overlap-ep", args.no_overlap_ep,
                   "Tokens between experts pass beside no other micro batch");
  command.add_flag("--offload-optimizer", args.offload_optimizer,
                   "Optimizer states lie in the host's memory");
  command.add_flag("--offload-activations", args.offload_activations,
                   "Layer inputs of full recomputation lie in the host's memory");
}

Result<TrainBench> train_bench(const Catalog& catalog, const TrainArgs& args) {
  const auto machine_of = choose_system(catalog, args.system, args.chips);
  if (!machine_of) return fail(machine_of.error());
  const System& system = *machine_of->system;
  const auto model = catalog.model(args.model);
  if (!model) return fail(model.error());
  auto chosen = stack_of(catalog, *system.chip, args);
  if (!chosen) return fail(chosen.error());
  const auto job = job_of(args, system.chip->device);
  if (!job) return fail(job.error());
  auto bench = training_bench(system, machine_of->chips, **model, *std::move(chosen));
  if (!bench) return fail(bench.error());
  return TrainBench{*std::move(bench), *job};
}

TrainingCaption caption_of(const TrainBench& bench) {
  return {bench.machine.get(), bench.model, bench.job,
          bench.kernels->compute_format(bench.job.format, bench.job.format)};
}

Result<RunView> training_run(const Catalog& catalog, const TrainBench& bench,
                             const TrainingEstimate& e, const std::string& tokens,
                             const RunArgs& args) {
  const auto count = parse_count(tokens);
  if (!count) return fail(count.error());
  RunTask task{.system = bench.machine->system, .chips = bench.machine->chips, .step = e.step};
  const auto parts = parts_of(catalog, *task.system, task.chips);
  if (!parts) return fail(parts.error());
  task.parts = *parts;
  task.tokens_per_step = double(bench.job.global_batch) * bench.job.seq_len;
  task.steps = *count / task.tokens_per_step;
  // A checkpoint holds weights and optimizer state of every parameter once.
  const OptimizerState& optimizer = bench.job.optimizer;
  task.state = Bytes(count_parameters(*bench.model).total *
                     (optimizer.weight_bytes() + optimizer.state_bytes()));
  task.state_per_device = task.state / bench.machine->devices;
  const double busy = (e.forward + e.backward + e.recompute) / e.step;
  task.load = {.compute = busy, .memory = busy};
  return view_run(catalog, task, args);
}

}  // namespace fivefold::app
