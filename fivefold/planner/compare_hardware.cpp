#include <cmath>

#include <fmt/format.h>

#include "fivefold/planner/compare_parts.h"

namespace fivefold {
namespace {

enum class Scope { kChip, kSystemOfChips, kSystem };

// A line that is a fact, of one chip, of all chips together or of the system.
struct FactLine {
  const char* id;
  const char* label;
  const char* path;
  Scope scope;
  const char* unit;
  bool more_is_better = true;
};

constexpr FactLine kChipLines[] = {
    {"chip.bf16", "dense BF16", "peak_dense.bf16", Scope::kChip, "FLOP/s"},
    {"chip.fp8", "dense FP8", "peak_dense.fp8", Scope::kChip, "FLOP/s"},
    {"chip.int8", "dense INT8", "peak_dense.int8", Scope::kChip, "OP/s"},
    {"chip.fp4", "dense FP4", "peak_dense.fp4", Scope::kChip, "FLOP/s"},
    {"chip.memory", "HBM", "memory.capacity", Scope::kChip, "B"},
    {"chip.bandwidth", "HBM bandwidth", "memory.bandwidth", Scope::kChip, "B/s"},
    {"chip.scale_up", "scale-up bandwidth, per direction", "scale_up.bandwidth_per_direction",
     Scope::kChip, "B/s"},
    {"chip.power", "chip power (TDP)", "tdp", Scope::kChip, "W", false},
    {"chip.price", "chip price", "price", Scope::kChip, "USD", false},
};

constexpr FactLine kSystemLines[] = {
    {"peak.bf16", "dense BF16", "peak_dense.bf16", Scope::kSystemOfChips, "FLOP/s"},
    {"peak.fp8", "dense FP8", "peak_dense.fp8", Scope::kSystemOfChips, "FLOP/s"},
    {"peak.int8", "dense INT8", "peak_dense.int8", Scope::kSystemOfChips, "OP/s"},
    {"peak.fp4", "dense FP4", "peak_dense.fp4", Scope::kSystemOfChips, "FLOP/s"},
    {"memory.capacity", "HBM", "memory.capacity", Scope::kSystemOfChips, "B"},
    {"memory.bandwidth", "HBM bandwidth", "memory.bandwidth", Scope::kSystemOfChips, "B/s"},
    {"scale_up", "scale-up bandwidth, per direction", "scale_up.bandwidth_per_direction",
     Scope::kSystemOfChips, "B/s"},
    {"scale_out", "scale-out bandwidth, per direction", "scale_out.per_chip", Scope::kSystem,
     "B/s"},
    {"power", "power, all in", "power", Scope::kSystem, "W", false},
    {"price", "price", "price", Scope::kSystem, "USD", false},
};

std::string statement(const FactLine& line, const System& system, const Fact& fact, double count) {
  const std::string value = show(fact.number * count, line.unit);
  if (line.scope == Scope::kChip)
    return fmt::format("{} of one {}: {}", line.label, system.chip->name, value);
  return fmt::format("{} of {}: {}", line.label, system.name, value);
}

Side side_of(const FactLine& line, const System& system) {
  const Facts& facts = line.scope == Scope::kSystem ? system.facts : system.chip->facts;
  const Fact* fact = facts.find(line.path);
  if (fact == nullptr || fact->kind == Fact::Kind::kUnknown) {
    Side side =
        unknown("not published", fmt::format("{}: no published figure was found", line.label));
    if (fact != nullptr) side.why.facts = {*fact};
    return side;
  }
  if (!fact->is_number()) {
    Side side = unknown("none", fmt::format("{} has no {}", system.chip->name, line.label));
    side.why.facts = {*fact};
    return side;
  }
  // What is stated per chip counts once for each; scale-out is stated per chip on the system.
  const bool per_chip =
      line.scope == Scope::kSystemOfChips || std::string_view(line.path) == "scale_out.per_chip";
  const double count = per_chip ? system.chips : 1;
  Explanation why{statement(line, system, *fact, count), {}, {}, {*fact}};
  if (per_chip)
    why.formula = fmt::format("{} chips x {}", system.chips, show(fact->number, line.unit));
  Side side = known(fact->number * count, line.unit, std::move(why));
  if (fact->lowest() < fact->highest()) {
    side.low = fact->lowest() * count;
    side.high = fact->highest() * count;
  }
  return side;
}

Line line_of(const FactLine& line, const Sides& sides) {
  return {line.id,
          line.label,
          line.unit,
          side_of(line, *sides.left.system),
          side_of(line, *sides.right.system),
          line.more_is_better,
          {}};
}

Line chips_line(const Sides& sides) {
  const auto side = [](const System& system) {
    return known(system.chips, "chips",
                 {fmt::format("{} has {} chips ({}), {} devices to software", system.name,
                              system.chips, system.chip->name, system.devices()),
                  {},
                  {},
                  {}});
  };
  return {"chips", "chips", "chips", side(*sides.left.system), side(*sides.right.system), true, {}};
}

// What one unit of `below` costs in `above`: power per FLOP, dollars per FLOP.
Line quotient_line(const char* id, const char* label, const char* unit, const Line& above,
                   const Line& below, double scale) {
  const auto side = [&](const Side& over, const Side& under) {
    if (!over.value || !under.value || *under.value == 0)
      return unknown("not published", "needs both figures");
    const double value = *over.value / *under.value * scale;
    return known(value, unit,
                 {fmt::format("{}: {}", label, show(value, unit)),
                  fmt::format("{} / {}", over.text, under.text),
                  {over.why, under.why},
                  {}});
  };
  return {id, label, unit, side(above.left, below.left), side(above.right, below.right), false, {}};
}

}  // namespace

std::vector<Section> hardware_sections(const Sides& sides) {
  Section chip{
      "One chip",
      fmt::format("{} against {}", sides.left.system->chip->name, sides.right.system->chip->name),
      {}};
  for (const FactLine& line : kChipLines) chip.lines.push_back(line_of(line, sides));

  Section system{"The system", "Peaks are dense, bandwidth is per direction, power is all in.", {}};
  system.lines.push_back(chips_line(sides));
  for (const FactLine& line : kSystemLines) system.lines.push_back(line_of(line, sides));
  const auto find = [&](std::string_view id) -> const Line& {
    for (const Line& line : system.lines) {
      if (line.id == id) return line;
    }
    return system.lines.front();
  };
  std::vector<Line> quotients = {
      quotient_line("power.per_flop", "power per dense BF16", "W/TFLOPS", find("power"),
                    find("peak.bf16"), 1e12),
      quotient_line("power.per_bandwidth", "power per HBM bandwidth", "W per TB/s", find("power"),
                    find("memory.bandwidth"), 1e12),
      quotient_line("price.per_flop", "price per dense BF16", "USD/TFLOPS", find("price"),
                    find("peak.bf16"), 1e12),
  };
  for (Line& line : quotients) system.lines.push_back(std::move(line));
  return {chip, system};
}

}  // namespace fivefold
