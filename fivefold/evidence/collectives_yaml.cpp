// A fit of collectives as a stack file.
#include <algorithm>

#include <fmt/format.h>

#include "fivefold/evidence/calibrate_collectives.h"

namespace fivefold {
namespace {

const LinkFact* fact_of(const CollectiveLayer& layer, std::string_view name) {
  for (const LinkBlock& block : blocks_of(layer.stack, layer.fabric, layer.traffic, true)) {
    for (const LinkFact* fact : block) {
      if (fact->name == name) return fact;
    }
  }
  return nullptr;
}

std::string value_yaml(const LinkFact& fact, double value, double error) {
  const double written = value / fact.scale;
  const double high = fact.unit.empty() && fact.high <= 1
                          ? std::min(written * (1 + error), std::max(written, 1.0))
                          : written * (1 + error);
  return fmt::format("{}: {{value: {:.4g}, {}low: {:.4g}, high: {:.4g}}}", fact.name, written,
                     fact.unit.empty() ? "" : fmt::format("unit: {}, ", fact.unit),
                     written * (1 - error), high);
}

std::string entry_yaml(const CollectiveLayer& layer, const std::string& source) {
  const double error = std::min(layer.held_rows > 0 ? layer.held_error : layer.error, 0.6);
  std::string text =
      fmt::format("  - family: {}\n    architecture: {}\n    source: {}\n    confidence: {}\n",
                  layer.traffic, layer.fabric, source,
                  error < 0.1    ? "high"
                  : error < 0.25 ? "medium"
                                 : "low");
  text += fmt::format("    note: '{} rows of {}: {:.1f}%; {} held out: {:.1f}%, bias {:+.2f}'\n",
                      layer.rows, fmt::join(layer.chips, ", "), layer.error * 100, layer.held_rows,
                      layer.held_error * 100, layer.held_bias);
  text += "    parameters:\n      {";
  for (std::size_t i = 0; i < layer.values.size(); ++i) {
    const auto& [parameter, value] = layer.values[i];
    if (i > 0) text += i % 2 == 0 ? ",\n       " : ", ";
    text += value_yaml(*fact_of(layer, parameter), value, error);
  }
  return text + "}\n";
}

}  // namespace

std::string collective_yaml(const CollectiveLayers& fitted, const std::string& source) {
  std::map<std::string, std::vector<const CollectiveLayer*>> stacks;
  for (const CollectiveLayer& layer : fitted.layers) stacks[layer.stack].push_back(&layer);
  std::string text = "stacks:\n";
  for (const auto& [id, layers] : stacks) {
    text += fmt::format("- id: {}{}\n  entries:\n", kFittedPieces, id.substr(id.find('/') + 1));
    std::set<std::string> from;
    for (const CollectiveLayer* layer : layers) {
      text += entry_yaml(*layer, source);
      for (const auto& [data, family, chip] : layer->data) {
        from.insert(fmt::format("  - {{form: collectives, data: {}, family: {}, chip: {}}}\n", data,
                                family, chip));
      }
    }
    text += "  calibration:\n";
    for (const std::string& line : from) text += line;
  }
  return text;
}

}  // namespace fivefold
