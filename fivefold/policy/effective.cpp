#include "fivefold/policy/effective.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "fivefold/catalog/fact_reader.h"
#include "fivefold/planner/answer.h"
#include "fivefold/planner/bench.h"
#include "fivefold/planner/serving_search.h"

namespace fivefold {
namespace {

constexpr int kServingChips = 32;
constexpr int kTrainingChips = 1024;
constexpr int kMostChips = 1000000;
constexpr double kYear = 365 * 86400.0;

Result<double> number_of(const Catalog& catalog, std::string_view id) {
  const auto fact = catalog.economics(id);
  if (!fact) return fail(fact.error());
  if (!(*fact)->is_number()) return fail(fmt::format("{} is no number", id), {}, (*fact)->place);
  return (*fact)->number;
}

Result<const Model*> model_of(const Catalog& catalog, std::string_view id) {
  const auto fact = catalog.economics(id);
  if (!fact) return fail(fact.error());
  return catalog.model((*fact)->text);
}

const System* smallest_system(const Catalog& catalog, const Chip& chip) {
  const System* smallest = nullptr;
  for (const System* system : catalog.systems()) {
    if (system->chip->id != chip.id) continue;
    if (smallest == nullptr || system->chips < smallest->chips) smallest = system;
  }
  return smallest;
}

// One entry of `fleet`: {chip, system, serving, training}.
std::optional<ReferenceMachine> read_machine(const Catalog& catalog, const Chip& chip,
                                             const yaml::Node& entry, const FactReader& reader,
                                             std::vector<Problem>& problems) {
  const auto refuse = [&](const Error& error) {
    problems.push_back({reader.place(entry), error.problems[0].what, error.problems[0].hint});
  };
  std::string of, in;
  ReferenceMachine machine{nullptr, kServingChips, kTrainingChips};
  for (std::size_t i = 0; i < entry.keys.size(); ++i) {
    const std::string& key = entry.keys[i];
    const yaml::Node& node = entry.items[i];
    if (key == "chip") {
      of = reader.text(node, key);
    } else if (key == "system") {
      in = reader.text(node, key);
    } else if (key == "serving") {
      machine.serving_chips = reader.whole_number(node, key, 1, kMostChips);
    } else if (key == "training") {
      machine.training_chips = reader.whole_number(node, key, 1, kMostChips);
    } else {
      reader.unknown_key(entry, i, "a reference machine",
                         {"chip", "system", "serving", "training"});
    }
  }
  const auto named = catalog.chip(of);
  const auto system = catalog.system(in);
  if (!named) {
    refuse(named.error());
  } else if (!system) {
    refuse(system.error());
  } else if ((*system)->chip != *named) {
    reader.problem(entry, fmt::format("{} is no system of {}", in, of));
  } else if (*named == &chip) {
    machine.system = *system;
    return machine;
  }
  return {};
}

}  // namespace

Result<Served> best_service(const Catalog& catalog, const System& system, int chips,
                            const Service& service) {
  const Chip& chip = *system.chip;
  const auto bench = serving_bench(system, chips, *service.model,
                                   with_engine(catalog, catalog.default_stack(chip), chip));
  if (!bench) return fail(bench.error());
  const ServingSpace space{*bench->serving, *bench->machine, *bench->model, bench->policy,
                           &catalog};
  const ServingGoal goal{.workload = service.workload, .slo = service.slo};
  const auto found = search_serving(space, goal, 1);
  if (!found) return fail(found.error());
  Served served{.chips = chips, .plan = found->best};
  const ServingCost cost =
      cost_of(catalog, *bench->machine, load_of(space, service.workload, served.plan));
  served.power = cost.power;
  served.usd = cost.usd;
  return served;
}

Result<Trained> best_training(const Catalog& catalog, const System& system, int chips,
                              const TrainingTask& task) {
  const Chip& chip = *system.chip;
  const auto bench = training_bench(system, chips, *task.model,
                                    training_stack(catalog, chip, default_framework(chip)));
  if (!bench) return fail(bench.error());
  TrainingJob job = as_megatron_core(task.job);
  job.format = training_format(bench->machine->device);
  auto found = search_training(bench->training, *bench->machine, *task.model, job, 1);
  if (!found) return fail(found.error());
  return Trained{chips, std::move(found->best.front())};
}

double runs_per_chip_year(const Trained& trained, const TrainingTask& task) {
  return trained.tokens_per_second() * kYear / task.tokens / trained.chips;
}

Result<Service> usual_service(const Catalog& catalog) {
  const auto model = model_of(catalog, "fleet.service.model");
  const auto input = number_of(catalog, "fleet.service.input");
  const auto output = number_of(catalog, "fleet.service.output");
  const auto tpot = number_of(catalog, "fleet.service.tpot");
  if (!model) return fail(model.error());
  if (!input) return fail(input.error());
  if (!output) return fail(output.error());
  if (!tpot) return fail(tpot.error());
  Service service{.model = *model};
  service.workload.input = *input;
  service.workload.output = *output;
  service.slo.tpot = Seconds(*tpot);
  return service;
}

Result<TrainingTask> usual_training(const Catalog& catalog) {
  const auto model = model_of(catalog, "fleet.training.model");
  const auto tokens = number_of(catalog, "fleet.training.tokens");
  const auto batch = number_of(catalog, "fleet.training.batch");
  if (!model) return fail(model.error());
  if (!tokens) return fail(tokens.error());
  if (!batch) return fail(batch.error());
  TrainingTask task{.model = *model, .tokens = *tokens};
  task.job.global_batch = int(*batch);
  return task;
}

Result<ReferenceMachine> reference_machine(const Catalog& catalog, const Chip& chip) {
  std::optional<ReferenceMachine> stated;  // the highest layer's
  for (const CatalogFile* file : catalog.files_with("fleet")) {
    std::vector<Problem> problems;
    const yaml::Node root = yaml::parse(file->text, file->name, problems);
    const FactReader reader(file->name, 0, problems);
    const yaml::Node& list = *root.find("fleet");
    if (!reader.expect_list(list, "fleet")) return fail(Error{std::move(problems)});
    for (const yaml::Node& entry : list.items) {
      if (!reader.expect_map(entry, "a reference machine")) continue;
      if (const auto machine = read_machine(catalog, chip, entry, reader, problems))
        stated = machine;
    }
    if (!problems.empty()) return fail(Error{std::move(problems)});
  }
  if (stated) return *stated;
  const System* system = smallest_system(catalog, chip);
  if (system == nullptr) return fail(fmt::format("no system of the catalog has {}", chip.id));
  return ReferenceMachine{system, kServingChips, kTrainingChips};
}

}  // namespace fivefold
