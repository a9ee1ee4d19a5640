// Shared by the readers of collective tables: the machine that a row ran on, and the row's
// prediction.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "fivefold/collective/collective.h"
#include "fivefold/evidence/evidence.h"

namespace fivefold {

// Machines are built once for each (system, chips, stack).
class MachineCache {
 public:
  explicit MachineCache(const Catalog& catalog) : catalog_(&catalog) {}
  const Catalog& catalog() const { return *catalog_; }
  // The smallest system with this chip that holds `ranks`, else the largest; enough of it for
  // `ranks`.
  Result<const Machine*> machine(const Chip& chip, int ranks, const std::string& stack);
  // The same, of the smallest system with this chip: ranks beyond it are joined by scale-out.
  Result<const Machine*> servers(const Chip& chip, int ranks, const std::string& stack);

 private:
  Result<const Machine*> build(const System& system, int ranks, const std::string& stack);
  const Catalog* catalog_;
  std::map<std::tuple<std::string, int, std::string>, Result<Machine>> built_;
};

// The collective library that a vendor's chips run.
std::string library_of(const Chip& chip);

// A prediction with everything but its figures: place, chip, stack, calibration.
Prediction start_row(const CsvTable& table, std::size_t row, std::string family, std::string chip);
// Adds "_small" below 1 MiB, as small messages are bound by latency.
std::string sized_family(const std::string& family, double bytes);
void set_calibrated(Prediction& prediction, const Stack& stack, std::string_view data,
                    std::string_view family, std::string_view shape);
Prediction refuse_row(Prediction prediction, std::string reason);

// A number that must be there and be readable.
Result<double> needed_number(const CsvTable& table, std::size_t row, std::string_view column);

Result<Predictions> predict_deepep_table(MachineCache& machines, const CsvTable& table);
Result<Predictions> predict_ep_published(MachineCache& machines, const CsvTable& table);
// A moe_dispatch or moe_combine row of a collective table.
Result<Prediction> predict_moe_row(MachineCache& machines, const CsvTable& table, std::size_t row,
                                   const Chip& chip);

}  // namespace fivefold
