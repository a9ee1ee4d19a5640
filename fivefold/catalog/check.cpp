// What `fivefold catalog check` looks at beyond what reading refuses: that every statement has a
// source that exists, that assumptions have ranges, and that the figures of one product fit each
// other.
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/catalog/catalog.h"
#include "fivefold/catalog/catalog_data.h"

namespace fivefold {
namespace {

struct Checker {
  const Catalog& catalog;
  std::vector<Problem> problems;

  void problem(const Place& place, std::string what, std::string hint = {}) {
    problems.push_back(Problem{place, std::move(what), std::move(hint)});
  }
};

// "arXiv:2412.19437" or an address needs no entry in the list of sources.
bool is_address(std::string_view source) {
  const std::string text = normalized(source);
  return text.starts_with("arxiv:") || text.starts_with("http:") || text.starts_with("https:");
}

void check_source(Checker& checker, const Fact& fact, const std::string& owner,
                  const std::string& id) {
  if (is_address(id) || checker.catalog.source(id)) return;
  std::vector<std::string> known;
  for (const Source* source : checker.catalog.sources()) known.push_back(source->id);
  checker.problem(fact.place, fmt::format("{} {}: unknown source '{}'", owner, fact.path, id),
                  did_you_mean(id, known));
}

void check_fact(Checker& checker, const Fact& fact) {
  if (fact.reading == "remark") return;
  if (fact.sources.empty()) {
    checker.problem(fact.place, fmt::format("{} {} has no source", fact.owner, fact.path),
                    "add source:, or source: assumption with low: and high:");
  }
  for (const std::string& id : fact.sources) check_source(checker, fact, fact.owner, id);
  for (const OtherValue& other : fact.also) {
    if (other.sources.empty()) {
      checker.problem(fact.place,
                      fmt::format("{} {}: an other value has no source", fact.owner, fact.path));
    }
    for (const std::string& id : other.sources) check_source(checker, fact, fact.owner, id);
  }
  // Zero and one without a unit are switches, not amounts.
  const bool is_switch = fact.dim == Dim{} && (fact.number == 0 || fact.number == 1);
  const bool assumed = fact.reading == "assumption" && !is_switch;
  if (assumed && fact.is_number() && (!fact.low || !fact.high)) {
    checker.problem(fact.place,
                    fmt::format("{} {} is an assumption without a range", fact.owner, fact.path),
                    "add low: and high:");
  }
}

// Inherited facts are looked at where they are stated.
void check_facts(Checker& checker, const Facts& facts, const std::string& owner) {
  for (const Fact& fact : facts.all) {
    if (fact.owner == owner) check_fact(checker, fact);
  }
}

Place place_of(const Facts& facts, std::string_view path) {
  const Fact* fact = facts.find(path);
  return fact ? fact->place : Place{};
}

// Bounds are those of everything built since 2015 and announced until 2028, with a factor of two.
void check_chip_figures(Checker& checker, const Chip& chip) {
  const double rate = chip.peak(Format::kBf16).value();
  const double bandwidth = chip.memory_bandwidth.value();
  const double capacity = chip.memory_capacity.value();
  const double power = chip.tdp.value();
  const auto expect = [&](double value, double least, double most, std::string_view path,
                          std::string_view what) {
    if (!std::isfinite(value) || value == 0 || (value >= least && value <= most)) return;
    checker.problem(place_of(chip.facts, path),
                    fmt::format("{}: {} is {:.3g}, plausible is {:.3g} to {:.3g}", chip.id, what,
                                value, least, most));
  };
  if (power > 0) expect(rate / power / 1e12, 0.02, 20, "tdp", "BF16 TFLOPS per watt");
  if (bandwidth > 0)
    expect(rate / bandwidth, 10, 3000, "memory.bandwidth",
           "BF16 operations per byte of memory traffic");
  if (bandwidth > 0)
    expect(capacity / bandwidth * 1e3, 4, 1000, "memory.bandwidth",
           "milliseconds to read all memory");
  if (power > 0) expect(bandwidth / power / 1e9, 0.5, 50, "tdp", "GB/s of memory per watt");
  const double fp8 = chip.peak(Format::kFp8).value();
  if (rate > 0) expect(fp8 / rate, 0.99, 8, "peak_dense.fp8", "FP8 rate over BF16 rate");
  const double devices = chip.device.peak_for(Format::kBf16).value() * chip.devices_per_chip;
  if (rate > 0)
    expect(devices / rate, 0.8, 1.1, "per_device.bf16",
           "rate of all devices over that of the package");
  const double memory = chip.device.memory_capacity.value() * chip.devices_per_chip;
  if (capacity > 0)
    expect(memory / capacity, 0.9, 1.05, "per_device.memory",
           "memory of all devices over that of the package");
}

void check_levels(Checker& checker, const System& system) {
  int inner = 1;
  for (const SystemLevel& level : system.levels) {
    const Place place = place_of(level.facts, "bandwidth");
    if (level.size < inner) {
      checker.problem(place,
                      fmt::format("{}: level '{}' joins {} devices, the one inside it {}",
                                  system.id, level.name, level.size, inner),
                      "list levels from the inside out");
    }
    if (level.size > system.devices()) {
      checker.problem(place, fmt::format("{}: level '{}' joins {} devices of {}", system.id,
                                         level.name, level.size, system.devices()));
    }
    if (level.size % inner != 0) {
      checker.problem(place, fmt::format("{}: level '{}' of {} is no multiple of the {} inside it",
                                         system.id, level.name, level.size, inner));
    }
    // The extents count what the level joins (groups of the level inside it), or all packages.
    const double extent =
        std::accumulate(level.dims.begin(), level.dims.end(), 1.0, std::multiplies<>());
    const bool fits = extent * inner == level.size || extent * level.devices_per_port == level.size;
    if (!level.dims.empty() && !fits) {
      checker.problem(place, fmt::format("{}: dims of level '{}' multiply to {}, not to its size",
                                         system.id, level.name, extent));
    }
    inner = level.size;
  }
}

void check_system_figures(Checker& checker, const System& system) {
  const double chips_power = system.chip->tdp.value() * system.chips;
  if (chips_power > 0 && system.power.value() > 0) {
    const double ratio = system.power.value() / chips_power;
    // A published figure may be what the rack can carry rather than what these chips take.
    if (ratio < 0.8 || ratio > 8) {
      checker.problem(
          place_of(system.facts, "power"),
          fmt::format("{}: {} for {} chips of {} is {:.2g} times what the chips may draw",
                      system.id, format_quantity(system.power), system.chips,
                      format_quantity(system.chip->tdp), ratio));
    }
  }
  const double chips_price = system.chip->price.value() * system.chips;
  if (chips_price > 0 && system.price.value() > 0) {
    const double ratio = system.price.value() / chips_price;
    if (ratio < 0.5 || ratio > 5) {
      checker.problem(place_of(system.facts, "price"),
                      fmt::format("{}: a price of {} is {:.2g} times that of its chips", system.id,
                                  format_quantity(system.price), ratio));
    }
  }
}

// An alias that is also a name of another entry would be found there or here by accident.
template <class Item>
void check_names(Checker& checker, const std::vector<const Item*>& items, std::string_view what) {
  std::map<std::string, std::string> owner;
  for (const Item* item : items) owner.emplace(normalized(item->id), item->id);
  for (const Item* item : items) {
    for (const std::string& alias : item->aliases) {
      const auto [known, is_new] = owner.emplace(normalized(alias), item->id);
      if (is_new || known->second == item->id) continue;
      checker.problem({},
                      fmt::format("{}s '{}' and '{}' share the name '{}'", what, known->second,
                                  item->id, alias),
                      "take the alias from one of them");
    }
  }
}

void check_stacks(Checker& checker) {
  std::map<std::string, std::string> default_of;
  for (const Stack* stack : checker.catalog.stacks()) {
    for (const StackEntry& entry : stack->entries)
      check_facts(checker, *entry.parameters, stack->id);
    if (!stack->is_default) continue;
    const auto [known, is_new] = default_of.emplace(normalized(stack->vendor), stack->id);
    if (!is_new) {
      checker.problem({}, fmt::format("stacks '{}' and '{}' are both the default of {}",
                                      known->second, stack->id, stack->vendor));
    }
  }
}

}  // namespace

std::vector<Problem> Catalog::check() const {
  Checker checker{*this, {}};
  for (const Chip* chip : chips()) {
    check_facts(checker, chip->facts, chip->id);
    check_chip_figures(checker, *chip);
  }
  for (const System* system : systems()) {
    check_facts(checker, system->facts, system->id);
    for (const SystemLevel& level : system->levels) check_facts(checker, level.facts, system->id);
    check_levels(checker, *system);
    check_system_figures(checker, *system);
  }
  check_stacks(checker);
  for (const Fact* fact : economics()) check_fact(checker, *fact);
  check_names(checker, chips(), "chip");
  check_names(checker, systems(), "system");
  check_names(checker, models(), "model");
  check_names(checker, stacks(), "stack");
  for (const Model* model : models()) {
    for (const std::string& id : model->sources) {
      if (!is_address(id) && !source(id)) {
        checker.problem({}, fmt::format("model {}: unknown source '{}'", model->id, id));
      }
    }
    if (model->sources.empty())
      checker.problem({}, fmt::format("model {} has no source", model->id));
  }
  return std::move(checker.problems);
}

}  // namespace fivefold
