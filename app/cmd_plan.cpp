#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/train_args.h"
#include "fivefold/report/megatron.h"
#include "fivefold/report/training_report.h"

namespace fivefold::app {
namespace {

struct Options {
  TrainArgs args;
  int top = 10;
  bool megatron = false;
};

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto bench = train_bench(*catalog, options.args);
  if (!bench) return context.refuse(bench.error());
  const TrainBench& b = *bench;
  const auto search = search_training(b.training, *b.machine, *b.model, b.job, options.top);
  if (!search) return context.refuse(search.error());
  if (options.megatron) {
    const bool mindspeed = b.machine->system->chip->vendor == "Huawei";
    return print(megatron_arguments(*b.model, b.job, search->best.front().layout, mindspeed));
  }
  const TrainingCaption caption{b.machine.get(), b.model, b.job};
  if (context.json) return print(search_json(caption, *search));
  if (context.csv) return print(search_csv(*search));
  print(search_text(caption, *search));
}

}  // namespace

void add_plan_command(CLI::App& app, Context& context) {
  CLI::App* plan = app.add_subcommand("plan", "Search for the best way to use a machine");
  plan->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* train = plan->add_subcommand(
      "train",
      "The best layouts of a training step, why the others lose, time against memory.\n\n"
      "For example:\n"
      "  fivefold plan train --model meta-llama/Llama-3.1-405B --system cloudmatrix384:22\n");
  add_train_args(*train, options->args);
  train->add_option("--top", options->top, "How many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  train->add_flag("--megatron", options->megatron,
                  "Print the best layout as arguments of Megatron-LM (of MindSpeed for Ascend)");
  train->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
