// A fit as a stack file.
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "fivefold/evidence/calibrate.h"

namespace fivefold {
namespace {

// The piece of a stack that holds what was fitted, if the stack is made of pieces: "fitted/sglang"
// of "cuda/sglang".
std::string fitted_stack(std::string_view stack) {
  return fmt::format("fitted/{}", stack.substr(stack.find('/') + 1));
}

// In single quotes, as YAML wants them.
std::string quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') result += '\'';
    result += c;
  }
  return result + "'";
}

// The error that a user must expect: of held-out rows where the chip was measured, of chips left
// out where it was not.
double expected_error(const KernelLayer& layer) {
  return layer.architecture == "*" && layer.architectures > 1 ? layer.transfer_error
                                                              : layer.held_error;
}

std::string note_of(const KernelLayer& layer) {
  std::string note = fmt::format(
      "{}{} rows: mechanism {:.1f}%, with residual {:.1f}%; {} held out: {:.1f}%, bias {:+.2f}",
      layer.kernel.empty() ? "" : layer.kernel + ": ", layer.rows, layer.fit.mechanism_error * 100,
      layer.fit.error * 100, layer.held_rows, layer.held_error * 100, layer.held_bias);
  if (layer.architecture == "*" && layer.architectures > 1)
    note += fmt::format("; {} architectures, each left out: {:.1f}%", layer.architectures,
                        layer.transfer_error * 100);
  return note;
}

std::string entry_yaml(const KernelLayer& layer, const std::string& source) {
  const double error = std::min(expected_error(layer), 0.6);
  std::string text = fmt::format("  - family: {}\n", layer.listed);
  if (layer.architecture != "*") text += fmt::format("    architecture: {}\n", layer.architecture);
  text += fmt::format("    format: {}\n    source: {}\n    confidence: {}\n", layer.format, source,
                      error < 0.1    ? "high"
                      : error < 0.25 ? "medium"
                                     : "low");
  text += fmt::format("    note: {}\n    parameters:\n      {{", quoted(note_of(layer)));
  bool first = true;
  for (const FittedFact& fact : fitted_facts(layer.family, layer.format == kNarrowFormats)) {
    const double value = layer.fit.facts.*fact.value;
    text += fmt::format("{}{}: ", first ? "" : ", ", fact.name);
    first = false;
    if (fact.chosen) {
      text += fmt::format("{:.4g}", value);
      continue;
    }
    const double high = value * (1 + error);
    text += fmt::format("{{value: {:.4g}, low: {:.4g}, high: {:.4g}}}", value, value * (1 - error),
                        fact.high <= 1 ? std::min(high, std::max(value, 1.0)) : high);
  }
  if (layer.fit.facts.compute_per_clock > 0) {
    const double value = layer.fit.facts.compute_per_clock;
    text += fmt::format(", compute_per_clock: {{value: {:.4g}, low: {:.4g}, high: {:.4g}}}", value,
                        value * (1 - error), value * (1 + error));
  }
  if (!layer.fit.residual.empty())
    text += fmt::format(",\n       residual: {{value: {}}}", layer.fit.residual.encode());
  else
    text += ", residual: {value: flat}";
  return text + "}\n";
}

// Tables, families and chips that a stack's layers came from.
std::string calibration_yaml(const std::vector<const KernelGroup*>& groups) {
  std::set<std::string> lines;
  for (const KernelGroup* group : groups) {
    lines.insert(fmt::format("  - {{form: kernels, data: {}, family: {}, chip: {}}}\n", group->data,
                             group->report, group->chip));
  }
  if (lines.empty()) return "";
  std::string text = "  calibration:\n";
  for (const std::string& line : lines) text += line;
  return text;
}

}  // namespace

std::string stack_yaml(const Catalog& catalog, const KernelLayers& fitted,
                       const std::vector<KernelGroup>& groups, const std::string& source) {
  // A stack for what each runs by itself, and one for each kernel that can be chosen instead.
  std::map<std::string, std::vector<const KernelLayer*>> stacks;
  for (const KernelLayer& layer : fitted.layers) {
    stacks[layer.served ? layer.stack : alternative_stack(layer.stack, layer.kernel)].push_back(
        &layer);
  }
  // Where a chip runs by itself what can be chosen elsewhere, the choice is what was measured
  // there.
  for (const KernelLayer& layer : fitted.layers) {
    const auto chosen = stacks.find(alternative_stack(layer.stack, layer.kernel));
    if (!layer.served || layer.kernel.empty() || chosen == stacks.end()) continue;
    const bool overruled = std::ranges::any_of(chosen->second, [&](const KernelLayer* other) {
      return other->architecture == "*" && other->listed == layer.listed &&
             other->format == layer.format;
    });
    if (overruled) chosen->second.push_back(&layer);
  }
  std::string text = "stacks:\n";
  for (auto& [id, layers] : stacks) {
    // What is fitted on one chip alone counts more than what its architecture shares.
    std::stable_partition(layers.begin(), layers.end(), [&](const KernelLayer* layer) {
      return !catalog.chip(layer->architecture);
    });
    const KernelLayer& first = *layers.front();
    if (first.served) {
      const std::string piece = fitted_stack(id);
      text += fmt::format("- id: {}\n", catalog.stack(piece) ? piece : id);
    } else {
      text += fmt::format("- id: {}\n  name: {}\n  extends: {}\n", id,
                          quoted(fmt::format("{} with the kernel {}", first.stack, first.kernel)),
                          first.stack);
    }
    text += "  entries:\n";
    for (const KernelLayer* layer : layers) text += entry_yaml(*layer, source);
    std::vector<const KernelGroup*> from;
    for (const KernelGroup& group : groups) {
      if (group.stack == first.stack &&
          (first.served ? group.served : group.kernel == first.kernel))
        from.push_back(&group);
    }
    text += calibration_yaml(from);
  }
  return text;
}

}  // namespace fivefold
