#include <algorithm>

#include "fivefold/article/items.h"

namespace fivefold {
namespace {

// More draws than `compare` takes move its intervals by less than they say.
constexpr int kMostDraws = 200;

}  // namespace

const Result<Comparison>& Workbench::comparison() const {
  return comparison_.get([&]() -> Result<Comparison> {
    const auto left = catalog.system("cloudmatrix384");
    const auto right = catalog.system("gb200_nvl72");
    const auto model = catalog.model("deepseek-ai/DeepSeek-R1");
    if (!left) return fail(left.error());
    if (!right) return fail(right.error());
    if (!model) return fail(model.error());
    Question question;
    question.serving.tpot_limit = Seconds(0.05);
    question.serving.ttft_limit = Seconds(2);
    question.training.global_batch = 1152;
    question.samples = std::min(options.samples, kMostDraws);
    question.seed = options.seed;
    return compare(catalog, **left, **right, **model, question);
  });
}

const Result<SupplyResult>& Workbench::supply() const {
  return supply_.get([&]() -> Result<SupplyResult> {
    const auto& book = supply_book();
    if (!book) return fail(book.error());
    SupplyQuestion question;
    question.samples = options.samples;
    question.seed = options.seed;
    return simulate_supply(*book, question);
  });
}

const Result<Gap>& Workbench::gap() const {
  return gap_.get([&]() -> Result<Gap> {
    const auto& made = supply();
    if (!made) return fail(made.error());
    const auto service = usual_service(catalog);
    if (!service) return fail(service.error());
    return gap_of(catalog, *made, *service, nullptr);
  });
}

Result<Served> Workbench::served(std::string_view id) const {
  return served_.get(id, [&]() -> Result<Served> {
    const auto chip = catalog.chip(id);
    const auto service = usual_service(catalog);
    if (!chip) return fail(chip.error());
    if (!service) return fail(service.error());
    const auto machine = reference_machine(catalog, **chip);
    if (!machine) return fail(machine.error());
    return best_service(catalog, *machine->system, machine->serving_chips, *service);
  });
}

Result<Trained> Workbench::trained(std::string_view id) const {
  return trained_.get(id, [&]() -> Result<Trained> {
    const auto chip = catalog.chip(id);
    const auto task = usual_training(catalog);
    if (!chip) return fail(chip.error());
    if (!task) return fail(task.error());
    const auto machine = reference_machine(catalog, **chip);
    if (!machine) return fail(machine.error());
    return best_training(catalog, *machine->system, machine->training_chips, *task);
  });
}

}  // namespace fivefold
