#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/run_args.h"
#include "app/train_args.h"
#include "fivefold/base/unit_text.h"
#include "fivefold/report/mixed_report.h"
#include "fivefold/report/pipeline_trace.h"
#include "fivefold/report/training_report.h"
#include "fivefold/training/layout_text.h"
#include "fivefold/training/simulate.h"

namespace fivefold::app {
namespace {

struct Options {
  TrainArgs args;
  std::string layout;  // empty: the fastest that fits
  bool ignore_memory = false;
  bool simulate = false;
  SimulateOptions simulation;
  std::string trace;
  std::string tokens;  // of a run; empty: one step
  RunArgs run;
  std::string with, link;  // a second island
};

// The error of a layout that does not fit, with the nearest one that does.
Error with_nearest(const TrainBench& bench, const TrainingLayout& layout, Error error) {
  const auto nearest = nearest_fit(bench.training, *bench.machine, *bench.model, bench.job, layout);
  Problem hint;
  hint.what = nearest
                  ? fmt::format("the nearest that fits: --layout {} ({:.4g} s a step, {:.1f} GB)",
                                to_text(nearest->layout), nearest->estimate.step.value(),
                                nearest->estimate.memory.total.value() / 1e9)
                  : "no layout of this model fits this machine";
  error.problems.push_back(std::move(hint));
  return error;
}

Result<TrainingPlan> named_plan(const TrainBench& bench, const Options& options) {
  auto layout = parse_layout(options.layout);
  if (!layout) return fail(layout.error());
  if (layout->dp == 0) {
    const int others = layout->tp * layout->pp * layout->cp;
    layout->dp = others > 0 ? std::max(1, bench.machine->devices / others) : 1;
  }
  auto estimate = bench.training.estimate(bench.job, *layout, !options.ignore_memory);
  if (estimate) return TrainingPlan{*layout, *estimate};
  const bool possible = bench.training.estimate(bench.job, *layout, false).has_value();
  return fail(possible ? with_nearest(bench, *layout, estimate.error()) : estimate.error());
}

Result<TrainingPlan> plan_of(const TrainBench& bench, const Options& options) {
  if (!options.layout.empty()) return named_plan(bench, options);
  auto found = search_training(bench.training, *bench.machine, *bench.model, bench.job, 1);
  if (!found) return fail(found.error());
  return std::move(found->best.front());
}

// The plan's step as it was played, with its trace written.
Result<TrainingPlan> play(const TrainBench& bench, const Options& options, TrainingPlan plan) {
  SimulateOptions simulation = options.simulation;
  simulation.seed = options.run.seed;
  simulation.timeline = !options.trace.empty();
  auto played = bench.training.simulate(bench.job, plan.layout, simulation, !options.ignore_memory);
  if (!played) return fail(played.error());
  plan.estimate = played->totals;
  if (options.trace.empty()) return plan;
  if (auto written = write_file(options.trace, pipeline_trace(*played)); !written) {
    return fail(written.error());
  }
  return plan;
}

Result<std::string> answer_of(const Catalog& catalog, const Options& options,
                              const Context& context) {
  const auto bench = train_bench(catalog, options.args);
  if (!bench) return fail(bench.error());
  auto plan = plan_of(*bench, options);
  if (!plan) return fail(plan.error());
  if (options.simulate) plan = play(*bench, options, *plan);
  if (!plan) return fail(plan.error());
  const TrainingCaption caption = caption_of(*bench);
  if (options.tokens.empty()) {
    return context.json  ? training_json(caption, *plan)
           : context.csv ? training_csv(*plan)
                         : training_text(caption, *plan);
  }
  const auto view = training_run(catalog, *bench, plan->estimate, options.tokens, options.run);
  if (!view) return fail(view.error());
  if (context.csv) return training_csv(*plan) + to_csv(*view);
  if (!context.json) return training_text(caption, *plan) + "\n" + to_text(*view);
  auto json = nlohmann::ordered_json::parse(training_json(caption, *plan));
  json["run"] = nlohmann::ordered_json::parse(to_json(*view));
  return json.dump(2) + "\n";
}

Result<std::string> mixed_answer(const Catalog& catalog, const Options& options,
                                 const Context& context) {
  if (!options.layout.empty() || options.simulate || !options.tokens.empty()) {
    return fail("--with is searched: --layout, --simulate and --tokens do not go with it");
  }
  if (context.csv) return fail("--with has no CSV", "use --json");
  TrainArgs other = options.args;
  other.system = options.with;
  other.chips = 0;
  const auto first = train_bench(catalog, options.args), second = train_bench(catalog, other);
  if (!first) return fail(first.error());
  if (!second) return fail(second.error());
  const auto island = [](const TrainBench& bench) {
    return Island{bench.machine.get(), &bench.training, bench.job};
  };
  const std::array<Island, 2> islands = {island(*first), island(*second)};
  IslandLink link = default_link(islands[0], islands[1]);
  if (!options.link.empty()) {
    const auto rate = parse_quantity_as<BytesPerSecond>(options.link);
    if (!rate) return fail(rate.error());
    if (!(*rate > BytesPerSecond(0))) return fail("--link is not above 0", "--link '12.5 GB/s'");
    link.per_device = *rate;
  }
  const MixedSearch search = search_mixed(islands, *first->model, link, progress_bar());
  if (search.best() == nullptr) {
    return fail(
        fmt::format("replicas: {}; stages: {}", search.replicas_refusal, search.stages_refusal));
  }
  return context.json ? mixed_json(islands, *first->model, link, search)
                      : mixed_text(islands, *first->model, link, search);
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto answer = options.with.empty() ? answer_of(*catalog, options, context)
                                           : mixed_answer(*catalog, options, context);
  if (!answer) return context.refuse(answer.error());
  print(*answer);
}

void add_simulation(CLI::App& command, Options& options) {
  CLI::Option* simulate = command.add_flag("--simulate", options.simulate,
                                           "Play the step task by task instead of estimating it");
  const auto noise = [&](const char* name, double& sigma, const char* help) {
    command.add_option(name, sigma, help)->check(CLI::Range(0.0, 2.0))->needs(simulate);
  };
  noise("--jitter", options.simulation.task_noise, "Noise of each task: sigma of its logarithm");
  noise("--device-jitter", options.simulation.device_noise, "Likewise, that a device keeps");
  command
      .add_flag("--contention", options.simulation.contention, "Messages and gradients share ports")
      ->needs(simulate);
  command
      .add_option("--trace", options.trace,
                  "Write the pipeline's timeline (Chrome JSON, for ui.perfetto.dev)")
      ->type_name("OUT.json")
      ->needs(simulate);
}

}  // namespace

void add_train_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "train",
      "A training step (its parts, memory a device, MFU), or a run with failures and cost. Without "
      "a layout the fastest that fits is taken.\n\nFor example:\n"
      "  fivefold train --model deepseek-ai/DeepSeek-V3 --system h800-8:256 --global-batch 15360 "
      "\\\n"
      "    --tokens 14.8T --layout pp=16,ep=64,dp=128,schedule=dualpipe,recompute=full\n"
      "  fivefold train --model Qwen/Qwen3-32B --system h20-8:64 --with cloudmatrix384:2\n");
  add_train_args(*command, options->args);
  command
      ->add_option("--layout", options->layout,
                   "tp= pp= dp= ep= cp= vpp= etp= mb= zero= shard= sp= first= last= recompute= "
                   "schedule= order=, with commas; dp follows from the others")
      ->type_name("KEY=VALUE,...");
  command->add_flag("--ignore-memory", options->ignore_memory,
                    "Estimate a layout that does not fit as well");
  add_simulation(*command, *options);
  command
      ->add_option("--with", options->with,
                   "A second island of other chips: whole replicas, or a part of the stages")
      ->type_name("SYSTEM[:N]");
  command
      ->add_option("--link", options->link,
                   "Between the islands, of each device (default: the slower network port)")
      ->needs("--with");
  CLI::Option* tokens =
      command->add_option("--tokens", options->tokens, "A run of so many tokens: 14.8T");
  tokens->type_name("COUNT");
  add_run_args(*command, options->run);
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
