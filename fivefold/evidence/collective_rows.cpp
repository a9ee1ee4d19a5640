#include "fivefold/evidence/collective_rows.h"

#include <algorithm>
#include <regex>

#include <fmt/format.h>

namespace fivefold {
namespace {

const System* system_for(const Catalog& catalog, const Chip& chip, int ranks) {
  const System* best = nullptr;
  for (const System* system : catalog.systems()) {
    if (system->chip == nullptr || system->chip->id != chip.id) continue;
    if (best == nullptr) {
      best = system;
      continue;
    }
    const bool best_holds = best->devices() >= ranks;
    const bool holds = system->devices() >= ranks;
    if (holds && (!best_holds || system->devices() < best->devices())) best = system;
    if (!holds && !best_holds && system->devices() > best->devices()) best = system;
  }
  return best;
}

tl::unexpected<Error> no_system(const Chip& chip) {
  return fail(fmt::format("no system with {} in the catalog", chip.id));
}

}  // namespace

Result<const Stack*> MachineCache::stack(const std::string& id) const {
  if (stacks_ != nullptr) {
    if (const auto found = stacks_->find(id); found != stacks_->end()) return &found->second;
  }
  return catalog_->stack(id);
}

Result<const Machine*> MachineCache::build(const System& system, int ranks,
                                           const std::string& stack, BytesPerSecond network) {
  const int per_chip = system.chip->devices_per_chip;
  const int chips = (ranks + per_chip - 1) / per_chip;
  const std::tuple key{system.id, chips, stack, network.value()};
  auto found = built_.find(key);
  if (found == built_.end()) {
    const auto library = this->stack(stack);
    if (!library) return fail(library.error());
    auto machine = build_machine(system, chips, **library);
    if (machine && machine->systems > 1 && network.value() > 0)
      machine->levels.back().bandwidth = network;
    found = built_.emplace(key, std::move(machine)).first;
  }
  if (!found->second) return fail(found->second.error());
  return &*found->second;
}

Result<const Machine*> MachineCache::machine(const Chip& chip, int ranks, const std::string& stack,
                                             BytesPerSecond network) {
  const System* system = system_for(*catalog_, chip, ranks);
  if (system == nullptr) return no_system(chip);
  return build(*system, ranks, stack, network);
}

Result<const Machine*> MachineCache::servers(const Chip& chip, int ranks, const std::string& stack,
                                             BytesPerSecond network) {
  const System* system = system_for(*catalog_, chip, 1);
  if (system == nullptr) return no_system(chip);
  return build(*system, ranks, stack, network);
}

namespace {

// NCCL's versions differ in how small messages use channels and in how hosts issue them. Where a
// source names none, its year tells.
std::string nccl_of(std::string_view version, std::string_view date) {
  static const std::regex kVersion(R"(NCCL 2\.(\d+))"), kYear(R"((\d{4}))");
  std::cmatch found;
  int minor = 99;
  if (std::regex_search(version.begin(), version.end(), found, kVersion)) {
    minor = std::stoi(found[1]);
  } else if (std::regex_search(date.begin(), date.end(), found, kYear)) {
    const int year = std::stoi(found[1]);
    minor = year <= 2022 ? 12 : year <= 2024 ? 18 : 99;
  }
  return minor <= 12 ? "comm/nccl-2.12" : minor <= 19 ? "comm/nccl-2.18" : "comm/nccl";
}

}  // namespace

std::string library_of(const Catalog& catalog, const Chip& chip, std::string_view data,
                       std::string_view version, std::string_view date) {
  const auto lists = [&](const Stack& stack) {
    return stack.id.starts_with("comm/") && !stack.id.starts_with(kFittedPieces) &&
           std::ranges::any_of(stack.calibration, [&](const Calibration& used) {
             return used.form == "collectives" && used.data == data && used.chip == chip.id;
           });
  };
  for (const Stack* stack : catalog.stacks()) {
    if (!data.empty() && lists(*stack)) return stack->id;
  }
  if (chip.vendor == "Nvidia") return nccl_of(version, date);
  if (chip.vendor == "AMD") return "comm/rccl";
  if (chip.vendor == "Huawei") return "comm/hccl";
  return "comm/generic";
}

CollectiveCase start_case(const CsvTable& table, std::size_t row, std::string family,
                          std::string chip) {
  CollectiveCase result;
  Prediction& prediction = result.prediction;
  prediction.form = "collectives";
  prediction.family = std::move(family);
  prediction.chip = std::move(chip);
  prediction.unit = "us";
  const std::string name = table.file.substr(table.file.find_last_of('/') + 1);
  prediction.row = fmt::format("{}:{}", name, table.lines[row]);
  if (const std::string_view id = table.at(row, "id"); !id.empty()) {
    prediction.row += " " + std::string(id);
  }
  return result;
}

std::string sized_family(const std::string& family, double bytes) {
  return bytes < double(1 << 20) ? family + "_small" : family;
}

void set_calibrated(CollectiveCase& row, const Stack& stack) {
  Prediction& prediction = row.prediction;
  prediction.stack = stack.id;
  prediction.calibrated =
      is_calibrated(stack, prediction.form, row.data, row.family, prediction.chip, row.shape);
}

CollectiveCase refuse_row(CollectiveCase row, std::string reason) {
  row.prediction.refused = std::move(reason);
  return row;
}

Result<Seconds> time_on(const Machine& machine, const CollectiveCase& row) {
  if (!row.collective) return moe_exchange_time(machine, row.group, row.exchange).time;
  return plan_collective(machine, *row.collective, row.group, row.bytes, row.options)
      .map([](const CollectivePlan& plan) { return time_of(plan).time; });
}

Predictions predict_cases(CollectiveCases cases) {
  Predictions predictions;
  for (CollectiveCase& row : cases) {
    if (row.prediction.refused.empty()) {
      const auto time = time_on(*row.machine, row);
      if (time) {
        row.prediction.predicted = time->value() * 1e6;
      } else {
        row.prediction.refused = time.error().problems.front().what;
      }
    }
    predictions.push_back(std::move(row.prediction));
  }
  return predictions;
}

Result<double> needed_number(const CsvTable& table, std::size_t row, std::string_view column) {
  if (const auto value = table.number(row, column)) return *value;
  return fail(fmt::format("column '{}': '{}' is not a number", column, table.at(row, column)), {},
              {table.file, table.lines[row], 0});
}

}  // namespace fivefold
