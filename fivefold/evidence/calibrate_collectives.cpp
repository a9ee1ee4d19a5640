#include "fivefold/evidence/calibrate_collectives.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include <fmt/format.h>

#include "fivefold/base/nelder_mead.h"
#include "fivefold/base/parallel.h"

namespace fivefold {
namespace {

constexpr int kLeastRows = 12;         // fewer say nothing about a library
constexpr int kLeastRowsOfAChip = 40;  // nor about what sets a chip apart from its architecture
constexpr double kMostCounted = 0.5;   // of a row's error: outliers of a table count no more
// Weight of ln^2 between a parameter and what is typical of it.
constexpr double kPrior = 0.002;
constexpr int kSweeps = 3;      // over the blocks of a layer
constexpr int kStepsEach = 80;  // of a search, for each of its parameters
constexpr std::array kStarts = {0.3, 0.5, 0.7};

std::string traffic_of(const CollectiveCase& row) {
  if (row.collective) return std::string(name(*row.collective));
  return row.family + (row.exchange.low_latency ? "_ll" : "");
}

Traffic traffic_from(std::string_view wanted) {
  for (int i = 0; i < kTrafficCount; ++i) {
    if (name(Traffic(i)) == wanted) return Traffic(i);
  }
  return Traffic::kAllReduce;
}

// The outermost fabric that the row's group spans.
const Level& governing(const CollectiveCase& row) {
  std::size_t i = row.group.fanout.size() - 1;
  while (i > 0 && row.group.fanout[i] <= 1) --i;
  return row.machine->levels[i];
}

int ring_of(std::string_view fabric) {
  return fabric.ends_with("/scale_out") ? 2 : fabric.ends_with("/host") ? 1 : 0;
}

struct LayerKey {
  std::size_t depth = 0;  // stacks that it rests on
  int ring = 0;           // fabrics that it may lie around
  std::string stack, fabric, traffic;
  auto operator<=>(const LayerKey&) const = default;
};

// Stacks of the fit: the catalog's without what an earlier fit found, and with the layers so far.
class Workshop {
 public:
  Workshop(const Catalog& catalog, std::string_view source) : catalog_(&catalog) {
    for (const Stack* stack : catalog.stacks()) {
      if (!stack->id.starts_with("comm/")) continue;
      Stack& mine = stacks_[stack->id] = *stack;
      std::erase_if(mine.entries, [&](const StackEntry& entry) {
        return std::ranges::any_of(entry.parameters->all, [&](const Fact& fact) {
          return std::ranges::find(fact.sources, source) != fact.sources.end();
        });
      });
    }
  }
  const Catalog& catalog() const { return *catalog_; }
  const Stacks& stacks() const { return stacks_; }
  std::size_t depth(const std::string& stack) const {
    const auto found = stacks_.find(stack);
    return found == stacks_.end() ? 0 : found->second.lineage.size();
  }
  // For the stack and those that rest on it.
  void add(const CollectiveLayer& layer, const std::string& fabric) {
    StackEntry entry{layer.traffic, fabric, "*", {}, 0};
    for (const auto& [parameter, value] : layer.values) {
      Fact fact;
      fact.path = parameter;
      fact.kind = Fact::Kind::kNumber;
      fact.number = value;
      entry.parameters.own().all.push_back(std::move(fact));
    }
    for (auto& [id, stack] : stacks_) {
      const bool rests = std::ranges::find(stack.lineage, layer.stack) != stack.lineage.end();
      if (id == layer.stack || rests) stack.entries.push_back(entry);
    }
  }

 private:
  const Catalog* catalog_;
  Stacks stacks_;
};

// The rows of a layer on copies of their machines, whose parameters a search sets.
class Bench {
 public:
  Bench(const Stack& stack, const std::vector<const CollectiveCase*>& rows, std::string fabric,
        std::string traffic)
      : stack_(&stack),
        rows_(rows),
        fabric_(std::move(fabric)),
        family_(traffic),
        traffic_(traffic_from(traffic)) {
    for (const CollectiveCase* row : rows) machines_.try_emplace(row->machine, *row->machine);
  }
  void set(const LinkFact& fact, double value) {
    for (auto& [original, machine] : machines_) {
      for (Level& level : machine.levels) {
        if (is_mine(level, machine) && !is_stated(machine, fact.name))
          fact.access(level.link.of[std::size_t(traffic_)], &value);
      }
    }
  }
  void set(const CollectiveLayer& layer);
  double ratio(const CollectiveCase& row) const {
    const auto time = time_on(machines_.at(row.machine), row);
    return time ? time->value() * 1e6 / row.prediction.measured : 1;
  }
  double error() const {
    double sum = 0;
    for (const CollectiveCase* row : rows_) {
      const double off = std::abs(std::log(ratio(*row)));
      sum += off / (1 + off / kMostCounted);
    }
    return sum / double(rows_.size());
  }

 private:
  bool is_mine(const Level& level, const Machine& machine) const {
    if (level.fabric == fabric_) return true;
    const std::string kind = level.fabric.substr(level.fabric.find('/'));
    return machine.system->chip->id + kind == fabric_;
  }
  // By people, for this very system.
  bool is_stated(const Machine& machine, std::string_view parameter) const {
    const std::string scope = machine.system->id + fabric_.substr(fabric_.find('/'));
    return std::ranges::any_of(stack_->entries, [&](const StackEntry& entry) {
      return entry.architecture == scope && (entry.family == family_ || entry.family == "*") &&
             entry.parameters->find(parameter) != nullptr;
    });
  }
  const Stack* stack_;
  std::vector<const CollectiveCase*> rows_;
  std::string fabric_, family_;
  Traffic traffic_;
  std::map<const Machine*, Machine> machines_;
};

void Bench::set(const CollectiveLayer& layer) {
  for (const LinkBlock& block : blocks_of(layer.stack, layer.fabric, layer.traffic, true)) {
    for (const LinkFact* fact : block) {
      for (const auto& [name, value] : layer.values) {
        if (name == fact->name) set(*fact, value);
      }
    }
  }
}

double place_of(const LinkFact& fact, double value) {
  return std::log(value / fact.low) / std::log(fact.high / fact.low);
}
double value_at(const LinkFact& fact, double place) {
  return fact.low * std::pow(fact.high / fact.low, std::clamp(place, 0.0, 1.0));
}
// To four digits, as a stack file holds it.
double rounded(double value) {
  const double unit = std::pow(10.0, std::floor(std::log10(value)) - 3);
  return std::round(value / unit) * unit;
}

// One block of parameters, the others as they are.
void fit_block(Bench& bench, const LinkBlock& block, std::map<std::string_view, double>& values) {
  const auto error = [&](const std::vector<double>& x) {
    double outside = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
      const double value = value_at(*block[i], x[i]);
      bench.set(*block[i], value);
      const double far = std::log(value / block[i]->typical);
      outside += std::max(0.0, std::abs(x[i] - 0.5) - 0.5) + kPrior * far * far;
    }
    return bench.error() + outside;
  };
  std::vector<std::vector<double>> starts;
  std::vector<double> current;
  for (const LinkFact* fact : block) {
    const auto known = values.find(fact->name);
    current.push_back(known == values.end() ? 0.5 : place_of(*fact, known->second));
  }
  starts.push_back(current);
  for (const double start : kStarts) starts.emplace_back(block.size(), start);
  Vertex best{{}, INFINITY};
  for (const auto& start : starts) {
    Vertex found = nelder_mead(error, start, kStepsEach * int(block.size()));
    if (found.error < best.error) best = std::move(found);
  }
  for (std::size_t i = 0; i < block.size(); ++i) {
    const double value = rounded(value_at(*block[i], best.x[i]));
    values[block[i]->name] = value;
    bench.set(*block[i], value);
  }
}

// Of a library that chooses by its own model a block may have no rows at all.
bool matters(Bench& bench, const LinkBlock& block) {
  const double before = bench.error();
  for (const LinkFact* fact : block) bench.set(*fact, fact->low);
  const double low = bench.error();
  for (const LinkFact* fact : block) bench.set(*fact, fact->high);
  const double high = bench.error();
  return low != before || high != before;
}

struct Rows {
  std::vector<const CollectiveCase*> fitted, held;
};

CollectiveLayer fit_layer(const Stack& stack, const LayerKey& key, const Rows& rows) {
  CollectiveLayer layer{.stack = key.stack, .fabric = key.fabric, .traffic = key.traffic};
  Bench bench(stack, rows.fitted, key.fabric, key.traffic);
  const Level& level = governing(*rows.fitted.front());
  const bool in_network = level.link[traffic_from(key.traffic)].expected.in_network.value() > 0;
  std::map<std::string_view, double> values;
  std::vector<LinkBlock> blocks = blocks_of(key.stack, key.fabric, key.traffic, in_network);
  for (const LinkBlock& block : blocks) {
    for (const LinkFact* fact : block) {
      values[fact->name] = fact->typical;
      bench.set(*fact, values[fact->name]);
    }
  }
  std::vector<LinkBlock> used;
  for (const LinkBlock& block : blocks) {
    const bool has_rows = matters(bench, block);
    for (const LinkFact* fact : block) bench.set(*fact, values[fact->name]);
    if (has_rows) used.push_back(block);
  }
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    for (const LinkBlock& block : used) fit_block(bench, block, values);
  }
  for (const LinkBlock& block : used) {
    for (const LinkFact* fact : block) layer.values.emplace_back(fact->name, values[fact->name]);
  }
  layer.rows = int(rows.fitted.size());
  layer.held_rows = int(rows.held.size());
  for (const CollectiveCase* row : rows.fitted) {
    layer.error += std::abs(bench.ratio(*row) - 1) / layer.rows;
    layer.chips.insert(row->prediction.chip);
    layer.data.emplace(row->data, row->family, row->prediction.chip);
  }
  Bench held(stack, rows.held, key.fabric, key.traffic);
  for (const LinkBlock& block : used) {
    for (const LinkFact* fact : block) held.set(*fact, values[fact->name]);
  }
  for (const CollectiveCase* row : rows.held) {
    const double ratio = held.ratio(*row);
    layer.held_error += std::abs(ratio - 1) / layer.held_rows;
    layer.held_bias += std::log(ratio) / layer.held_rows;
  }
  return layer;
}

Result<std::vector<CsvTable>> read_tables(const std::vector<std::string>& paths) {
  const auto files = measured_files(paths);
  if (!files) return fail(files.error());
  std::vector<CsvTable> tables;
  for (const std::string& file : *files) {
    auto table = read_csv(file).map(with_header);
    if (!table) return fail(std::move(table.error()));
    if (is_collective_table(*table)) tables.push_back(*std::move(table));
  }
  return tables;
}

Result<CollectiveCases> read_cases(MachineCache& machines, const std::vector<CsvTable>& tables) {
  CollectiveCases all;
  for (const CsvTable& table : tables) {
    auto cases = read_collective_cases(machines, table);
    if (!cases) return fail(std::move(cases.error()));
    std::move(cases->begin(), cases->end(), std::back_inserter(all));
  }
  return all;
}

bool is_usable(const CollectiveCase& row) {
  return row.prediction.refused.empty() && row.prediction.measured > 0 && row.group.size > 1;
}

constexpr double kHeldOut = 0.2;

std::map<LayerKey, Rows> rows_by_layer(const Workshop& workshop, const CollectiveCases& cases,
                                       std::string_view without) {
  std::map<LayerKey, Rows> result;
  for (const CollectiveCase& row : cases) {
    if (!is_usable(row) || row.prediction.chip == without) continue;
    const std::string& fabric = governing(row).fabric;
    const LayerKey key{workshop.depth(row.prediction.stack), ring_of(fabric), row.prediction.stack,
                       fabric, traffic_of(row)};
    Rows& rows = result[key];
    (is_held_out(row.shape, kHeldOut) ? rows.held : rows.fitted).push_back(&row);
  }
  return result;
}

// A chip's own layer must tell so much more of its rows than the one that its architecture shares.
constexpr double kTellsMore = 0.8;

std::map<std::string, Rows> rows_by_chip(const Rows& rows) {
  std::map<std::string, Rows> chips;
  for (const CollectiveCase* row : rows.fitted) chips[row->prediction.chip].fitted.push_back(row);
  for (const CollectiveCase* row : rows.held) chips[row->prediction.chip].held.push_back(row);
  return chips;
}

double error_of(const Stack& stack, const CollectiveLayer& layer, const Rows& rows) {
  Bench bench(stack, rows.fitted, layer.fabric, layer.traffic);
  bench.set(layer);
  double sum = 0;
  for (const CollectiveCase* row : rows.fitted) sum += std::abs(bench.ratio(*row) - 1);
  return sum / double(rows.fitted.size());
}

// An architecture's layer, then those of its chips that differ. A library below that has a layer of
// the chip alone would otherwise count more than this one's of the architecture.
std::vector<CollectiveLayer> fit_with_chips(const Stack& stack, const LayerKey& key,
                                            const Rows& rows,
                                            const std::set<std::string>& apart_below) {
  std::vector<CollectiveLayer> result = {fit_layer(stack, key, rows)};
  const std::map<std::string, Rows> chips = rows_by_chip(rows);
  for (const auto& [chip, own] : chips) {
    LayerKey of_chip = key;
    of_chip.fabric = chip + key.fabric.substr(key.fabric.find('/'));
    const bool is_apart = apart_below.contains(of_chip.fabric + key.traffic);
    const bool may_differ = chips.size() > 1 && int(own.fitted.size()) >= kLeastRowsOfAChip;
    if (own.fitted.empty() || (!is_apart && !may_differ)) continue;
    CollectiveLayer layer = chips.size() > 1 ? fit_layer(stack, of_chip, own) : result.front();
    layer.fabric = of_chip.fabric;
    if (is_apart || layer.error < kTellsMore * error_of(stack, result.front(), own))
      result.push_back(std::move(layer));
  }
  return result;
}

Result<CollectiveLayers> fit(Workshop& workshop, const std::vector<CsvTable>& tables,
                             std::string_view without,
                             const std::function<void(double)>& progress) {
  CollectiveLayers result;
  std::set<LayerKey> done;
  while (true) {
    MachineCache machines(workshop.catalog(), workshop.stacks());
    const auto cases = read_cases(machines, tables);
    if (!cases) return fail(cases.error());
    const std::map<LayerKey, Rows> all = rows_by_layer(workshop, *cases, without);
    std::vector<std::pair<LayerKey, Rows>> pass;
    std::optional<std::pair<std::size_t, int>> stage;
    for (const auto& [key, rows] : all) {
      if (done.contains(key)) continue;
      if (!stage) stage = {key.depth, key.ring};
      if (*stage != std::pair{key.depth, key.ring}) break;
      done.insert(key);
      if (int(rows.fitted.size()) < kLeastRows) {
        result.too_few.push_back(fmt::format("{} {} on {}: {} rows, needs {}", key.stack,
                                             key.traffic, key.fabric, rows.fitted.size(),
                                             kLeastRows));
        continue;
      }
      pass.emplace_back(key, rows);
    }
    if (!stage) {
      for (const CollectiveCase& row : *cases) {
        if (!row.prediction.refused.empty()) ++result.refused[row.prediction.refused];
      }
      return result;
    }
    std::set<std::string> apart;
    for (const CollectiveLayer& layer : result.layers) {
      if (workshop.catalog().chip(layer.fabric.substr(0, layer.fabric.find('/'))))
        apart.insert(layer.fabric + layer.traffic);
    }
    std::vector<std::vector<CollectiveLayer>> fitted(pass.size());
    parallel_for(pass.size(), [&](std::size_t i) {
      fitted[i] = fit_with_chips(workshop.stacks().at(pass[i].first.stack), pass[i].first,
                                 pass[i].second, apart);
    });
    for (std::vector<CollectiveLayer>& layers : fitted) {
      for (CollectiveLayer& layer : layers) {
        workshop.add(layer, layer.fabric);
        result.layers.push_back(std::move(layer));
      }
    }
    if (progress) progress(double(done.size()) / double(all.size()));
  }
}

// Generations of a vendor's chips, for those that nobody measured.
constexpr std::array<std::array<std::string_view, 5>, 3> kGenerations = {
    {{"volta", "ampere", "hopper", "blackwell", "rubin"},
     {"cdna2", "cdna3", "cdna4", "", ""},
     {"ascend_a2", "ascend_a3", "ascend_950", "ascend_960", ""}}};

// Generations between two architectures; the earlier of two at one distance counts as nearer.
std::optional<double> distance(std::string_view a, std::string_view b) {
  for (const auto& line : kGenerations) {
    const auto from = std::ranges::find(line, a), to = std::ranges::find(line, b);
    if (from == line.end() || to == line.end()) continue;
    const double apart = double(to - from);
    return apart > 0 ? apart : -apart - 0.5;
  }
  return std::nullopt;
}

double clock_of(const Catalog& catalog, const std::string& chip) {
  const auto found = catalog.chip(chip);
  return found ? (*found)->device.clock.value() : 0;
}

// Latencies of a chip's own work in cycles, rates as they are: shares of nominal bandwidth.
CollectiveLayer at_clock_of(const Catalog& catalog, CollectiveLayer layer,
                            const std::string& chip) {
  double from = 0;
  for (const std::string& other : layer.chips)
    from += clock_of(catalog, other) / double(layer.chips.size());
  const double to = clock_of(catalog, chip);
  if (from <= 0 || to <= 0) return layer;
  for (auto& [parameter, value] : layer.values) {
    const bool latency = parameter.ends_with("base") || parameter.ends_with("step");
    if (latency) value *= from / to;
  }
  return layer;
}

// Lends the layers of the nearest generation to a chip of which no relative was measured.
void lend(Workshop& workshop, const CollectiveLayers& fitted, const CollectiveCases& cases,
          const std::string& chip) {
  std::set<std::tuple<std::string, std::string, std::string>> wanted;
  for (const CollectiveCase& row : cases) {
    if (is_usable(row) && row.prediction.chip == chip)
      wanted.emplace(row.prediction.stack, governing(row).fabric, traffic_of(row));
  }
  for (const auto& [stack, fabric, traffic] : wanted) {
    const CollectiveLayer* nearest = nullptr;
    double least = INFINITY;
    const std::size_t slash = fabric.find('/');
    for (const CollectiveLayer& layer : fitted.layers) {
      if (layer.stack != stack || layer.traffic != traffic) continue;
      const std::size_t other = layer.fabric.find('/');
      if (layer.fabric.substr(other) != fabric.substr(slash)) continue;
      const auto apart = layer.fabric == fabric
                             ? std::optional(0.0)
                             : distance(fabric.substr(0, slash), layer.fabric.substr(0, other));
      if (!apart || *apart >= least) continue;
      least = *apart;
      nearest = &layer;
    }
    if (nearest != nullptr && least > 0)
      workshop.add(at_clock_of(workshop.catalog(), *nearest, chip), fabric);
  }
}

}  // namespace

Result<CollectiveLayers> fit_collectives(const Catalog& catalog,
                                         const std::vector<std::string>& paths,
                                         std::string_view source,
                                         const std::function<void(double)>& progress) {
  const auto tables = read_tables(paths);
  if (!tables) return fail(tables.error());
  Workshop workshop(catalog, source);
  return fit(workshop, *tables, "", progress);
}

Result<Evidence> validate_collectives_without_chip(const Catalog& catalog,
                                                   const std::vector<std::string>& paths,
                                                   std::string_view source,
                                                   const std::function<void(double)>& progress) {
  const auto tables = read_tables(paths);
  if (!tables) return fail(tables.error());
  MachineCache machines(catalog);
  const auto cases = read_cases(machines, *tables);
  if (!cases) return fail(cases.error());
  std::set<std::string> chips;
  Evidence evidence;
  for (const CollectiveCase& row : *cases) {
    if (is_usable(row)) chips.insert(row.prediction.chip);
    if (!row.prediction.refused.empty()) evidence.predictions.push_back(row.prediction);
  }
  double done = 0;
  for (const std::string& chip : chips) {
    Workshop workshop(catalog, source);
    const auto fitted = fit(workshop, *tables, chip, {});
    if (!fitted) return fail(fitted.error());
    lend(workshop, *fitted, *cases, chip);
    MachineCache others(catalog, workshop.stacks());
    auto again = read_cases(others, *tables);
    if (!again) return fail(std::move(again.error()));
    std::erase_if(*again, [&](const CollectiveCase& row) {
      return row.prediction.chip != chip || !row.prediction.refused.empty();
    });
    for (Prediction& row : predict_cases(*std::move(again))) {
      row.calibrated = false;
      evidence.predictions.push_back(std::move(row));
    }
    if (progress) progress(++done / double(chips.size()));
  }
  for (const Prediction& row : evidence.predictions) {
    if (!row.refused.empty()) ++evidence.refused[row.refused];
  }
  evidence.cells = summarise(evidence.predictions);
  return evidence;
}

}  // namespace fivefold
