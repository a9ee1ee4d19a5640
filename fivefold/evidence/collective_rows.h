// Shared by the readers of collective tables: what a row ran and where, from which it is predicted
// and by which parameters are fitted.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "fivefold/collective/plan.h"
#include "fivefold/evidence/evidence.h"

namespace fivefold {

// Machines are built once for each (system, chips, stack, rate of the network cards).
using Stacks = std::map<std::string, Stack, std::less<>>;

class MachineCache {
 public:
  explicit MachineCache(const Catalog& catalog) : catalog_(&catalog) {}
  // With these stacks in place of the catalog's of the same id; they must outlive the cache.
  MachineCache(const Catalog& catalog, const Stacks& stacks)
      : catalog_(&catalog), stacks_(&stacks) {}
  const Catalog& catalog() const { return *catalog_; }
  // The smallest system with this chip that holds `ranks`, else the largest; enough of it for
  // `ranks`. `network`: of a device, if the row states it.
  Result<const Machine*> machine(const Chip& chip, int ranks, const std::string& stack,
                                 BytesPerSecond network = {});
  // The same, of the smallest system with this chip: ranks beyond it are joined by scale-out.
  Result<const Machine*> servers(const Chip& chip, int ranks, const std::string& stack,
                                 BytesPerSecond network = {});

 private:
  Result<const Machine*> build(const System& system, int ranks, const std::string& stack,
                               BytesPerSecond network);
  Result<const Stack*> stack(const std::string& id) const;
  const Catalog* catalog_;
  const Stacks* stacks_ = nullptr;
  std::map<std::tuple<std::string, int, std::string, double>, Result<Machine>> built_;
};

// One row: the operation and the machine, or why it cannot be expressed (prediction.refused).
struct CollectiveCase {
  Prediction prediction;  // with what was measured; not yet what is predicted
  const Machine* machine = nullptr;
  Group group;
  std::optional<Collective> collective;  // none: a MoE exchange
  Bytes bytes;
  CollectiveOptions options;
  MoeExchange exchange;
  std::string data, family, shape;  // as a stack's calibration names them
};
using CollectiveCases = std::vector<CollectiveCase>;

// The time on a machine of the same levels as the case's own.
Result<Seconds> time_on(const Machine& machine, const CollectiveCase& row);

// Rows of a table that is_collective_table; the machines live as long as the cache.
Result<CollectiveCases> read_collective_cases(MachineCache& machines, const CsvTable& table);
Predictions predict_cases(CollectiveCases cases);

// Pieces of stacks that hold what was fitted: no row runs under them.
inline constexpr std::string_view kFittedPieces = "comm/fitted/";
// The library that a row ran under: a stack of collectives that lists the row's source among what
// it was calibrated on or covers, else the one that chips of the vendor ran at that version or
// time.
std::string library_of(const Catalog& catalog, const Chip& chip, std::string_view data,
                       std::string_view version = {}, std::string_view date = {});

// A case with everything but its operation: place, chip.
CollectiveCase start_case(const CsvTable& table, std::size_t row, std::string family,
                          std::string chip);
// Adds "_small" below 1 MiB, as small messages are bound by latency.
std::string sized_family(const std::string& family, double bytes);
// Names the case's stack, and whether that was calibrated on it.
void set_calibrated(CollectiveCase& row, const Stack& stack);
CollectiveCase refuse_row(CollectiveCase row, std::string reason);

// A number that must be there and be readable.
Result<double> needed_number(const CsvTable& table, std::size_t row, std::string_view column);

Result<CollectiveCases> read_deepep_table(MachineCache& machines, const CsvTable& table);
Result<CollectiveCases> read_ep_published(MachineCache& machines, const CsvTable& table);
// A moe_dispatch or moe_combine row of a collective table.
Result<CollectiveCase> read_moe_row(MachineCache& machines, const CsvTable& table, std::size_t row,
                                    const Chip& chip);

}  // namespace fivefold
