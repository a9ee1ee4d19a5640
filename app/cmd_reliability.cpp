// `fivefold reliability`: what fails in a machine, what that costs a run, and how far it can grow.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/machine_args.h"
#include "app/run_args.h"
#include "fivefold/base/text.h"
#include "fivefold/base/unit_text.h"

namespace fivefold::app {
namespace {

struct Options {
  std::string system;
  std::string against;
  double advantage = 0;  // 0: the ratio of dense BF16 peaks
  std::string step = "10 s";
  std::string length = "90 d";
  std::string state = "10 TB";
  RunArgs run;
};

constexpr double kMostChips = 4e6;

// Systems of one kind that make a machine.
struct Systems {
  const System* system = nullptr;
  int count = 1;
  int chips() const { return system->chips * count; }
};

Result<Systems> systems_of(const Catalog& catalog, const std::string& text, int otherwise) {
  const auto wanted = parse_system(text);
  if (!wanted) return fail(wanted.error());
  const auto system = catalog.system(wanted->system);
  if (!system) return fail(system.error());
  const Systems systems{*system, wanted->count > 0 ? wanted->count : otherwise};
  if (double(systems.count) * systems.system->chips > kMostChips) {
    return fail(fmt::format("{} x {} are too many chips", systems.count, systems.system->id),
                "at most four million");
  }
  return systems;
}

Result<RunTask> task_of(const Catalog& catalog, const Systems& systems, const Options& options) {
  RunTask task{.system = systems.system, .chips = systems.chips()};
  const auto parts = parts_of(catalog, *systems.system, task.chips);
  if (!parts) return fail(parts.error());
  task.parts = *parts;
  const auto step = parse_quantity_as<Seconds>(options.step);
  const auto length = parse_quantity_as<Seconds>(options.length);
  const auto state = parse_quantity_as<Bytes>(options.state);
  if (!step) return fail(step.error());
  if (!length) return fail(length.error());
  if (!state) return fail(state.error());
  if (!(*step > Seconds(0))) return fail("a step of no time cannot be run", "--step '10 s'");
  task.step = *step;
  task.steps = *length / *step;
  task.state = *state;
  // Optimizer states are spread over all devices.
  task.state_per_device = *state / (double(task.chips) * systems.system->chip->devices_per_chip);
  return task;
}

double peak_of(const Systems& systems) {
  return systems.chips() * systems.system->chip->peak(Format::kBf16).value();
}

Result<AgainstView> against(const Catalog& catalog, const Systems& systems, const Options& options,
                            const PlanBySize& plan, const std::vector<double>& times) {
  const auto other = systems_of(catalog, options.against, systems.count);
  if (!other) return fail(other.error());
  const auto task = task_of(catalog, *other, options);
  if (!task) return fail(task.error());
  const auto theirs = plan_by_size(catalog, *task, options.run);
  if (!theirs) return fail(theirs.error());
  AgainstView view;
  view.name = other->system->name;
  view.chips = other->chips();
  view.mtbf = (*theirs)(1).rates.mtbf();
  view.advantage = options.advantage > 0 ? options.advantage : peak_of(systems) / peak_of(*other);
  auto sizes = goodput_by_size(*theirs, times);
  if (!sizes) return fail(sizes.error());
  view.sizes = *std::move(sizes);
  const auto gone = break_even(plan, *theirs, view.advantage);
  if (!gone) return fail(gone.error());
  view.break_even = *gone;
  return view;
}

Result<ReliabilityView> view_of(const Catalog& catalog, const Options& options) {
  const auto systems = systems_of(catalog, options.system, 1);
  if (!systems) return fail(systems.error());
  const auto task = task_of(catalog, *systems, options);
  if (!task) return fail(task.error());
  auto run = view_run(catalog, *task, options.run);
  if (!run) return fail(run.error());
  ReliabilityView view;
  view.title =
      fmt::format("{}{}: {} chips, {} {}",
                  systems->count > 1 ? fmt::format("{} x ", systems->count) : std::string(),
                  systems->system->name, format_count(task->chips), format_count(task->parts.hosts),
                  task->parts.hosts == 1 ? "host" : "hosts");
  view.run = *std::move(run);
  std::vector<double> times;
  for (double size = 1; size <= 256; size *= 2) times.push_back(size);
  const auto plan = plan_by_size(catalog, *task, options.run);
  if (!plan) return fail(plan.error());
  auto sizes = goodput_by_size(*plan, times);
  if (!sizes) return fail(sizes.error());
  view.sizes = *std::move(sizes);
  const auto largest = largest_useful(*plan);
  if (!largest) return fail(largest.error());
  view.largest = *largest;
  if (options.against.empty()) return view;
  auto other = against(catalog, *systems, options, *plan, times);
  if (!other) return fail(other.error());
  view.against = *std::move(other);
  return view;
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto view = view_of(*catalog, options);
  if (!view) return context.refuse(view.error());
  print(context.json ? to_json(*view) : context.csv ? to_csv(*view) : to_text(*view));
}

}  // namespace

void add_reliability_command(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "reliability",
      "What fails in a machine, what that costs a run, and how far it can grow.\n\nFor example:\n"
      "  fivefold reliability cloudmatrix384:22 --against gb200-nvl72 --state '10 TB'\n");
  command->add_option("SYSTEM", options->system, "Of the catalog, or SYSTEM:N for N of them")
      ->required();
  command->add_option("--against", options->against, "A second machine, of as many systems");
  command
      ->add_option("--advantage", options->advantage,
                   "Throughput over the second one's (default: the ratio of dense BF16 peaks)")
      ->check(CLI::PositiveNumber);
  command->add_option("--step", options->step, "Time of a step")->capture_default_str();
  command->add_option("--length", options->length, "Of the run, nothing going wrong")
      ->capture_default_str();
  command->add_option("--state", options->state, "Bytes of a checkpoint")->capture_default_str();
  add_run_args(*command, options->run);
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
