#include <array>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/machine_args.h"
#include "app/plan_serve.h"
#include "app/train_args.h"
#include "fivefold/report/megatron.h"
#include "fivefold/report/table.h"
#include "fivefold/report/training_report.h"
#include "fivefold/training/layout_text.h"

namespace fivefold::app {
namespace {

struct Options {
  TrainArgs args;
  RunArgs run;
  std::string tokens = "1T";
  std::string objective = "days";
  int top = 10;
  bool megatron = false;
};

// What a run takes on one number of systems.
struct SizePlan {
  int systems = 0;
  TrainBench bench;
  TrainingSearch search;
  RunView run;

  double days() const { return run.expected.time.value() / 86400; }
  std::optional<double> usd() const {
    return run.cost ? std::optional(run.cost->usd.value()) : std::nullopt;
  }
  std::optional<double> joules() const {
    return run.cost ? std::optional(run.cost->energy.value()) : std::nullopt;
  }
  // What is to be small; nothing: not known.
  std::optional<double> objective(const std::string& name) const {
    return name == "cost" ? usd() : name == "energy" ? joules() : days();
  }
};

Result<SizePlan> size_plan(const Catalog& catalog, const Options& options,
                           const std::string& system, int systems) {
  TrainArgs args = options.args;
  args.system = fmt::format("{}:{}", system, systems);
  auto bench = train_bench(catalog, args);
  if (!bench) return fail(bench.error());
  auto search =
      search_training(bench->training, *bench->machine, *bench->model, bench->job, options.top);
  if (!search) return fail(search.error());
  auto run =
      training_run(catalog, *bench, search->best.front().estimate, options.tokens, options.run);
  if (!run) return fail(run.error());
  return SizePlan{systems, std::move(*bench), std::move(*search), std::move(*run)};
}

// All systems, and half of them and so on: a run may cost less on fewer.
Result<std::vector<SizePlan>> size_plans(const Catalog& catalog, const Options& options) {
  const auto count = parse_system(options.args.system);
  if (!count) return fail(count.error());
  std::vector<SizePlan> plans;
  for (int systems = std::max(1, count->count); systems >= 1; systems /= 2) {
    auto plan = size_plan(catalog, options, count->system, systems);
    if (!plan && plans.empty()) return fail(plan.error());
    if (!plan) break;  // fewer do not hold the model either
    plans.push_back(std::move(*plan));
    // Chips that were counted by hand are one machine.
    if (options.args.chips > 0) break;
  }
  return plans;
}

const SizePlan* best_of(const std::vector<SizePlan>& plans, const std::string& objective) {
  const SizePlan* best = nullptr;
  for (const SizePlan& plan : plans) {
    const auto value = plan.objective(objective);
    if (value && (best == nullptr || *value < *best->objective(objective))) best = &plan;
  }
  return best;
}

Table sizes_table(const std::vector<SizePlan>& plans, const std::string& tokens) {
  Table table;
  table.title = fmt::format("A run of {} tokens on", tokens);
  table.columns = {{"systems", Align::kRight},
                   {"chips", Align::kRight},
                   {"days", Align::kRight},
                   {"goodput", Align::kRight},
                   {"energy", Align::kRight, "energy", "J"},
                   {"cost", Align::kRight, "cost", "USD"},
                   {"layout"}};
  for (const SizePlan& plan : plans) {
    const auto usd = plan.usd(), joules = plan.joules();
    const double goodput = plan.run.expected.shares.useful;
    table.add({count_cell(plan.systems),
               count_cell(plan.bench.machine->chips),
               {plan.days(), fmt::format("{:.4g}", plan.days())},
               {goodput, fmt::format("{:.1f}%", 100 * goodput)},
               joules ? TableCell(*joules, fmt::format("{:.3g} GWh", *joules / 3.6e12))
                      : TableCell("unknown"),
               usd ? TableCell(*usd, fmt::format("${:.3g}M", *usd / 1e6)) : TableCell("unknown"),
               to_text(plan.search.best.front().layout)});
  }
  return table;
}

Result<std::string> answer_of(const Catalog& catalog, const Options& options,
                              const Context& context) {
  const auto plans = size_plans(catalog, options);
  if (!plans) return fail(plans.error());
  const SizePlan* best = best_of(*plans, options.objective);
  if (best == nullptr) return fail(plans->front().run.no_cost, "--objective days needs no price");
  const TrainBench& bench = best->bench;
  if (options.megatron) {
    const bool mindspeed = bench.machine->system->chip->vendor == "Huawei";
    return megatron_arguments(*bench.model, bench.job, best->search.best.front().layout, mindspeed);
  }
  const TrainingCaption caption = caption_of(bench);
  const Table sizes = sizes_table(*plans, options.tokens);
  if (context.csv) return search_csv(best->search);
  if (!context.json) return search_text(caption, best->search) + "\n" + to_text(sizes);
  auto json = nlohmann::ordered_json::parse(search_json(caption, best->search));
  json["objective"] = options.objective;
  json["sizes"] = nlohmann::ordered_json::parse(to_json(sizes));
  return json.dump(2) + "\n";
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto answer = answer_of(*catalog, options, context);
  if (!answer) return context.refuse(answer.error());
  print(*answer);
}

}  // namespace

void add_plan_command(CLI::App& app, Context& context) {
  CLI::App* plan = app.add_subcommand("plan", "Search for the best way to use a machine");
  plan->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* train = plan->add_subcommand(
      "train",
      "The best layouts of a training step, why the others lose, time against memory, and what a "
      "run takes on fewer systems.\n\nFor example:\n"
      "  fivefold plan train --model meta-llama/Llama-3.1-405B --system cloudmatrix384:22 \\\n"
      "    --global-batch 2048 --seq 8192 --tokens 15.6T --objective cost\n");
  add_train_args(*train, options->args);
  train->add_option("--tokens", options->tokens, "Of the run")->capture_default_str();
  train
      ->add_option("--objective", options->objective,
                   "What is to be small: days, cost or energy, of all systems or of fewer")
      ->capture_default_str()
      ->check(CLI::IsMember({"days", "cost", "energy"}));
  train->add_option("--top", options->top, "How many layouts")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  train->add_flag("--megatron", options->megatron,
                  "Print the best layout as arguments of Megatron-LM (of MindSpeed for Ascend)");
  add_run_args(*train, options->run);
  train->callback([options, &context] { run(*options, context); });
  add_plan_serve_command(*plan, context);
}

}  // namespace fivefold::app
