#include "app/run_args.h"

#include <charconv>
#include <cmath>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/machine_args.h"
#include "fivefold/base/unit_text.h"
#include "fivefold/fabric/inventory.h"
#include "fivefold/reliability/assumptions.h"

namespace fivefold::app {
namespace {

constexpr int kMostCounted = 8192;  // devices of a fabric that is built to be counted
constexpr double kChipsPerHost = 8;
constexpr double kWaiting = 0.001;  // share of time, with as many spares as are advised

template <class Q>
Result<void> set(Q& value, const std::string& text) {
  if (text.empty()) return {};
  const auto parsed = parse_quantity_as<Q>(text);
  if (!parsed) return fail(parsed.error());
  value = *parsed;
  return {};
}

Result<void> set_share(double& value, const std::string& text, const char* option) {
  if (text.empty()) return {};
  const auto parsed = parse_quantity(text, Dim{});
  if (!parsed) return fail(parsed.error());
  if (*parsed > 1) return fail(fmt::format("{} {} is more than all of it", option, text), "0 to 1");
  value = *parsed;
  return {};
}

double chips_per_host(const System& system) {
  const Fact* per_host = system.facts.find("host.chips_per_host");
  if (per_host && per_host->is_number()) return per_host->number;
  const Fact* nodes = system.facts.find("nodes");
  if (nodes && nodes->is_number() && nodes->number > 0) return system.chips / nodes->number;
  return kChipsPerHost;
}

Result<int> spares_of(const std::string& text) {
  if (text == "enough") return -1;
  int nodes = 0;
  const char* const last = text.data() + text.size();
  const auto [end, code] = std::from_chars(text.data(), last, nodes);
  if (code == std::errc() && end == last && nodes >= 0) return nodes;
  return fail(fmt::format("'{}' is no number of spare nodes", text), "0 or more, or enough");
}

Result<Checkpoint> checkpoint_of(const Catalog& catalog, const RunTask& task, const RunArgs& args) {
  const auto assumed = run_assumptions(catalog);
  if (!assumed) return fail(assumed.error());
  Checkpoint checkpoint{.state = task.state,
                        .state_per_device = task.state_per_device,
                        .storage = assumed->storage_per_chip * task.chips,
                        .copy = assumed->copy,
                        .pause = assumed->pause,
                        .asynchronous = !args.synchronous};
  if (const auto stated = set(checkpoint.storage, args.storage); !stated) {
    return fail(stated.error());
  }
  return checkpoint;
}

// Of the run's time, work at full load and the rest at none.
Result<RunCost> cost_of(const Catalog& catalog, const RunTask& task, const RunArgs& args,
                        const RunEstimate& run) {
  const double systems = double(task.chips) / task.system->chips;
  const RunShares& shares = run.shares;
  const double idle = shares.recovery + shares.waiting;
  RunCost cost;
  const Site site;
  const auto busy = running_cost(catalog, *task.system, task.load, site);
  const auto power = power_under_load(catalog, *task.system, task.load);
  const auto rest = power_under_load(catalog, *task.system, {});
  if (!power) return fail(power.error());
  if (!rest) return fail(rest.error());
  cost.energy = systems * run.time * ((1 - idle) * power->value + idle * rest->value);
  cost.facts = power->facts;
  const auto pay = [&](UsdPerSecond rate, const std::string& formula,
                       const std::vector<const Fact*>& facts) {
    cost.usd = cost_of_step(rate, systems, run.time);
    cost.formula = formula;
    cost.facts.insert(cost.facts.end(), facts.begin(), facts.end());
  };
  if (args.rent.empty()) {
    if (!busy) return fail(busy.error());
    const auto waits = running_cost(catalog, *task.system, {}, site);
    if (!waits) return fail(waits.error());
    pay((1 - idle) * busy->total() + idle * waits->total(),
        "bought: " + busy->writeoff.formula + "; " + busy->energy.formula, busy->energy.facts);
    cost.facts.insert(cost.facts.end(), busy->writeoff.facts.begin(), busy->writeoff.facts.end());
    return cost;
  }
  cost.rented = true;
  if (args.rent == "catalog") {
    const auto rent = rental_cost(catalog, *task.system);
    if (!rent) return fail(rent.error());
    pay(rent->value, "rented: " + rent->formula, rent->facts);
    return cost;
  }
  const auto price = parse_quantity_as<UsdPerSecond>(args.rent);
  if (!price) return fail(price.error());
  pay(task.system->chips * *price,
      fmt::format("rented: {} chips x {:.2f} USD/h", task.system->chips, price->value() * 3600),
      {});
  return cost;
}

}  // namespace

void add_run_args(CLI::App& command, RunArgs& args) {
  command.add_option("--checkpoint-interval", args.interval, "Work between checkpoints, or auto")
      ->capture_default_str();
  command.add_flag("--synchronous", args.synchronous, "Steps wait until a checkpoint is written");
  command.add_option("--storage-bandwidth", args.storage, "Of the storage of checkpoints, in all");
  command.add_option("--detect", args.detect, "Time until a failure is known");
  command.add_option("--restart", args.restart, "Time to start again, without loading");
  command.add_option("--spares", args.spares, "Spare nodes, or enough")->capture_default_str();
  command.add_option("--repair", args.repair, "Time until a failed node is back");
  command.add_option("--straggler", args.straggler, "How much longer steps take with a slow host");
  command.add_option("--data", args.data, "Share of a step that waits for data");
  command.add_option("--failures", args.failures, "catalog or none")
      ->capture_default_str()
      ->check(CLI::IsMember({"catalog", "none"}));
  CLI::Option* rent =
      command.add_option("--rent", args.rent, "Rented: a price for each chip, or catalog")
          ->type_name("USD/h");
  command.add_flag("--buy")->description("Bought and written off (default)")->excludes(rent);
  command.add_option("--simulate-run", args.simulate, "Play so many runs event by event")
      ->check(CLI::Range(1, 100000));
  command.add_option("--seed", args.seed, "Of the simulated runs")->capture_default_str();
}

Result<double> parse_count(const std::string& text) {
  double value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, code] = std::from_chars(text.data(), last, value);
  const std::string_view suffix(end, std::size_t(last - end));
  const double scale = suffix.empty()                   ? 1
                       : suffix == "K" || suffix == "k" ? 1e3
                       : suffix == "M"                  ? 1e6
                       : suffix == "B"                  ? 1e9
                       : suffix == "T"                  ? 1e12
                                                        : 0;
  if (code == std::errc() && scale > 0 && value > 0 && std::isfinite(value)) return value * scale;
  return fail(fmt::format("'{}' is no count", text), "for example 14.8T");
}

Result<PartCounts> parts_of(const Catalog& catalog, const System& system, int chips) {
  int counted = chips;
  if (const int most = kMostCounted / system.chip->devices_per_chip; counted > most) {
    // Whole systems, so that the network between them is of one kind.
    counted = std::max(1, most / system.chips) * system.chips;
  }
  const auto stack = catalog.stack(library_for(catalog, system));
  if (!stack) return fail(stack.error());
  const auto machine = build_machine(system, counted, **stack);
  if (!machine) return fail(machine.error());
  const FabricPlan plan = plan_of(*machine);
  const auto inventory = take_inventory(catalog, plan);
  if (!inventory) return fail(inventory.error());
  PartCounts parts{.chips = double(counted),
                   .memory = counted * system.chip->memory_capacity,
                   .hosts = std::ceil(counted / chips_per_host(system)),
                   .nics = double(counted)};
  for (std::size_t i = 0; i < inventory->levels.size(); ++i) {
    const LevelInventory& level = inventory->levels[i];
    if (level.medium == Medium::kBoard) continue;
    parts.switches += level.switches;
    parts.optical_modules += level.transceivers;
    const double optical = level.medium != Medium::kOptical ? 0
                           : level.assumed_medium           ? 1
                                                            : plan.levels[i].optical_share;
    parts.copper_cables += level.cables * (1 - optical);
  }
  return parts * (double(chips) / counted);
}

Result<RunPlan> run_plan(const Catalog& catalog, const RunTask& task, const RunArgs& args) {
  const auto assumed = run_assumptions(catalog);
  if (!assumed) return fail(assumed.error());
  RunPlan plan;
  plan.step = task.step;
  plan.steps = task.steps;
  plan.detect = assumed->detect;
  plan.restart = assumed->restart;
  plan.spares.repair = assumed->repair;
  plan.stragglers = assumed->stragglers;
  plan.stragglers.hosts = std::max(1.0, task.parts.hosts);
  plan.data = assumed->data;
  for (const auto& set_one : {set(plan.detect, args.detect), set(plan.restart, args.restart),
                              set(plan.spares.repair, args.repair),
                              set_share(plan.stragglers.slow_by, args.straggler, "--straggler"),
                              set_share(plan.data, args.data, "--data")}) {
    if (!set_one) return fail(set_one.error());
  }
  const auto checkpoint = checkpoint_of(catalog, task, args);
  if (!checkpoint) return fail(checkpoint.error());
  const auto cost = checkpoint_cost(*checkpoint);
  if (!cost) return fail(cost.error());
  plan.checkpoint = *cost;
  if (args.interval != "auto") {
    const auto interval = parse_quantity_as<Seconds>(args.interval);
    if (!interval) return fail(interval.error());
    plan.interval = *interval;
  }
  const auto spares = spares_of(args.spares);
  if (!spares) return fail(spares.error());
  plan.spares.nodes = *spares;
  if (args.failures == "none") return plan;
  const auto rates = failure_rates(catalog, *task.system->chip, task.parts);
  if (!rates) return fail(rates.error());
  plan.rates = *rates;
  return plan;
}

Result<PlanBySize> plan_by_size(const Catalog& catalog, const RunTask& task, const RunArgs& args) {
  const auto plan = run_plan(catalog, task, args);
  if (!plan) return fail(plan.error());
  const auto checkpoint = checkpoint_of(catalog, task, args);
  if (!checkpoint) return fail(checkpoint.error());
  return [plan = *plan, checkpoint = *checkpoint, grows = args.storage.empty()](double times) {
    RunPlan larger = resized(plan, times);
    Checkpoint spread = checkpoint;
    spread.state_per_device /= times;
    if (grows) spread.storage *= times;
    larger.checkpoint = *checkpoint_cost(spread);
    return larger;
  };
}

Result<RunView> view_run(const Catalog& catalog, const RunTask& task, const RunArgs& args) {
  auto plan = run_plan(catalog, task, args);
  if (!plan) return fail(plan.error());
  RunView view;
  view.plan = *std::move(plan);
  view.chips = task.chips;
  view.parts = task.parts;
  view.state = task.state;
  view.tokens = task.tokens_per_step * task.steps;
  const auto expected = run_estimate(view.plan);
  if (!expected) return fail(expected.error());
  view.expected = *expected;
  if (args.simulate > 0) {
    const auto simulated = simulate_run(view.plan, args.simulate, args.seed);
    if (!simulated) return fail(simulated.error());
    view.simulated = *simulated;
  }
  view.spares_for_little_waiting =
      spares_needed(view.plan.rates.taking_nodes(), view.plan.spares.repair, kWaiting);
  auto cost = cost_of(catalog, task, args, view.expected);
  if (cost) {
    view.cost = *std::move(cost);
  } else if (!args.rent.empty()) {
    return fail(cost.error());  // was asked for
  } else {
    view.no_cost = cost.error().problems.front().what;
  }
  const auto assumed = run_assumptions(catalog);
  view.facts = assumed->facts;
  return view;
}

}  // namespace fivefold::app
