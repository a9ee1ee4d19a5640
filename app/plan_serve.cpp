#include "app/plan_serve.h"

#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/serve_args.h"
#include "fivefold/report/launch_flags.h"
#include "fivefold/report/serving_front.h"
#include "fivefold/serving/text.h"

namespace fivefold::app {
namespace {

struct Options {
  ServeArgs args;
  std::string slo, objective = "tokens-per-chip", mode = "auto", emit, svg;
  double least_per_chip = 0;
  int top = 5;
};

Result<ServingGoal> goal_of(const Options& options, const ServingWorkload& workload) {
  ServingGoal goal;
  goal.workload = workload;
  if (!options.slo.empty()) {
    const auto slo = parse_slo(options.slo);
    if (!slo) return fail(slo.error());
    goal.slo = *slo;
  }
  const auto objective = serving_objective_named(options.objective);
  if (!objective) return fail(objective.error());
  goal.objective = *objective;
  goal.least_per_chip = options.least_per_chip;
  goal.together = options.mode != "disaggregated";
  goal.apart = options.mode != "aggregated";
  return goal;
}

// An objective that needs a number which nobody published.
Result<void> check_objective(const ServingSpace& space, ServingObjective objective) {
  const ServingCost cost = cost_of(*space.catalog, space.machine, Load{});
  if (objective == ServingObjective::kTokensPerKilowatt && !cost.power) return fail(cost.no_power);
  if (objective == ServingObjective::kTokensPerDollar && !cost.usd) return fail(cost.no_usd);
  return {};
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto bench = serve_bench(*catalog, options.args);
  if (!bench) return context.refuse(bench.error());
  const auto goal = goal_of(options, bench->workload);
  if (!goal) return context.refuse(goal.error());
  if (goal->workload.draft_tokens > 0 && bench->model->mtp.empty()) {
    return context.refuse(
        make_error(fmt::format("{} has no layer that drafts tokens", bench->model->id)));
  }
  const ServingSpace space{*bench->serving, *bench->machine, *bench->model, bench->policy,
                           &*catalog};
  if (const auto known = check_objective(space, goal->objective); !known) {
    return context.refuse(known.error());
  }
  const auto search = search_serving(space, *goal, options.top);
  if (!search) {
    context.refuse(search.error());
    context.exit_code = 1;  // the question was right, the answer is that there is none
    return;
  }
  const ServingFront front{space, *goal, *search};
  if (!options.svg.empty()) {
    if (const auto written = write_file(options.svg, front_svg(front)); !written) {
      return context.refuse(written.error());
    }
  }
  if (!options.emit.empty()) {
    const auto commands =
        launch_commands(options.emit, space, *goal, search->best, options.args.cache);
    if (!commands) return context.refuse(commands.error());
    return print(*commands);
  }
  if (context.json) return print(front_json(front));
  if (context.csv) return print(front_csv(front));
  print(front_text(front));
}

}  // namespace

void add_plan_serve_command(CLI::App& plan, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = plan.add_subcommand(
      "serve",
      "The best way to serve a model on a whole machine: layouts, prefill and decode together or "
      "on pools of their own, batch; throughput against speed.\n\nFor example:\n"
      "  fivefold plan serve --model deepseek-ai/DeepSeek-R1 --system cloudmatrix384 \\\n"
      "    --isl 4096 --osl 1024 --slo ttft=2s,tpot=50ms --objective tokens-per-chip\n");
  add_serve_args(*command, options->args);
  command->get_option("--drafts")
      ->description("At most so many tokens drafted a step (multi-token prediction)");
  command->add_option("--slo", options->slo,
                      "Limits of the means: ttft=2s,tpot=50ms,e2e=60s, or mlperf:MODEL/SCENARIO");
  command
      ->add_option("--objective", options->objective,
                   "tokens-per-chip, tokens-per-kw, tokens-per-dollar, or latency: the smallest "
                   "TPOT")
      ->capture_default_str()
      ->check(CLI::IsMember({"tokens-per-chip", "tokens-per-kw", "tokens-per-dollar", "latency"}));
  command
      ->add_option("--min-per-chip", options->least_per_chip,
                   "At least so many output tokens/s a chip")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--mode", options->mode, "aggregated, disaggregated, or auto: the better")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "aggregated", "disaggregated"}));
  command
      ->add_option("--emit", options->emit,
                   "Print the best plan as commands that start it: vllm or sglang")
      ->check(CLI::IsMember({"vllm", "sglang"}));
  command->add_option("--svg", options->svg, "Draw throughput against speed into this file")
      ->type_name("FILE");
  command->add_option("--top", options->top, "How many layouts")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
