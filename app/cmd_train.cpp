#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/train_args.h"
#include "fivefold/report/training_report.h"
#include "fivefold/training/layout_text.h"

namespace fivefold::app {
namespace {

struct Options {
  TrainArgs args;
  std::string layout;  // empty: the fastest that fits
  bool ignore_memory = false;
};

// The error of a layout that does not fit, with the nearest one that does.
Error with_nearest(const TrainBench& bench, const TrainingLayout& layout, Error error) {
  const auto nearest = nearest_fit(bench.training, *bench.machine, *bench.model, bench.job, layout);
  const std::string hint =
      nearest ? fmt::format("the nearest that fits: --layout {} ({:.4g} s a step, {:.1f} GB)",
                            to_text(nearest->layout), nearest->estimate.step.value(),
                            nearest->estimate.memory.total.value() / 1e9)
              : "no layout of this model fits this machine";
  error.problems.push_back({{}, hint, {}});
  return error;
}

Result<TrainingPlan> named_plan(const TrainBench& bench, const Options& options) {
  auto layout = parse_layout(options.layout);
  if (!layout) return fail(layout.error());
  if (layout->dp == 0) {
    layout->dp = std::max(1, bench.machine->devices / (layout->tp * layout->pp * layout->cp));
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

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto bench = train_bench(*catalog, options.args);
  if (!bench) return context.refuse(bench.error());
  const auto plan = plan_of(*bench, options);
  if (!plan) return context.refuse(plan.error());
  const TrainingCaption caption{bench->machine.get(), bench->model, bench->job};
  if (context.json) return print(training_json(caption, *plan));
  if (context.csv) return print(training_csv(*plan));
  print(training_text(caption, *plan));
}

}  // namespace

void add_train_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "train",
      "One training step: its parts, memory a device, MFU. Without a layout the fastest that fits "
      "is taken.\n\nFor example:\n"
      "  fivefold train --model deepseek-ai/DeepSeek-V3 --system h800-8:256 --global-batch 15360 "
      "\\\n"
      "    --layout pp=16,ep=64,dp=128,schedule=dualpipe\n");
  add_train_args(*command, options->args);
  command
      ->add_option("--layout", options->layout,
                   "tp= pp= dp= ep= cp= vpp= etp= mb= zero= shard= sp= first= last= recompute= "
                   "schedule= order=, with commas; dp follows from the others")
      ->type_name("KEY=VALUE,...");
  command->add_flag("--ignore-memory", options->ignore_memory,
                    "Estimate a layout that does not fit as well");
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
