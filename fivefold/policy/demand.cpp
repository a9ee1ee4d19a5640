#include "fivefold/policy/demand.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "fivefold/policy/fleet_accounts.h"

namespace fivefold {
namespace {

// Ids of every chip that is supplied or stands in a stock.
std::vector<std::string> chips_of(const Catalog& catalog, const SupplyResult& supply) {
  std::vector<std::string> ids;
  const auto add = [&](const std::string& id) {
    if (!id.empty() && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  };
  for (const VendorSupply& vendor : supply.vendors) {
    for (const auto& product : vendor.products) add(product.chip);
  }
  for (const Fact* fact : catalog.economics()) {
    if (fact->path.starts_with("stock.")) add(fact->path.substr(fact->path.rfind('.') + 1));
  }
  return ids;
}

}  // namespace

Ranged chips_for(const Purchase& purchase) {
  const double each = 1 + purchase.tariff;
  const Fact& budget = *purchase.budget;
  const Fact& price = *purchase.price;
  return {budget.number * purchase.share / (price.number * each),
          budget.lowest() * purchase.share / (price.highest() * each),
          budget.highest() * purchase.share / (price.lowest() * each)};
}

ChipWork work_of(const Catalog& catalog, const Chip& chip, const Service& service,
                 const TrainingTask* training) {
  ChipWork work{.chip = &chip};
  work.flops = std::max(chip.peak(Format::kBf16), chip.peak(Format::kFp16)).value();
  work.bandwidth = chip.memory_bandwidth.value();
  const auto machine = reference_machine(catalog, chip);
  if (!machine) {
    work.why = machine.error().problems[0].what;
    return work;
  }
  work.machine = *machine;
  const auto served = best_service(catalog, *machine->system, machine->serving_chips, service);
  if (served) {
    work.tokens_per_day = served->tokens_per_day() / served->chips;
    if (served->power) work.watts = served->power->value() / served->chips;
  } else {
    work.why = served.error().problems[0].what;
  }
  if (training == nullptr) return work;
  const auto trained = best_training(catalog, *machine->system, machine->training_chips, *training);
  if (trained) {
    work.runs_per_year = runs_per_chip_year(*trained, *training);
  } else if (work.why.empty()) {
    work.why = trained.error().problems[0].what;
  }
  return work;
}

Result<Gap> gap_of(const Catalog& catalog, const SupplyResult& supply, const Service& service,
                   const TrainingTask* training, const std::function<void(double)>& progress) {
  if (supply.years.empty()) {
    return fail("no whole year is in the question", "--from 2024Q1 --to 2027Q4");
  }
  for (const char* id : {"fleet.life", "fleet.permanent"}) {
    const auto fact = catalog.economics(id);
    if (!fact) return fail(fact.error());
    if (!(*fact)->is_number()) return fail(fmt::format("{} is no number", id), {}, (*fact)->place);
  }
  Gap gap;
  const std::vector<std::string> ids = chips_of(catalog, supply);
  for (const std::string& id : ids) {
    const auto chip = catalog.chip(id);
    if (!chip) return fail(chip.error());
    gap.chips.push_back(work_of(catalog, **chip, service, training));
    if (progress) progress(double(gap.chips.size()) / double(ids.size()));
  }
  std::map<std::string, const ChipWork*> works;
  for (std::size_t i = 0; i < ids.size(); ++i) works[ids[i]] = &gap.chips[i];
  count_fleet(catalog, supply, works, gap);
  return gap;
}

}  // namespace fivefold
