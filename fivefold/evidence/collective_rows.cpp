#include "fivefold/evidence/collective_rows.h"

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

Result<const Machine*> MachineCache::build(const System& system, int ranks,
                                           const std::string& stack) {
  const int per_chip = system.chip->devices_per_chip;
  const int chips = (ranks + per_chip - 1) / per_chip;
  const std::tuple key{system.id, chips, stack};
  auto found = built_.find(key);
  if (found == built_.end()) {
    const auto library = catalog_->stack(stack);
    if (!library) return fail(library.error());
    found = built_.emplace(key, build_machine(system, chips, **library)).first;
  }
  if (!found->second) return fail(found->second.error());
  return &*found->second;
}

Result<const Machine*> MachineCache::machine(const Chip& chip, int ranks,
                                             const std::string& stack) {
  const System* system = system_for(*catalog_, chip, ranks);
  if (system == nullptr) return no_system(chip);
  return build(*system, ranks, stack);
}

Result<const Machine*> MachineCache::servers(const Chip& chip, int ranks,
                                             const std::string& stack) {
  const System* system = system_for(*catalog_, chip, 1);
  if (system == nullptr) return no_system(chip);
  return build(*system, ranks, stack);
}

std::string library_of(const Chip& chip) {
  if (chip.vendor == "Nvidia") return "comm/nccl";
  if (chip.vendor == "AMD") return "comm/rccl";
  if (chip.vendor == "Huawei") return "comm/hccl";
  return "comm/generic";
}

Prediction start_row(const CsvTable& table, std::size_t row, std::string family, std::string chip) {
  Prediction prediction;
  prediction.form = "collectives";
  prediction.family = std::move(family);
  prediction.chip = std::move(chip);
  prediction.unit = "us";
  const std::string name = table.file.substr(table.file.find_last_of('/') + 1);
  prediction.row = fmt::format("{}:{}", name, table.lines[row]);
  if (const std::string_view id = table.at(row, "id"); !id.empty()) {
    prediction.row += " " + std::string(id);
  }
  return prediction;
}

std::string sized_family(const std::string& family, double bytes) {
  return bytes < double(1 << 20) ? family + "_small" : family;
}

void set_calibrated(Prediction& prediction, const Stack& stack, std::string_view data,
                    std::string_view family, std::string_view shape) {
  prediction.stack = stack.id;
  prediction.calibrated =
      is_calibrated(stack, prediction.form, data, family, prediction.chip, shape);
}

Prediction refuse_row(Prediction prediction, std::string reason) {
  prediction.refused = std::move(reason);
  return prediction;
}

Result<double> needed_number(const CsvTable& table, std::size_t row, std::string_view column) {
  if (const auto value = table.number(row, column)) return *value;
  return fail(fmt::format("column '{}': '{}' is not a number", column, table.at(row, column)), {},
              {table.file, table.lines[row], 0});
}

}  // namespace fivefold
